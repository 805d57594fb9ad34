"""A drill from its file to its verdict: where it runs, what it writes, and the one process that conducts it."""

from __future__ import annotations

import os
import secrets as randomness
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import anyio

from islandmode.core.break_glass import BreakGlass
from islandmode.core.drill import Mode
from islandmode.core.entered import LedgerAcknowledged, LedgerEntered
from islandmode.core.errors import InputError, IslandmodeError, Refused, Unrecorded
from islandmode.core.hand import back_told
from islandmode.core.judging.timeline import of_kind
from islandmode.core.ledger import REFUSED
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.verdict import Restoration, Result, Verdict
from islandmode.isolation.read_only import read_only
from islandmode.operate.audience import Audience, OnCard
from islandmode.operate.by_hand import lines_by_hand
from islandmode.operate.check import refuse_unlike_lab
from islandmode.operate.conducting import Conducting
from islandmode.operate.entering import enter_ended
from islandmode.operate.going import refuse_go
from islandmode.operate.ground import Ground, LabGround, PlantGround, attach_or_up, ground_by
from islandmode.operate.judge import WRITE_S
from islandmode.operate.opening import opened, refuse_without_keys
from islandmode.operate.operator_name import operator_name
from islandmode.operate.outcome import judge_and_write, write_refusal
from islandmode.operate.plan import intent_of, plan_of, refuse_by_hand, refused_for_live
from islandmode.operate.receiving import not_acknowledged, send_on
from islandmode.operate.signals import heard_as_before
from islandmode.operate.telling import warn_of_left_out
from islandmode.operate.transcripts import Transcripts
from islandmode.operate.unfinished import known_runs, owed_by, refuse_beside_unfinished, uses
from islandmode.rehearse import backends
from islandmode.rehearse.lab_place import lab_of_site
from islandmode.run.conductor import Conducted
from islandmode.run.outermost import NOTHING_TO_JUDGE, STRANDED, sentence_of
from islandmode.store import rundir
from islandmode.store.active import record_run
from islandmode.store.catalog import Loaded
from islandmode.store.ledger import path_of
from islandmode.store.run_request import REQUEST, RunRequest
from islandmode.store.rundir import RunDirectory
from islandmode.system.apart import apart
from islandmode.system.clock import Clock, MachineClock, iso_utc
from islandmode.system.disk import MachineDisk, hold_conduits
from islandmode.system.own_program import typed
from islandmode.system.process import hear_of_children_without_threads

T = TypeVar("T")
NOTHING_TOUCHED = (2, 4)
UNPROVEN = "The run ended and its restoration is not proven."
CARD = "card.html"
BY_RESULT = {Result.HELD: 0, Result.BREACHED: 1, Result.INCONCLUSIVE: 3, Result.NOT_TESTED: 3}
NO_INCIDENT = "Mode incident does not exist yet in this version."


@dataclass(frozen=True)
class Ended:
    """How a drill ended, as far as this process knows it."""

    exit_code: int
    plan: Plan
    directory: RunDirectory | None = None
    """Folder of the run; None if the mode makes none."""
    verdict: Verdict | None = None
    """None in a mode that judges nothing, and for a drill that another process conducted: the run's folder has it."""
    why: str = ""
    """Why the end is not known; empty if it is."""


@dataclass(frozen=True)
class DrillOrder:
    """A drill as a person or a program asks for it."""

    workspace: Path
    drill: str
    """Its file or its name."""
    mode: Mode
    lab: str | None = None
    """The lab's name; the site's if None."""
    topology: Path | None = None
    """The lab's file; the site's if None."""
    with_go: bool = False
    """Whether a rehearsal waits for the go too, so that people can practise it."""
    break_glass: BreakGlass | None = None
    """Who runs it live without approvals and a go, and why."""


