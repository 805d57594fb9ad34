"""The dead-man: armed and read back before anything is isolated, and read from the device while it holds.

The remaining time is never counted down here. A timer that is missing, or a conduit that no longer isolates, is a
reason to restore at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio

from islandmode.core.egress import across
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.plan import Plan
from islandmode.isolation.point import IsolationPoint, PointState
from islandmode.run.book import Book
from islandmode.run.guards import Guards
from islandmode.run.pace import READ_EVERY_S
from islandmode.run.progress import Stop, TimerReading
from islandmode.system.clock import Clock

ARM_DEADLINE_S = 15.0
"""Traffic still passes: a slow way to the device may take its time here, and is refused for what was measured."""
READ_DEADLINE_S = 2.0
FRESH_S = READ_EVERY_S + READ_DEADLINE_S
RENEW_DEADLINE_S = 3.0
"""A renewal takes two round trips."""
RENEW_BELOW = 0.5
"""Renew when less than this share of the timer is left."""
RENEW_UNTIL = 0.25
"""A renewal that failed is tried again until no more than this share is left: then the plant is restored in good order."""
SILENT_S = 10.0
"""A device that was not read for this long while it holds is a reason to restore."""
LAG_S = 2.0
"""How much less than asked a fresh timer may show: the way to the device and back."""


@dataclass(frozen=True)
class _Set:
    """How long a timer was set for, and between which moments that was done."""

    for_s: float
    asked_us: int
    answered_us: int


class DeadMan:
    """The timers of every isolation point of a run."""

    def __init__(
        self, plan: Plan, points: Mapping[str, IsolationPoint], book: Book, guards: Guards, clock: Clock
    ) -> None:
        """Know the plan's points; nothing is armed yet."""
        self._guards = guards
        self._plan = plan
        self._points = points
        self._book = book
        self._clock = clock
        self.touched: dict[str, tuple[str, ...]] = {}
        """Points on which an object may stand: restore owes each of them a visit."""
        self.timers: dict[str, TimerReading] = {}
        self.counted: dict[str, Mapping[str, Mapping[str, int]]] = {}
        """What each point last said to have counted since it was armed, by conduit and way."""
        self._set: dict[str, _Set] = {}

    async def arm(self) -> tuple[str, ...]:
        """Arm every point and return what went wrong, as sentences; empty means all armed and read back."""
        wrong: list[str] = []
        for name, planned in self._plan.points.items():
            for_s = self._plan.dead_man_s
            intent = {"point": name, "conduits": list(planned.conduits), "for_s": for_s}
            refusal = await self._intend(intent)
            if refusal is not None:
                return (refusal,)
            reading = await self._arm_one(name, planned.conduits, for_s)
            await self._book.append("arm.result", intent | _result(reading))
            trouble = arm_trouble(name, planned.conduits, for_s, reading)
            if trouble:
                wrong.append(trouble)
                break
        return tuple(wrong)

    async def _intend(self, intent: dict[str, Any]) -> str | None:
        """Write down that a point will be armed; returns why it will not be.

        An intent that no call to the device follows is taken back on record, whatever ended it: otherwise the run would
        owe a restore to a device that it never touched.
        """
        goes_on = False
        try:
            if not await self._book.append("arm.intent", intent):
                return f"{intent['point']}: not armed, because the journal cannot be written."
            closed = await self._guards.closed()
            goes_on = closed is None
            return None if closed is None else closed.why
        finally:
            if not goes_on:
                self._book.note("arm.cancelled", {"point": intent["point"]})

    async def _arm_one(self, name: str, conduits: tuple[str, ...], for_s: float) -> Reading[PointState]:
        # Owed from before the call: a cancel or a crash in the middle of it must not forget a half-armed device.
        self.touched[name] = conduits
        self._guards.owe(name)
        # A stop must wait for the answer: a restore that overtakes an arm finds nothing, and the object stands after it.
        with anyio.CancelScope(shield=True):
            reading = await self._points[name].arm(conduits, for_s, ARM_DEADLINE_S)
        if reading.outcome is Outcome.NOT_DONE and reading.value is not None and not reading.value.clear:
            # Refused, and yet an object of ours was read back: the write landed in part, and what stands is owed.
            reading = replace(reading, outcome=Outcome.UNKNOWN)
        if reading.outcome is Outcome.NOT_DONE:
            # Refused by the device: whatever stands there is somebody else's, and deleting it would restore *their* run.
            del self.touched[name]
            self._guards.paid(name)
        self._expect(name, for_s, reading)
        self._keep(name, reading)
        return reading

    async def read(self, name: str, isolated: tuple[str, ...]) -> Stop | None:
        """Read one armed point now; return why to stop when its dead-man is not as it should be.

        `isolated` names its conduits that must be isolating now, as known before the device is asked: a stage that
        comes into force between the device's answer and our look must not count as missing in that answer.
        """
        conduits = self.touched[name]
        left_s = self._left_s(name)
        reading = await self._points[name].state(conduits, READ_DEADLINE_S)
        self._keep(name, reading)
        await self._book.append("dead_man.read", {"point": name} | _result(reading))
        trouble = watch_trouble(name, conduits, isolated, reading, left_s) or self._not_as_set(name, reading)
        if trouble is not None:
            return Stop("dead_man", trouble)
        silent = self._unseen(name, self._silent_s())
        return None if silent is None else Stop("dead_man", silent, proven=False)

    def _left_s(self, name: str) -> float:
        """Tell how much of a timer must be left now, by what was last read."""
        timer = self.timers.get(name)
        if timer is None or timer.armed_s is None:
            return 0.0
        return timer.armed_s - (self._clock.monotonic_us() - timer.read_us) / 1_000_000

    def silent(self) -> str | None:
        """Say which armed point was not read just now; nothing more is isolated while one is silent."""
        return next((told for name in self.touched if (told := self._unseen(name, FRESH_S)) is not None), None)

    def is_heard(self, name: str) -> bool:
        """Tell whether an armed point was read just now."""
        return self._unseen(name, FRESH_S) is None

    def _silent_s(self) -> float:
        # A device that goes silent just before a renewal was due must be noticed before its timer ends.
        return min(SILENT_S, self._plan.dead_man_s * RENEW_BELOW)

    def _unseen(self, name: str, longest_s: float) -> str | None:
        timer = self.timers.get(name)
        silent_us = self._clock.monotonic_us() - (timer.read_us if timer is not None else 0)
        if silent_us > longest_s * 1_000_000:
            return f"{name}: its dead-man could not be read for {silent_us / 1_000_000:.1f} s."
        return None

    async def renew_if_due(self, name: str) -> Stop | None:
        """Extend a timer that ran low; only the end of a complete healthy loop may call this.

        Returns why to stop when it could not be extended, and there is no time to try again.
        """
        conduits, timer, planned = self.touched[name], self.timers.get(name), self._plan.points[name]
        if timer is None or timer.armed_s is None or not planned.capabilities.renewable:
            return None
        # Never past the window: when that ends, so does every timer.
        for_s = min(self._plan.dead_man_s, self._guards.window_left_s)
        # A device that tells whole minutes may have a whole minute less than it says.
        left_s = timer.armed_s - planned.capabilities.granularity_s
        if left_s >= self._plan.dead_man_s * RENEW_BELOW or left_s + LAG_S >= for_s:
            return None
        if await self._guards.closed() is not None:
            return None
        reading = await self._points[name].renew(conduits, for_s, RENEW_DEADLINE_S)
        self._expect(name, for_s, reading)
        self._keep(name, reading)
        stamps = {"point": name, "for_s": for_s}
        await self._book.append("dead_man.renew", stamps | _result(reading))
        if (
            reading.done
            or self._left_s(name) - planned.capabilities.granularity_s > self._plan.dead_man_s * RENEW_UNTIL
        ):
            return None
        why = f"{name}: the dead-man was not renewed ({reading.why or reading.outcome.value})."
        return Stop("dead_man", why, proven=False)

    def _expect(self, name: str, for_s: float, reading: Reading[PointState]) -> None:
        """Remember what a timer was set to. Where that is not known for sure, the longer of both is expected."""
        before = self._set.get(name)
        if reading.done or before is None or for_s > before.for_s:
            self._set[name] = _Set(for_s, reading.asked_us, reading.answered_us)

    def _not_as_set(self, name: str, reading: Reading[PointState]) -> str | None:
        """Say when a timer is not what was set: somebody else may have changed it, and then it is not our dead-man."""
        last = self._set.get(name)
        if last is None or reading.value is None:
            return None
        slack_s = LAG_S + self._plan.points[name].capabilities.granularity_s
        most_s = last.for_s + slack_s
        if self._plan.points[name].capabilities.arms == "before":
            most_s -= max(0, reading.asked_us - last.answered_us) / 1_000_000
        else:
            # There an isolate brings a timer of its own, as long as the one that was armed.
            most_s = max(most_s, self._plan.dead_man_s + slack_s)
        for conduit, state in reading.value.conduits.items():
            if state.armed_s is not None and state.armed_s > most_s:
                return (
                    f"{name}: the dead-man for {conduit} reads {state.armed_s:.1f} s and can have at most {most_s:.1f} s left; "
                    "somebody else set it."
                )
        return None

    def unheard(self, name: str, conduits: tuple[str, ...]) -> tuple[str, ...]:
        """Name the ways across some conduits on which a point has counted nothing yet; none where it cannot count."""
        planned, counted = self._plan.points[name], self.counted.get(name, {})
        return tuple(
            way.name
            for conduit in (conduits if planned.capabilities.witness == "egress" else ())
            for way in across(planned.rendering.ways.get(conduit, ()))
            if not counted.get(conduit, {}).get(way.name)
        )

    def _keep(self, name: str, reading: Reading[PointState]) -> None:
        if reading.value is not None:
            self.counted[name] = egress_in(reading.value)
            left = [state.armed_s for state in reading.value.conduits.values()]
            least = None if not left or None in left else min(value for value in left if value is not None)
            self.timers[name] = TimerReading(least, reading.answered_us)


