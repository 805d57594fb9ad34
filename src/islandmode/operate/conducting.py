"""One process that conducts a run: what the conductor needs is opened, with the signal receiver in place before anything is armed."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio

from islandmode import __version__
from islandmode.core import limits
from islandmode.core.drill import Mode
from islandmode.core.errors import InputError, Refused
from islandmode.core.plan import Plan
from islandmode.core.preflight_drift import EarlierReading
from islandmode.core.recipe.told import benched_told
from islandmode.core.record import Record
from islandmode.core.records import RunStarted
from islandmode.isolation.point import IsolationPoint
from islandmode.observe.vantage import Vantage
from islandmode.operate.approving import Approved, now_of
from islandmode.operate.earlier_readings import earlier_readings
from islandmode.operate.entering import enter_begun
from islandmode.operate.going import go_desk
from islandmode.operate.ground import Ground
from islandmode.operate.keep_evidence import keep_evidence
from islandmode.operate.plan import benched_of
from islandmode.operate.promoting import rungs_of, rungs_told
from islandmode.operate.receiving import asker
from islandmode.operate.signals import receive_signals
from islandmode.rehearse.containers.errand import starter_line
from islandmode.run.conductor import Conducted, Conductor
from islandmode.run.go_desk import GoDesk
from islandmode.run.guards import Guarded
from islandmode.run.lifeline_pipes import FolderRequests, PipeLifeline
from islandmode.run.outermost import Broken
from islandmode.run.progress import Show, Stop, StopLatch
from islandmode.run.run_place import RunPlace
from islandmode.store import rundir
from islandmode.store.journal import Journal
from islandmode.store.run_request import RunRequest
from islandmode.store.rundir import RunDirectory
from islandmode.system.claim import ClaimApart
from islandmode.system.clock import Clock
from islandmode.system.disk import Disk
from islandmode.system.forwarding import forwards
from islandmode.system.own_program import typed_anywhere
from islandmode.system.process import environment_of_guards

T = TypeVar("T")


class Conducting:
    """Conducts a run: opens the rest of what the conductor needs, with the signal receiver in place before anything is armed."""

    def __init__(
        self,
        request: RunRequest,
        plan: Plan,
        ground: Ground,
        points: Mapping[str, IsolationPoint],
        clock: Clock,
        disk: Disk,
        directory: RunDirectory,
        show: Show,
    ) -> None:
        self._request, self._plan, self._ground, self._points = request, plan, ground, points
        self._clock, self._disk, self._directory, self._show = clock, disk, directory, show
        self._latch = StopLatch()
        self._approved: Approved | None = None
        self.records: tuple[Record, ...] = ()
        self._vantages: Mapping[str, Vantage] = {}

    async def conduct(self) -> Conducted:
        """Run the plan; raise the conductor's own exception, not an exception group."""
        return await self._beside_signals(Conductor.conduct)

    async def look_only(self, live: tuple[str, ...]) -> None:
        """Do all that comes before arming; raises `Refused` where a run would be refused."""
        await self._beside_signals(lambda conductor: conductor.look_only(live))

    async def forget(self) -> None:
        """Take away what is left of the workers on their hosts, all at once; only once their samples are kept, or nobody will want them."""
        async with anyio.create_task_group() as beside:
            for vantage in self._vantages.values():
                beside.start_soon(_forgets, vantage)

    async def _beside_signals(self, course: Callable[[Conductor], Awaitable[T]]) -> T:
        ended: list[T] = []
        failed: Exception = Refused("The run was cancelled before it began.")
        async with anyio.create_task_group() as beside:
            await beside.start(receive_signals, self._latch)
            beside.start_soon(hear_starter, self._latch)
            try:
                ended.append(await self._conduct(course))
            except (Refused, InputError, Broken) as error:
                failed = error
            beside.cancel_scope.cancel()
        if ended:
            return ended[0]
        raise failed

    async def _conduct(self, course: Callable[[Conductor], Awaitable[T]]) -> T:
        plan, directory = self._plan, self._directory
        # First of all: a run that nobody approved has nothing to say.
        desk = self._desk()
        vantages = self._vantages = self._ground.open_vantages(plan, self._clock, directory)
        names = {"site": plan.drill.site, "run": directory.run, "writer": rundir.CONDUCTOR}
        try:
            journal = await Journal.create(self._disk, directory.journal, clock=self._clock, **names)
        except OSError as error:
            raise Refused(
                f"The journal {directory.journal} cannot be made ({error.strerror}); no record, no isolation. "
                "Make room or rights there. Nothing was touched."
            ) from error
        try:
            return await self._conduct_written(course, journal, vantages, desk)
        finally:
            with anyio.CancelScope(shield=True):
                self.records = journal.records
                await journal.close()

    async def _conduct_written(
        self,
        course: Callable[[Conductor], Awaitable[T]],
        journal: Journal,
        vantages: Mapping[str, Vantage],
        desk: GoDesk | None,
    ) -> T:
        plan, directory = self._plan, self._directory
        header = RunStarted(
            mode=self._request.mode,
            drill_digest=plan.drill_digest,
            plan_digest=plan.plan_digest,
            version=__version__,
            operator=self._request.operator,
            **self._ground.header(),
            **_benches(self._request.workspace, plan),
            **_rungs(self._request, plan),
            **_broken(self._request),
            **self._approved_by(),
        )
        claim = await _claim(directory, journal)
        try:
            conductor = Conductor(
                plan,
                self._points,
                vantages,
                journal=journal,
                disk=self._disk,
                clock=self._clock,
                place=self._place(header, desk),
                guarded=self._guarded(plan, claim),
                latch=self._latch,
                show=self._show,
            )
            return await course(conductor)
        finally:
            claim.close()

    def _approved_by(self) -> dict[str, Any]:
        """Keep who approved the run in its folder, and name them for its first record; nothing where nobody has to."""
        if self._approved is None:
            return {}
        now = now_of(self._clock)
        return {"approved": keep_evidence(self._directory, self._request.workspace, self._approved, now)}

    def _place(self, header: RunStarted, desk: GoDesk | None) -> RunPlace:
        request, directory = self._request, self._directory
        return RunPlace(
            directory.run,
            directory.root,
            self._ground.started_by,
            header,
            partial(enter_begun, request, self._plan, self._clock, self._approved),
            asker(request.workspace, self._plan.ledger_receiver, self._clock, live=request.mode == Mode.LIVE.value),
            forwards(),
            _restoring(request.workspace),
            typed_anywhere("confirm", directory.run, "--workspace", str(request.workspace)),
            _earlier(request, self._plan),
            desk,
        )

    def _desk(self) -> GoDesk | None:
        """Prepare what the go is held against, where the run waits for it; raises `Refused` where nobody approved it by now."""
        request = self._request
        if not request.with_go:
            if request.mode == Mode.LIVE.value and request.break_glass is None:
                raise Refused(
                    "A live run waits for the go of the plant floor, and this was asked for without. Nothing was touched.",
                    "go",
                )
            return None
        self._approved, desk = go_desk(request.workspace, self._plan, request.run, self._clock)
        return desk

    def _guarded(self, plan: Plan, claim: ClaimApart) -> Guarded:
        """Prepare what guards the run; the guardian's process and the proof start when the conductor asks."""
        own = ("--workspace", str(self._request.workspace))
        islandmode = (sys.executable, "-m", "islandmode")
        run, record = self._directory.run, self._directory.record
        # By its path: the guardian's environment is empty, so it does not know a state folder chosen by a variable.
        known = ("--record", str(record.path)) if record is not None else ()
        return Guarded(
            PipeLifeline((*islandmode, "guard", run, *own, *known), self._clock),
            claim,
            FolderRequests(self._directory.requests, forgets_go=True),
            (partial(_restore_would_work, (*islandmode, "restore", run, "--prove", *own), limits.ready_s(plan)),),
        )


