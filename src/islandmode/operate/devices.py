"""A look at the devices: log in to every reachable isolation point and report the objects there; change nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import anyio

from islandmode.core.errors import InputError, IslandmodeError
from islandmode.core.outcome import Reading
from islandmode.core.plan import PlanPoint
from islandmode.core.rescue import Rescue, Restorable
from islandmode.isolation.point import ConduitState, IsolationPoint, PointState
from islandmode.isolation.table import mend_saved
from islandmode.operate.ground import Ground, LabGround, Opened, ground_of
from islandmode.operate.rescue_points import rescue_of
from islandmode.operate.telling import Listener
from islandmode.operate.unfinished import (
    KnownRuns,
    ground_recorded,
    is_workspace,
    known_runs,
    lab_is_gone,
    lab_of,
    names_of_labs,
    owed_by,
)
from islandmode.operate.watch import Watch
from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab, LabUnknown
from islandmode.rehearse.lab_place import STATE
from islandmode.run.left import Left
from islandmode.run.outermost import STRANDED, sentence_of
from islandmode.store import catalog
from islandmode.store.active import PLANT
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import MachineClock

LOOK_S = 10.0
Going = Mapping[str, Collection[tuple[str, str]] | None]
"""Runs that go on, by name, and what each isolates: conduits with the place of their device; None where its plan cannot be read."""


def look_at_devices(known: KnownRuns, names: Sequence[str], watch: Watch, listener: Listener) -> int:
    """Look at the devices of every lab and plant in which a run may have left something, and of this workspace's labs; 0 or 5."""
    labs: dict[str, tuple[Path, Lab]] = {}
    plants, code = _grounds_of_runs(known, labs, watch, listener)
    watch.at(known.workspace / STATE)
    for lab in _labs_of(known.workspace, names):
        labs.setdefault(lab.identity, (known.workspace, lab))
    if not labs and not plants and not code:
        return _say_there_is_none(known, names, listener)
    code = max(code, _look_at_plants(known, plants, watch, listener))
    for workspace, lab in labs.values():
        with watch.elsewhere():
            ended = lab.ask(("look", "--workspace", str(workspace), "--lab", lab.name))
        code = max(code, STRANDED if ended else 0)
    return code


def _grounds_of_runs(
    known: KnownRuns, labs: dict[str, tuple[Path, Lab]], watch: Watch, listener: Listener
) -> tuple[list[RunDirectory], int]:
    """Find where runs may have left something: add their labs, and give those on a plant; 5 where a lab cannot be found."""
    plants, code = list[RunDirectory](), 0
    for run in known.runs:
        watch.at(run.root)
        if run.conductor() is None and (not owed_by(run) or lab_is_gone(run)):
            continue
        if ground_recorded(run).get("kind") == PLANT:
            plants.append(run)
            continue
        try:
            found, why = lab_of(run), f"The lab of {run.run} cannot be found in {run.workspace / STATE}."
        except LabUnknown as error:
            found, why = None, str(error)
        if found is None:
            listener.warn(f"{why} Its devices were not looked at.")
            code = STRANDED
        else:
            labs[found.identity] = (run.workspace, found)
    return plants, code


def _say_there_is_none(known: KnownRuns, names: Sequence[str], listener: Listener) -> int:
    if not is_workspace(known.workspace):
        raise InputError(
            f"{known.workspace} is not a workspace and no lab is known here, so there is no device to look at."
        )
    orphans = [name for name in names if backends.is_orphan(name, known.workspace / STATE)]
    if orphans:
        told = f"Lab {', '.join(orphans)} is up but its folder is gone, so its devices cannot be looked at."
        listener.warn(told)
        return STRANDED
    listener.say("No lab of this workspace is up, so there is no device to look at.")
    return 0


def _look_at_plants(known: KnownRuns, runs: Sequence[RunDirectory], watch: Watch, listener: Listener) -> int:
    """Look from here at every device that a run on a plant names; a plant has no other machine to ask."""
    going, looked, code = _going(known), set[tuple[str, str]](), 0
    for run in runs:
        watch.at(run.root)
        try:
            source, ground = run.plan(), ground_of(run)
        except IslandmodeError as error:
            listener.warn(f"The devices of {run.run} were not looked at: {sentence_of(error)}")
            code = STRANDED
            continue
        points = _not_yet_looked_at(source.points, looked)
        by_hand = [name for name, point in source.points.items() if point.management is None]
        if by_hand and run.conductor() is None:
            listener.warn(f"{', '.join(by_hand)} of {run.run} must be looked at by a person: nothing logs in there.")
            code = STRANDED
        with watch.elsewhere():
            code = max(code, _look_at(points, ground, going, listener))
    return code


def _not_yet_looked_at(found: Mapping[str, PlanPoint], looked: set[tuple[str, str]]) -> dict[str, PlanPoint]:
    """Give the points that something logs in to, and of which a conduit was not looked at; they count as looked at then."""
    points = {
        name: point
        for name, point in found.items()
        # Nothing logs in to a device that is isolated by hand.
        if point.management is not None and not {(point.place, conduit) for conduit in point.conduits} <= looked
    }
    looked |= {(point.place, conduit) for point in points.values() for conduit in point.conduits}
    return points


def _going(known: KnownRuns) -> Going:
    return {run.run: _isolates(run) for run in known.runs if run.conductor() is not None}


def _labs_of(workspace: Path, names: Sequence[str]) -> Iterator[Lab]:
    state = workspace / STATE
    for name in sorted({*names_of_labs(state), *names}):
        try:
            lab = backends.attach(name, state)
        except (LabUnknown, InputError):
            continue
        if lab is not None:
            yield lab


