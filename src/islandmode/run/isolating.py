"""How a stage is isolated: the record before each order, what the device shows after it, and a login that still works.

No durable record, no isolate: the journal is awaited before each order. Whatever is wrong pulls the stop latch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import anyio

from islandmode.core.device_records import IsolateIntent, IsolateResult, LoginTried
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.plan import Plan, PlanStage, Step
from islandmode.isolation.point import IsolationPoint, PointState, logging_in
from islandmode.run.deadman import DeadMan, egress_in
from islandmode.run.guards import Guards
from islandmode.run.pace import Pace
from islandmode.run.preparing import in_turns
from islandmode.run.progress import Stop, StopLatch
from islandmode.run.run_journal import RunJournal
from islandmode.run.seen_isolating import isolates_all, isolating_of, not_isolated_told
from islandmode.system.clock import Clock

TICK_S = 0.1
CONTROL_S = 1.0
"""How long an armed firewall is given to count a packet on every way that a stage isolates: without one, silence there
proves nothing. Traffic passes meanwhile."""


class Isolating:
    """Isolates the stages of one run."""

    def __init__(
        self,
        plan: Plan,
        points: Mapping[str, IsolationPoint],
        dead_man: DeadMan,
        guards: Guards,
        journal: RunJournal,
        clock: Clock,
        latch: StopLatch,
        pace: Pace,
    ) -> None:
        self._plan, self._points, self._dead_man, self._guards = plan, points, dead_man, guards
        self._journal, self._clock, self._latch, self._pace = journal, clock, latch, pace
        self.isolated: dict[str, tuple[str, ...]] = {}
        """By point, the conduits that it was seen to isolate."""

    async def turns(self, stage: PlanStage) -> tuple[tuple[Step, ...], ...]:
        """Give the steps of a stage in their turns, once every firewall was given time to count; waits for ever where one is silent."""
        await self._hear_ways(stage)
        silent = self._dead_man.silent()
        if silent is not None:
            self._latch.pull(Stop("dead_man", f"{silent} Stage {stage.name} is not isolated.", proven=False))
            await anyio.sleep_forever()
        return await in_turns(self._plan, self._points, stage)

    async def _hear_ways(self, stage: PlanStage) -> None:
        """Give the firewalls' counters the time to see a packet on every way: their positive control."""
        until_us = self._clock.monotonic_us() + CONTROL_S * 1_000_000
        while any(self._dead_man.unheard(step.point, step.conduits) for step in stage.steps):
            if self._clock.monotonic_us() >= until_us:
                return
            self._pace.closely()
            await self._clock.sleep(TICK_S)

    async def step(self, stage: str, step: Step) -> None:
        """Isolate at one point; whatever is wrong pulls the latch."""
        intent = IsolateIntent(stage=stage, point=step.point, conduits=step.conduits)
        if not await self._journal.append(intent):
            # The latch is pulled; wait here for the cancel rather than go on without a record.
            await anyio.sleep_forever()
        deadline_s = self._plan.points[step.point].capabilities.calls_s.isolate
        point = self._points[step.point]
        async with self._dead_man.writing[step.point]:
            # Right before the order, and after a renewal was waited for: meanwhile somebody may have taken the run over.
            closed = await self._guards.closed()
            if closed is not None:
                self._latch.pull(closed)
            if self._latch.first is not None:
                # Also where another device of the stage refused just now: one that has not begun does not begin.
                await anyio.sleep_forever()
            ordered = await point.isolate(step.conduits, deadline_s)
        reading = await self._seen(step, ordered)
        result = IsolateResult(
            stage=stage,
            point=step.point,
            conduits=step.conduits,
            outcome=reading.outcome.value,
            why=reading.why,
            egress=egress_in(reading.value) if reading.value is not None else {},
            # Ordered when the isolate left, not when the device was asked again: a lost reply changes no effective time.
            asked_us=ordered.asked_us,
            answered_us=reading.answered_us,
        )
        await self._journal.append(result)
        if not reading.done or not isolates_all(reading.value, step.conduits):
            why = reading.why or "the device was read back and does not isolate"
            what = f"{step.point} did not isolate {not_isolated_told(reading.value, step.conduits)}: {why}."
            asks_person = self._plan.points[step.point].capabilities.asks_person
            if asks_person and reading.outcome is Outcome.UNKNOWN:
                what = f"Whether {', '.join(step.conduits)} was isolated at {step.point} is not known: {why}."
            # Isolating failed only where the device took the order and shows no isolation; a lost order shows nothing.
            self._latch.pull(Stop("person" if asks_person else "isolate", what, proven=ordered.value is not None))
            return
        self.isolated[step.point] = (*self.isolated.get(step.point, ()), *step.conduits)
        self._pace.closely()

    async def _seen(self, step: Step, ordered: Reading[PointState]) -> Reading[PointState]:
        """Give what came of an order to isolate, as far as it was read from the device, conduit by conduit."""
        able, value = self._plan.points[step.point].capabilities, ordered.value
        if ordered.outcome is Outcome.UNKNOWN and able.asks_person:
            # What nobody confirmed may be done at any moment: probes that are silent now do not make it done.
            return ordered
        if ordered.outcome is Outcome.UNKNOWN:
            return await self._points[step.point].state(step.conduits, able.calls_s.isolate)
        in_parts = not able.atomic_stage and len(step.conduits) > 1
        landed = in_parts if value is None else bool(isolating_of(value, step.conduits))
        if ordered.outcome is Outcome.NOT_DONE and landed:
            # An order refused at one conduit may have landed for the conduits before it: they count as isolated until seen otherwise.
            return replace(ordered, outcome=Outcome.UNKNOWN)
        return ordered

    async def log_in_again(self, stage: str) -> None:
        """See on every device that Islandmode did not lock itself out."""
        async with anyio.create_task_group() as group:
            for name in self._dead_man.touched:
                group.start_soon(self._log_in_again, stage, name)

    async def _log_in_again(self, stage: str, name: str) -> None:
        """See that Islandmode did not lock itself out: a new login works after a stage, before anything is held."""
        sessions = logging_in(self._points[name])
        if sessions is None:
            return
        reading = await sessions.try_login(self._plan.points[name].capabilities.calls_s.login)
        tried = LoginTried(stage=stage, point=name, outcome=reading.outcome.value, why=reading.why)
        await self._journal.append(tried)
        if not reading.done:
            why = f"After stage {stage} was isolated, a new login to {name} failed ({reading.why})."
            # A lock-out is proven where the device itself lives: it was heard just now on the session that is open.
            proven = self._dead_man.is_heard(name) and not reading.failed_here
            self._latch.pull(Stop("lock_out", why, proven=proven))
