"""An isolation point whose act is a person's hand: it asks a named person, takes their word for nothing, and looks by probes.

How it works. Nothing logs in anywhere. `arm` asks whether the person is there; `isolate` asks for the act and waits for their
confirmation *and* for the probes: done only where the person has confirmed in time and no probe passes any more. An act that
nobody confirmed is unknown, whatever the probes say, because the person may still be on the way to the cable: until the time to
act is over, no look proves anything (`late_until_us`). `restore` asks, and asks again with each attempt, until a probe has passed.

    a probe passed            not isolated, and restored
    every probe was silent    isolated
    neither                   neither isolated nor restored: a refusal, for example, may come from anywhere
    a probe could not ask     unknown
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from islandmode.core.capabilities import Capabilities
from islandmode.core.entry import HandAct
from islandmode.core.hand import AFTER_S, HandAsk
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.site import HandPerson, Hands
from islandmode.isolation.manual.eye import Eye, Sight
from islandmode.isolation.point import ConduitState, Facts, PointState
from islandmode.system.clock import Clock

LOOK_EVERY_S = 0.5
TICK_S = 0.1


class HandPoint:
    """Asks one person at one device, for one run."""

    def __init__(self, name: str, hands: Hands, person: HandPerson, able: Capabilities, eye: Eye, clock: Clock) -> None:
        """Know whom to ask and what to look at; nobody is asked yet."""
        self._name, self._hands, self._person, self._able = name, hands, person, able
        self._eye, self._clock = eye, clock
        self._within_s = hands.answers_within or 0.0
        self._hear: list[Callable[[HandAsk], object]] = []
        self._ask: HandAsk | None = None
        self._last: tuple[str, ...] = ()
        self._confirmed = self._withdrawn = self._is_mine = False
        self._late_until_us = 0

    @property
    def name(self) -> str:
        """Name of the isolation point in the site."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What this way of isolating can do."""
        return self._able

    @property
    def late_until_us(self) -> int:
        """Until when the person may still act on what was asked and not seen done (monotonic)."""
        return self._late_until_us

    @property
    def asked(self) -> HandAsk | None:
        """Give what the person is asked for now."""
        return self._ask

    def tells(self, hear: Callable[[HandAsk], object]) -> None:
        """Call `hear` for each ask from now on."""
        self._hear.append(hear)

    def confirm(self, ask: str, person: str) -> str:
        """Take the person's word; returns why it is not taken."""
        if self._ask is None or self._ask.id != ask:
            was = "is over" if ask in self._last else "was never made here"
            return (
                f"what it answers {was}" if self._ask is None else f"what it answers {was}; something else is asked now"
            )
        if person != self._person.name:
            return f"{self._person.name} was asked, and not {person[:80]}"
        if self._confirmed:
            return "that was confirmed already"
        if self._clock.utc_us() > self._ask.until_utc_us and self._ask.act != "restore":
            return "it came too late"
        self._confirmed = True
        return ""

    def withdraw(self) -> None:
        """Ask for nothing more that isolates, and wait for no answer."""
        self._withdrawn = True

    async def facts(self, deadline_s: float) -> Reading[Facts]:
        """Say that there is nothing to read: no device is asked."""
        now_us = self._clock.monotonic_us()
        return Reading(Outcome.DONE, Facts(interfaces=None, standing=()), "", now_us, now_us)

    async def arm(self, conduits: tuple[str, ...], for_s: float, deadline_s: float) -> Reading[PointState]:
        """Ask whether the person is there, and see by probes that traffic passes."""
        self._is_mine = True
        asked_us = self._begin("be there", conduits)
        try:
            while not self._confirmed:
                if self._withdrawn or self._is_over(asked_us, min(self._within_s, deadline_s)):
                    why = "the run was stopped" if self._withdrawn else self._silent("that they are there")
                    return Reading(Outcome.NOT_DONE, None, why, asked_us, self._clock.monotonic_us())
                await self._clock.sleep(TICK_S)
        finally:
            self._ask = None
        return await self.state(conduits, self._able.calls_s.read)

    async def isolate(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Ask for the act; done only where it was confirmed in time, and no probe passes any more."""
        if self._withdrawn:
            now_us = self._clock.monotonic_us()
            return Reading(Outcome.NOT_DONE, None, "nothing more is asked for in this run", now_us, now_us)
        before_us = self._late_until_us
        asked_us = self._begin("isolate", conduits)
        self._late_until_us = asked_us + round(self._able.latest_s * 1_000_000)
        try:
            reading = await self._until(conduits, asked_us, deadline_s)
        finally:
            # Also where the run is stopped: nobody is told any more to do it.
            self._ask = None
        if reading.done:
            # What was asked for was done and seen: there is nothing left that the person may still do.
            self._late_until_us = before_us
        return reading

    async def _until(self, conduits: tuple[str, ...], asked_us: int, deadline_s: float) -> Reading[PointState]:
        """Look until the act is confirmed and seen, or the time is over."""
        while True:
            seen = await self._look(conduits)
            isolating = seen.value is not None and all(state.isolating for state in seen.value.conduits.values())
            if self._confirmed and isolating:
                return replace(seen, asked_us=asked_us)
            waits_s = self._within_s + AFTER_S if self._confirmed else self._within_s
            if self._withdrawn or self._is_over(asked_us, min(waits_s, deadline_s)):
                break
            await self._clock.sleep(LOOK_EVERY_S)
        if not self._confirmed:
            # Without a value: what the probes show now proves neither that it was done nor that it will not be.
            return Reading(Outcome.UNKNOWN, None, self._silent("that it is done"), asked_us, seen.answered_us)
        if seen.value is None:
            return replace(seen, asked_us=asked_us)
        why = f"{self._person.name} confirmed it, and {seen.why or 'it still passes'}"
        return Reading(Outcome.NOT_DONE, seen.value, why, asked_us, seen.answered_us)

    async def restore(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Ask for the restore until a probe has passed, or the time is over; each call asks again where that is needed."""
        self._withdrawn = True
        begun_us = self._clock.monotonic_us()
        seen = await self._look(conduits)
        if not self._is_back(seen) or begun_us < self._late_until_us or not self._is_mine:
            # Also where it passes: who was asked to isolate, perhaps by a process that is gone, must hear that it is off.
            self._begin("restore", conduits)
        while not self._is_back(seen) and not self._is_over(begun_us, deadline_s):
            await self._clock.sleep(LOOK_EVERY_S)
            seen = await self._look(conduits)
        self._end_if_back(seen)
        return seen

    async def state(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Tell what the probes show now."""
        seen = await self._look(conduits)
        self._end_if_back(seen)
        return seen

    async def close(self) -> None:
        """Ask for nothing any more."""
        self._ask = None

    def _begin(self, act: HandAct, conduits: tuple[str, ...]) -> int:
        """Ask for an act; returns when."""
        now_us = self._clock.monotonic_us()
        self._confirmed = False
        self._ask = HandAsk(
            id=f"{now_us}",
            point=self._name,
            act=act,
            conduits=conduits,
            lines=() if act == "be there" else self._lines(act, conduits),
            person=self._person.name,
            reached=f"{self._person.position}; {self._person.reached}",
            within_s=self._within_s,
            until_utc_us=self._clock.utc_us() + round(self._within_s * 1_000_000),
        )
        self._last = (*self._last[-9:], self._ask.id)
        for hear in self._hear:
            hear(self._ask)
        return now_us

    def _lines(self, act: HandAct, conduits: tuple[str, ...]) -> tuple[str, ...]:
        mine = (self._hands.lines[conduit] for conduit in conduits)
        return tuple(line for lines in mine for line in (lines.isolate if act == "isolate" else lines.restore))

    def _is_over(self, asked_us: int, within_s: float) -> bool:
        return self._clock.monotonic_us() - asked_us >= within_s * 1_000_000

    def _silent(self, what: str) -> str:
        return f"{self._person.name} did not confirm within {self._within_s:g} s {what}"

    def _is_back(self, seen: Reading[PointState]) -> bool:
        return seen.value is not None and seen.value.clear

    def _end_if_back(self, seen: Reading[PointState]) -> None:
        if (
            self._ask is not None
            and self._ask.act == "restore"
            and self._is_back(seen)
            and seen.asked_us >= self._late_until_us
        ):
            self._ask = None

    async def _look(self, conduits: tuple[str, ...]) -> Reading[PointState]:
        asked_us = self._clock.monotonic_us()
        sights = await self._eye.look(conduits)
        answered_us = self._clock.monotonic_us()
        unknown = {name: sight for name, sight in sights.items() if sight.unknown and not sight.passed}
        if unknown:
            why = "; ".join(f"whether {name} passes is not known ({sight.why})" for name, sight in unknown.items())
            return Reading(Outcome.UNKNOWN, None, why, asked_us, answered_us)
        state = PointState({name: _state(sight) for name, sight in sights.items()})
        return Reading(
            Outcome.DONE,
            state,
            " and ".join(_told(name, sight) for name, sight in sights.items()),
            asked_us,
            answered_us,
        )


def _state(sight: Sight) -> ConduitState:
    """Read what probes saw of a conduit: it is back once a probe has passed, and isolated while every one is silent."""
    isolating = bool(sight.silent) and not sight.passed and not sight.refused
    return ConduitState(present=not sight.passed, armed_s=None, isolating=isolating)


def _told(conduit: str, sight: Sight) -> str:
    if sight.passed:
        return f"{', '.join(sight.passed)} passed through {conduit}"
    if sight.refused:
        return f"{', '.join(sight.refused)} got an answer other than its own through {conduit}"
    return f"no probe passed through {conduit}"
