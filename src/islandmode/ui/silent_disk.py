"""Commands on a disk that does not answer: each ends by itself, with a message, instead of hanging with the disk.

`abort` and `restore` read what is owed from the runs' folder. Where that hangs, the processes of a run are told by signal, which
needs no file, as the machine's own record names them. A command that only looks names the runs in that record, and what it could
not read.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from islandmode.operate.watch import beside
from islandmode.run.outermost import STRANDED
from islandmode.store import active
from islandmode.store.active import RunRecord
from islandmode.system.clock import MachineClock
from islandmode.system.output import end_now, is_told
from islandmode.system.own_program import typed

LOOK_S = 0.1
PATIENCE_S = 4.0
"""How long a command that only looks waits for one answer of a disk."""
RECORD_S = 3.0
SIGNAL_AFTER_S = 2.0
GIVE_UP_AFTER_S = 20.0
UNSEEN = (
    "STRANDED: this command has seen nothing restored, because the record of a run was not read within "
    f"{GIVE_UP_AFTER_S:g} s. Look at the plant, and restore with the commands on the card, at each device's console; run "
    "`{restore}` again when its disk answers."
)


class DiskWatch:
    """Watches from a thread whether a stop gets past its reading."""

    def __init__(self, run: str | None, workspace: Path | None) -> None:
        """Start watching a stop of one run, or of every run: of one workspace, or of the machine when none is named."""
        self._run, self._workspace = run, workspace.absolute() if workspace is not None else None
        self._clock = MachineClock.of_this_boot()
        self._step_us = self._clock.monotonic_us()
        self._reading = True
        # Found out now: later, no disk may be asked.
        self._again = typed("restore")
        self._over = threading.Event()
        threading.Thread(target=self._watch, name="disk-watch", daemon=True).start()

    def step(self) -> None:
        """Say that the disk has answered just now."""
        self._step_us = self._clock.monotonic_us()

    def at(self, where: Path) -> None:
        """Say that the disk has answered until now; a stop names no place that it reads."""
        self.step()

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

    def _silent_s(self) -> float:
        """Tell for how long the disk has said nothing, of what was asked of it."""
        return (self._clock.monotonic_us() - self._step_us) / 1_000_000 if self._reading else 0.0

    def _watch(self) -> None:
        told = False
        while not self._over.wait(LOOK_S):
            silent_s = self._silent_s()
            if silent_s > SIGNAL_AFTER_S and not told:
                told = True
                print(self._tell(), file=sys.stderr, flush=True)
            if silent_s > GIVE_UP_AFTER_S:
                print(UNSEEN.format(restore=self._again), file=sys.stderr, flush=True)
                # Nothing else ends a process whose main thread waits for a disk.
                os._exit(STRANDED)

    def _tell(self) -> str:
        """Signal the conductor and the guardian of each run in the machine's record, and say which were signalled."""
        told = []
        for run in active.known().runs:
            named = self._run in (None, "last") or run.run.startswith(str(self._run))
            if named and self._workspace in (None, run.workspace):
                told += [f"{what} of {run.run} (process {pid})" for what, pid in _signalled(run)]
        who = (
            f"told to restore by signal: {', '.join(told)}"
            if told
            else "no running conductor or guardian was found to signal"
        )
        # Not why: a disk that hangs and a machine that has no time for this process look alike from here.
        return f"islandmode: the record of a run was not read within {SIGNAL_AFTER_S:g} s; {who}."


class LookWatch(DiskWatch):
    """Watches from a thread whether a command that only looks gets past its reading."""

    def __init__(self, where: Path) -> None:
        """Start watching what this thread reads, `where` first."""
        self._where = where.absolute()
        self._thread, self._spent = threading.get_native_id(), ""
        super().__init__(None, None)

    def at(self, where: Path) -> None:
        """Say what is read from now on, and that the disk has answered until now."""
        self._where = where
        self.step()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_S):
            if self._works():
                self.step()
            if self._silent_s() > PATIENCE_S:
                self._give_up()

    def _works(self) -> bool:
        """Tell whether the reading thread does anything but wait: on a busy machine, or with much to read, that takes long."""
        try:
            stat = Path(f"/proc/self/task/{self._thread}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return False
        # State, user time and system time of proc(5): fields 3, 14 and 15.
        fields = stat.rpartition(") ")[2].split()
        before, self._spent = self._spent, f"{fields[11]} {fields[12]}"
        return fields[0] == "R" or before != self._spent

    def _give_up(self) -> None:
        where = (
            f"{self._where} could not be read: the disk did not answer within {PATIENCE_S:g} s. A run "
            "that is not listed here may be going on or may have left something isolated."
        )
        said = [where]
        print(f"islandmode: {said[0]}", file=sys.stderr)
        unread = beside(_print_recorded, RECORD_S)
        if unread:
            said.append(f"this machine's own record of its runs could not be read: {unread}.")
            print(f"islandmode: {said[1]}", file=sys.stderr)
        # Nothing else ends a process whose main thread waits for a disk.
        end_now(STRANDED, said)


def _print_recorded() -> None:
    """Name the runs in this machine's own record, which is on another disk than theirs, and who of each lives."""
    known = active.known()
    for why in known.unread:
        print(f"islandmode: {why}.", file=sys.stderr)
    for run in known.runs:
        holder = run.conductor()
        if holder is None:
            lives = (
                "its guardian lives"
                if run.guardian() is not None
                else "neither its conductor nor its guardian is seen to live"
            )
            print(f"{run.run} in {run.workspace} was not seen restored; {lives}.", file=sys.stderr)
            continue
        process = "a process not visible from here" if holder.pid is None else f"process {holder.pid}"
        print(
            f"{run.run} in {run.workspace} is running ({process}); what it may have isolated could not be read.",
            # Machines read one document there, and nothing else.
            file=sys.stderr if is_told() else sys.stdout,
        )


def _signalled(run: RunRecord) -> Iterator[tuple[str, int]]:
    """Tell conductor and guardian of a run to end; both restore first."""
    for what, asked in (("conductor", run.conductor), ("guardian", run.guardian)):
        with suppress(OSError):
            holder = asked()
            if holder is not None and holder.pid is not None:
                os.kill(holder.pid, signal.SIGTERM)
                yield what, holder.pid


@contextmanager
def looking(where: Path) -> Iterator[LookWatch]:
    """Watch a command that only looks to its end; `where` is what it reads first."""
    watch = LookWatch(where)
    try:
        yield watch
    finally:
        watch.end()


@contextmanager
def watching(run: str | None, workspace: Path | None = None) -> Iterator[DiskWatch]:
    """Watch a stop to its end."""
    watch = DiskWatch(run, workspace)
    try:
        yield watch
    finally:
        watch.end()