def _earlier(request: RunRequest, plan: Plan) -> tuple[EarlierReading, ...]:
    """Give what dry runs have read of the devices; a rehearsal's are a lab's, which is made anew each time."""
    if request.mode == Mode.REHEARSAL.value:
        return ()
    try:
        return earlier_readings(request.workspace, plan)
    except InputError as error:
        raise Refused(f"What dry runs have read of the devices is not known: {error} Nothing was touched.") from error


async def _forgets(vantage: Vantage) -> None:
    # How the run ended stands: what stays on a host is that host's, and nobody waits for it.
    with suppress(Exception):
        await vantage.forget()


def _benches(workspace: Path, plan: Plan) -> dict[str, Any]:
    """Say of the plan's devices by whom they are benched, for the first record; nothing where no record counts, or none can be read."""
    try:
        words_of = {name: benched_told(found.standing) for name, found in benched_of(workspace, plan).items()}
    except InputError:
        return {}
    told = {name: words for name, words in words_of.items() if words}
    return {"benched": told} if told else {}


def _rungs(request: RunRequest, plan: Plan) -> dict[str, Any]:
    """Say what stands behind a live run of the plan, for the first record of a run on a plant."""
    if request.mode == Mode.REHEARSAL.value:
        return {}
    return {"rungs": rungs_told(rungs_of(request.workspace, plan, benched_of(request.workspace, plan)))}


def _broken(request: RunRequest) -> dict[str, Any]:
    """Say for the first record who ran it live without approvals and a go; nothing where nobody did."""
    return {} if request.break_glass is None else {"break_glass": request.break_glass.told}


def _restoring(workspace: Path) -> str:
    """Give the start of a restore command that works from any folder, for sentences that are kept."""
    return typed_anywhere("restore", "--workspace", str(workspace))


async def _claim(directory: RunDirectory, journal: Journal) -> ClaimApart:
    """Start the process that watches the run's claim; raises `Refused`."""
    try:
        return ClaimApart(directory.root)
    except OSError as error:
        await journal.close()
        raise Refused(
            f"This machine has no room for another process ({error.strerror}), which the run needs to see whether it was taken "
            "over. Make room, and start again. Nothing was touched."
        ) from error


async def _restore_would_work(argv: tuple[str, ...], deadline_s: float) -> str | None:
    """Try, with an empty environment, whether `islandmode restore` could log in; say why it could not."""
    why = f"it did not answer within {deadline_s:g} s."
    with anyio.move_on_after(deadline_s):
        try:
            tried = await anyio.run_process(argv, env=environment_of_guards(), check=False, start_new_session=True)
        except OSError as error:
            return f"`islandmode restore` could not be started on this machine: {error.strerror or error}."
        if tried.returncode == 0:
            return None
        why = tried.stderr.decode(errors="replace").strip().removeprefix("islandmode: ")
    return f"`islandmode restore` would not be able to restore: {why}"


async def hear_starter(latch: StopLatch) -> None:
    """Treat words from the starting process as signals, and its death as a request to restore."""
    gone = Stop("signal", "The command that started this drill is gone.")
    try:
        held = starter_line()
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
                # Reset: the starting process was killed before it read from this socket.
                word = b""
            latch.pull(Stop("signal", f"{word.decode(errors='replace')} was received.") if word else gone)
            if not word:
                return
