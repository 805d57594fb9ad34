"""The conductor: one run of a plan, as a list of steps that a stranger can read.

How it works. `conduct` is the list. Everything from arming to the last hold stands inside one `try`, whose `finally`
is the restore: no path out of it, by error, signal or end, goes round it, and it is shielded. While something may be
isolated two loops run beside the holds. One hears the near vantages ten times a second and applies the stop rules. The
other reads the dead-man from the devices, and renews it only if the first loop was alive a moment ago and nothing asks
for a stop. Whatever either finds wrong pulls the stop latch, which does nothing but cancel the drill's scope.

No durable record, no isolate: the journal is awaited before each isolate (`isolating`). A restore never waits for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import anyio

from islandmode.core import limits
from islandmode.core.errors import Refused, RefusedFor
from islandmode.core.hand import back_told
from islandmode.core.lifecycle import Event, Phase, next_phase
from islandmode.core.placing import Placed
from islandmode.core.plan import Plan, PlanStage, Step
from islandmode.core.preflight import PreflightFinding, judge_baseline
from islandmode.core.records import (
    BaselineDone,
    BaselineStarted,
    HoldEnded,
    HoldStarted,
    RestoreOrdered,
    RunFinished,
    RunLooked,
    RunRefused,
    Stopped,
    VantageLooked,
    VerifyDone,
    VerifyStarted,
)
from islandmode.isolation.point import IsolationPoint
from islandmode.observe.vantage import Vantage
from islandmode.run.deadman import DeadMan
from islandmode.run.go_wait import GoWait
from islandmode.run.guards import Guarded, Guards
from islandmode.run.hands import Hands
from islandmode.run.isolating import Isolating
from islandmode.run.outermost import Broken
from islandmode.run.pace import Pace
from islandmode.run.pair_roles import PairRoles
from islandmode.run.preflight import Preflight
from islandmode.run.progress import Progress, Show, Stop, StopLatch
from islandmode.run.restore import restore_until_seen, wait_told
from islandmode.run.returning import Returning
from islandmode.run.run_journal import RunJournal
from islandmode.run.run_place import RunPlace
from islandmode.run.session_list import SessionList
from islandmode.run.witness import Witness
from islandmode.store.journal import Journal
from islandmode.system.clock import Clock
from islandmode.system.disk import Disk

T = TypeVar("T")
TICK_S = 0.1
BASELINE_PATIENCE_S = 10.0
"""A busy machine starts its workers slowly; a probe that is bad for so long before the drill is really bad."""
LOOK_EVERY_S = 0.5
ALIVE_S = 1.0


@dataclass(frozen=True)
class Conducted:
    """What a finished run leaves; the same stands in its journal and samples."""

    restored: bool
    stop: Stop | None
    samples: Placed
    differences: Mapping[str, str]
    refused: str | None = None


class Conductor:
    """Runs one plan once."""

    def __init__(
        self,
        plan: Plan,
        points: Mapping[str, IsolationPoint],
        vantages: Mapping[str, Vantage],
        *,
        journal: Journal,
        disk: Disk,
        clock: Clock,
        place: RunPlace,
        guarded: Guarded,
        latch: StopLatch,
        show: Show,
    ) -> None:
        """Take everything a run needs; nothing is touched yet."""
        self._plan = plan
        self._points = points
        self._clock = clock
        self._place = place
        self._latch = latch
        self._show = show
        self._journal = RunJournal(journal, latch)
        self._hands = Hands(points, self._journal)
        ready_s = limits.ready_s(plan)
        self._guards = Guards(
            guarded, clock=clock, journal=self._journal, run=place.run, ready_s=ready_s, hands=self._hands
        )
        self._dead_man = DeadMan(plan, points, self._journal, self._guards, clock)
        self._witness = Witness(plan, vantages, self._journal, clock, place.run)
        self._returning = Returning(plan, points, self._dead_man, self._guards, self._journal, clock, latch)
        self._roles = PairRoles(plan, points, self._journal)
        self._preflight = Preflight(plan, points, self._journal, disk, self._roles, clock, place)
        sessions = SessionList(plan, points, self._journal)
        self._go = GoWait.of(place.go, self._guards, self._journal, clock, latch, self._hear_beside, sessions)
        self._stage: PlanStage | None = None
        self._complete = False
        self._pace = Pace(clock)
        self._isolating = Isolating(plan, points, self._dead_man, self._guards, self._journal, clock, latch, self._pace)
        self._heard_us = 0
        self._sentence = ""
        self.phase = Phase.PLANNED

    async def conduct(self) -> Conducted:
        """Run the plan from preflight to verify; raises `Refused` when it ended before anything could be isolated."""
        return await self._to_its_end(self._conduct)

    async def look_only(self, live: tuple[str, ...]) -> None:
        """Do all that comes before arming, and end; raises `Refused` where a run would be refused. `live` is what speaks against a live run."""
        await self._to_its_end(partial(self._look_only, live))

    async def _look_only(self, live: tuple[str, ...]) -> None:
        await self._check()
        await self._baseline()
        await self._journal.append(RunLooked(live=live))

    async def _to_its_end(self, course: Callable[[], Awaitable[T]]) -> T:
        """Take a course, record a refusal, and give everything back."""
        try:
            return await course()
        except Refused as refused:
            # No verdict will say why: `show` and the report read it here.
            stop = self._latch.first
            by = stop.by if stop is not None else ""
            told = {} if refused.code is None else {"code": refused.code}
            self._journal.note(RunRefused, why=str(refused), by=by, **told)
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await self._guards.close()
                await self._witness.stop()
                for point in self._points.values():
                    await point.close()

    async def _conduct(self) -> Conducted:
        await self._check()
        await self._baseline()
        await self._hear_go()
        await self._enter()
        await self._see_go_holds()
        refusal, fault = None, None
        try:
            refusal = await self._isolate_all()
        except Exception as error:  # noqa: BLE001 - a bug must not hide whether the plant came back
            fault = error
        finally:
            with anyio.CancelScope(shield=True):
                restored = await self._restore_or_say(refusal)
        if fault is not None:
            raise Broken(restored=restored) from fault
        if not self._dead_man.touched:
            # Stopped, or refused by the first device, before any Islandmode object could stand on a device.
            refusal = refusal or self._stopped()
        if refusal is not None and restored:
            raise Refused(self._nothing_left(refusal), self._refused_for())
        await self._settle()
        stop = self._latch.first
        await self._collect()
        differences = await self._verify()
        await self._finish(restored=restored)
        return Conducted(restored, stop, self._witness.placed(), differences, refusal)

    async def _check(self) -> None:
        self._move(Event.PREFLIGHT_STARTED, "Preflight: one login on each isolation point, nothing is changed.")
        await self._journal.append(self._place.header)
        self._refuse_if_stopped()
        await self._preflight.check()
        self._refuse_if_stopped()

    async def _baseline(self) -> None:
        self._move(Event.BASELINE_STARTED, "Baseline: every probe must be good before anything is isolated.")
        sampling_s = limits.sampling_s(self._plan) + self._place.waits_s
        wrong = await self._witness.start(sampling_s, self._place.started_by)
        if wrong:
            late = all(worker.late for worker in wrong)
            raise Refused(
                f"{' '.join(worker.why for worker in wrong)} Nothing was touched.", "late" if late else "vantage"
            )
        await self._journal.append(BaselineStarted())
        unproven: list[str | None] = []

        async def prove() -> None:
            unproven.append(await self._guards.prove())

        def proved() -> bool:
            return bool(unproven)

        async with anyio.create_task_group() as beside:
            # Only now, after preflight has logged in: a wrong password must not be tried three times.
            beside.start_soon(prove)
            # Long enough for a frozen value to show itself, and for far vantages to see alive what must die later.
            # And for as long as the proofs take: what is judged below must be what the probes said last, not a minute ago.
            longest_s = max(self._plan.drill.settle * 3, BASELINE_PATIENCE_S)
            bad = await self._hear_until_good(self._plan.drill.settle, lambda: longest_s, proved)
            if self._latch.first is not None:
                beside.cancel_scope.cancel()
        await self._journal.append(BaselineDone(bad=bad))
        self._refuse_if_stopped()
        for why in unproven:
            if why is not None:
                raise Refused(f"{why} Nothing was touched.", "guardian")
        await self._refuse_unless_all_good()

    async def _refuse_unless_all_good(self) -> None:
        found = await self._look_at_all()
        self._refuse_if_stopped()
        if found:
            late = all(finding.late for finding in found)
            raise Refused(found[0].sentence, "late" if late else "baseline")

    async def _hear_go(self) -> None:
        """Wait for the go, where the run needs one, and see every probe good once more."""
        if self._go is not None:
            await self._go.wait()
            self._refuse_if_stopped()
            await self._refuse_unless_all_good()

    async def _see_go_holds(self) -> None:
        if self._go is not None:
            await self._go.still_holds(self._preflight)
            self._refuse_if_stopped()

    def _hear_beside(self, sentence: str) -> tuple[str, ...]:
        self._tell_sentence(sentence)
        return self._witness.not_good()

    async def _enter(self) -> None:
        """Enter the run in the ledger, before anything may be armed: an attempt that nobody remembers must not be possible."""
        entered = await self._place.enter()
        await self._journal.append(entered)
        if self._place.acknowledge is not None:
            with anyio.CancelScope() as scope:
                self._latch.wakes(scope.cancel)
                await self._journal.append(await self._place.acknowledge(entered))
        self._refuse_if_stopped()

    async def _look_at_all(self) -> tuple[PreflightFinding, ...]:
        """See every probe good, far probes too: what only these can see is not seen again before the plant is restored."""
        until_us = self._clock.monotonic_us() + round(BASELINE_PATIENCE_S * 1_000_000)
        while True:
            asked_us = self._clock.monotonic_us()
            far = await self._witness.look()
            self._tell()
            # Judged as of the moment of asking: how long the answer was under way says nothing of a probe.
            found = judge_baseline(self._plan, {**self._witness.last(), **far.last}, asked_us, far.unseen)
            asked = await self._guards.stop_reason()
            if asked is not None:
                self._latch.pull(asked)
            if not found or asked_us >= until_us or self._latch.first is not None:
                looked = VantageLooked(
                    what=tuple(finding.sentence for finding in found),
                    codes=tuple(finding.code for finding in found),
                    probes=tuple(finding.probe for finding in found if finding.probe),
                )
                await self._journal.append(looked)
                return found
            await self._clock.sleep(LOOK_EVERY_S)

    def _nothing_left(self, refusal: str) -> str:
        """Add to a refusal what became of devices that were armed before it: *touched* must not be left out."""
        armed = sorted(self._dead_man.touched)
        if not armed:
            return refusal
        what = "was armed already: its object was" if len(armed) == 1 else "were armed already: their objects were"
        return f"{refusal} {', '.join(armed)} {what} removed and seen gone."

    def _refuse_if_stopped(self) -> None:
        if self._latch.first is not None:
            raise Refused(self._stopped(), self._stopped_for())

    def _stopped_for(self) -> RefusedFor:
        stop = self._latch.first
        if self._guards.answers.veto:
            return "veto"
        return "guardian" if stop is not None and stop.by == "guardian" else "stopped"

    def _refused_for(self) -> RefusedFor:
        """Tell for what a run is refused that was about to arm, or had armed."""
        if self._latch.first is not None:
            return self._stopped_for()
        if self._dead_man.absent:
            return "person"
        return "late" if self._dead_man.unanswered else "arming"

    def _stopped(self) -> str:
        why = self._latch.first.why if self._latch.first is not None else ""
        return f"Stopped before anything was armed: {why} Nothing was touched."

    async def _isolate_all(self) -> str | None:
        """Arm, then isolate and hold stage by stage; return why arming was refused, if it was."""
        with anyio.CancelScope() as scope:
            # Before the cancel: arming waits for every answer, and nobody's answer is worth waiting for any more.
            self._latch.wakes(self._hands.withdraw)
            self._latch.wakes(scope.cancel)
            self._move(Event.ARMING_STARTED, "Arming the dead-man on each isolation point; traffic still passes.")
            self._guards.open_window(limits.window_s(self._plan))
            async with anyio.create_task_group() as beside:
                beside.start_soon(self._watch_plant)
                wrong = await self._dead_man.arm(lambda name: beside.start_soon(self._watch_device, name))
                if wrong:
                    beside.cancel_scope.cancel()
                    return " ".join(wrong)
                for stage in self._plan.stages:
                    await self._isolate(stage)
                    await self._hold(stage)
                await self._returning.all_but_the_last(partial(self._move, Event.RETURN_STARTED))
                self._complete = True
                beside.cancel_scope.cancel()
        return None

    async def _watch_plant(self) -> None:
        while True:
            self._tell()
            self._heard_us = self._clock.monotonic_us()
            stop = await self._guards.stop_reason() or self._witness.stop_reason()
            if stop is not None:
                self._latch.pull(stop)
            await self._clock.sleep(TICK_S)

    async def _watch_device(self, name: str) -> None:
        """Watch one device; each has a loop of its own, so that a silent one does not starve the others of renewals."""
        while True:
            trouble = await self._dead_man.read(name, self._isolating.isolated.get(name, ()))
            if trouble is None and self._latch.first is None and self._plant_is_watched():
                trouble = await self._dead_man.renew_if_due(name)
            for member in () if trouble is not None else await self._roles.changed(name):
                # Another member carries the traffic now: whether each of them isolates is read again, and not taken from before.
                trouble = trouble or await self._dead_man.read(member, self._isolating.isolated.get(member, ()))
            if trouble is not None:
                self._latch.pull(trouble)
            await self._pace.pause(self._plan.points[name].capabilities.read_every_s)

    def _plant_is_watched(self) -> bool:
        return self._clock.monotonic_us() - self._heard_us < ALIVE_S * 1_000_000

    async def _isolate(self, stage: PlanStage) -> None:
        turns = await self._isolating.turns(stage)
        self._stage = stage
        self._move(Event.ISOLATE_STARTED, f"Stage {stage.name}: isolating {', '.join(stage.conduits)}.")
        for steps in turns:
            async with anyio.create_task_group() as group:
                for step in steps:
                    group.start_soon(self._isolate_step, stage.name, step)
        await self._isolating.log_in_again(stage.name)
        self._move(Event.STAGE_ISOLATED, f"Stage {stage.name}: isolated, holding {stage.hold_s:g} s.")

    async def _isolate_step(self, stage: str, step: Step) -> None:
        await self._isolating.step(stage, step)

    async def _hold(self, stage: PlanStage) -> None:
        await self._journal.append(HoldStarted(stage=stage.name))
        if stage is self._plan.stages[-1]:
            self._pace.ends_in(stage.hold_s)
        await self._clock.sleep(stage.hold_s)
        # What comes next may be the restore, and that waits for no disk; the next isolate waits for this record too.
        self._journal.note(HoldEnded, stage=stage.name, complete=True)

    async def _restore_or_say(self, refusal: str | None) -> bool:
        try:
            return await self._restore(refusal)
        except Exception as error:
            # Whatever it was, nobody may take the plant for restored.
            raise Broken(restored=False) from error

    async def _restore(self, refusal: str | None) -> bool:
        touched = dict(self._dead_man.touched)
        stop = self._latch.first
        if stop is not None:
            self._journal.note(Stopped, by=stop.by, why=stop.why, proven=stop.proven)
        ended = "The plan is complete." if self._complete else "The run failed before its plan was complete."
        why = stop.why if stop is not None else refusal or ended
        if not touched:
            return True
        # First give back the memory that was kept for this; and a display that fails must keep no plant isolated.
        self._guards.restoring()
        self._journal.note(RestoreOrdered, why=why)
        with suppress(MemoryError):
            self._move(Event.RESTORE_STARTED, f"Restoring every isolation point: {why}")
        seen = await self._restore_all(touched)
        restored = seen == set(touched)
        self._guards.restored(seen=restored)
        if restored:
            self._move(Event.RESTORE_SEEN, f"Restored: {back_told(self._plan.points, touched)}.")
        else:
            unseen = ", ".join(sorted(set(touched) - seen))
            self._move(
                Event.RESTORE_UNSEEN, f"STRANDED: {unseen} was not seen restored. Use the commands of the card now."
            )
        return restored

    async def _restore_all(self, touched: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
        restoring = partial(
            restore_until_seen,
            self._points,
            touched,
            notes=self._journal,
            clock=self._clock,
            give_up_after_s=limits.stranded_s(self._plan),
            waits=self._tell_wait,
        )
        if not self._hands:
            return await restoring()
        async with anyio.create_task_group() as beside:
            with suppress(MemoryError):
                beside.start_soon(self._hear_people)
            seen = await restoring()
            beside.cancel_scope.cancel()
        return seen

    async def _hear_people(self) -> None:
        """Show what a restore asks of people, and take what they say; a fault here must keep nothing from being restored."""
        while True:
            with suppress(Exception):
                self._guards.hear_people()
                self._tell()
            await self._clock.sleep(TICK_S)

    def _tell_wait(self, point: str, wait_s: float) -> None:
        with suppress(MemoryError):
            asks_person = self._plan.points[point].capabilities.asks_person
            self._sentence = wait_told(point, wait_s, asks_person=asks_person)
            self._tell()

    async def _settle(self) -> None:
        """Watch the plant come back: the probes' positive controls after the drill."""
        await self._journal.append(VerifyStarted())
        packets_s = self._plan.drill.limits.restore_within + self._plan.drill.settle
        drained_s = max(packets_s, limits.drained_within_s(self._plan))
        given_up = anyio.Event()
        # Who stops the run once the plant is back waits for no backlog.
        self._latch.wakes_next(given_up.set)
        bad = await self._hear_until_good(
            self._plan.drill.settle, lambda: packets_s if given_up.is_set() else drained_s
        )
        await self._journal.append(VerifyDone(bad=bad))

    async def _collect(self) -> None:
        if self.phase is Phase.RESTORED:
            self._move(Event.COLLECT_STARTED, "Collecting what the far vantages saw while they were cut off.")
        self._latch.wakes_next(self._witness.give_up)
        ours = self._sentence
        await self._witness.collect(self._tell_sentence)
        self._sentence = ours

    def _tell_sentence(self, sentence: str) -> None:
        self._sentence = sentence
        self._tell()

    async def _verify(self) -> dict[str, str]:
        return await self._preflight.compare()

    async def _finish(self, *, restored: bool) -> None:
        await self._journal.append(RunFinished(restored=restored, why=self._sentence))
        if restored:
            self._move(Event.FINISHED, "Finished.")

    async def _hear_until_good(
        self, least_s: float, longest_s: Callable[[], float], beside_done: Callable[[], bool] = lambda: True
    ) -> tuple[str, ...]:
        """Listen for at least `least_s`, and on until every near probe is good, at most `longest_s`; name the bad.

        Listening never ends before what goes on beside it, however long that takes.
        """
        start_us = self._clock.monotonic_us()
        while True:
            await self._clock.sleep(TICK_S)
            self._tell()
            heard_s = (self._clock.monotonic_us() - start_us) / 1_000_000
            bad = self._witness.not_good()
            if heard_s >= least_s and beside_done() and (not bad or heard_s >= longest_s()):
                return bad
            if self.phase is Phase.BASELINE:
                asked = await self._guards.stop_reason()
                if asked is not None:
                    self._latch.pull(asked)
                if self._latch.first is not None:
                    return bad
            else:
                # What people say once all is back is for the record: nothing is isolated any more that they could stop.
                self._guards.hear_words()

    def _move(self, event: Event, sentence: str) -> None:
        self.phase, self._sentence = next_phase(self.phase, event), sentence
        self._tell()

    def _tell(self) -> None:
        self._witness.listen()
        stage = self._stage.name if self._stage is not None else None
        now_us = self._clock.monotonic_us()
        lamps, timers = self._witness.lamps(), dict(self._dead_man.timers)
        asked = tuple(self._place.asked_told(ask) for ask in self._hands.asked)
        if self._returning.waits_for:
            asked = (*asked, f"{self._returning.waits_for}. To give it: {self._place.confirm} return --person NAME")
        self._show(Progress(self.phase, stage, now_us, lamps, timers, self._sentence, asked))
