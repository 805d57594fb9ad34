"""Samples in short closed segments: JSON lines, chained over their exact bytes from the first segment to the last.

`N.part` is being written, `N.jsonl` is closed. A worker on a far host writes the same by itself (see observe/worker.py),
so a spool is read here the same way whoever wrote it, and also while it is being written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from islandmode.core.chain import GENESIS, digest
from islandmode.core.episodes import Sample, Seen

FORMAT = 1
OPEN, CLOSED = ".part", ".jsonl"
SEGMENT_LINES = 200
"""A second or so of a whole vantage: what is lost when a machine dies in the middle of a segment."""


class SampleWriter:
    """Writes one vantage's samples into a folder of its own; raises OSError when the disk does."""

    def __init__(self, folder: Path, *, run: str, vantage: str) -> None:
        """Make the folder, which must be new: a chain has one beginning."""
        folder.mkdir(parents=True)
        self._folder = folder
        self._head = {"v": FORMAT, "run": run, "vantage": vantage}
        self._previous = GENESIS
        self._segment = 0
        self._lines = 0
        self._descriptor: int | None = None

    def add(self, sample: Sample) -> None:
        """Write one sample; another process may read it at once."""
        body = {
            **self._head,
            "probe": sample.probe,
            "seq": sample.seq,
            "asked_us": sample.asked_us,
            "answered_us": sample.answered_us,
            "seen": sample.seen.value,
            "value": sample.value,
            "why": sample.why,
            "prev": self._previous,
        }
        line = json.dumps(body, separators=(",", ":")).encode() + b"\n"
        if self._descriptor is None:
            self._segment += 1
            self._descriptor = os.open(self._path(OPEN), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        os.write(self._descriptor, line)
        self._previous = digest(line)
        self._lines += 1
        if self._lines == SEGMENT_LINES:
            self.close()

    def close(self) -> None:
        """Close the segment that is being written, durably; the next sample opens another."""
        if self._descriptor is not None:
            descriptor, self._descriptor, self._lines = self._descriptor, None, 0
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._path(OPEN).rename(self._path(CLOSED))

    def _path(self, ending: str) -> Path:
        return self._folder / f"{self._segment:06}{ending}"


@dataclass(frozen=True)
class SampleReading:
    """What a spool says up to the first thing that is wrong with it, and what that is."""

    samples: tuple[Sample, ...]
    whole: bool
    why: str = ""


def read_folder(folder: Path) -> SampleReading:
    """Read a spool from its folder, also while it is being written; raises OSError when it cannot be read."""
    names = {path.stem for path in folder.iterdir() if path.suffix in {OPEN, CLOSED}}
    return read_segments((stem, _segment(folder / stem)) for stem in sorted(names))


def _segment(stem: Path) -> bytes:
    # A segment may be closed, and so get its other name, between our look at the folder and our opening it.
    for ending in (OPEN, CLOSED):
        try:
            return stem.with_suffix(ending).read_bytes()
        except FileNotFoundError:
            continue
    raise FileNotFoundError(f"{stem}{CLOSED} went away while it was read")


def read_segments(segments: Iterable[tuple[str, bytes]]) -> SampleReading:
    """Read segments in their order; tells apart whole, empty, cut off and altered. Never raises."""
    samples: list[Sample] = []
    previous = GENESIS
    for name, data in segments:
        *lines, rest = data.split(b"\n")
        for number, line in enumerate(lines, 1):
            sample, why = _decode(line, previous)
            if sample is None:
                return SampleReading(tuple(samples), whole=False, why=f"Segment {name}, line {number}: {why}")
            samples.append(sample)
            previous = digest(line + b"\n")
        if rest:
            why = f"Segment {name}: the last line is cut off in the middle of a sample, or is just being written."
            return SampleReading(tuple(samples), whole=False, why=why)
    if not samples:
        return SampleReading((), whole=False, why="There is no sample.")
    return SampleReading(tuple(samples), whole=True)


def _decode(line: bytes, previous: str) -> tuple[Sample | None, str]:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or type(row.get("v")) is not int:
        return None, "it is not a sample; bytes were altered or lost."
    if row["v"] > FORMAT:
        return None, f"it was written by a newer version (format {row['v']}, this one reads {FORMAT})."
    if row.get("prev") != previous:
        return None, "the chain is broken; a line was altered, removed or added."
    try:
        stamps = (int(row["seq"]), int(row["asked_us"]), int(row["answered_us"]))
        return Sample(str(row["probe"]), *stamps, Seen(row["seen"]), row["value"], str(row["why"])), ""
    except (KeyError, TypeError, ValueError):
        return None, "it lacks a part of a sample, or has one of another kind."
