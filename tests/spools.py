"""Spools for tests: written by the worker's own spool, and read back as lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from islandmode.core.episodes import Sample, sample_of
from islandmode.core.placing import Batch, Placed, Spooled
from islandmode.core.spool import KeptSpool, Segment
from islandmode.core.spool_lines import Expected
from islandmode.observe.spooling import Spool
from islandmode.system.segments import segments_in

KEY = bytes(range(32))


def said(sample: Sample) -> dict[str, Any]:
    """Give a sample as a worker gives it to its spool."""
    return {
        "probe": sample.probe,
        "seq": sample.seq,
        "asked_us": sample.asked_us,
        "answered_us": sample.answered_us,
        "seen": sample.seen.value,
        "value": sample.value,
        "why": sample.why,
        "heard": sample.heard.value,
        "sender": sample.sender,
    }


def written(
    folder: Path, segments: Iterable[Iterable[Sample]], probes: Iterable[str], **of: Any
) -> tuple[Segment, ...]:
    """Let a worker's spool write samples, segment by segment, and end it as it was asked to."""
    folder.mkdir(parents=True)
    schedule = {"run": "run-1", "vantage": "here", "key": KEY.hex(), "probes": dict.fromkeys(probes)} | of
    spool = Spool(str(folder), schedule, None)
    parts = [list(part) for part in segments]
    for part in parts:
        for sample in part:
            spool.add(said(sample))
        spool.close_segment("asked" if part is parts[-1] else "")
    spool.forget_reserve()
    return tuple(segments_in(folder))


def spool_of(segments: Iterable[Segment], expected: Expected, key: bytes = KEY) -> KeptSpool:
    """Give segments as a spool that is kept in memory."""
    kept = tuple(segments)
    return KeptSpool(lambda: kept, expected, key)


@dataclass(frozen=True)
class ReadOnce:
    """What a spool held when it was read."""

    held: tuple[Batch, ...]

    def batches(self) -> Iterator[Batch]:
        """Give each probe's samples in the order in which they were asked."""
        return iter(self.held)


def read_once(placed: Placed) -> Placed:
    """Read every spool now, for a test that judges the same samples a hundred times."""
    return replace(placed, spools={name: ReadOnce(tuple(spool.batches())) for name, spool in placed.spools.items()})


def listed(spool: Spooled) -> tuple[Sample, ...]:
    """List what a spool holds, numbered by probe."""
    numbers: dict[str, int] = {}
    found = []
    for probe, rows in spool.batches():
        for row in rows:
            numbers[probe] = numbers.get(probe, 0) + 1
            found.append(sample_of(probe, numbers[probe], row))
    return tuple(found)


def by_probe(samples: Iterable[Sample]) -> Mapping[str, list[Sample]]:
    """Sort samples by probe, each in the order in which they were asked."""
    found: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: sample.asked_us):
        found.setdefault(sample.probe, []).append(sample)
    return found
