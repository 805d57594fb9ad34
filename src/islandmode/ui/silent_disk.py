"""A stop beside a disk that says nothing: signals, which need no file, and an end of its own.

`abort` and `restore` read what is owed from the runs' folder. Where that hangs, the processes of a run are told by signal, as
the machine's own record names them, and this command ends with a message instead of with the disk.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from islandmode.core.errors import IslandmodeError
from islandmode.run.outermost import sentence_of
from islandmode.store import active
from islandmode.store.active import RunRecord
from islandmode.system.clock import MachineClock
from islandmode.system.life import FAULTS, within
from islandmode.ui.exits import STRANDED

LOOK_S = 0.1
SIGNAL_AFTER_S = 2.0
GIVE_UP_AFTER_S = 20.0
UNSEEN = (
    "STRANDED: this command has seen nothing restored, because the disk with the record of a run does not answer. Look at the "
    "plant, and restore by the commands of the card, on each device's console; `islandmode restore` again when the disk answers."
)


def beside(work: Callable[[], object], within_s: float) -> str:
    """Do what only reads in a thread that may be left behind; returns why it was not seen done, empty when it was. Never raises."""
    try:
        within(within_s, work)
    except TimeoutError:
        return f"the disk did not answer within {within_s:g} s"
    except (OSError, IslandmodeError) as error:
        return sentence_of(error).rstrip(".")
    except FAULTS as error:
        return f"internal error ({type(error).__name__})"
    return ""


class DiskWatch:
    """Watches from a thread whether a stop gets past its reading."""

    def __init__(self, run: str | None, workspace: Path | None) -> None:
        """Start watching a stop of one run, or of every run: of one workspace, or of the machine when none is named."""
        self._run, self._workspace = run, workspace.absolute() if workspace is not None else None
        self._clock = MachineClock.of_this_boot()
        self._step_us = self._clock.monotonic_us()
        self._reading = True
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="disk-watch", daemon=True).start()

    def step(self) -> None:
        """Say that the disk has answered just now."""
        self._step_us = self._clock.monotonic_us()

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Say that what is done now waits for no disk."""
        self._reading = False
        try:
            yield
        finally:
            self.step()
            self._reading = True

    def end(self) -> None:
        """Stop watching."""
        self._over.set()

    def _watch(self) -> None:
        told = False
        while not self._over.wait(LOOK_S):
            silent_s = (self._clock.monotonic_us() - self._step_us) / 1_000_000 if self._reading else 0.0
            if silent_s > SIGNAL_AFTER_S and not told:
                told = True
                print(self._tell(), file=sys.stderr, flush=True)
            if silent_s > GIVE_UP_AFTER_S:
                print(UNSEEN, file=sys.stderr, flush=True)
                # Nothing else ends a process whose main thread waits for a disk.
                os._exit(STRANDED)

    def _tell(self) -> str:
        """Signal whoever has a run, by the machine's own record of it, and say who that is."""
        told = []
        for one in active.known().runs:
            named = self._run in (None, "last") or one.run.startswith(str(self._run))
            if named and self._workspace in (None, one.workspace):
                told += [f"{what} of {one.run} (process {pid})" for what, pid in _signalled(one)]
        who = (
            f"told to restore by signal: {', '.join(told)}"
            if told
            else "no running conductor or guardian was found to signal"
        )
        return f"islandmode: the disk with the record of a run does not answer; {who}."


def _signalled(one: RunRecord) -> Iterator[tuple[str, int]]:
    """Tell conductor and guardian of a run to end; both restore first."""
    for what, asked in (("conductor", one.conductor), ("guardian", one.guardian)):
        with suppress(OSError):
            holder = asked()
            if holder is not None and holder.pid is not None:
                os.kill(holder.pid, signal.SIGTERM)
                yield what, holder.pid


@contextmanager
def watching(run: str | None, workspace: Path | None = None) -> Iterator[DiskWatch]:
    """Watch a stop to its end."""
    watch = DiskWatch(run, workspace)
    try:
        yield watch
    finally:
        watch.end()
