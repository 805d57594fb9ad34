"""A spool read back: JSON lines in short segments, chained over their exact bytes from the first to the last.

A worker writes `N.part`, and `N.jsonl` once a segment is closed (see observe/worker.py); a spool reads the same while it is
being written. What a far host says is parsed as hostile: nothing in it raises, and nothing in it is taken on trust.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from islandmode.core.chain import GENESIS, digest
from islandmode.core.episodes import HEARD_BY_SEEN, Heard, Sample, Seen
from islandmode.core.text import cleaned

FORMAT = 1
WHOLE_MAX = 2**63
TEXT_MAX_CHARACTERS = 1000


@dataclass(frozen=True)
class Expected:
    """Whose samples a spool may hold: those of one run and one vantage, of the probes that the vantage was given."""

    run: str
    vantage: str
    probes: frozenset[str]


@dataclass(frozen=True)
class SpoolReading:
    """What a spool says up to the first thing that is wrong with it, and what that is."""

    samples: tuple[Sample, ...]
    whole: bool
    why: str = ""


class _NoSample(Exception):
    """A line is no sample of this spool; the text says why."""


def read_spool(segments: Iterable[tuple[str, bytes]], expected: Expected | None = None) -> SpoolReading:
    """Read segments in their order; tells apart whole, empty, cut off, altered and foreign. Never raises."""
    samples: list[Sample] = []
    last: dict[str, int] = {}
    previous = GENESIS
    for name, data in segments:
        *lines, rest = data.split(b"\n")
        for number, line in enumerate(lines, 1):
            try:
                sample = _next(line, previous, last, expected)
            except _NoSample as odd:
                return SpoolReading(tuple(samples), whole=False, why=f"Segment {name}, line {number}: {odd}")
            samples.append(sample)
            previous = digest(line + b"\n")
        if rest:
            why = f"Segment {name}: the last line is cut off in the middle of a sample, or is just being written."
            return SpoolReading(tuple(samples), whole=False, why=why)
    if not samples:
        return SpoolReading((), whole=False, why="There is no sample.")
    return SpoolReading(tuple(samples), whole=True)


def placed(
    samples: Mapping[str, Iterable[Sample]], shifts_us: Mapping[str, Sequence[int]], vantages: Mapping[str, str]
) -> dict[str, tuple[Sample, ...]]:
    """Give the samples of every probe in the conductor's monotonic time, in the order in which they were asked.

    `samples` are by vantage, in the vantage's own time, to which its measured shift of `shifts_us` is added; `vantages` names the
    vantage of each probe.
    """
    found: dict[str, list[Sample]] = {name: [] for name in vantages}
    for vantage, spooled in samples.items():
        shifts = shifts_us.get(vantage, ())
        if not shifts:
            # Without a measured offset the times mean nothing here; missing data never passes.
            continue
        shift_us = sum(shifts) // len(shifts)
        for sample in spooled:
            # A vantage is heard about its own probes only, whatever its spool says.
            if vantages.get(sample.probe) == vantage:
                found[sample.probe].append(moved(sample, shift_us))
    return {name: tuple(sorted(rows, key=lambda row: row.asked_us)) for name, rows in found.items()}


def moved(sample: Sample, shift_us: int) -> Sample:
    """Give a sample in another clock's time."""
    return sample.at(sample.asked_us + shift_us, sample.answered_us + shift_us)


def read_sample(line: bytes, expected: Expected | None = None) -> Sample | None:
    """Read one line as a worker said it; None when it is no sample, or not an expected one."""
    try:
        row = _row(line)
        sample = _sample(row)
        if expected is not None:
            _must_be_expected(row, expected)
    except _NoSample:
        return None
    return sample


def _next(line: bytes, previous: str, last: dict[str, int], expected: Expected | None) -> Sample:
    """Read the line that follows those read before."""
    row = _row(line)
    if row.get("prev") != previous:
        raise _NoSample("the chain is broken; a line was altered, removed or added.")
    sample = _sample(row)
    if expected is not None:
        _must_be_expected(row, expected)
    if sample.seq <= last.get(sample.probe, -1):
        raise _NoSample(f"sample {sample.seq} of {sample.probe} comes after {last[sample.probe]}.")
    last[sample.probe] = sample.seq
    return sample


def _row(line: bytes) -> Mapping[str, Any]:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or type(row.get("v")) is not int or row["v"] < 1:
        raise _NoSample("it is not a sample; bytes were altered or lost.")
    if row["v"] > FORMAT:
        raise _NoSample(f"it was written by a newer version (format {str(row['v'])[:20]}, this one reads {FORMAT}).")
    return row


def _must_be_expected(row: Mapping[str, Any], expected: Expected) -> None:
    if row.get("run") != expected.run or row.get("vantage") != expected.vantage:
        raise _NoSample(f"it is of another run or vantage than {expected.run}, {expected.vantage}.")
    if row["probe"] not in expected.probes:
        raise _NoSample(f"it is of a probe that vantage {expected.vantage} was not given.")


def _sample(row: Mapping[str, Any]) -> Sample:
    try:
        probe, why, sender = _text(row["probe"]), _text(row["why"]), _text(row.get("sender", ""))
        seq, asked_us, answered_us = (_count(row[key]) for key in ("seq", "asked_us", "answered_us"))
        seen, value = Seen(row["seen"]), row["value"]
        heard = Heard(row["heard"]) if "heard" in row else HEARD_BY_SEEN[seen]
        if value is not None:
            value = _text(value) if isinstance(value, str) else _whole(value)
        _count(answered_us - asked_us)
    except (KeyError, TypeError, ValueError):
        raise _NoSample("it lacks a part of a sample, or has one of another kind.") from None
    return Sample(probe, seq, asked_us, answered_us, seen, value, why, heard, sender)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX_CHARACTERS:
        raise ValueError
    return cleaned(value)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -WHOLE_MAX <= value < WHOLE_MAX:
        raise ValueError
    return value


def _count(value: object) -> int:
    if _whole(value) < 0:
        raise ValueError
    return _whole(value)