def look(workspace: Path, lab_name: str, watch: Watch, listener: Listener) -> int:
    """Look, on the operations host, at every point of this lab that a drill of the workspace or an unfinished run names."""
    lab = backends.attach(lab_name, workspace / STATE)
    if lab is None:
        raise InputError(f"Lab {lab_name} is not running.")
    known, ground = known_runs(workspace), LabGround.of(workspace, lab)
    sources = [*_plans_of_runs(known, ground, listener), *_plans_of_drills(known.workspace, listener)]
    going, looked, code = _going(known), set[tuple[str, str]](), 0
    for source in sources:
        of_lab = {name: point for name, point in source.points.items() if point.place in lab.management_addresses}
        points = _not_yet_looked_at(of_lab, looked)
        with watch.elsewhere():
            code = max(code, _look_at(points, ground, going, listener))
    if not looked:
        listener.warn(f"No drill of {known.workspace} names a device of lab {lab_name}: nothing was looked at.")
        return STRANDED
    return code


def _isolates(run: RunDirectory) -> frozenset[tuple[str, str]] | None:
    try:
        return frozenset((point.place, conduit) for point in run.plan().points.values() for conduit in point.conduits)
    except InputError:
        return None


def _plans_of_runs(known: KnownRuns, ground: Ground, listener: Listener) -> Iterator[Restorable]:
    for run in known.runs:
        if ground.has(run) and (run.conductor() is not None or owed_by(run)):
            try:
                yield run.plan()
            except InputError as error:
                listener.warn(sentence_of(error))


def _plans_of_drills(workspace: Path, listener: Listener) -> Iterator[Restorable]:
    for path in catalog.files(workspace, catalog.DRILLS):
        try:
            yield rescue_of(workspace, str(path))[0]
        except InputError as error:
            listener.warn(f"the points of {path.name} were not looked at: {sentence_of(error)}")


def _look_at(planned: dict[str, PlanPoint], ground: Ground, going: Going, listener: Listener) -> int:
    rescue = Rescue(site="", points=planned, conduits=())
    try:
        made = ground.open_points(rescue, MachineClock.of_this_boot(), None)
    except IslandmodeError as error:
        made = Opened({}, dict.fromkeys(planned, error))
    points = made.points
    for name, why in made.lost.items():
        listener.warn(f"{name} could not be read: {sentence_of(why)}")
    readings = anyio.run(_read, points, {name: planned[name] for name in points})
    said = [_say(name, planned[name], readings[name], going, listener) for name in points]
    return max((*said, STRANDED if made.lost else 0))


async def _read(
    points: Mapping[str, IsolationPoint], planned: Mapping[str, PlanPoint]
) -> dict[str, Reading[PointState]]:
    found: dict[str, Reading[PointState]] = {}

    async def read(name: str) -> None:
        found[name] = await points[name].state(planned[name].conduits, LOOK_S)
        await points[name].close()

    async with anyio.create_task_group() as group:
        for name in points:
            group.start_soon(read, name)
    return found


def told_of_saved(name: str, planned: PlanPoint, left: Left) -> Iterator[str]:
    """Say what is left in a point's saved configuration, with the command that mends it, and what could not be read of it."""
    if left.saved:
        mend = mend_saved(planned, left.saved)
        yield (
            f"an Islandmode object is left in the saved configuration of {name} ({', '.join(left.saved)}), and a restart "
            f"would isolate again. On that device{planned.mended_as}: {mend}"
        )
    for why in left.unread:
        yield f"the saved configuration of {name} could not be read: {why}"


def _say(name: str, planned: PlanPoint, reading: Reading[PointState], going: Going, listener: Listener) -> int:
    where = f"{name} ({planned.place})"
    if not reading.done or reading.value is None:
        listener.warn(f"{where} could not be read: {reading.why or reading.outcome.value}.")
        return STRANDED
    if reading.value.timer_s is not None:
        listener.say(
            f"{where}: a change of the whole device waits, and goes back in {reading.value.timer_s:.0f} s unless somebody confirms it; "
            "the device does not say which run made it."
        )
    code = 0
    for conduit, state in reading.value.conduits.items():
        is_left, whose = _whose(state, (planned.place, conduit), going)
        ends_s = state.armed_s if state.armed_s is not None else reading.value.timer_s
        listener.say(f"{where}: {conduit} {_words(state, ends_s, whose)}.")
        if state.present and is_left:
            code = STRANDED
    return code


def _whose(state: ConduitState, there: tuple[str, str], going: Going) -> tuple[bool, str]:
    """Tell whether what stands was left behind, and say whose it is; what a run that goes on may have made was not."""
    made = next((run for run in going if state.is_of(run)), None)
    if made is not None or state.owner is not None:
        return made is None, f"made by run {made or state.owner}"
    if state.mark:
        return True, "made by no run that goes on"
    may_be = [run for run, isolated in going.items() if isolated is None or there in isolated]
    if may_be:
        return False, f"the device does not say by which run; {', '.join(may_be)} goes on and may have made it"
    return True, "whose run is not known"


def _words(state: ConduitState, ends_s: float | None, whose: str) -> str:
    if not state.present:
        return "has no Islandmode object, so Islandmode does not isolate it"
    timer = "no timer runs" if ends_s is None else f"its timer ends in {ends_s:.0f} s"
    # Where the device shows no timer of the conduit, whether its deny drops is not known from here.
    passes = "may be isolated" if state.armed_s is None else "is armed and passes"
    return f"{'IS ISOLATED' if state.isolating else passes}, {timer}, {whose}"
