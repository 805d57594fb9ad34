"""The part of a bench that talks to the device: the firings, the late line, and taking the stand-in away again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio

from islandmode.core.bench.outage import outage_told, outage_trouble
from islandmode.core.bench.record import BenchFiring, BenchOutage, LateLine, What
from islandmode.core.bench.stand_in import STAND_IN
from islandmode.core.difference import changed_lines, compare_parts
from islandmode.core.errors import Refused
from islandmode.core.outcome import Reading
from islandmode.core.plan import PlanPoint
from islandmode.isolation.point import Configuration, Facts, StandInSeen, StandsIn
from islandmode.isolation.table import comparable
from islandmode.operate.bench_outage import OutageWatch, outage_timer_s
from islandmode.operate.telling import Listener
from islandmode.run.progress import StopLatch
from islandmode.system.clock import Clock

ONLY = (STAND_IN,)
TIMER_LEAST_S = 15.0
"""A shorter timer may end before it was seen to act, on a slow way."""
PAST_END_S = 0.5
"""How long after an end the first look begins."""
LOOK_EVERY_S, AGAIN_AFTER_S = 1.0, 5.0
"""How often a device is looked at that still acts, and how soon after a look that failed."""
GRACE_S = 30.0
"""How long past what is declared a device that still acts is looked at."""
LATE_BY_S = 2.0
TAKE_AWAY_TRIES, SETTLES_S = 4, 2.0
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class BenchSeen:
    """What was seen of a device."""

    firmware: str
    serial: str
    object_name: str
    says_itself: bool
    firings: tuple[BenchFiring, ...]
    late_line: LateLine | None
    gone: bool
    same_configuration: bool | None
    changed: tuple[str, ...]
    outages: tuple[BenchOutage, ...] = ()
    stopped: str = ""
    """Why the bench ended before its time; empty where it did not."""


def timer_s(stand_in: PlanPoint) -> float:
    """Tell how long each timer is set: the shortest that is sure to be seen acting."""
    return max(stand_in.capabilities.dead_man_min_s, TIMER_LEAST_S)


class _Failed(Exception):
    """Why a firing could not be carried out, as a clause; the bench ends, and what it made is taken away."""


@dataclass
class _Found:
    """What was seen before the first firing."""

    facts: Facts
    before: Configuration


@dataclass
class Benching:
    """One bench of one device."""

    point: StandsIn
    stand_in: PlanPoint
    firings: int
    listener: Listener
    clock: Clock
    outages: tuple[What, ...] = ()
    """What a person does to the device meanwhile, after the firings."""
    _serial: str = ""
    _seen: list[BenchOutage] = field(default_factory=list)
    _fired: list[BenchFiring] = field(default_factory=list)
    _late: LateLine | None = None
    _stopped: str = ""
    _ends_us: int = 0
    """When the last timer ended, at the latest."""

    async def carry_out(self, latch: StopLatch) -> BenchSeen:
        """Bench, and take away what was made, however it ended; raises `Refused` where nothing was made."""
        try:
            found = await self._looked()
            self._serial = found.facts.serial
            try:
                await self._until_stopped(latch)
            finally:
                with anyio.CancelScope(shield=True):
                    seen = await self._ended(found)
            return seen
        finally:
            with anyio.CancelScope(shield=True):
                await self.point.close()

    async def _until_stopped(self, latch: StopLatch) -> None:
        with anyio.CancelScope() as trying:
            latch.wakes(trying.cancel)
            try:
                await self._tried()
            except _Failed as error:
                self._stopped = str(error)
        if latch.first is not None:
            self._stopped = latch.first.why

    # Before: nothing is changed, but for what an earlier bench left.

    async def _looked(self) -> _Found:
        able, name = self.stand_in.capabilities, self.point.name
        facts = await self.point.facts(able.facts_s)
        if not facts.done or facts.value is None or facts.value.trouble:
            raise Refused(
                f"{name} cannot be benched: {_why(facts, '' if facts.value is None else facts.value.trouble)}. Nothing was touched."
            )
        if facts.value.unready:
            raise Refused(f"{name} is not ready for a bench: {'; '.join(facts.value.unready)}. Nothing was touched.")
        stands = await self.point.stand_in(able.configuration_s)
        if stands.value is None:
            raise Refused(
                f"{name} does not show whether {self.point.object_name} is there: {_why(stands)}. Nothing was touched."
            )
        await self._refuse_standing(stands.value)
        before = await self.point.configuration(able.configuration_s)
        if before.value is None:
            raise Refused(
                f"{name}: its configuration could not be read ({_why(before)}), and a bench compares it. Nothing was changed."
            )
        return _Found(facts.value, before.value)

    async def _refuse_standing(self, stands: StandInSeen) -> None:
        """Refuse a device on which a bench goes on, or where the stand-in would be more than that; take away what an earlier bench left."""
        name, what = self.point.name, self.point.object_name
        if stands.referring:
            raise Refused(
                f"{name} cannot be benched: {'; '.join(stands.referring)} names {what}, so that it would not isolate nothing. Take that out. "
                "Nothing was touched."
            )
        if stands.runs_for_s is not None:
            raise Refused(
                f"{name} is being benched, or a bench of it was killed: a timer of {what} runs for {stands.runs_for_s:.0f} s more. It isolates "
                "nothing. Wait for its end, and bench again. Nothing was touched."
            )
        if stands.present:
            self.listener.say(f"{what} was left on {name} by an earlier bench; it is taken away first.")
            if not await self._gone():
                raise Refused(f"{what} could not be taken away from {name}; look at the device. It isolates nothing.")

    # The firings.

    async def _tried(self) -> None:
        laid = await self.point.lay(self.stand_in.capabilities.configuration_s)
        if not laid.done:
            raise _Failed(f"{self.point.object_name} could not be made: {_why(laid)}")
        for number in range(1, self.firings + 1):
            firing = await self._fired_once(number)
            self._fired.append(firing)
            if firing.gone_s is None or self._is_late(firing):
                self.listener.warn(f"firing {number}: {self._told(firing)}; the bench ends here.")
                return
            self.listener.say(f"firing {number} of {self.firings}: {self._told(firing)}.")
            await self._rested()
        await self._tried_late()
        for what in self.outages:
            await self._rested()
            await self._tried_outage(what)

    async def _fired_once(self, number: int) -> BenchFiring:
        told, ends_us = await self._acting(f"firing {number}", f" of {self.firings}", timer_s(self.stand_in))
        return await self._past_end(told, ends_us)

    async def _tried_outage(self, what: What) -> None:
        told, ends_us = await self._acting(what, "", outage_timer_s(self.stand_in))
        able = self.stand_in.capabilities
        watch = OutageWatch(self.point, self.stand_in, self._serial, self.listener, self.clock, able.ready_s)
        seen = await watch.watched(what, told, ends_us)
        if seen.survived:
            seen = seen.model_copy(update={"firing": await self._past_end(told, ends_us)})
        self._seen.append(seen)
        tell = self.listener.warn if outage_trouble(seen) else self.listener.say
        tell(f"{outage_told(seen)}.")

    async def _acting(self, label: str, of: str, for_s: float) -> tuple[BenchFiring, int]:
        """Arm the stand-in, see it act, and log out; gives its moments, and when it ends at the latest."""
        calls = self.stand_in.capabilities.calls_s
        armed_us = self.clock.utc_us()
        armed = await self.point.arm(ONLY, for_s, calls.arm + 2 * calls.login)
        if not armed.done:
            raise _Failed(f"{label}: it could not be armed: {_why(armed)}")
        acting = await self.point.isolate(ONLY, calls.isolate + calls.login)
        shown = None if acting.value is None else acting.value.conduits[STAND_IN]
        if not acting.done or shown is None or shown.armed_s is None:
            raise _Failed(f"{label}: it was not seen to act: {_why(acting)}")
        # From here on nothing of this side is logged in: whatever ends it is the device's own.
        await self.point.close()
        now_us, seen_us = self.clock.utc_us(), self.clock.monotonic_us()
        ends_us = self._ends_us = acting.answered_us + round(shown.armed_s * 1_000_000)
        told = BenchFiring(
            armed_at=_at(armed_us),
            acting_at=_at(now_us - (seen_us - acting.answered_us)),
            ends_at=_at(now_us + ends_us - seen_us),
        )
        self.listener.say(
            f"{label}{of}: acts, and ends at {told.ends_at:%H:%M:%S} UTC at the latest. Logged out{' until then' if of else ''}."
        )
        return told, ends_us

    async def _past_end(self, told: BenchFiring, ends_us: int) -> BenchFiring:
        """Wait until a timer is over, and look whether it ended what acted."""
        await self.clock.sleep(max(0.0, (ends_us - self.clock.monotonic_us()) / 1_000_000 + PAST_END_S))
        return await self._watched(told, ends_us)

    async def _watched(self, firing: BenchFiring, ends_us: int) -> BenchFiring:
        """Look until it acts no more, for as long as that may say anything."""
        able, still_s, why = self.stand_in.capabilities, None, ""
        until_us = ends_us + round((able.lag_s + able.step_s + able.calls_s.login + able.check_s + GRACE_S) * 1_000_000)
        while True:
            looked_us = self.clock.monotonic_us()
            acts = await self.point.acts(able.calls_s.login + able.check_s)
            if acts.done and acts.value is False:
                gone_s = (acts.answered_us - ends_us) / 1_000_000
                return firing.model_copy(update={"still_s": still_s, "gone_s": gone_s})
            if acts.value:
                still_s = max(0.0, (looked_us - ends_us) / 1_000_000)
            why = acts.why if not acts.done else ""
            if self.clock.monotonic_us() >= until_us:
                return firing.model_copy(update={"still_s": still_s, "why": why})
            await self.clock.sleep(LOOK_EVERY_S if acts.done else AGAIN_AFTER_S)

    def _is_late(self, firing: BenchFiring) -> bool:
        able = self.stand_in.capabilities
        return firing.still_s is not None and firing.still_s > able.lag_s + able.step_s

    def _told(self, firing: BenchFiring) -> str:
        declared_s = self.stand_in.capabilities.lag_s
        if firing.gone_s is None:
            how = "it still acted" if firing.still_s is not None else f"no look showed it ({firing.why})"
            return f"NOT SEEN TO END; {how}, and at most {declared_s:g} s are declared"
        late = (
            f"LATE: it still acted {firing.still_s:.0f} s after its end; "
            if self._is_late(firing) and firing.still_s
            else ""
        )
        return f"{late}ended by itself, at most {max(0.0, firing.gone_s):.1f} s late ({declared_s:g} s are declared)"

    async def _rested(self) -> None:
        calls = self.stand_in.capabilities.calls_s
        rested = await self.point.restore(ONLY, calls.restore_anew)
        if not rested.done:
            raise _Failed(f"it could not be put to rest after its end: {_why(rested)}")

    async def _tried_late(self) -> None:
        # Up to its lag a device may take a line for one in time, and it tells its time in whole seconds.
        able = self.stand_in.capabilities
        until_us = self._ends_us + round((able.lag_s + able.step_s + LATE_BY_S) * 1_000_000)
        await self.clock.sleep(max(0.0, (until_us - self.clock.monotonic_us()) / 1_000_000))
        calls = able.calls_s
        late = await self.point.late_line(calls.isolate + calls.arm + 2 * calls.login)
        if late.value is None:
            self._late = LateLine(after_s=0.0, acted=None, said=_why(late))
            self.listener.warn(f"late line: what it did was not seen: {_why(late)}.")
            return
        seen = late.value
        self._late = LateLine(after_s=seen.after_s, acted=seen.acted, said=seen.said)
        told = "IT ACTED" if seen.acted else "nothing came of it"
        self.listener.say(f"late line, sent {seen.after_s:.0f} s after its end: {told}.")

    # After, on every path.

    async def _ended(self, found: _Found) -> BenchSeen:
        if self._stopped:
            self.listener.warn(f"the bench ends: {self._stopped.rstrip('.')}. What it made is taken away.")
            # Of a line that was given up nobody hears the answer here: its session would stay in the device's configuration, and perhaps keep
            # others out of it, until that line's last moment.
            await self.point.close()
        gone = await self._gone()
        same, changed = await self._compared(found.before) if gone else (None, ())
        if not gone:
            self.listener.stranded(
                (
                    f"{self.point.name}: {self.point.object_name} was not seen gone. It isolates nothing:",
                    *self.stand_in.rendering.restore,
                )
            )
        return BenchSeen(
            found.facts.version,
            found.facts.serial,
            self.point.object_name,
            self.point.says_itself,
            tuple(self._fired),
            self._late,
            gone,
            same,
            changed,
            tuple(self._seen),
            self._stopped,
        )

    async def _gone(self) -> bool:
        """Take the stand-in away until it is seen gone; a line that was given up may make it anew up to its last moment."""
        for number in range(TAKE_AWAY_TRIES):
            await self.clock.sleep(number * AGAIN_AFTER_S)
            await self._wait_for_late()
            calls = self.stand_in.capabilities
            taken = await self.point.take_away(calls.configuration_s + calls.calls_s.restore_anew)
            if _is_gone(taken):
                # A line of a session that was reset may land a moment later, and make it anew.
                await self.clock.sleep(SETTLES_S)
                taken = await self.point.stand_in(calls.configuration_s + calls.calls_s.login)
                if _is_gone(taken):
                    return True
            self.listener.warn(f"{self.point.object_name} was not seen gone: {_why(taken)}.")
        return False

    async def _wait_for_late(self) -> None:
        wait_s = (self.point.late_until_us - self.clock.monotonic_us()) / 1_000_000
        if wait_s > 0:
            self.listener.say(f"What was sent last may act for {wait_s:.0f} s more; it is taken away after that.")
            await self.clock.sleep(wait_s)

    async def _compared(self, before: Configuration) -> tuple[bool | None, tuple[str, ...]]:
        after = await self.point.configuration(self.stand_in.capabilities.configuration_s)
        if after.value is None:
            self.listener.warn(f"whether the configuration is as before is not known: {_why(after)}.")
            return None, ()
        how = comparable(self.stand_in)
        parts = compare_parts(before.parts, after.value.parts, how)
        found = tuple(
            f"{part}: {line}" for part, diff in parts.items() for line in changed_lines(diff, "", how) or ("made anew",)
        )
        return not parts, found


def _is_gone(seen: Reading[StandInSeen]) -> bool:
    return seen.done and seen.value is not None and not seen.value.present


def _at(utc_us: int) -> datetime:
    return _1970 + timedelta(microseconds=utc_us)


def _why(reading: Reading[Any], more: str | None = "") -> str:
    return (more or reading.why or "the device gave no reason").strip().rstrip(".")