def run_drill(order: DrillOrder, audience: Audience, *, again: tuple[str, ...] = (), becomes: bool = False) -> Ended:
    """Run a drill to its end; raises `InputError` and `Refused`, with nothing touched, and `Unrecorded`.

    In a lab the conductor is a process of its own on the lab's operations host. If `becomes` is true, this process becomes the
    conductor where possible and does not return; `again` are extra words for the conductor's command line.
    """
    loaded, plan = plan_of(order.workspace, order.drill)
    if order.break_glass is not None and order.mode is not Mode.LIVE:
        raise InputError(f"--break-glass belongs to --mode live, and not to {order.mode.value}.")
    if order.mode is Mode.INCIDENT:
        raise Refused(
            f"{NO_INCIDENT} Nothing was touched. Rehearse with --mode rehearsal.{''.join(f' {told}' for told in refused_for_live(order.workspace, loaded, plan))}"
        )
    if order.mode in (Mode.TABLETOP, Mode.DRY_RUN):
        warn_of_left_out(audience.listener, loaded.left_out)
        if order.mode is Mode.TABLETOP:
            return Ended(NOTHING_TO_JUDGE, plan)
    if order.mode is Mode.LIVE:
        return _run_live(order, loaded, plan, audience)
    refuse_by_hand(loaded, plan)
    refuse_go(order.workspace, plan, order.mode, with_go=order.with_go)
    if order.mode is Mode.DRY_RUN:
        _refuse_of_lab(loaded, plan)
        return _look_here(order, loaded, plan, audience)
    place = lab_of_site(loaded.site.lab, loaded.place("site", ("lab", "topology")), order.lab, order.topology)
    fits = partial(refuse_unlike_lab, loaded, plan)
    ground, brought_up = attach_or_up(order.workspace, place, order.topology, fits)
    try:
        ground.refuse(plan)
        fits(ground.lab.topology)
        request = RunRequest(
            _new_name(plan, MachineClock.of_this_boot()),
            order.workspace,
            order.drill,
            order.mode.value,
            operator_name(),
            ground.words(),
            # A process that becomes the conductor cannot take the lab down afterwards.
            ends_lab=brought_up and becomes and not ground.lab.comes_back,
            with_go=order.with_go,
        )
        if ground.is_here():
            return _run_here(request, plan, ground, audience, intent_of(loaded))
        ended = _go(request, plan, ground, again, becomes=becomes)
        # A conductor that reported nothing may have left something isolated: keep its lab, so that it can be looked at.
        brought_up = brought_up and not ended.why
        return ended
    finally:
        # Reached only after restoration was seen or given up: until then a person may want to look at the lab.
        if brought_up:
            _take_down(ground, audience)


def conduct(request: RunRequest, audience: Audience, *, again: tuple[str, ...] = ()) -> Ended:
    """Run a drill by its request, on the ground that it names; enter the lab's operations host first if needed."""
    # Now, while nothing is armed: taking a file away waits for a disk, and nothing that follows a run may.
    request.withdraw()
    ground = ground_by(request.workspace, request.ground)
    if not isinstance(ground, LabGround) or request.mode != Mode.REHEARSAL.value:
        raise Refused(f"Mode {request.mode} cannot be run by a request in this version. Nothing was touched.")
    try:
        return _conduct(request, ground, audience, again)
    finally:
        if request.ends_lab:
            _take_down(ground, audience)


def _conduct(request: RunRequest, ground: LabGround, audience: Audience, again: tuple[str, ...]) -> Ended:
    loaded, plan = plan_of(request.workspace, request.drill)
    refuse_by_hand(loaded, plan)
    ground.refuse(plan)
    refuse_unlike_lab(loaded, plan, ground.lab.topology)
    if not ground.is_here():
        return _go(request, plan, ground, again, becomes=True)
    return _run_here(request, plan, ground, audience, intent_of(loaded))


