"""`islandmode run`: one drill from its file to its report."""

from __future__ import annotations

import os
import secrets as randomness
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import anyio
from anyio.abc import TaskStatus

from islandmode import __version__
from islandmode.core.drill import Mode
from islandmode.core.errors import IslandmodeError, Refused, Unrecorded
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.records import RunStarted
from islandmode.core.verdict import Restoration
from islandmode.rehearse.containers.errand import lifeline
from islandmode.rehearse.lab import Lab
from islandmode.rehearse.topology import Topology
from islandmode.run.conductor import Conducted, Conductor, RunPlace
from islandmode.run.guardian_process import FolderRequests, ProcessGuardian
from islandmode.run.guards import Guarded
from islandmode.run.outermost import STRANDED, Broken, sentence_of
from islandmode.run.progress import Show, Stop, StopLatch
from islandmode.store import rundir
from islandmode.store.active import record_run
from islandmode.store.journal import Journal
from islandmode.store.rundir import RunDirectory
from islandmode.system.claim import ClaimApart
from islandmode.system.clock import Clock, MachineClock, iso_utc
from islandmode.system.disk import Disk, MachineDisk, hold_conduits
from islandmode.system.forwarding import forwards
from islandmode.system.own_program import program_anywhere, typed, typed_anywhere
from islandmode.system.process import EMPTY_ENVIRONMENT, hear_of_children_without_threads
from islandmode.ui import rehearsal
from islandmode.ui.as_json import print_error
from islandmode.ui.card import CARD, TypedAt, render_card
from islandmode.ui.checking import refuse_unlike_lab
from islandmode.ui.exits import NOTHING_TO_JUDGE, exit_code
from islandmode.ui.lab_place import LabPlace, lab_of_site
from islandmode.ui.live import LiveView, silent
from islandmode.ui.operator_name import operator_name
from islandmode.ui.plan_text import print_plan
from islandmode.ui.planning import plan_of, print_left_out
from islandmode.ui.results import judge_and_write, print_card, print_result, write_refusal
from islandmode.ui.unfinished_runs import known_runs, owed_by, refuse_beside_unfinished, uses

STARTED_BY = "lab back end"
PROOF_DEADLINE_S = 20.0
NOTHING_TOUCHED = (2, 4)
UNPROVEN = "The run ended and its restoration is not proven."


@dataclass(frozen=True)
class RunRequest:
    """What was asked for on the command line."""

    workspace: Path
    drill: str
    mode: Mode
    lab: str | None
    own_lab: bool
    json: bool
    topology: Path | None
    recorded: str | None = None
    """The name of a run that its starter, outside, has recorded on the machine already."""


def run_drill(request: RunRequest, arguments: Sequence[str]) -> int:
    """Run a drill and return the exit code; `arguments` are our own, for starting again on the operations host."""
    loaded, plan = plan_of(request.workspace, request.drill)
    if request.mode in (Mode.LIVE, Mode.INCIDENT):
        raise Refused(
            f"Mode {request.mode.value} needs approvals, which do not exist yet in this version. "
            "Nothing was touched. Rehearse with --mode rehearsal."
        )
    if request.mode in (Mode.TABLETOP, Mode.DRY_RUN):
        print_left_out(loaded.left_out)
        if request.json:
            print(plan.model_dump_json(indent=2, by_alias=True))
        else:
            print_plan(plan)
        return NOTHING_TO_JUDGE
    place = lab_of_site(loaded.site.lab, loaded.place("site", ("lab", "topology")), request.lab, request.topology)
    fits = partial(refuse_unlike_lab, loaded, plan)
    return _rehearse(request, plan, place, fits, (*arguments, "--lab", place.name))


def _rehearse(
    request: RunRequest, plan: Plan, place: LabPlace, fits: Callable[[Topology], None], arguments: Sequence[str]
) -> int:
    lab, ours = rehearsal.attach_or_up(request.workspace, place, request.topology, fits)
    ours = ours or request.own_lab
    try:
        rehearsal.refuse_strangers(plan, lab)
        fits(lab.topology)
        if not lab.is_here():
            keep = ("--own-lab",) if ours and not lab.comes_back else ()
            code = _go(request, plan, lab, (*arguments, *keep))
            # What became of a conductor that said nothing is not known here; then its lab stays for whoever looks.
            ours = ours and code is not None
            return _died(as_json=request.json) if code is None else code
        return _run_here(request, plan, lab)
    finally:
        # Only after restoration was seen or given up does this line run: the lab is what a person would look at.
        if ours:
            _take_down(lab, request.workspace)


