"""A spool read back, segment by segment, in bounded memory (core/spool_rows.py has its form, docs/spool.md says it to an outsider).

What a far host says is parsed as hostile: nothing in it raises, and nothing in it is taken on trust. Rows come in the order in
which they were answered; a probe's samples are given in the order in which they were asked, once no earlier one can follow.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from islandmode.core import spool_rows
from islandmode.core.episodes import Heard, Row, Seen, State, row_of
from islandmode.core.placing import Batch
from islandmode.core.probe import Probe
from islandmode.core.spool_lines import WHOLE_MAX, Expected, NoSample, read_lines, text_of
from islandmode.core.spool_rows import CLOSED, FIRST, ROWS_MAX

SEGMENT_MAX_BYTES = 64 << 20
GZIP = 16 + zlib.MAX_WBITS
GOOD: State = (Seen.GOOD, Heard.ANSWER, "")
ANSWER_S = 10.0
"""How long after its own timeout a sample may still be written: its host may be slow."""
SHORT = 4
HELD_MAX = 1_000_000
"""How many samples may wait for those that were asked before them."""
KNOWN_MAX = 10_000
"""How many different reasons, states and texts are remembered, so that each is checked once."""
UNSEALED = "It lacks its last seal: its worker was killed or could not write, or what it wrote last is missing."
CUT_OFF = "the last line is cut off in the middle of a sample, or is just being written."
BROKEN = "the chain is broken; a segment was altered, removed or added."
NO_SAMPLE = "it is not a sample; bytes were altered or lost."
ANOTHER_KIND = "it lacks a part of a sample, or has one of another kind."

Segment = tuple[str, bytes]

asked = itemgetter(0)


@dataclass(frozen=True)
class SpoolReading:
    """What was found of a spool: how many samples up to the first thing that is wrong with it, and what that is.

    `ended` is what the last seal says of the worker's end, empty without a last seal; `length` and `sha256` are of the bytes of
    all segments, in their order.
    """

    samples: int
    whole: bool
    why: str
    ended: str
    length: int
    sha256: str
    last: str = ""
    """The last seal's sum; empty where the last seal is missing."""


@dataclass(frozen=True)
class KeptSpool:
    """A spool that is kept somewhere; `segments` reads it anew each time, one segment after the other."""

    segments: Callable[[], Iterable[Segment]]
    expected: Expected
    key: bytes = b""

    def batches(self) -> Iterator[Batch]:
        """Give each probe's samples in the order in which they were asked, up to the first thing that is wrong."""
        return SpoolReader(self.expected, self.key).batches(self.segments())

    def read(self) -> SpoolReading:
        """Read all of it, and say what was found."""
        reader = SpoolReader(self.expected, self.key)
        for _ in reader.batches(self.segments()):
            pass
        return reader.reading


def expected(run: str, vantage: str, probes: Mapping[str, Probe]) -> Expected:
    """Say which samples a spool may hold: those of the probes that its vantage was given, which wait as long as they may."""
    waits_s = max((probe.timeout for probe in probes.values()), default=0.0)
    return Expected(run, vantage, frozenset(probes), waits_s + ANSWER_S)


