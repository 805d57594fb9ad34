"""A spool read back: JSON lines in short segments, chained over their exact bytes from the first to the last.

A worker writes `N.part`, and `N.jsonl` once a segment is closed (see observe/worker.py); a spool reads the same while it is
being written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from islandmode.core.chain import GENESIS, digest
from islandmode.core.episodes import HEARD_BY_SEEN, Heard, Sample, Seen

FORMAT = 1


@dataclass(frozen=True)
class SpoolReading:
    """What a spool says up to the first thing that is wrong with it, and what that is."""

    samples: tuple[Sample, ...]
    whole: bool
    why: str = ""


def read_spool(segments: Iterable[tuple[str, bytes]]) -> SpoolReading:
    """Read segments in their order; tells apart whole, empty, cut off and altered. Never raises."""
    samples: list[Sample] = []
    previous = GENESIS
    for name, data in segments:
        *lines, rest = data.split(b"\n")
        for number, line in enumerate(lines, 1):
            sample, why = _decode(line, previous)
            if sample is None:
                return SpoolReading(tuple(samples), whole=False, why=f"Segment {name}, line {number}: {why}")
            samples.append(sample)
            previous = digest(line + b"\n")
        if rest:
            why = f"Segment {name}: the last line is cut off in the middle of a sample, or is just being written."
            return SpoolReading(tuple(samples), whole=False, why=why)
    if not samples:
        return SpoolReading((), whole=False, why="There is no sample.")
    return SpoolReading(tuple(samples), whole=True)


def read_sample(line: bytes) -> Sample | None:
    """Read one line as a worker said it; None when it is no sample."""
    return _decode(line, None)[0]


def _decode(line: bytes, previous: str | None) -> tuple[Sample | None, str]:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or type(row.get("v")) is not int:
        return None, "it is not a sample; bytes were altered or lost."
    if row["v"] > FORMAT:
        return None, f"it was written by a newer version (format {row['v']}, this one reads {FORMAT})."
    if previous is not None and row.get("prev") != previous:
        return None, "the chain is broken; a line was altered, removed or added."
    try:
        stamps = (int(row["seq"]), int(row["asked_us"]), int(row["answered_us"]))
        seen = Seen(row["seen"])
        heard = Heard(row["heard"]) if "heard" in row else HEARD_BY_SEEN[seen]
        sender = str(row.get("sender", ""))
        return Sample(str(row["probe"]), *stamps, seen, row["value"], str(row["why"]), heard, sender), ""
    except (KeyError, TypeError, ValueError):
        return None, "it lacks a part of a sample, or has one of another kind."