def _go(request: RunRequest, plan: Plan, ground: LabGround, again: tuple[str, ...], *, becomes: bool) -> Ended:
    """Have the drill conducted on the lab's operations host; record the run here if that host cannot see this machine."""
    lab, root = ground.lab, request.workspace / rundir.RUNS / request.run
    if not lab.comes_back:
        words = _words(request, again)
        code = ground.go(words, drill=True) if becomes else lab.ask(words)
        return _came_back(code, plan, RunDirectory(root))
    record = record_run(request.run, request.workspace, plan, ground.words())
    code = ground.go(_words(replace(request, recorded=True), again), drill=True)
    if code in NOTHING_TOUCHED:
        record.forget()
    elif code == STRANDED:
        record.leave_unproven(UNPROVEN)
    elif code is not None and not owed_by(RunDirectory(root, record)):
        record.forget()
    return _came_back(code, plan, RunDirectory(root, record))


def _words(request: RunRequest, again: tuple[str, ...]) -> tuple[str, ...]:
    """Write the request down, and give the words that conduct it."""
    return ("conduct", str(request.wait()), "--workspace", str(request.workspace), *again)


def _came_back(code: int | None, plan: Plan, directory: RunDirectory) -> Ended:
    if code is None:
        why = f"The conductor ended without reporting a result. To see whether the plant is restored: `{typed('status')}`."
        return Ended(STRANDED, plan, directory, why=why)
    return Ended(code, plan, directory)


def _new_name(plan: Plan, clock: Clock) -> str:
    return f"{iso_utc(clock.utc_us())[:19].replace(':', '')}Z-{plan.drill.drill}-{randomness.token_hex(2)}"


def _take_down(ground: LabGround, audience: Audience) -> None:
    """Take down the lab that this drill brought up; a failure here must not hide how the run ended."""
    lab = ground.lab
    holders = {user.run: user.conductor() for user in known_runs(ground.workspace).runs if uses(user, lab)}
    others = [run for run, holder in holders.items() if holder is not None and holder.pid != os.getpid()]
    if others:
        audience.listener.warn(f"lab {lab.name} stays up: {', '.join(others)} uses it.")
        return
    try:
        backends.down(lab.name, lab.state_dir)
    except IslandmodeError as error:
        audience.listener.warn(sentence_of(error))


def _refuse_of_lab(loaded: Loaded, plan: Plan) -> None:
    """Raise `InputError` for a device of a lab: a dry run logs in to the devices of a plant."""
    from islandmode.operate.site_devices import Device, refuse_of_lab  # noqa: PLC0415 - host keys bring much code along

    for name in plan.points:
        refuse_of_lab(Device(name, loaded.site, loaded.site_tree))


def _run_live(order: DrillOrder, loaded: Loaded, plan: Plan, audience: Audience) -> Ended:
    """Isolate the plant itself, once its go was given; raises `Refused` with all that speaks against it, and nothing touched."""
    if order.lab is not None or order.topology is not None:
        raise InputError("--lab and --topology belong to a rehearsal; a live run isolates the plant of its site.")
    broken = order.break_glass
    against = refused_for_live(order.workspace, loaded, plan, broken=broken)
    if against:
        raise Refused(
            f"A live run cannot begin:{_each_on_a_line(against)}Nothing was touched. Rehearse with --mode rehearsal.",
            "preflight",
        )
    refuse_go(order.workspace, plan, order.mode, with_go=order.with_go)
    refuse_by_hand(loaded, plan)
    _refuse_of_lab(loaded, plan)
    ground = PlantGround(order.workspace, plan.drill.site)
    name = _new_name(plan, MachineClock.of_this_boot())
    request = RunRequest(
        name,
        order.workspace,
        order.drill,
        order.mode.value,
        operator_name(),
        ground.words(),
        with_go=broken is None,
        break_glass=broken,
    )
    if broken is not None:
        audience.listener.warn(broken.loud)
    return _run_here(request, plan, ground, audience, intent_of(loaded))


