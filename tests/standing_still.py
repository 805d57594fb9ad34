"""Stop a process and see that it stands still: a signal alone may reach a thread only when a busy machine next runs it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.patience import wait_until

STILL = frozenset("TtDZX")
"""Stopped, waiting for a disk that does not answer, or gone."""


def stand_still(pid: int) -> None:
    """Stop a process, and come back when none of its threads runs any more."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: states(pid) <= STILL, f"process {pid} stands still", every_s=0.002)


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal; after one that stops, the process stands still."""
    if number is signal.SIGSTOP:
        stand_still(pid)
    else:
        os.kill(pid, number)


def states(pid: int) -> set[str]:
    """Name the states of a process's threads; none of a process that is gone."""
    found = set()
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            found.add(thread.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0])
        except OSError:
            continue
    return found
