"""`restore --drill`: by what a drill would isolate, when the record of a run can no longer be read.

It deletes the objects of every run on the drill's conduits. What it has seen is copied to the runs that it covers, and ends their
alarms. A run of which nothing is known any more (neither plan nor the machine's record can be read) may have isolated anything of its
site: its alarm ends only after a look on every isolation point of that site.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio

from islandmode.core.errors import InputError, IslandmodeError, Refused
from islandmode.core.rescue import Restorable
from islandmode.operate.ground import Ground, lab_ground
from islandmode.operate.operator_name import operator_name
from islandmode.operate.requesting import PUT_WITHIN_S
from islandmode.operate.rescue_points import rescue_of, rescue_of_site
from islandmode.operate.restoring import elsewhere, new_journal, restore_points, say_what_is_left
from islandmode.operate.stop import StopOrder, ask
from islandmode.operate.telling import Listener, warn_of_left_out
from islandmode.operate.unfinished import UNREADABLE, Owed, cannot_be_told, ground_recorded, known_runs, owed_by
from islandmode.operate.watch import beside
from islandmode.rehearse.lab import LabGone
from islandmode.rehearse.lab_place import lab_named_by
from islandmode.run.left import Left
from islandmode.run.outermost import STRANDED, sentence_of
from islandmode.run.resume import Resumed, look_at_site
from islandmode.store import rundir
from islandmode.store.rescue import sites_with_points
from islandmode.store.rundir import RunDirectory
from islandmode.system import modes
from islandmode.system.apart import apart
from islandmode.system.claim import FileClaim
from islandmode.system.clock import MachineClock
from islandmode.system.disk import MachineDisk

RECORDS_WITHIN_S = 3.0


def restore_by_drill(order: StopOrder, drill: str) -> int:
    """Restore every conduit that a drill would isolate, whichever run made the objects; returns 0 when all was seen, else 5."""
    order = order.said("restore", "--drill", drill)
    rescue, lost, left_out = rescue_of(order.workspace, drill)
    # No record says where the run stood: it is the lab of the drill's site, until drills are held on plants.
    ground = lab_ground(order.workspace, order.lab or lab_named_by(order.workspace, rescue.site))
    try:
        ended = elsewhere(order, rescue, ground, order.arguments)
    except LabGone as gone:
        order.listener.say(sentence_of(gone))
        return 0
    except Refused as error:
        # No device was looked at: what stands on them stands there still.
        order.listener.warn(sentence_of(error))
        return STRANDED
    if ended is not None:
        return ended
    warn_of_left_out(order.listener, left_out)
    owed = {name: point.conduits for name, point in rescue.points.items()}
    path = order.workspace / rundir.RUNS / new_journal()
    with order.watch.elsewhere():
        # Records that cannot be read are why somebody restores by the drill: they may not keep it waiting either.
        unasked = beside(partial(_stop_runs_on, order.workspace, rescue, ground), RECORDS_WITHIN_S)
        if unasked:
            order.listener.warn(f"runs on these conduits could not all be asked to stop: {unasked}.")
        resumed = restore_points(rescue, ground, owed, order.listener, names=(rescue.site, None), path=path)
    for why in lost:
        order.listener.warn(str(why))
    if not say_what_is_left(drill, rescue, owed, resumed, order.listener) or lost:
        return STRANDED
    points = ", ".join(sorted(owed))
    order.listener.say(
        f"Restored by the drill: {points} was read back without Islandmode objects, and none is saved there."
    )
    with order.watch.elsewhere():
        untold = apart(partial(_tell_runs, ground, owed, path), RECORDS_WITHIN_S)
        if untold:
            order.listener.warn(f"this restore could not be entered in the record of every run it covers: {untold}.")
        else:
            _end_of_unreadable(ground, rescue.site, order.listener)
    return 0


def _tell_runs(ground: Ground, owed: Owed, path: Path) -> None:
    """Copy the record of a restore by the drill to each run that it covers: what that run left was seen gone."""
    for run, left in known_runs(ground.workspace).unfinished:
        if _covers(owed, left, run) and (ground.has(run) or _was_nowhere(run, ground.workspace)):
            _tell((run,), path)
            if run.record is not None:
                run.record.forget()


def _tell(runs: Sequence[RunDirectory], path: Path) -> None:
    """Copy a record into the folders of runs, as far as their journals' folders are there."""
    for run in runs:
        with suppress(OSError):
            modes.write_bytes(run.journal.with_name(path.name), path.read_bytes())


def _covers(seen: Owed, left: Owed, run: RunDirectory) -> bool:
    """Tell whether all that a run left was seen gone, conduit by conduit; what only an unreadable plan knows was not."""
    if UNREADABLE in left:
        left = dict(run.record.points) if run.record is not None else left
    return all(name in seen and set(conduits) <= set(seen[name]) for name, conduits in left.items())