def _each_on_a_line(against: Sequence[str]) -> str:
    """Write each reason on a line of its own, since there may be a dozen."""
    return "".join(f"\n  {sentence}" for sentence in against) + "\n"


def _look_here(order: DrillOrder, loaded: Loaded, plan: Plan, audience: Audience) -> Ended:
    """Do on the plant all that comes before arming; raises `Refused` with what a live run would be refused for."""
    ground = PlantGround(order.workspace, plan.drill.site)
    live = refused_for_live(order.workspace, loaded, plan, ahead=True)
    name = _new_name(plan, MachineClock.of_this_boot())
    request = RunRequest(name, order.workspace, order.drill, order.mode.value, operator_name(), ground.words())

    async def look(conducting: Conducting) -> None:
        await conducting.look_only(live)

    here = _conduct_here(request, plan, ground, audience, look, intent_of(loaded))
    why = apart(lambda: _seal(here.directory), WRITE_S)
    anyio.run(here.conducting.forget)
    if why:
        raise Unrecorded(
            f"The record in {here.directory.root} could not be finished ({why}); nothing was touched.", stranded=False
        )
    if live:
        raise Refused(f"A live run could not begin:{_each_on_a_line(live)}Nothing was touched.", "preflight")
    return Ended(NOTHING_TO_JUDGE, plan, here.directory)


def _seal(directory: RunDirectory) -> None:
    directory.seal()


def _run_here(request: RunRequest, plan: Plan, ground: Ground, audience: Audience, intent: bytes = b"") -> Ended:
    here = _conduct_here(request, plan, ground, audience, Conducting.conduct, intent)
    ended = _judged(request, plan, ground, audience, here.came, here.conducting.records, here.directory)
    anyio.run(here.conducting.forget)
    return ended


@dataclass(frozen=True)
class _Here(Generic[T]):
    """What came of a run that this process conducted."""

    came: T
    conducting: Conducting
    directory: RunDirectory


def _conduct_here(
    request: RunRequest,
    plan: Plan,
    ground: Ground,
    audience: Audience,
    course: Callable[[Conducting], Awaitable[T]],
    intent: bytes,
) -> _Here[T]:
    """Conduct a run in this process; raises `Refused` with its report written, and nothing left isolated."""
    clock, disk = MachineClock.of_this_boot(), MachineDisk()
    root = request.workspace / rundir.RUNS / request.run
    with (
        heard_as_before(),
        hold_conduits(root.parent / ".locks", plan.drill.site, plan.conduits, request.run),
        closing(Transcripts(root, rundir.CONDUCTOR, clock)) as transcripts,
    ):
        refuse_beside_unfinished(request.workspace, plan, request.run, ground)
        # Before the run has a folder: a secret that is missing is bad input, and leaves no run behind.
        points = opened(ground, plan, clock, request.run, transcripts)
        refuse_without_keys(ground, plan, clock)
        if request.mode == Mode.DRY_RUN.value:
            points = {name: read_only(point) for name, point in points.items()}
        directory = _begin(request, plan, ground, audience, intent)
        follower = audience.follow(plan)
        conducting = Conducting(request, plan, ground, points, clock, disk, directory, follower.show)
        hear_of_children_without_threads()
        try:
            with closing(transcripts):
                # Whole before the run's check sums are written, however it ended.
                came = anyio.run(course, conducting)
        except Refused as refused:
            # Nothing was touched, or all of it was seen back.
            _forget(directory)
            is_lab = isinstance(ground, LabGround)
            told = write_refusal(plan, refused, conducting.records, directory, lab=is_lab, pages=audience.pages)
            audience.listener.say(told)
            _enter_ended(audience, directory, plan, conducting.records, REFUSED, "")
            anyio.run(conducting.forget)
            raise
        finally:
            follower.close()
    return _Here(came, conducting, directory)


