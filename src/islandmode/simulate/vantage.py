"""The simulated vantage: a worker with a clock of its own that samples the packet world, alone, from start to collection.

Nothing runs in it: what a worker would have sampled is worked out from the network's history when somebody asks, which
is why ten thousand drills are affordable. Its clock is ahead by days and drifts; its spool can have holes; it can die.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from islandmode.core.episodes import Heard, Row, Sample, Seen, row_of
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.placing import Batch
from islandmode.core.plan import PlanProbe
from islandmode.observe.vantage import Collected, Offset, Schedule
from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.faults import FaultBook, Kind
from islandmode.simulate.network import SimulatedNetwork

CALL_S = 0.02
DRIFT_PPM_MAX = 50
UNCERTAINTY_US_MAX = 2_000


@dataclass(frozen=True)
class WorkerClock:
    """A worker's monotonic clock against the world's."""

    ahead_us: int
    drift_ppm: int
    boot_id: str

    def read_us(self, world_us: int) -> int:
        """Say what the worker's clock shows at a moment of the world."""
        return world_us + self.ahead_us + world_us * self.drift_ppm // 1_000_000


@dataclass(frozen=True)
class SimulatedSpool:
    """The samples of a simulated worker, by probe."""

    rows: Mapping[str, list[Row]]

    def batches(self) -> Iterator[Batch]:
        """Give all samples of a probe at once."""
        return iter(self.rows.items())


