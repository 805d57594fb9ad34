"""Commands `abort` and `restore`: always available, never gated, and done by themselves if nobody else does it.

Abort asks first: a file in the run's folder, which conductor and guardian both read, and a signal. Whoever runs the drill then
restores, with its record whole. If that is not seen soon, or nobody lives, this process restores through sessions of its own.
"""

from __future__ import annotations

import os
import secrets as randomness
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio

from islandmode.core.errors import InputError, IslandmodeError, Refused
from islandmode.core.plan import Plan
from islandmode.core.request import Request, write_request
from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from islandmode.run.resume import resume
from islandmode.store import rundir
from islandmode.store.rundir import RunDirectory
from islandmode.system.claim import FileClaim
from islandmode.system.clock import MachineClock, iso_utc
from islandmode.system.disk import MachineDisk
from islandmode.ui import rehearsal
from islandmode.ui.exits import STRANDED
from islandmode.ui.lab_place import STATE
from islandmode.ui.operator_name import operator_name
from islandmode.ui.planning import plan_of
from islandmode.ui.results import print_card
from islandmode.ui.unfinished_runs import (
    UNREADABLE,
    Owed,
    conductor_pid,
    is_over,
    lab_is_gone,
    lab_of,
    unfinished,
    was_restored,
)

NAMED_WITHIN_S = 0.3
OBEYED_WITHIN_S = 1.0
ENDED_WITHIN_S = 15.0
LOOK_EVERY_S = 0.05
GOOD_FOR_US = 60_000_000
REFUSED_EXIT = 4


@dataclass(frozen=True)
class Wanted:
    """What was asked for on the command line; `arguments` are our own, for starting again on the operations host."""

    workspace: Path
    run: str | None
    lab: str
    arguments: tuple[str, ...]
    at_once: bool
    """Whether whoever has the run was asked already."""

    def of_run(self, run: str, lab: Lab) -> tuple[str, ...]:
        """Give our own arguments for elsewhere: of one run alone where we come back for the others."""
        verb, *rest = self.arguments
        return self.arguments if self.run is not None or not lab.comes_back else (verb, run, *rest)


def restore(wanted: Wanted) -> int:
    """Restore what one run, or every run, still owes; returns 0 when all of it was seen, else 5."""
    chosen = _one(wanted) or tuple(one for one, _ in unfinished(wanted.workspace))
    if not chosen:
        print("No run of this workspace has left anything isolated.")
    return _bring_back(wanted, chosen)


def abort(wanted: Wanted) -> int:
    """Stop one run, or every run that goes on: its plant is restored now; returns 0 when that was seen, else 5."""
    going = (one for one in rundir.earlier(wanted.workspace) if not is_over(one))
    chosen = _one(wanted) or tuple(
        one for one in going if conductor_pid(wanted.workspace, one) is not None or one.owed()
    )
    if not chosen:
        print("No run is going on.")
    return _bring_back(wanted, chosen)


def _one(wanted: Wanted) -> tuple[RunDirectory, ...]:
    return () if wanted.run is None else (rundir.find(wanted.workspace, wanted.run),)


def _bring_back(wanted: Wanted, chosen: Sequence[RunDirectory]) -> int:
    """Ask whoever has the runs, wait a moment, then do ourselves what is left."""
    left = [one for one in chosen if not _is_back(wanted, one)]
    return max((_restore_one(wanted, one) for one in left), default=0)


def _restore_one(wanted: Wanted, directory: RunDirectory) -> int:
    """Restore one run; what stands in its way stands in no other's."""
    try:
        return _restore_here(wanted, directory)
    except IslandmodeError as error:
        print(f"islandmode: {directory.run}: {error}", file=sys.stderr)
        # Whoever has it may have brought it back meanwhile.
        if not directory.owed():
            return 0
        with suppress(InputError):
            print_card(directory.plan())
        return STRANDED


def _is_back(wanted: Wanted, directory: RunDirectory) -> bool:
    """Tell whether nothing is owed, after asking whoever has the run."""
    pid = conductor_pid(wanted.workspace, directory)
    owed = directory.owed()
    if pid is None and not owed:
        print(f"{directory.run}: nothing is owed; restoration was seen, or nothing was armed.")
        return True
    if pid is None and lab_is_gone(wanted.workspace, directory):
        print(f"{directory.run}: its lab is gone, and the isolation with it.")
        return True
    if pid is None or wanted.at_once:
        return False
    if not owed and was_restored(directory):
        print(f"{directory.run}: restoration was seen already; the run is writing its verdict.")
        return True
    _ask(directory, pid)
    if anyio.run(partial(_obeyed, directory, pid, was_owed=bool(owed))):
        print(f"{directory.run}: stopped; restoration was seen.")
        return True
    return False


def _ask(directory: RunDirectory, pid: int) -> None:
    """Put a request into the run's folder, and signal the conductor; either is enough, and neither must succeed."""
    try:
        if _put_request(directory):
            # Read first, it puts a name into the record; a signal has none.
            anyio.run(MachineClock.of_this_boot().sleep, NAMED_WITHIN_S)
    finally:
        with suppress(OSError):
            os.kill(pid, signal.SIGTERM)


def _put_request(directory: RunDirectory) -> bool:
    clock = MachineClock.of_this_boot()
    token = randomness.token_hex(8)
    request = Request("abort", directory.run, token, operator_name(), clock.utc_us() + GOOD_FOR_US)
    try:
        new = directory.requests / f".{token}.new"
        new.write_bytes(write_request(request))
        # The run may have another account than we: what it cannot read it cannot obey.
        new.chmod(0o664)
        new.rename(directory.requests / f"{token}.json")
    except OSError:
        return False
    return True


