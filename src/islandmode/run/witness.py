"""The witness: all vantages of a run together.

Near vantages are listened to; far vantages sample alone and show `away`. Far vantages are looked at once more before anything
is armed: what only they can see must be good then, or a plant would be isolated for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio

from islandmode.core.clocks import clock_line
from islandmode.core.entry import When
from islandmode.core.episodes import Sample, Seen
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.placing import Placed
from islandmode.core.plan import Plan
from islandmode.core.records import CollectResult, VantageOffset, VantageStarted
from islandmode.observe.vantage import Collected, Offset, Schedule, Vantage
from islandmode.run.progress import Lamp, Stop
from islandmode.run.run_journal import RunJournal
from islandmode.system.clock import Clock

QUIET_LAMP_US = 3_000_000
"""A near probe that said nothing for this long is shown as unknown."""
AGAIN_S, AGAIN_STEPS = 5.0, 10
"""How long after an attempt a spool is asked for again."""
CARRIED = "a person brings its kit back; then islandmode collect {} --from FOLDER"
Tell = Callable[[str], None]
"""Shows a sentence while it is true."""


@dataclass
class LastSeen:
    """What the witness remembers of a near probe between two looks."""

    sample: Sample
    good_us: int
    """When it was last good; when it was first heard at all, if never good."""
    ever_good: bool


@dataclass(frozen=True)
class FarWords:
    """What far probes said last, in the conductor's time, and why the vantages that are named could not be looked at."""

    last: dict[str, Sample]
    unseen: dict[str, str]


@dataclass(frozen=True)
class NotStarted:
    """Why a worker did not start, and whether that is only not known because it said nothing in time."""

    why: str
    late: bool