class SimulatedVantage:
    """Implements `Vantage` on the packet world."""

    def __init__(
        self,
        name: str,
        probes: dict[str, PlanProbe],
        network: SimulatedNetwork,
        clock: SimulatedClock,
        faults: FaultBook,
        dice: random.Random,
        *,
        far: bool,
    ) -> None:
        """Know the packet world; nothing is sampled yet."""
        self._name = name
        self._probes = probes
        self._network = network
        self._clock = clock
        self._faults = faults
        self._dice = dice
        self._far = far
        drift = dice.randint(-DRIFT_PPM_MAX, DRIFT_PPM_MAX) if far else 0
        ahead_us = dice.randint(-900_000_000, 10_000_000_000_000) if far else 0
        self.worker_clock = WorkerClock(ahead_us, drift, f"boot-of-{name}" if far else clock.boot_id)
        self._schedule: Schedule | None = None
        self._started_us = 0
        self._ended_us: int | None = None
        self._ended = ""
        self._lost = False
        self._next_seq = 0
        self.troubles: list[tuple[int, int]] = []
        """When the worker's probes have trouble of their own, from and until."""
        self._told: list[Sample] = []
        self._sampled: list[Sample] = []

    @property
    def name(self) -> str:
        """Name of the vantage in the site."""
        return self._name

    @property
    def key_sha256(self) -> str:
        """Have no key: its samples never leave this process."""
        return ""

    @property
    def key(self) -> str:
        """Have no key."""
        return ""

    @property
    def call_s(self) -> float:
        """Give what a process on a real host is given."""
        return 10.0

    @property
    def far(self) -> bool:
        """Tell whether nothing can be heard from this vantage during the hold."""
        return self._far

    async def offset(self, deadline_s: float) -> Reading[Offset]:
        """Measure the worker's clock with an error inside the uncertainty that is told."""
        asked_us = self._clock.monotonic_us()
        if self._faults.take(Kind.OFFSET_SILENT, self._name):
            await self._clock.sleep(deadline_s)
            return self._unknown(asked_us, deadline_s)
        await self._clock.sleep(CALL_S)
        now_us = self._clock.monotonic_us()
        uncertainty_us = self._dice.randint(100, UNCERTAINTY_US_MAX) if self._far else 0
        error_us = self._dice.randint(-uncertainty_us, uncertainty_us)
        monotonic_us = now_us - self.worker_clock.read_us(now_us) + error_us
        found = Offset(
            monotonic_us, error_us, uncertainty_us, self.worker_clock.boot_id, self.worker_clock.read_us(now_us)
        )
        return Reading(Outcome.DONE, found, "", asked_us, now_us)

    async def start(self, schedule: Schedule, deadline_s: float) -> Reading[None]:
        """Take the whole schedule and sample from now on."""
        asked_us = self._clock.monotonic_us()
        if self._faults.take(Kind.WORKER_NOT_STARTED, self._name):
            await self._clock.sleep(deadline_s)
            return self._unknown(asked_us, deadline_s)
        await self._clock.sleep(CALL_S)
        self._schedule = schedule
        self._started_us = self._clock.monotonic_us()
        return Reading(Outcome.DONE, None, "", asked_us, self._started_us)

    def fresh(self) -> tuple[Sample, ...]:
        """Return what a near worker said since the last look; a far worker says nothing."""
        if self._far or self._schedule is None or self._faults.take(Kind.WORKER_SILENT, self._name):
            return ()
        self._sample()
        now_us = self._clock.monotonic_us()
        ripe: list[Sample] = []
        unripe: list[Sample] = []
        for sample in self._told:
            (ripe if sample.answered_us <= now_us else unripe).append(sample)
        self._told = unripe
        return tuple(ripe)

    async def look(self, deadline_s: float) -> Reading[tuple[Sample, ...]]:
        """Read what each probe said last, in the worker's time; it goes on sampling."""
        asked_us = self._clock.monotonic_us()
        if self._schedule is None:
            await self._clock.sleep(deadline_s)
            return self._unknown(asked_us, deadline_s)
        await self._clock.sleep(CALL_S)
        self._sample()
        now_us = self._clock.monotonic_us()
        # A question that still waits for its answer is in no spool yet.
        words = {sample.probe: sample for sample in self._sampled if sample.answered_us <= now_us}
        return Reading(
            Outcome.DONE, tuple(self._in_worker_time(sample) for sample in words.values()), "", asked_us, now_us
        )

    async def collect(self, deadline_s: float) -> Reading[Collected]:
        """Stop the worker and fetch its spool, in its own time."""
        asked_us = self._clock.monotonic_us()
        self._lost = self._lost or bool(self._faults.take(Kind.COLLECT_SILENT, self._name))
        if self._schedule is None or self._lost:
            await self._clock.sleep(deadline_s)
            return self._unknown(asked_us, deadline_s)
        await self._clock.sleep(CALL_S)
        self._sample()
        self._end("collected")
        whole = tuple(sample for sample in self._sampled if self._ended_us is None or sample.asked_us < self._ended_us)
        spool = self._with_holes(whole) if self._faults.take(Kind.SPOOL_LOSS, self._name) else whole
        rows: dict[str, list[Row]] = {}
        for sample in map(self._in_worker_time, spool):
            rows.setdefault(sample.probe, []).append(row_of(sample))
        # Nobody reads a simulated segment: that the product keeps the bytes of real segments is shown with real workers.
        found = Collected(SimulatedSpool(rows), len(spool), len(spool) == len(whole), self._ended)
        return Reading(Outcome.DONE, found, "", asked_us, self._clock.monotonic_us())

    async def stop(self) -> None:
        """End the worker without collecting."""
        self._end("stopped")

    async def forget(self) -> None:
        """Leave nothing: a simulated spool is in memory."""

    def die(self) -> None:
        """End the worker as a crash does; what it wrote until now stays."""
        self._sample()
        self._end("lost")

    def _end(self, how: str) -> None:
        if self._ended_us is None:
            self._ended_us = self._clock.monotonic_us()
            self._ended = how

    def _sample(self) -> None:
        """Catch up with the world: take every sample whose answer is history by now."""
        if self._schedule is None:
            return
        every_us = round(self._schedule.sample_every_s * 1_000_000)
        now_us = self._clock.monotonic_us()
        end_us = now_us if self._ended_us is None else min(now_us, self._ended_us)
        last_us = self._started_us + round(self._schedule.end_after_s * 1_000_000)
        # A probe's answer is not known before it could have come, so the newest probes are left for the next look.
        while (asked_us := self._started_us + self._next_seq * every_us) + 10_000 < min(end_us, last_us):
            for name in self._schedule.probes:
                sample = self._observed(name, self._next_seq, asked_us)
                self._sampled.append(sample)
                if not self._far:
                    self._told.append(sample)
            self._next_seq += 1

    def _observed(self, name: str, seq: int, asked_us: int) -> Sample:
        sample = self._network.observe(name, self._probes[name], seq, asked_us)
        if self.troubles and any(from_us <= asked_us < until_us for from_us, until_us in self.troubles):
            return replace(
                sample, seen=Seen.UNKNOWN, value=None, why="the probe could not be sent", heard=Heard.UNKNOWN
            )
        return sample

    def _with_holes(self, whole: tuple[Sample, ...]) -> tuple[Sample, ...]:
        start = self._dice.randrange(max(1, len(whole)))
        return whole[:start] + whole[start + max(1, len(whole) // 4) :]

    def _in_worker_time(self, sample: Sample) -> Sample:
        if not self._far:
            return sample
        read_us = self.worker_clock.read_us
        return sample.at(read_us(sample.asked_us), read_us(sample.answered_us))

    def _unknown(self, asked_us: int, deadline_s: float) -> Reading[Any]:
        why = f"no answer from {self._name} within {deadline_s:g} s"
        return Reading(Outcome.UNKNOWN, None, why, asked_us, self._clock.monotonic_us())