def _go(request: RunRequest, plan: Plan, lab: Lab, arguments: tuple[str, ...]) -> int | None:
    """Run ourselves on the operations host; where that sees nothing of this machine, the run is recorded here."""
    if not lab.comes_back:
        return lab.go(arguments, drill=True)
    run = _new_name(plan, MachineClock.of_this_boot())
    record = record_run(run, request.workspace, plan, rehearsal.words_of(lab))
    code = lab.go((*arguments, "--recorded", run), drill=True)
    if code in NOTHING_TOUCHED:
        record.forget()
    elif code == STRANDED:
        record.leave_unproven(UNPROVEN)
    elif code is not None and not owed_by(RunDirectory(request.workspace / rundir.RUNS / run, record)):
        record.forget()
    return code


def _new_name(plan: Plan, clock: Clock) -> str:
    return f"{iso_utc(clock.utc_us())[:19].replace(':', '')}Z-{plan.drill.drill}-{randomness.token_hex(2)}"


def _take_down(lab: Lab, workspace: Path) -> None:
    """Take our own lab down; that it could not be must not hide what became of the plant."""
    holders = {one.run: one.conductor() for one in known_runs(workspace).runs if uses(one, lab)}
    others = [run for run, holder in holders.items() if holder is not None and holder.pid != os.getpid()]
    if others:
        print(f"islandmode: lab {lab.name} stays up: {', '.join(others)} uses it.", file=sys.stderr)
        return
    try:
        rehearsal.down(lab)
    except IslandmodeError as error:
        print(f"islandmode: {sentence_of(error)}", file=sys.stderr)


def _died(*, as_json: bool) -> int:
    sentence = f"The conductor ended without a word; whether the plant is back is for `{typed('status')}` to say."
    print(f"islandmode: {sentence}", file=sys.stderr)
    if as_json:
        print_error(STRANDED, [sentence])
    return STRANDED


def _run_here(request: RunRequest, plan: Plan, lab: Lab) -> int:
    clock, disk = MachineClock.of_this_boot(), MachineDisk()
    run = request.recorded or _new_name(plan, clock)
    with hold_conduits(request.workspace / rundir.RUNS / ".locks", plan.drill.site, plan.conduits, run):
        refuse_beside_unfinished(request.workspace, plan, run, lab)
        directory = rundir.create(request.workspace, run)
        directory.hold_conductor()
        directory.keep(rundir.PLAN, plan.model_dump_json(indent=2, by_alias=True) + "\n")
        at = TypedAt(request.workspace, program_anywhere(), lab.name)
        card = directory.keep(CARD, render_card(plan, run, at=at, lab=True))
        if request.recorded is None:
            # Before anything may be armed: from here on every command of this machine knows of the run.
            directory = replace(directory, record=record_run(run, request.workspace, plan, rehearsal.words_of(lab)))
        if not request.json:
            print(f"card   {card}")
        view = None if request.json else LiveView(plan)
        rehearsed = _Rehearsal(request, plan, lab, clock, disk, directory, silent if view is None else view.show)
        hear_of_children_without_threads()
        try:
            conducted = anyio.run(rehearsed.conduct)
        except Refused as refused:
            # Nothing was touched, or all of it was seen back.
            _forget(directory)
            told = write_refusal(plan, refused, rehearsed.records, directory)
            if not request.json:
                print(told)
            raise
        finally:
            if view is not None:
                view.close()
    try:
        verdict = judge_and_write(plan, conducted, rehearsed.records, directory, mode=request.mode, lab=True)
    except OSError as error:
        # The plant is as `conducted` says; only what was seen of it could not all be written down.
        if not conducted.restored:
            print_card(plan)
        where = f"The run's record in {directory.root} could not be finished ({error.strerror})"
        back = " The plant is back: every isolation point was read back without our objects."
        raise Unrecorded(
            f"{where}; it proves nothing.{back if conducted.restored else ''}", stranded=not conducted.restored
        ) from error
    if verdict.restoration is Restoration.PROVEN:
        _forget(directory)
    elif directory.record is not None:
        directory.record.leave_unproven(UNPROVEN)
    print_result(plan, verdict, directory, as_json=request.json)
    return exit_code(verdict.verdict, verdict.restoration)


def _forget(directory: RunDirectory) -> None:
    if directory.record is not None:
        directory.record.forget()