class SpoolReader:
    """Takes one spool in; `reading` is complete once all batches were taken."""

    def __init__(self, expected: Expected, key: bytes = b"") -> None:
        """Know whose samples may come, and the key under which they are sealed."""
        self._expected, self._key = expected, key
        self._previous = FIRST
        self._segments = 0
        self._sealed = self._lines = False
        self._ended = ""
        self._count = 0
        self._newest_us = 0
        self._held: dict[str, list[Row]] = {}
        self._given_us: dict[str, int] = {}
        self._states: dict[tuple[Any, Any, Any], State] = {}
        self._texts: dict[Any, str] = {}
        self._hash = hashlib.sha256()
        self._length = 0
        self._why = ""

    @property
    def reading(self) -> SpoolReading:
        """Say what was found."""
        why = (
            self._why
            or ("" if self._count else "There is no sample.")
            or ("" if self._ended or self._lines else UNSEALED)
        )
        last = self._previous if self._ended else ""
        return SpoolReading(self._count, not why, why, self._ended, self._length, self._hash.hexdigest(), last)

    def batches(self, segments: Iterable[Segment]) -> Iterator[Batch]:
        """Give each probe's samples, in the order in which they were asked; ends at the first thing that is wrong."""
        kept = iter(segments)
        for name, data in kept:
            self._hashed(data)
            if not self._segments and _is_of_format_1(name, data):
                yield from self._of_format_1([(name, data), *self._remembered(kept)])
                return
            try:
                self._take(name, data)
            except NoSample as odd:
                self._why = f"Segment {name}{odd}"
                break
            yield from self._ripe(self._newest_us - round(self._expected.patience_s * 1_000_000))
            if self._why:
                break
        # What follows something wrong is not read, but it is part of what was fetched.
        for _ in self._remembered(kept):
            pass
        yield from self._ripe(WHOLE_MAX)

    def _remembered(self, segments: Iterator[Segment]) -> Iterator[Segment]:
        for segment in segments:
            self._hashed(segment[1])
            yield segment

    def _hashed(self, data: bytes) -> None:
        self._hash.update(data)
        self._length += len(data)

    def _of_format_1(self, segments: Iterable[Segment]) -> Iterator[Batch]:
        found = read_lines(segments, self._expected)
        self._count, self._lines, self._why = len(found.samples), True, found.why
        mine: dict[str, list[Row]] = {}
        for sample in found.samples:
            mine.setdefault(sample.probe, []).append(row_of(sample))
        for probe, rows in mine.items():
            yield probe, sorted(rows, key=asked)

    def _take(self, name: str, data: bytes) -> None:
        """Check a segment whole before any row of it counts, but for the one that its worker did not seal."""
        if self._sealed and self._ended:
            raise NoSample(f": {BROKEN}")
        lines, rest = _lines(name, data)
        head = self._header(lines[0] if lines else b"")
        self._segments += 1
        seal = _mapping(lines[-1]) if len(lines) > 1 else None
        self._sealed = seal is not None
        if seal is not None:
            self._check_seal(seal, lines)
        elif name.endswith(CLOSED):
            raise NoSample(f": {BROKEN}")
        self._rows(head, lines[1:-1] if seal is not None else lines[1:])
        if rest:
            self._why = f"Segment {name}: {CUT_OFF}"

    def _header(self, line: bytes) -> Mapping[str, Any]:
        head = _mapping(line)
        if head is None or type(head.get("v")) is not int or head["v"] < spool_rows.FORMAT:
            raise NoSample(f", line 1: {NO_SAMPLE}")
        if head["v"] > spool_rows.FORMAT:
            told = str(head["v"])[:20]
            raise NoSample(
                f", line 1: it was written by a newer version (format {told}, this one reads {spool_rows.FORMAT})."
            )
        mine = self._expected
        if head.get("run") != mine.run or head.get("vantage") != mine.vantage:
            raise NoSample(f", line 1: it is of another run or vantage than {mine.run}, {mine.vantage}.")
        if self._segments and not self._sealed:
            raise NoSample(f": {BROKEN}")
        if head.get("segment") != self._segments + 1 or head.get("prev") != self._previous:
            raise NoSample(f": {BROKEN}")
        probes = head.get("probes")
        if (
            not isinstance(probes, list)
            or not all(isinstance(probe, str) for probe in probes)
            or not _is_time(head.get("at_us"))
        ):
            raise NoSample(f", line 1: {ANOTHER_KIND}")
        if not mine.probes.issuperset(probes):
            raise NoSample(f", line 1: it is of a probe that vantage {mine.vantage} was not given.")
        return head

    def _check_seal(self, seal: Mapping[str, Any], lines: list[bytes]) -> None:
        mac = spool_rows.begun(self._key, self._previous)
        for line in lines[:-1]:
            mac.update(line + b"\n")
        told, ended = seal.get("mac"), seal.get("ended", "")
        if not isinstance(told, str) or not hmac.compare_digest(
            told.encode("utf-8", "replace"), mac.hexdigest().encode()
        ):
            raise NoSample(f": {BROKEN}")
        is_known = isinstance(ended, str) and (ended == "" or ended in spool_rows.ENDINGS)
        if seal.get("rows") != len(lines) - 2 or not is_known:
            raise NoSample(f": {BROKEN}")
        self._previous, self._ended = mac.hexdigest(), ended

    def _rows(self, head: Mapping[str, Any], lines: list[bytes]) -> None:
        """Take the rows of a segment in; raises `NoSample` at the first that is not a sample; those before it are taken."""
        probes: list[str] = head["probes"]
        mine: list[list[Row]] = [self._held.setdefault(probe, []) for probe in probes]
        texts, states, newest_us, number = self._texts, self._states, self._newest_us, 0
        asked_us: int = head["at_us"]
        odd = False
        try:
            # A drill of a day has a hundred million rows: what is written out here is not called for each.
            for row in _parsed(lines):
                if len(row) == SHORT:
                    place, since_us, took_us, value = row
                    state, why = GOOD, ""
                else:
                    place, since_us, took_us, value, seen, heard, said, sender = row
                    why = texts[said] if said in texts else self._text(said)
                    told = (seen, heard, sender)
                    state = states[told] if told in states else self._state(told)
                if value is not None and type(value) is not int:
                    value = texts[value] if value in texts else self._text(value)
                asked_us += since_us
                answered_us = asked_us + took_us
                odd = (
                    not (type(place) is type(since_us) is type(took_us) is int)
                    or place < 0
                    or took_us < 0
                    or asked_us < 0
                    or answered_us >= WHOLE_MAX
                    or (type(value) is int and not -WHOLE_MAX <= value < WHOLE_MAX)
                )
                if odd:
                    break
                mine[place].append((asked_us, answered_us, state, value, why))
                if answered_us > newest_us:
                    newest_us = answered_us
                number += 1
        except (ValueError, TypeError, IndexError, KeyError):
            odd = True
        self._newest_us = newest_us
        self._count += number
        if odd:
            raise NoSample(f", line {number + 2}: {ANOTHER_KIND}")
        if sum(map(len, mine)) > HELD_MAX:
            raise NoSample(": it has more samples at one time than a worker can take.")

    def _text(self, value: Any) -> str:
        if len(self._texts) > KNOWN_MAX:
            self._texts.clear()
        text = text_of(value)
        self._texts[value] = text
        return text

    def _state(self, told: tuple[Any, Any, Any]) -> State:
        if len(self._states) > KNOWN_MAX:
            self._states.clear()
        seen, heard, sender = told
        state = self._states[told] = (Seen(seen), Heard(heard), text_of(sender))
        return state

    def _ripe(self, until_us: int) -> Iterator[Batch]:
        """Give what was asked before a moment, for good: a sample that comes later is not believed."""
        for probe, rows in self._held.items():
            rows.sort(key=asked)
            place = bisect_left(rows, until_us, key=asked)
            if not place:
                continue
            if rows[0][0] < self._given_us.get(probe, 0):
                self._why = self._why or f"A sample of {probe} was written long after those that were asked later."
                return
            self._given_us[probe] = rows[place - 1][0]
            ripe = rows[:place]
            del rows[:place]
            yield probe, ripe


