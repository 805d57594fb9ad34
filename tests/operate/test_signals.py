"""Signals that reach the process of a run after its end: in a process of its own, because a signal may end it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.patience import PATIENCE_S

RUN = """
import os, signal, subprocess, sys
import anyio
from islandmode.operate.signals import heard_as_before, receive_signals
from islandmode.run.progress import StopLatch

number, before = signal.Signals[sys.argv[1]], signal.getsignal(signal.Signals[sys.argv[1]])
latch = StopLatch()

async def conduct():
    async with anyio.create_task_group() as beside:
        await beside.start(receive_signals, latch)
        os.kill(os.getpid(), number)
        while latch.first is None:
            await anyio.sleep(0.01)
        beside.cancel_scope.cancel()

with heard_as_before():
    anyio.run(conduct)
    os.kill(os.getpid(), number)
    print(latch.first.why, "The outcome is written.")
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    child.send_signal(number)
    print(-child.wait() == number)
print(signal.getsignal(number) is before)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_after_the_end_of_a_run_does_not_keep_it_from_saying_what_came_of_it(name: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", RUN, name], capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"{name} was received. The outcome is written.\nTrue\nTrue\n"