def arm_trouble(point: str, conduits: tuple[str, ...], for_s: float, reading: Reading[PointState]) -> str | None:
    """Judge an arm by what was read back; None means every timer runs and nothing is isolated yet."""
    if not reading.done or reading.value is None:
        return f"{point}: the dead-man was not armed ({reading.why or reading.outcome.value})."
    for conduit in conduits:
        state = reading.value.conduits.get(conduit)
        if state is None or not state.stands:
            return f"{point}: no object for {conduit} was read back after arming."
        if state.armed_s is None:
            return f"{point}: the object for {conduit} was read back without a running timer; it would never restore by itself."
        if not for_s - LAG_S <= state.armed_s <= for_s + LAG_S:
            return f"{point}: the timer for {conduit} reads {state.armed_s:.1f} s where {for_s:.1f} s were armed."
        if state.isolating:
            return f"{point}: {conduit} is isolated by arming alone."
    return None


def watch_trouble(
    point: str, conduits: tuple[str, ...], isolated: tuple[str, ...], reading: Reading[PointState], left_s: float
) -> str | None:
    """Judge a dead-man that was read in the hold; None means armed everywhere and isolating where it must be.

    `left_s` is how much of the timer should have been left.
    """
    in_time = f"with {left_s:.0f} s left on its timer" if left_s > LAG_S else ""
    if not reading.done or reading.value is None:
        # One missed answer is no proof of a lost timer; flying blind and the timer itself bound how long that may last.
        return None
    for conduit in conduits:
        state = reading.value.conduits.get(conduit)
        if state is None or not state.stands:
            who = f"somebody removed it {in_time}" if in_time else "its timer ended, or somebody removed it"
            return f"{point}: the object for {conduit} is gone from the device; {who}."
        if state.armed_s is None:
            who = f"somebody stopped it {in_time}" if in_time else "it ended"
            return f"{point}: the dead-man for {conduit} is not running any more; {who}."
        if conduit in isolated and not state.isolating:
            return f"{point}: {conduit} is not isolated any more although its object stands."
    return None


def egress_in(state: PointState) -> dict[str, dict[str, int]]:
    """Give what a point counted, by conduit and way: zeros left out, and a conduit where nothing is counted any more."""
    return {
        name: {way: packets for way, packets in one.egress.items() if packets}
        for name, one in state.conduits.items()
        if one.egress is not None
    }


def _result(reading: Reading[PointState]) -> dict[str, Any]:
    conduits = reading.value.conduits if reading.value is not None else {}
    return {
        "outcome": reading.outcome.value,
        "why": reading.why,
        "armed_s": {name: state.armed_s for name, state in conduits.items()},
        "isolating": {name: state.isolating for name, state in conduits.items()},
        "egress": egress_in(reading.value) if reading.value is not None else {},
        "asked_us": reading.asked_us,
        "answered_us": reading.answered_us,
    }