def named_in(name: str, data: bytes) -> tuple[str, str] | None:
    """Give the run and the vantage that a segment says it is of; None where it says none."""
    try:
        lines, _ = _lines(name, data)
    except NoSample:
        return None
    head = _mapping(lines[0]) if lines else None
    run, vantage = (head.get("run"), head.get("vantage")) if head is not None else (None, None)
    return (run, vantage) if isinstance(run, str) and isinstance(vantage, str) else None


def _lines(name: str, data: bytes) -> tuple[list[bytes], bytes]:
    """Give the whole lines of a segment, and what follows the last of them."""
    if name.endswith(CLOSED):
        unpacking = zlib.decompressobj(GZIP)
        try:
            data = unpacking.decompress(data, SEGMENT_MAX_BYTES)
        except zlib.error:
            data = b""
        if not unpacking.eof or unpacking.unused_data:
            raise NoSample(": it cannot be unpacked; bytes were altered or lost.")
    *lines, rest = data.split(b"\n")
    if len(data) >= SEGMENT_MAX_BYTES or len(lines) > ROWS_MAX + 2:
        raise NoSample(": it is longer than a segment can be.")
    return lines, rest


def _is_of_format_1(name: str, data: bytes) -> bool:
    """Tell a segment of an earlier version: it is plain text, and each of its lines is a whole sample."""
    if name.endswith(CLOSED):
        return False
    head = _mapping(data.partition(b"\n")[0])
    return name.endswith(".jsonl") or (head is not None and head.get("v") == 1)


def _parsed(lines: list[bytes]) -> Iterable[Any]:
    """Read all rows of a segment; at once where they are in order, else up to the first that cannot be read."""
    try:
        rows: list[Any] = json.loads(b"[" + b",".join(lines) + b"]")
        if len(rows) == len(lines):
            return iter(rows)
    except (ValueError, RecursionError):
        pass
    return map(_row, lines)


def _row(line: bytes) -> Any:
    try:
        return json.loads(line)
    except RecursionError:
        raise ValueError from None


def _mapping(line: bytes) -> Mapping[str, Any] | None:
    if not line.startswith(b"{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_time(value: Any) -> bool:
    return type(value) is int and 0 <= value < WHOLE_MAX
