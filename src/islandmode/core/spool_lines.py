"""Samples as one line of JSON each: as a worker says them to its listener, and as spools of format 1 kept them.

Runs of earlier versions have spools of format 1, in which each line names the SHA-256 of the line before it. What a far host says
is parsed as hostile: nothing in it raises, and nothing in it is taken on trust.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
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
    """Whose samples a spool may hold: those of one run and one vantage, of the probes that the vantage was given.

    `patience_s` is the longest that a sample may wait for its answer: those that are asked later may be written before it.
    """

    run: str
    vantage: str
    probes: frozenset[str]
    patience_s: float = 60.0


@dataclass(frozen=True)
class LinesReading:
    """What a spool of format 1 says up to the first thing that is wrong with it, and what that is."""

    samples: tuple[Sample, ...]
    whole: bool
    why: str = ""


class NoSample(Exception):
    """A line is no sample of this spool; the text says why."""


def read_lines(segments: Iterable[tuple[str, bytes]], expected: Expected | None = None) -> LinesReading:
    """Read segments in their order; tells apart whole, empty, cut off, altered and foreign. Never raises."""
    samples: list[Sample] = []
    last: dict[str, int] = {}
    previous = GENESIS
    for name, data in segments:
        *lines, rest = data.split(b"\n")
        for number, line in enumerate(lines, 1):
            try:
                sample = _next(line, previous, last, expected)
            except NoSample as odd:
                return LinesReading(tuple(samples), whole=False, why=f"Segment {name}, line {number}: {odd}")
            samples.append(sample)
            previous = digest(line + b"\n")
        if rest:
            why = f"Segment {name}: the last line is cut off in the middle of a sample, or is just being written."
            return LinesReading(tuple(samples), whole=False, why=why)
    if not samples:
        return LinesReading((), whole=False, why="There is no sample.")
    return LinesReading(tuple(samples), whole=True)


def read_sample(line: bytes, expected: Expected | None = None) -> Sample | None:
    """Read one line as a worker said it; None when it is no sample, or not an expected one."""
    try:
        row = _row(line)
        sample = _sample(row)
        if expected is not None:
            _must_be_expected(row, expected)
    except NoSample:
        return None
    return sample


def _next(line: bytes, previous: str, last: dict[str, int], expected: Expected | None) -> Sample:
    """Read the line that follows those read before."""
    row = _row(line)
    if row.get("prev") != previous:
        raise NoSample("the chain is broken; a line was altered, removed or added.")
    sample = _sample(row)
    if expected is not None:
        _must_be_expected(row, expected)
    if sample.seq <= last.get(sample.probe, -1):
        raise NoSample(f"sample {sample.seq} of {sample.probe} comes after {last[sample.probe]}.")
    last[sample.probe] = sample.seq
    return sample


def _row(line: bytes) -> Mapping[str, Any]:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or type(row.get("v")) is not int or row["v"] < 1:
        raise NoSample("it is not a sample; bytes were altered or lost.")
    if row["v"] > FORMAT:
        raise NoSample(f"it was written by a newer version (format {str(row['v'])[:20]}, this one reads {FORMAT}).")
    return row


def _must_be_expected(row: Mapping[str, Any], expected: Expected) -> None:
    if row.get("run") != expected.run or row.get("vantage") != expected.vantage:
        raise NoSample(f"it is of another run or vantage than {expected.run}, {expected.vantage}.")
    if row["probe"] not in expected.probes:
        raise NoSample(f"it is of a probe that vantage {expected.vantage} was not given.")


def _sample(row: Mapping[str, Any]) -> Sample:
    try:
        probe, why, sender = text_of(row["probe"]), text_of(row["why"]), text_of(row.get("sender", ""))
        seq, asked_us, answered_us = (_count(row[key]) for key in ("seq", "asked_us", "answered_us"))
        seen, value = Seen(row["seen"]), row["value"]
        heard = Heard(row["heard"]) if "heard" in row else HEARD_BY_SEEN[seen]
        if value is not None:
            value = text_of(value) if isinstance(value, str) else _whole(value)
        _count(answered_us - asked_us)
    except (KeyError, TypeError, ValueError):
        raise NoSample("it lacks a part of a sample, or has one of another kind.") from None
    return Sample(probe, seq, asked_us, answered_us, seen, value, why, heard, sender)


def text_of(value: object) -> str:
    """Give a text fit to be shown; raises ValueError for another kind of value, or a text that is too long."""
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
