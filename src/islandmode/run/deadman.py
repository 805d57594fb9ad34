"""The dead-man: armed and read back before anything is isolated, and read from the device while it holds.

A device without any timer is in a plan only where its site accepts that in words (`planning/check_platform`): there nothing is armed, and
it is read back that nothing isolates yet.

The remaining time is never counted down here. A timer that is missing, or a conduit that is no longer isolated, is a
reason to restore at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio

from islandmode.core.capabilities import Capabilities
from islandmode.core.device_records import ArmCancelled, ArmIntent, ArmResult, DeadManRead, DeadManRenew
from islandmode.core.egress import across
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.plan import Plan
from islandmode.isolation.point import IsolationPoint, PointState, renewing
from islandmode.run.guards import Guards
from islandmode.run.progress import Stop, TimerReading
from islandmode.run.run_journal import RunJournal
from islandmode.system.clock import Clock

RENEW_BELOW = 0.5
"""Renew when less than this share of the timer is left."""
RENEW_UNTIL = 0.25
"""A renewal that failed is tried again until no more than this share is left: then the plant is restored in good order."""


@dataclass(frozen=True)
class _TimerSet:
    """How long a timer was set for, and between which moments that was done."""

    for_s: float
    asked_us: int
    answered_us: int


class DeadMan:
    """The timers of every isolation point of a run."""

    def __init__(
        self, plan: Plan, points: Mapping[str, IsolationPoint], journal: RunJournal, guards: Guards, clock: Clock
    ) -> None:
        """Know the plan's points; nothing is armed yet."""
        self._guards = guards
        self._plan = plan
        self._points = points
        self._journal = journal
        self._clock = clock
        self._touched: dict[str, tuple[str, ...]] = {}
        self._given_back: dict[str, tuple[str, ...]] = {}
        self.timers: dict[str, TimerReading] = {}
        self.counted: dict[str, Mapping[str, Mapping[str, int]]] = {}
        """What each point last said that it had counted since it was armed, by conduit and way."""
        self._set: dict[str, _TimerSet] = {}
        self.absent = False
        """Whether somebody who is asked at a point did not say that they are there."""
        self.unanswered = False
        """Whether a point did not say in time that it is armed."""
        # A device takes one change after the other: an isolate waits for a renewal, and the other way round.
        self.writing = {name: anyio.Lock(fast_acquire=True) for name in plan.points}

    async def arm(self, watch: Callable[[str], object]) -> tuple[str, ...]:
        """Arm every point and return what went wrong, as sentences; empty means all armed and read back.

        All at once: armed in turn, the first timers would run down while the last points are armed, and all would end at
        different times. Every answer is waited for, also where one point refuses. `watch` hears of each point that is armed: a
        quick point must not go unread while a slow one works.
        """
        intents = {
            name: ArmIntent(point=name, conduits=planned.conduits, for_s=self._plan.dead_man_s)
            for name, planned in self._plan.points.items()
        }
        refusal = await self._intend(tuple(intents.values()))
        if refusal is not None:
            return (refusal,)
        wrong: dict[str, str | None] = {}
        for name, intent in intents.items():
            # Owed from before the call: a cancel or a crash in the middle of it must not forget a half-armed device.
            self._touched[name] = intent.conduits

        async def arm_point(name: str) -> None:
            wrong[name] = await self._arm_point(intents[name])
            if wrong[name] is None:
                watch(name)

        async with anyio.create_task_group() as group:
            for name in intents:
                group.start_soon(arm_point, name)
        found = (wrong[name] for name in intents)
        return tuple(why for why in found if why is not None)

    @property
    def touched(self) -> dict[str, tuple[str, ...]]:
        """Points on which an object may stand, in the plan's order: restore owes each of them a visit."""
        return {name: self._touched[name] for name in self._plan.points if name in self._touched}

    def give_back(self, name: str, conduits: tuple[str, ...]) -> None:
        """Watch some conduits of a point no more: a planned restore gives them back. A restore of the point still owes them a look."""
        self._given_back[name] = (*self._given_back.get(name, ()), *conduits)

    def _watched(self, name: str) -> tuple[str, ...]:
        """Name the conduits of an armed point that were not given back."""
        given_back = self._given_back.get(name, ())
        return tuple(conduit for conduit in self.touched[name] if conduit not in given_back)

    async def _intend(self, intents: tuple[ArmIntent, ...]) -> str | None:
        """Write down that every point will be armed, before the first is armed; returns why none of them will be.

        An intent that no call to the device follows is taken back on record, whatever ended it: otherwise the run would
        owe a restore to a device that it never touched.
        """
        goes_on, said = False, list[str]()
        try:
            for intent in intents:
                said.append(intent.point)
                # First: whatever the record says may be armed is restored by the guardian, should this process end right behind it.
                self._guards.owe(intent.point)
                if not await self._journal.append(intent):
                    return f"{intent.point}: not armed, because the journal cannot be written."
            closed = await self._guards.closed()
            goes_on = closed is None
            return None if closed is None else closed.why
        finally:
            for point in () if goes_on else said:
                self._journal.note(ArmCancelled, point=point)
                self._guards.paid(point)

    async def _arm_point(self, intent: ArmIntent) -> str | None:
        name, conduits, for_s = intent.point, intent.conduits, intent.for_s
        # A stop must wait for the answer: a restore that overtakes an arm finds nothing, and the object stands after it.
        with anyio.CancelScope(shield=True):
            reading = await self._points[name].arm(conduits, for_s, self._able(name).calls_s.arm)
        if reading.outcome is Outcome.NOT_DONE and reading.value is not None and not reading.value.clear:
            # Refused, and yet an object of this run was read back: the write landed in part, and what stands is owed.
            reading = replace(reading, outcome=Outcome.UNKNOWN)
        if reading.outcome is Outcome.NOT_DONE:
            # Refused by the device: whatever stands there is somebody else's, and deleting it would restore *their* run.
            del self._touched[name]
            self._guards.paid(name)
        self.unanswered |= reading.outcome is Outcome.UNKNOWN
        self.absent |= self._able(name).asks_person and reading.outcome is Outcome.NOT_DONE
        self._expect(name, for_s, reading)
        self._keep(name, reading)
        await self._journal.append(ArmResult(point=name, conduits=conduits, for_s=for_s, **_result(reading)))
        return arm_trouble(name, self._able(name), conduits, for_s, reading)

    async def read(self, name: str, isolated: tuple[str, ...]) -> Stop | None:
        """Read one armed point now; return why to stop when its dead-man is not as it should be.

        `isolated` names its conduits that must be isolating now, as known before the device is asked: a stage that
        comes into force between the device's answer and this look must not count as missing in that answer.
        """
        able, left_s = self._able(name), self._left_s(name)
        if not self._watched(name):
            return None
        reading = await self._points[name].state(self._watched(name), able.calls_s.read)
        conduits = self._watched(name)
        if not conduits:
            # All of it was given back while the device was asked.
            return None
        isolated = tuple(conduit for conduit in isolated if conduit in conduits)
        reading = _only(reading, conduits)
        self._keep(name, reading)
        await self._journal.append(DeadManRead(point=name, **_result(reading)))
        watched = watched_of(able, conduits, isolated)
        trouble = watch_trouble(name, able, watched, isolated, reading, left_s) or self._not_as_set(name, reading)
        if trouble is not None:
            return Stop("person" if able.asks_person else "dead_man", trouble)
        silent = self._unseen(name, self._silent_s(name))
        return None if silent is None else Stop("dead_man", silent, proven=False)

    def _left_s(self, name: str) -> float:
        """Tell how much of a timer must be left now, by what was last read."""
        timer = self.timers.get(name)
        if timer is None or timer.armed_s is None:
            return 0.0
        return timer.armed_s - (self._clock.monotonic_us() - timer.read_us) / 1_000_000

    def silent(self) -> str | None:
        """Say which armed point was not read just now; nothing more is isolated while a point is silent."""
        seen = (self._unseen(name, self._able(name).fresh_s) for name in self.touched)
        return next((told for told in seen if told is not None), None)

    def is_heard(self, name: str) -> bool:
        """Tell whether an armed point was read just now."""
        return self._unseen(name, self._able(name).fresh_s) is None

    def _able(self, name: str) -> Capabilities:
        return self._plan.points[name].capabilities

    def _silent_s(self, name: str) -> float:
        # A device that goes silent just before a renewal was due must be noticed before its timer ends.
        return min(self._able(name).silent_s, self._plan.dead_man_s * RENEW_BELOW)

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
        timer, able, renews = self.timers.get(name), self._able(name), renewing(self._points[name])
        if timer is None or timer.armed_s is None or not able.renewable or renews is None:
            return None
        # Never past the window: when that ends, so does every timer.
        for_s = able.settable_s(min(self._plan.dead_man_s, self._guards.window_left_s))
        # A device that tells whole minutes may have a whole minute less than it says.
        left_s = timer.armed_s - able.step_s
        if for_s <= 0 or left_s >= self._plan.dead_man_s * RENEW_BELOW or left_s + able.read_back_s >= for_s:
            # Also where less than one step of the window is left: a timer set to nothing would end at once.
            return None
        async with self.writing[name]:
            if await self._guards.closed() is not None:
                return None
            if not (conduits := self._watched(name)):
                return None
            reading = await renews.renew(conduits, for_s, able.calls_s.renew)
            self._expect(name, for_s, reading)
            self._keep(name, reading)
        await self._journal.append(DeadManRenew(point=name, for_s=for_s, **_result(reading)))
        if reading.done or self._left_s(name) - able.step_s > self._plan.dead_man_s * RENEW_UNTIL:
            return None
        why = f"{name}: the dead-man was not renewed ({reading.why or reading.outcome.value})."
        return Stop("dead_man", why, proven=False)

    def _expect(self, name: str, for_s: float, reading: Reading[PointState]) -> None:
        """Remember what a timer was set to. Where that is not known for sure, the longer of the two timers is expected."""
        before = self._set.get(name)
        if reading.done or before is None or for_s > before.for_s:
            self._set[name] = _TimerSet(for_s, reading.asked_us, reading.answered_us)

    def _not_as_set(self, name: str, reading: Reading[PointState]) -> str | None:
        """Say that a timer is not what was set: somebody else may have changed it, and then it is not this run's dead-man."""
        last = self._set.get(name)
        if last is None or reading.value is None:
            return None
        able = self._able(name)
        slack_s = able.read_back_s + able.step_s + able.rounding_s
        most_s = last.for_s + slack_s
        if able.arms == "before":
            most_s -= max(0, reading.asked_us - last.answered_us) / 1_000_000
        else:
            # There an isolate brings a timer of its own, as long as the timer that was armed.
            most_s = max(most_s, self._plan.dead_man_s + slack_s)
        for what, left_s in _timers(able, reading.value).items():
            if left_s is not None and left_s > most_s:
                return (
                    f"{name}: the dead-man{what} reads {left_s:.1f} s and can have at most {most_s:.1f} s left; "
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
            left = list(_timers(self._able(name), reading.value).values())
            least = None if not left or None in left else min(value for value in left if value is not None)
            self.timers[name] = TimerReading(least, reading.answered_us)


def _only(reading: Reading[PointState], conduits: tuple[str, ...]) -> Reading[PointState]:
    """Give a reading without what was given back while the device was asked."""
    if reading.value is None or reading.value.conduits.keys() <= set(conduits):
        return reading
    kept = {name: state for name, state in reading.value.conduits.items() if name in conduits}
    return replace(reading, value=replace(reading.value, conduits=kept))


def _timers(able: Capabilities, state: PointState) -> dict[str, float | None]:
    """Give every timer that a point shows, by how a sentence names it: the device's timer, or each conduit's."""
    if able.timer == "device":
        return {"": state.timer_s}
    return {f" for {name}": conduit.armed_s for name, conduit in state.conduits.items()}


def arm_trouble(
    point: str, able: Capabilities, conduits: tuple[str, ...], for_s: float, reading: Reading[PointState]
) -> str | None:
    """Judge an arm by what was read back; None means every timer runs and nothing is isolated yet."""
    value = reading.value
    if able.asks_person and not reading.done:
        return f"{point}: {reading.why or reading.outcome.value}."
    if not reading.done or value is None:
        return f"{point}: the dead-man was not armed ({reading.why or reading.outcome.value})."
    least_s, most_s = able.shown_after(for_s)
    for conduit in conduits:
        state = value.conduits.get(conduit)
        stands = state is not None and state.stands
        if able.timer == "conduit" and able.arms == "before" and not stands:
            return f"{point}: no object for {conduit} was read back after arming."
        if state is not None and state.isolating:
            return f"{point}: {conduit} is isolated by arming alone."
    for what, left_s in (_timers(able, value) if able.arms == "before" else {}).items():
        if left_s is None:
            shown = f"the object{what}" if what else "the device"
            return f"{point}: {shown} was read back without a running timer; it would never restore by itself."
        if not least_s <= left_s <= most_s:
            return f"{point}: the timer{what} reads {left_s:.1f} s where {for_s:.1f} s were armed."
    return None


def watched_of(able: Capabilities, conduits: tuple[str, ...], isolated: tuple[str, ...]) -> tuple[str, ...]:
    """Name the conduits whose object must stand now: all that are armed or, where arming makes no object, those that are isolated."""
    return conduits if able.timer == "conduit" and able.arms == "before" else isolated


def watch_trouble(
    point: str,
    able: Capabilities,
    watched: tuple[str, ...],
    isolated: tuple[str, ...],
    reading: Reading[PointState],
    left_s: float,
) -> str | None:
    """Judge a dead-man that was read in the hold; None means armed everywhere and isolating where it must be.

    `left_s` is how much of the timer should have been left.
    """
    # A timer with more than that left did not end by itself.
    in_time = f"with {left_s:.0f} s left on its timer" if left_s > able.differs_s else ""
    if not reading.done or reading.value is None:
        # One missed answer is no proof of a lost timer; flying blind and the timer itself bound how long that may last.
        return None
    # A point that no longer trusts what a device says of its timer says why.
    lost = able.timer == "device" and reading.value.timer_s is None and bool(isolated or able.arms == "before")
    stopped = reading.why or (f"somebody stopped it {in_time}" if in_time else "it ended")
    for conduit in watched:
        state = reading.value.conduits.get(conduit)
        if able.asks_person and (state is None or not state.isolating):
            return f"{point}: {conduit} is not isolated any more: {reading.why or 'a probe passed'}."
        if state is None or not state.stands:
            who = f"somebody removed it {in_time}" if in_time else "its timer ended, or somebody removed it"
            return f"{point}: the object for {conduit} is gone from the device; {who}."
        if able.timer == "conduit" and state.armed_s is None:
            return f"{point}: the dead-man for {conduit} is not running any more; {stopped}."
        # Where the device's one timer is gone, that is what happened, whatever the device calls what it still does.
        if conduit in isolated and not state.isolating and not lost:
            return f"{point}: {conduit} is not isolated any more although its object stands."
    if lost:
        return f"{point}: the device's dead-man is not running any more; {stopped}."
    return None


def egress_in(state: PointState) -> dict[str, dict[str, int]]:
    """Give what a point counted, by conduit and way: zeros left out, and a conduit where nothing is counted any more."""
    return {
        name: {way: packets for way, packets in conduit.egress.items() if packets}
        for name, conduit in state.conduits.items()
        if conduit.egress is not None
    }


def _result(reading: Reading[PointState]) -> dict[str, Any]:
    conduits = reading.value.conduits if reading.value is not None else {}
    return {
        "outcome": reading.outcome.value,
        "why": reading.why,
        "armed_s": {name: state.armed_s for name, state in conduits.items()},
        "isolating": {name: state.isolating for name, state in conduits.items()},
        **(
            {"timer_s": reading.value.timer_s}
            if reading.value is not None and reading.value.timer_s is not None
            else {}
        ),
        "egress": egress_in(reading.value) if reading.value is not None else {},
        "asked_us": reading.asked_us,
        "answered_us": reading.answered_us,
    }
