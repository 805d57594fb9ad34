"""Restoring one run by this process's own sessions, by the run's record; and a look whether that would work.

This is what `abort` and `restore` do when nobody who has the run has restored it. It is imported only then: it brings lab,
vantages and report with it, and asking the processes of a run must not wait for them.
"""

from __future__ import annotations

import secrets as randomness
import sys
from contextlib import suppress
from pathlib import Path

import anyio

from islandmode.core.errors import InputError, IslandmodeError, Refused
from islandmode.core.rescue import Restorable
from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab, LabUnknown, lab_command
from islandmode.run.outermost import STRANDED, sentence_of
from islandmode.run.resume import Resumed, resume
from islandmode.store import rundir
from islandmode.store.rundir import RunDirectory
from islandmode.system.claim import FileClaim
from islandmode.system.clock import MachineClock, iso_utc
from islandmode.system.disk import MachineDisk
from islandmode.system.own_program import typed, typed_at
from islandmode.ui import rehearsal
from islandmode.ui.devices import told_of_saved
from islandmode.ui.lab_place import STATE, lab_named_by
from islandmode.ui.operator_name import operator_name
from islandmode.ui.results import print_card
from islandmode.ui.silent_disk import DiskWatch
from islandmode.ui.stop_commands import PUT_WITHIN_S, Wanted, arguments_for, went_with_its_lab
from islandmode.ui.unfinished_runs import Owed, lab_identity, lab_of, owed_by


def restore_one(wanted: Wanted, directory: RunDirectory) -> int:
    """Restore one run; what stands in its way stands in no other's."""
    try:
        return _restore_here(wanted, directory)
    except IslandmodeError as error:
        print(f"islandmode: {directory.run}: {sentence_of(error)}", file=sys.stderr)
        # Its own processes may have brought it back meanwhile, and its lab may have been taken down.
        if not owed_by(directory) or went_with_its_lab(directory):
            return 0
        with suppress(InputError):
            print_card(directory.plan())
        return STRANDED


def _restore_here(wanted: Wanted, directory: RunDirectory) -> int:
    # Nobody who needs an abort should have to know the lab's name; only a run whose record is spoilt is looked for by it.
    plan, lab = directory.plan(), lab_of(directory) or _lab_without_folder(wanted, directory)
    ended = elsewhere(
        wanted.watch, plan, lab, (*arguments_for(wanted.arguments[0], directory, wanted.lab), "--at-once")
    )
    if ended is not None:
        return STRANDED if ended else 0
    # A run that is asked to stop and does not answer is owed all of its plan, whatever its journal says so far.
    left = owed_by(directory)
    owed = left or {name: point.conduits for name, point in plan.points.items()}
    # A conductor that is only stopped may wake: from here on it may do nothing but restore. On a disk that does not take the
    # claim, the signal that it was sent says the same.
    FileClaim(directory.root).take_within(PUT_WITHIN_S)
    path = directory.journal.with_name(new_journal())
    with wanted.watch.elsewhere():
        resumed = restore_points(
            directory.workspace, plan, lab, owed, names=(plan.drill.site, directory.run), path=path
        )
    if not say_what_is_left(directory.run, plan, owed, resumed):
        return STRANDED
    print(
        f"{directory.run}: restored by this command; {', '.join(sorted(owed))} was read back without our objects, and none is "
        "saved there."
    )
    return 0


def say_what_is_left(run: str, plan: Restorable, owed: Owed, resumed: Resumed) -> bool:
    """Say what keeps a restore from being whole; returns whether nothing does. What was not seen stands on the card."""
    for name, left in sorted(resumed.left.items()):
        for sentence in told_of_saved(name, plan.points[name].platform, left):
            print(f"islandmode: UNPROVEN: {run}: {sentence}", file=sys.stderr)
    return resumed.is_whole(owed)


def new_journal() -> str:
    """Name the journal of a restore; no two have the same name, and a later one comes after."""
    stamp = iso_utc(MachineClock.of_this_boot().utc_us())[:19].replace(":", "")
    return f"restore-{stamp}Z-{randomness.token_hex(2)}.jsonl"


def restore_points(
    workspace: Path, plan: Restorable, lab: Lab, owed: Owed, *, names: tuple[str, str | None], path: Path
) -> Resumed:
    """Restore until seen; `names` are site and run. Without a run it restores all that stands there, of every run."""
    clock = MachineClock.of_this_boot()
    opened = rehearsal.open_points(plan, lab, workspace, clock, names[1])
    points = {name: point for name, point in opened.items() if name in owed}
    recorded = (names[0], names[1] or "")

    async def act() -> Resumed:
        return await resume(
            points, owed, names=recorded, by=operator_name(), path=path, clock=clock, disk=MachineDisk()
        )

    resumed = anyio.run(act)
    if resumed.unkept:
        print(f"islandmode: what was done could not be recorded: {resumed.unkept}.", file=sys.stderr)
    if resumed.seen != set(owed):
        print_card(plan)
    return resumed


def prove(workspace: Path, run: str, lab_name: str) -> int:
    """Log in on every point of a run as a restore would, change nothing, and say what is in the way."""
    directory = rundir.find(workspace, run)
    plan, lab = directory.plan(), lab_named(workspace, lab_name)
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


def lab_named(workspace: Path, name: str) -> Lab:
    """Give the lab of a name; raises `InputError` when it is not running, and `LabUnknown` where its folder is gone."""
    lab = backends.attach(name, workspace / STATE)
    if lab is not None:
        return lab
    if backends.is_orphan(name, workspace / STATE):
        raise LabUnknown(
            f"Lab {name} is up and its folder in {workspace / STATE} is gone, so nothing in it can be logged in to and what is "
            f"isolated in it stays isolated; `{lab_command('down', name, workspace / STATE)}` ends it, and the isolation with it."
        )
    raise InputError(f"Lab {name} is not running; what was isolated in it is gone with it.")


def _lab_without_folder(wanted: Wanted, directory: RunDirectory) -> Lab:
    """Find a run's lab by the name of a lab, where nothing says in which lab it was; raises `InputError` otherwise."""
    if lab_identity(directory) is not None:
        raise InputError(
            f"its lab cannot be found in {directory.workspace / STATE}; `{typed('lab', 'list')}` says whether it lives, and "
            f"`{typed_at(directory.workspace, 'lab', 'down', '--force')}` ends it, and the isolation with it."
        )
    name = wanted.lab or lab_named_by(directory.workspace, directory.plan().drill.site)
    return lab_named(directory.workspace, name)


def elsewhere(watch: DiskWatch, plan: Restorable, lab: Lab, arguments: tuple[str, ...]) -> int | None:
    """Run ourselves on the operations host instead, and say how that ended; None when this is it."""
    rehearsal.refuse_strangers(plan, lab)
    if lab.is_here():
        return None
    with watch.elsewhere():
        code = lab.go(arguments, drill=False)
    if code is None:
        print(
            "islandmode: the restore on the operations host ended without a word; nothing was seen back.",
            file=sys.stderr,
        )
        print_card(plan)
        return STRANDED
    return code