class _Rehearsal:
    """One rehearsal: opens what the conductor needs, with our signal receiver in place before anything is armed."""

    def __init__(
        self,
        request: RunRequest,
        plan: Plan,
        lab: Lab,
        clock: Clock,
        disk: Disk,
        directory: RunDirectory,
        show: Show,
    ) -> None:
        self._request, self._plan, self._lab = request, plan, lab
        self._clock, self._disk, self._directory, self._show = clock, disk, directory, show
        self._latch = StopLatch()
        self.records: tuple[Record, ...] = ()

    async def conduct(self) -> Conducted:
        """Run the conductor; what it raises comes out as it is, not wrapped in a group."""
        ended: Conducted | Refused | Broken | None = None
        async with anyio.create_task_group() as beside:
            await beside.start(receive_signals, self._latch)
            beside.start_soon(hold_lifeline, self._latch)
            try:
                ended = await self._conduct()
            except (Refused, Broken) as error:
                ended = error
            beside.cancel_scope.cancel()
        if isinstance(ended, Conducted):
            return ended
        raise ended if ended is not None else Refused("The run was cancelled before it began.")

    async def _conduct(self) -> Conducted:
        plan, directory = self._plan, self._directory
        points = rehearsal.open_points(plan, self._lab, self._request.workspace, self._clock, directory.run)
        vantages = rehearsal.open_vantages(plan, self._lab, self._clock, directory)
        names = {"site": plan.drill.site, "run": directory.run, "writer": "conductor"}
        try:
            journal = await Journal.create(self._disk, directory.journal, clock=self._clock, **names)
        except OSError as error:
            raise Refused(
                f"The journal {directory.journal} cannot be made ({error.strerror}); no record, no isolation. "
                "Make room or rights there. Nothing was touched."
            ) from error
        header = RunStarted(
            mode=self._request.mode.value,
            drill_digest=plan.drill_digest,
            plan_digest=plan.plan_digest,
            version=__version__,
            operator=operator_name(),
            lab=self._lab.identity,
            lab_backend=self._lab.backend,
            lab_lives_by=dict(self._lab.lives_by),
        )
        claim = await _claim(directory, journal)
        place = RunPlace(
            directory.run, directory.root, STARTED_BY, header, forwards(), _restoring(self._request.workspace)
        )
        conductor = Conductor(
            plan,
            points,
            vantages,
            journal=journal,
            disk=self._disk,
            clock=self._clock,
            place=place,
            guarded=self._guarded(claim),
            latch=self._latch,
            show=self._show,
        )
        try:
            return await conductor.conduct()
        finally:
            with anyio.CancelScope(shield=True):
                self.records = journal.records
                await journal.close()
                claim.close()

    def _guarded(self, claim: ClaimApart) -> Guarded:
        """Prepare what guards the run; the guardian's process and the proof start when the conductor asks."""
        own = ("--workspace", str(self._request.workspace), "--lab", self._lab.name)
        ours = (sys.executable, "-m", "islandmode")
        run, record = self._directory.run, self._directory.record
        # By its path: the guardian's environment is empty, and with it would go the place that was chosen.
        known = ("--record", str(record.path)) if record is not None else ()
        return Guarded(
            ProcessGuardian((*ours, "guard", run, *own, *known), self._clock),
            claim,
            FolderRequests(self._directory.requests),
            (partial(_restore_would_work, (*ours, "restore", run, "--prove", *own)),),
        )


def _restoring(workspace: Path) -> str:
    """Give the beginning of a restore, for sentences that are kept: they are read in any folder."""
    return typed_anywhere("restore", "--workspace", str(workspace))


async def _claim(directory: RunDirectory, journal: Journal) -> ClaimApart:
    """Start what looks at the run's claim; raises `Refused`."""
    try:
        return ClaimApart(directory.root)
    except OSError as error:
        await journal.close()
        raise Refused(
            f"This machine has no room for another process ({error.strerror}), which the run needs to see whether it was taken "
            "over. Make room, and start again. Nothing was touched."
        ) from error


async def _restore_would_work(argv: tuple[str, ...]) -> str | None:
    """Try, with nothing of our shell's environment, whether `islandmode restore` could log in."""
    why = f"it did not answer within {PROOF_DEADLINE_S:g} s"
    with anyio.move_on_after(PROOF_DEADLINE_S):
        try:
            tried = await anyio.run_process(argv, env=EMPTY_ENVIRONMENT, check=False, start_new_session=True)
        except OSError as error:
            return f"`islandmode restore` could not be started on this machine: {error.strerror or error}."
        if tried.returncode == 0:
            return None
        why = tried.stderr.decode(errors="replace").strip().removeprefix("islandmode: ")
    return f"`islandmode restore` would not be able to restore: {why}"


async def receive_signals(latch: StopLatch, *, task_status: TaskStatus[None]) -> None:
    """Turn INT, TERM and HUP into one request to restore; later ones change nothing, the restore goes on."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as received:
        task_status.started()
        async for number in received:
            latch.pull(Stop("signal", f"{signal.Signals(number).name} was received."))


async def hold_lifeline(latch: StopLatch) -> None:
    """Take words of whoever started us from outside for its signals, and its end for the wish that we end; nothing otherwise."""
    gone = Stop("signal", "The command that started this drill is gone.")
    try:
        held = lifeline()
    except OSError:
        latch.pull(gone)
        return
    if held is None:
        return
    with held:
        held.setblocking(False)
        while True:
            await anyio.wait_readable(held)
            try:
                word = held.recv(64)
            except BlockingIOError:
                continue
            except OSError:
                # Reset: it was killed before it had read that we are here.
                word = b""
            latch.pull(Stop("signal", f"{word.decode(errors='replace')} was received.") if word else gone)
            if not word:
                return