def _was_nowhere(run: RunDirectory, workspace: Path) -> bool:
    """Tell whether nothing says on which ground a run of this workspace stood: then it stood on the one that was looked at."""
    return run.workspace == workspace.resolve() and not ground_recorded(run)


def _stop_runs_on(workspace: Path, rescue: Restorable, ground: Ground) -> None:
    """Take over the runs on the same conduits, so that none of them arms after this restore."""
    for run in known_runs(workspace).runs:
        holder = run.conductor() if run.workspace == workspace.resolve() or ground.has(run) else None
        if holder is not None and _shares(run, rescue):
            FileClaim(run.root).take_within(PUT_WITHIN_S)
            ask(run, holder.pid)


def _shares(run: RunDirectory, plan: Restorable) -> bool:
    try:
        return bool(set(run.plan().conduits) & set(plan.conduits))
    except InputError:
        return True


def _end_of_unreadable(ground: Ground, site: str, listener: Listener) -> None:
    """End the alarms of runs of which nothing can be read, after a look at all that they may have isolated; say which stay."""
    runs: list[RunDirectory] = []
    unread = beside(lambda: runs.extend(_unreadable(ground)), RECORDS_WITHIN_S)
    if unread or not runs:
        return
    why = _why_not_covered(ground.workspace, site, runs) or _look(ground, site, runs)
    for run in runs:
        if why:
            listener.warn(f"{run.run}: its record cannot be read, and its alarm stays: {why}.")
        elif not owed_by(run):
            listener.say(
                f"{run.run}: its record cannot be read; every isolation point of site {site} was seen without Islandmode "
                "objects, and none is saved there, so its alarm ends."
            )


def _unreadable(ground: Ground) -> Iterator[RunDirectory]:
    """Give the ended runs of this workspace of which neither the plan nor the machine's record can be read."""
    for run, left in known_runs(ground.workspace).unfinished:
        here = ground.has(run) or _was_nowhere(run, ground.workspace)
        if UNREADABLE in left and run.record is None and here and run.conductor() is None and not cannot_be_told(run):
            yield run


def _why_not_covered(workspace: Path, site: str, runs: Sequence[RunDirectory]) -> str:
    """Say why a look at one site does not cover these runs; empty when it does."""
    named = {record.site for run in runs for record in (*run.records()[:1], *run.guardian_records()[:1])}
    if named - {site}:
        return f"it may be of site {', '.join(sorted(named - {site}))}; restore by a drill of that site"
    unnamed = [run for run in runs if not run.records() and not run.guardian_records()]
    if not unnamed:
        return ""
    sites, unread = sites_with_points(workspace)
    if unread:
        return f"its site is not known, and not every site can be read ({sentence_of(unread[0])})"
    if set(sites) != {site}:
        return f"its site is not known, and there are several: {', '.join(sites)}"
    return ""


def _look(ground: Ground, site: str, runs: Sequence[RunDirectory]) -> str:
    """Look on every isolation point of a site and enter that in the runs' records; says why it does not end their alarms."""
    try:
        rescue, lost, left_out = rescue_of_site(ground.workspace, site)
        ground.refuse(rescue)
        made = ground.open_points(rescue, MachineClock.of_this_boot(), None)
    except IslandmodeError as error:
        return sentence_of(error).rstrip(".")
    for name, why in made.lost.items():
        return f"{name} cannot be logged in to: {sentence_of(why)}".rstrip(".")
    wrong = (*lost, *(error for error in left_out if "defines site" in str(error)))
    if wrong:
        return sentence_of(wrong[0]).rstrip(".")
    path = ground.workspace / rundir.RUNS / new_journal()

    async def act() -> Resumed:
        clock = MachineClock.of_this_boot()
        return await look_at_site(
            made.points, site=site, by=operator_name(), path=path, clock=clock, disk=MachineDisk()
        )

    looked = anyio.run(act)
    left = [f"{name} {_told(found)}" for name, found in sorted(looked.left.items()) if not found.is_clear]
    if left:
        return "; ".join(left)
    untold = looked.unkept or apart(lambda: _tell(runs, path), RECORDS_WITHIN_S)
    return f"the look could not be entered in its record ({untold})" if untold else ""


def _told(left: Left) -> str:
    """Say what a look found on a point, or why it found nothing out."""
    if left.saved:
        return f"has an Islandmode object in its saved configuration ({', '.join(left.saved)})"
    if left.unread:
        return f"was not seen ({'; '.join(left.unread)})"
    if left.standing is None:
        return "did not show what stands there"
    return f"still has {', '.join(left.standing)}; restore by a drill that isolates it"
