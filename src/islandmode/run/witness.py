"""The witness: all vantages of a run together.

Near vantages are listened to; far vantages sample alone and show `away`. Far vantages are looked at once more before anything
is armed: what only they can see must be good then, or a plant would be isolated for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import anyio

from islandmode.core.entry import When
from islandmode.core.episodes import Sample, Seen
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.plan import Plan
from islandmode.core.records import CollectResult, VantageOffset, VantageStarted
from islandmode.core.spool import moved, placed
from islandmode.observe.vantage import Collected, Offset, Schedule, Vantage
from islandmode.run.progress import Lamp, Stop
from islandmode.run.run_journal import RunJournal
from islandmode.system.clock import Clock

QUIET_LAMP_US = 3_000_000
"""A near probe that said nothing for this long is shown as unknown."""


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

    async def start(self, end_after_s: float, started_by: str) -> tuple[NotStarted, ...]:
        """Measure clocks, hand over every schedule and start sampling; return which workers did not start."""
        wrong: list[NotStarted] = []
        for name, vantage in self._vantages.items():
            await self._measure(name, vantage, "before")
            mine = {key: planned.probe for key, planned in self._plan.probes.items() if planned.probe.vantage == name}
            schedule = Schedule(self._run, name, mine, self._plan.drill.sample_every, end_after_s)
            reading = await vantage.start(schedule, vantage.call_s)
            started = VantageStarted(vantage=name, far=vantage.far, by=started_by, **_outcome(reading))
            await self._journal.append(started)
            if not reading.done:
                why = f"The worker on vantage {name} did not start ({reading.why or reading.outcome.value})."
                wrong.append(NotStarted(why, late=reading.outcome is Outcome.UNKNOWN))
        self.listening_since_us = self._clock.monotonic_us()
        return tuple(wrong)

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
        if self._vantages[self._plan.probes[probe].probe.vantage].far:
            return "away"
        last = self._last.get(probe)
        if last is None:
            return "waiting"
        if now_us - last.sample.asked_us > QUIET_LAMP_US:
            return "unknown"
        return last.sample.seen.value

    def not_good(self) -> tuple[str, ...]:
        """Name near probes whose last word was not good, or that said nothing yet."""
        near = [name for name in self._plan.probes if not self._vantages[self._plan.probes[name].probe.vantage].far]
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
        return self._flying_blind(now_us)

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
            if not self._vantages[self._plan.probes[name].probe.vantage].far:
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
                        moved(sample, shift_us)
                        if shift_us is not None
                        else sample.at(reading.answered_us, reading.answered_us)
                    )

        async with anyio.create_task_group() as group:
            for name, vantage in self._vantages.items():
                if vantage.far:
                    group.start_soon(look_at, name, vantage)
        return found

    async def collect(self) -> None:
        """Measure clocks again and fetch every spool, all vantages at once."""
        async with anyio.create_task_group() as group:
            for name, vantage in self._vantages.items():
                group.start_soon(self._collect_vantage, name, vantage)

    async def _collect_vantage(self, name: str, vantage: Vantage) -> None:
        await self._measure(name, vantage, "after")
        reading = await vantage.collect(vantage.call_s)
        spool = reading.value
        if spool is not None:
            spool = self.collected[name] = self._of_one_boot(name, spool)
        fetched = CollectResult(
            vantage=name,
            chain_ok=spool.chain_ok if spool else False,
            chain_why=spool.why if spool else "",
            ended=spool.ended if spool else "",
            samples=len(spool.samples) if spool else 0,
            **_outcome(reading),
        )
        await self._journal.append(fetched)

    def _of_one_boot(self, name: str, spool: Collected) -> Collected:
        """Take no sample of a host that restarted: its clock began anew, and no time of it can be placed."""
        if len({offset.boot_id for offset in self.offsets[name]}) <= 1:
            return spool
        why = "Its host restarted during the drill, so its clock began anew and none of its times can be placed."
        return replace(spool, samples=(), chain_ok=False, why=why)

    async def stop(self) -> None:
        """End every worker without collecting."""
        for vantage in self._vantages.values():
            await vantage.stop()

    async def _measure(self, name: str, vantage: Vantage, when: When) -> None:
        reading = await vantage.offset(vantage.call_s)
        numbers: dict[str, Any] = {}
        if reading.value is not None:
            self.offsets[name].append(reading.value)
            numbers = {
                "monotonic_us": reading.value.monotonic_us,
                "utc_us": reading.value.utc_us,
                "uncertainty_us": reading.value.uncertainty_us,
                "boot_id": reading.value.boot_id,
            }
        await self._journal.append(VantageOffset(vantage=name, when=when, **_outcome(reading), **numbers))

    def samples(self) -> dict[str, tuple[Sample, ...]]:
        """Give every collected sample by probe, moved into the conductor's monotonic time."""
        spools = {name: spool.samples for name, spool in self.collected.items()}
        shifts_us = {name: [offset.monotonic_us for offset in self.offsets[name]] for name in spools}
        return placed(spools, shifts_us, {name: planned.probe.vantage for name, planned in self._plan.probes.items()})


def _outcome(reading: Reading[Any]) -> dict[str, Any]:
    failed = reading.outcome is not Outcome.DONE
    return {"outcome": reading.outcome.value, "why": reading.why if failed else ""}