def _begin(request: RunRequest, plan: Plan, ground: Ground, audience: Audience, intent: bytes = b"") -> RunDirectory:
    """Make the run's folder with all that a rescue needs, and record the run on the machine. `intent` are the bytes behind the drill digest."""
    kept = ground.kept()
    directory = rundir.create(request.workspace, request.run)
    directory.hold_conductor()
    directory.keep(rundir.PLAN, plan.model_dump_json(indent=2, by_alias=True) + "\n")
    if intent:
        directory.keep(rundir.INTENT, intent.decode("ascii"))
    directory.keep(REQUEST, request.text())
    for name, text in kept.items():
        directory.keep(name, text)
    card = directory.keep(CARD, audience.pages.card(plan, request.run, request.workspace, ground, _on_card(request)))
    # A dry run arms nothing, so that no rescue ever has to know of it.
    if not request.recorded and request.mode != Mode.DRY_RUN.value:
        # Before anything may be armed: from here on every command of this machine knows of the run.
        directory = replace(directory, record=record_run(request.run, request.workspace, plan, ground.words()))
    audience.listener.say(f"card   {card}")
    return directory


def _on_card(request: RunRequest) -> OnCard:
    """Say of a run what its card has to say loudly."""
    return OnCard(request.mode, () if request.break_glass is None else (request.break_glass.loud,))


def _judged(
    request: RunRequest,
    plan: Plan,
    ground: Ground,
    audience: Audience,
    conducted: Conducted,
    records: tuple[Record, ...],
    directory: RunDirectory,
) -> Ended:
    mode, is_lab = Mode(request.mode), isinstance(ground, LabGround)
    try:
        verdict = judge_and_write(plan, conducted, records, directory, mode=mode, lab=is_lab, pages=audience.pages)
    except OSError as error:
        # The plant is as `conducted` says; only its record is incomplete.
        if not conducted.restored:
            audience.listener.stranded(lines_by_hand(plan))
        where = f"The run's record in {directory.root} could not be finished ({error.strerror})"
        back = f" The plant is back: {back_told(plan.points, plan.points)}."
        raise Unrecorded(
            f"{where}; it proves nothing.{back if conducted.restored else ''}", stranded=not conducted.restored
        ) from error
    _enter_ended(audience, directory, plan, records, verdict.verdict.value, verdict.restoration.value)
    if verdict.restoration is not Restoration.UNPROVEN:
        _forget(directory)
    elif directory.record is not None:
        directory.record.leave_unproven(UNPROVEN)
    return Ended(exit_code(verdict.verdict, verdict.restoration), plan, directory, verdict)


def _enter_ended(
    audience: Audience, directory: RunDirectory, plan: Plan, records: Sequence[Record], result: str, restoration: str
) -> None:
    """Enter how the run ended in the ledger; where that is not seen done, the ledger says that the run has no result."""
    for said in of_kind(records, LedgerAcknowledged.record_kind, acknowledged=False):
        audience.listener.warn(not_acknowledged(said.data))
    why = enter_ended(directory, records, result, restoration, MachineClock.of_this_boot())
    if why:
        audience.listener.warn(
            f"how {directory.run} ended was not seen entered in {path_of(directory.workspace)} ({why}); by the ledger it is a run "
            "without result, and its folder has what it found."
        )
    if plan.ledger_receiver is not None and list(of_kind(records, LedgerEntered.record_kind)):
        receipt = send_on(directory.workspace, plan.ledger_receiver, MachineClock.of_this_boot())
        if not receipt.acknowledged:
            audience.listener.warn(
                f"how {directory.run} ended was not acknowledged by the ledger's receiver ({plan.ledger_receiver.told}): {receipt.said}"
            )


def exit_code(result: Result, restoration: Restoration) -> int:
    """Map a verdict to the exit code that scripts and schedulers read; restoration unproven outranks all."""
    return STRANDED if restoration is Restoration.UNPROVEN else BY_RESULT[result]


def _forget(directory: RunDirectory) -> None:
    if directory.record is not None:
        directory.record.forget()