class Witness:
    """Starts, hears, and collects the vantages of one run."""

    def __init__(
        self, plan: Plan, vantages: Mapping[str, Vantage], journal: RunJournal, clock: Clock, run: str
    ) -> None:
        """Know the plan's vantages; nothing is started yet."""
        self._plan = plan
        self._vantages = vantages
        self._journal = journal
        self._clock = clock
        self._run = run
        self._last: dict[str, LastSeen] = {}
        self.offsets: dict[str, list[Offset]] = {name: [] for name in vantages}
        self.collected: dict[str, Collected] = {}
        self.listening_since_us = 0
        self._enough = False

    async def start(self, end_after_s: float, started_by: str) -> tuple[NotStarted, ...]:
        """Measure clocks, hand over every schedule and start sampling, all vantages at once; return which workers did not start."""
        wrong: dict[str, NotStarted] = {}

        async def start_at(name: str, vantage: Vantage) -> None:
            await self._measure(name, vantage, "before")
            mine = {key: planned.probe for key, planned in self._plan.probes.items() if planned.probe.vantage == name}
            schedule = Schedule(self._run, name, mine, self._plan.drill.sample_every, end_after_s)
            reading = await vantage.start(schedule, vantage.call_s)
            told = {**_outcome(reading), "key_sha256": vantage.key_sha256}
            started = VantageStarted(vantage=name, far=vantage.far, by=started_by, **told)
            await self._journal.append(started)
            if not reading.done:
                why = f"The worker on vantage {name} did not start ({reading.why or reading.outcome.value})."
                wrong[name] = NotStarted(why, late=reading.outcome is Outcome.UNKNOWN)

        async with anyio.create_task_group() as group:
            for name, vantage in self._vantages.items():
                group.start_soon(start_at, name, vantage)
        self.listening_since_us = self._clock.monotonic_us()
        return tuple(wrong[name] for name in self._vantages if name in wrong)

    def listen(self) -> None:
        """Take in what near vantages said since the last look."""
        for vantage in self._vantages.values():
            for sample in vantage.fresh():
                before = self._last.get(sample.probe)
                good = sample.seen is Seen.GOOD
                good_us = sample.asked_us if good or before is None else before.good_us
                self._last[sample.probe] = LastSeen(sample, good_us, good or (before is not None and before.ever_good))

    def lamps(self) -> dict[str, Lamp]:
        """Show every probe: what a near probe last said, `away` for a far probe."""
        now_us = self._clock.monotonic_us()
        return {name: self._lamp(name, now_us) for name in self._plan.probes}

    def _lamp(self, probe: str, now_us: int) -> Lamp:
        if self._plan.vantages[self._plan.probes[probe].probe.vantage].far:
            return "away"
        last = self._last.get(probe)
        if last is None:
            return "waiting"
        if now_us - last.sample.asked_us > QUIET_LAMP_US:
            return "unknown"
        return last.sample.seen.value

    def not_good(self) -> tuple[str, ...]:
        """Name near probes whose last word was not good, or that said nothing yet."""
        near = [
            name for name in self._plan.probes if not self._plan.vantages[self._plan.probes[name].probe.vantage].far
        ]
        return tuple(name for name in near if self._lamp(name, self._clock.monotonic_us()) != "good")

    def last(self) -> dict[str, Sample]:
        """Give the newest sample of every probe that was heard."""
        return {name: seen.sample for name, seen in self._last.items()}

    def why(self, probe: str) -> str:
        """Say what a probe last gave as its reason."""
        last = self._last.get(probe)
        return last.sample.why if last is not None and last.sample.why else "nothing was heard from it"

    def stop_reason(self) -> Stop | None:
        """Apply `abort_when`, where unknown and silence count as bad, and the rule against flying blind."""
        now_us = self._clock.monotonic_us()
        for rule in self._plan.drill.abort_when:
            bad_us = now_us - self._good_until_us(rule.probe)
            if bad_us > rule.bad_for * 1_000_000:
                why = f"{rule.probe} was not good for {bad_us / 1_000_000:.1f} s ({self.why(rule.probe)})."
                return Stop("abort_when", why)
        return self._tripped(now_us) or self._flying_blind(now_us)

    def _tripped(self, now_us: int) -> Stop | None:
        """Find an interlock that was not seen as the drill's plant state needs it for too long: it stops the drill as `abort_when` does."""
        state = self._plan.drill.plant_state
        for lock in self._plan.drill.interlocks:
            bad_us = now_us - self._good_until_us(lock.probe)
            if bad_us > lock.bad_for * 1_000_000:
                why = (
                    f"Interlock {lock.probe} was not seen to read {lock.needed_told(state)} for {bad_us / 1_000_000:.1f} s "
                    f"({self.why(lock.probe)})."
                )
                return Stop("abort_when", why)
        return None

    def _flying_blind(self, now_us: int) -> Stop | None:
        """Find a zone of which nothing good was seen for too long, whatever else is known."""
        for zone, near in self._near_continuity().items():
            # An answer may take as long as the probe's own timeout before it can be called missing.
            patience_s = self._plan.drill.limits.longest_ot_gap + max(
                self._plan.probes[name].probe.timeout for name in near
            )
            if all(now_us - self._good_until_us(name) > patience_s * 1_000_000 for name in near):
                return Stop("flying_blind", f"No continuity probe in zone {zone} was good for {patience_s:.1f} s.")
        return None

    def _near_continuity(self) -> dict[str, list[str]]:
        """Name the continuity probes that are heard during the hold, by the zone they look into."""
        found: dict[str, list[str]] = {}
        for name in self._plan.drill.continuity:
            if not self._plan.vantages[self._plan.probes[name].probe.vantage].far:
                found.setdefault(self._plan.probes[name].zone, []).append(name)
        return found

    def _good_until_us(self, probe: str) -> int:
        last = self._last.get(probe)
        return last.good_us if last is not None else self.listening_since_us

    async def look(self) -> FarWords:
        """Look into the spools of all far vantages at once, before anything is armed; their workers go on."""
        found = FarWords({}, {})

        async def look_at(name: str, vantage: Vantage) -> None:
            reading = await vantage.look(vantage.call_s)
            if reading.value is None:
                found.unseen[name] = reading.why or reading.outcome.value
                return
            # A worker's times mean something here only if its clock was measured.
            shift_us = self.offsets[name][-1].monotonic_us if self.offsets[name] else None
            for sample in reading.value:
                planned = self._plan.probes.get(sample.probe)
                if planned is not None and planned.probe.vantage == name:
                    found.last[sample.probe] = (
                        sample.at(sample.asked_us + shift_us, sample.answered_us + shift_us)
                        if shift_us is not None
                        else sample.at(reading.answered_us, reading.answered_us)
                    )

        async with anyio.create_task_group() as group:
            for name, vantage in self._vantages.items():
                if vantage.far:
                    group.start_soon(look_at, name, vantage)
        return found

    async def collect(self, tell: Tell) -> None:
        """Measure clocks again and fetch every spool, all vantages at once; one that is not reached is asked again until `collect_within`."""
        until_us = self._clock.monotonic_us() + round(self._plan.drill.collect_within * 1_000_000)
        async with anyio.create_task_group() as group:
            for name, vantage in self._vantages.items():
                group.start_soon(self._collect_vantage, name, vantage, until_us, tell)
        for name in self._plan.kits:
            carried = CollectResult(
                vantage=name, chain_ok=False, ended="", samples=0, outcome="not done", why=CARRIED.format(self._run)
            )
            await self._journal.append(carried)

    def give_up(self) -> None:
        """Ask no vantage again for its samples: the run is closed without those that are missing."""
        self._enough = True

    async def _fetch(self, name: str, vantage: Vantage, until_us: int, tell: Tell) -> Reading[Collected]:
        """Fetch a spool; where its host did not answer, or the way to it broke, again and again."""
        while True:
            await self._measure(name, vantage, "after")
            left_s = (until_us - self._clock.monotonic_us()) / 1_000_000
            reading = await vantage.collect(max(left_s, vantage.call_s))
            left_s = (until_us - self._clock.monotonic_us()) / 1_000_000
            if reading.outcome is not Outcome.UNKNOWN or not vantage.far or left_s <= AGAIN_S:
                return reading
            tell(
                f"Vantage {name} did not give its samples yet ({reading.why or reading.outcome.value}); it is asked again for "
                f"{left_s:.0f} s. Ctrl-C closes the run without them."
            )
            if not await self._waited():
                return reading

    async def _waited(self) -> bool:
        """Wait before a vantage is asked again; false where nobody wants to wait any more."""
        for _ in range(AGAIN_STEPS):
            if self._enough:
                return False
            await self._clock.sleep(AGAIN_S / AGAIN_STEPS)
        return not self._enough

    async def _collect_vantage(self, name: str, vantage: Vantage, until_us: int, tell: Tell) -> None:
        reading = await self._fetch(name, vantage, until_us, tell)
        spool = reading.value
        if spool is not None:
            spool = self.collected[name] = self._of_one_boot(name, spool)
        fetched = CollectResult(
            vantage=name,
            chain_ok=spool.chain_ok if spool else False,
            chain_why=spool.why if spool else "",
            ended=spool.ended if spool else "",
            samples=spool.samples if spool else 0,
            length=spool.length if spool else 0,
            sha256=spool.sha256 if spool else "",
            # What is sealed with it is kept, so nothing can be sealed anew that was not there before. Where the run is closed without
            # the samples, the key is told too: a late spool can be checked by it, although from now on it vouches for nothing.
            key=spool.key if spool else vantage.key,
            **_outcome(reading),
        )
        await self._journal.append(fetched)

    def _of_one_boot(self, name: str, spool: Collected) -> Collected:
        """Take no sample of a host that restarted: its clock began anew, and no time of it can be placed."""
        if not self._restarted(name):
            return spool
        why = "Its host restarted during the drill, so its clock began anew and none of its times can be placed."
        return replace(spool, samples=0, chain_ok=False, why=why)

    async def stop(self) -> None:
        """End every worker without collecting."""
        for vantage in self._vantages.values():
            await vantage.stop()

    async def _measure(self, name: str, vantage: Vantage, when: When) -> None:
        reading = await vantage.offset(vantage.call_s)
        numbers: dict[str, Any] = {}
        if reading.value is not None:
            self.offsets[name].append(reading.value)
            numbers = _numbers(reading.value)
        await self._journal.append(VantageOffset(vantage=name, when=when, **_outcome(reading), **numbers))

    def placed(self) -> Placed:
        """Give what was collected, each vantage with the line of its clock."""
        vantages = {name: planned.probe.vantage for name, planned in self._plan.probes.items()}
        spools = {name: collected.spool for name, collected in self.collected.items() if not self._restarted(name)}
        lines = {name: clock_line([_numbers(offset) for offset in self.offsets[name]]) for name in spools}
        return Placed(vantages, spools, {name: line for name, line in lines.items() if line is not None})

    def _restarted(self, name: str) -> bool:
        return len({offset.boot_id for offset in self.offsets[name]}) > 1


def _numbers(offset: Offset) -> dict[str, Any]:
    """Give a measurement as it is recorded."""
    return {
        "monotonic_us": offset.monotonic_us,
        "utc_us": offset.utc_us,
        "uncertainty_us": offset.uncertainty_us,
        "boot_id": offset.boot_id,
        "at_us": offset.at_us,
        "kept": offset.kept,
        "error_us": offset.error_us,
        "rate_ppb": offset.rate_ppb,
    }


def _outcome(reading: Reading[Any]) -> dict[str, Any]:
    failed = reading.outcome is not Outcome.DONE
    return {"outcome": reading.outcome.value, "why": reading.why if failed else ""}