async def _obeyed(directory: RunDirectory, pid: int, *, was_owed: bool) -> bool:
    """Wait until the run's own journals say that it is restored, for as long as that may take it."""
    clock = MachineClock.of_this_boot()
    until_us = clock.monotonic_us() + round((OBEYED_WITHIN_S if was_owed else ENDED_WITHIN_S) * 1_000_000)
    while clock.monotonic_us() < until_us:
        if not directory.owed() and (was_owed or not _lives(pid)):
            return True
        await clock.sleep(LOOK_EVERY_S)
    return False


def _lives(pid: int) -> bool:
    # One that has ended and was not waited for has no command line any more.
    with suppress(OSError):
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    return False


def _restore_here(wanted: Wanted, directory: RunDirectory) -> int:
    # Nobody who needs an abort should have to know the lab's name; only a run whose record is spoilt is looked for by it.
    plan, lab = directory.plan(), lab_of(wanted.workspace, directory) or _lab(wanted.workspace, wanted.lab)
    ended = _elsewhere(plan, lab, (*wanted.of_run(directory.run, lab), "--at-once"))
    if ended is not None:
        return ended
    # A run that is asked to stop and does not answer is owed all of its plan, whatever its journal says so far.
    owed = directory.owed() or {name: point.conduits for name, point in plan.points.items()}
    # A conductor that is only stopped may wake: from here on it may do nothing but restore.
    FileClaim(directory.root).take()
    path = directory.journal.with_name(_new_journal())
    if not _restore(wanted.workspace, plan, lab, owed, directory.run, path):
        return STRANDED
    print(f"{directory.run}: restored by this command; {', '.join(sorted(owed))} was read back without our objects.")
    return 0


def _new_journal() -> str:
    stamp = iso_utc(MachineClock.of_this_boot().utc_us())[:19].replace(":", "")
    return f"restore-{stamp}Z-{randomness.token_hex(2)}.jsonl"


def _restore(workspace: Path, plan: Plan, lab: Lab, owed: Owed, run: str | None, path: Path) -> bool:
    """Restore until seen, for a run or whoever made what stands there; without that, say what to do by hand."""
    clock = MachineClock.of_this_boot()
    opened = rehearsal.open_points(plan, lab, workspace, clock, run)
    points = {name: point for name, point in opened.items() if name in owed}
    names = (plan.drill.site, run or "")

    async def act() -> tuple[frozenset[str], str]:
        return await resume(points, owed, names=names, by=operator_name(), path=path, clock=clock, disk=MachineDisk())

    seen, unkept = anyio.run(act)
    if unkept:
        print(f"islandmode: what was done could not be recorded: {unkept}.", file=sys.stderr)
    if seen != set(owed):
        print_card(plan)
    return seen == set(owed)


def prove(workspace: Path, run: str, lab_name: str) -> int:
    """Log in on every point of a run as a restore would, change nothing, and say what is in the way."""
    directory = rundir.find(workspace, run)
    plan, lab = directory.plan(), _lab(workspace, lab_name)
    points = rehearsal.open_points(plan, lab, workspace, MachineClock.of_this_boot(), directory.run)

    async def log_in() -> list[str]:
        wrong = []
        for name, point in points.items():
            reading = await point.ready(10.0)
            if not reading.done:
                wrong.append(f"{name}: {reading.why or reading.outcome.value}")
            await point.close()
        return wrong

    wrong = anyio.run(log_in)
    if wrong:
        raise Refused(wrong[0])
    return 0


def restore_by_drill(workspace: Path, drill: str, lab_name: str, arguments: tuple[str, ...]) -> int:
    """Restore by what a drill would isolate, when no run's record can be read; deletes our objects, whoever made them."""
    _, plan = plan_of(workspace, drill)
    lab = _lab(workspace, lab_name)
    ended = _elsewhere(plan, lab, arguments)
    if ended is not None:
        return ended
    _stop_runs_on(workspace, plan)
    owed = {name: point.conduits for name, point in plan.points.items()}
    path = workspace / rundir.RUNS / _new_journal()
    if not _restore(workspace, plan, lab, owed, None, path):
        return STRANDED
    for one, left in unfinished(workspace):
        if set(left) <= {*owed, UNREADABLE}:
            # What that run left was seen gone, so its own record says so too.
            with suppress(OSError):
                shutil.copyfile(path, one.journal.with_name(path.name))
    print(f"Restored by the drill: {', '.join(sorted(owed))} was read back without our objects.")
    return 0


def _stop_runs_on(workspace: Path, plan: Plan) -> None:
    """Take runs on the same conduits from their conductors first: one that has not armed yet must not do so after us."""
    for one in rundir.earlier(workspace):
        pid = conductor_pid(workspace, one)
        if pid is not None and _shares(one, plan):
            FileClaim(one.root).take()
            _ask(one, pid)


def _shares(one: RunDirectory, plan: Plan) -> bool:
    try:
        return bool(set(one.plan().conduits) & set(plan.conduits))
    except InputError:
        return True


def _lab(workspace: Path, name: str) -> Lab:
    lab = backends.attach(name, workspace / STATE)
    if lab is None:
        raise InputError(f"Lab {name} is not running; what was isolated in it is gone with it.")
    return lab


def _elsewhere(plan: Plan, lab: Lab, arguments: tuple[str, ...]) -> int | None:
    """Run ourselves on the operations host instead, and say how that ended; None when this is it."""
    rehearsal.refuse_strangers(plan, lab)
    if lab.is_here():
        return None
    code = lab.go(arguments, drill=False)
    if code is None:
        print(
            "islandmode: the restore on the operations host ended without a word; nothing was seen back.",
            file=sys.stderr,
        )
        print_card(plan)
        return STRANDED
    return code
