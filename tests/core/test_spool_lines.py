"""Samples as lines: what a worker says to its listener, and the spools that earlier versions kept."""

from __future__ import annotations

import json
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandmode.core.chain import GENESIS, digest
from islandmode.core.episodes import Heard, Sample, Seen
from islandmode.core.spool_lines import read_lines, read_sample


def sample(number: int) -> Sample:
    seen = (Seen.GOOD, Seen.BAD, Seen.UNKNOWN)[number % 3]
    return Sample(
        "plc", number, number * 100_000, number * 100_000 + 700, seen, (None, 7, "text")[number % 3], "ä" * (number % 2)
    )


SAMPLES = tuple(sample(number) for number in range(9))
Segments = tuple[tuple[str, bytes], ...]


def written(samples: tuple[Sample, ...], per_segment: int) -> Segments:
    """Write samples as a worker does (tests/observe shows that it does)."""
    segments: list[tuple[str, bytes]] = []
    previous, numbers = GENESIS, count(1)
    for start in range(0, len(samples), per_segment):
        data = b""
        for one in samples[start : start + per_segment]:
            head = {"v": 1, "run": "run-1", "vantage": "here", "probe": one.probe, "seq": one.seq}
            times = {"asked_us": one.asked_us, "answered_us": one.answered_us}
            seen = {"seen": one.seen.value, "value": one.value, "why": one.why, "prev": previous}
            line = json.dumps(head | times | seen, separators=(",", ":")).encode() + b"\n"
            previous = digest(line)
            data += line
        segments.append((f"{next(numbers):06}", data))
    return tuple(segments)


@pytest.fixture(scope="module")
def segments() -> Segments:
    return written(SAMPLES, 3)


def test_samples_read_back_whatever_segments_they_are_in(segments: Segments) -> None:
    for per_segment in (1, 3, 9):
        reading = read_lines(written(SAMPLES, per_segment))
        assert (reading.samples, reading.whole, reading.why) == (SAMPLES, True, "")


def test_one_line_is_read_alone(segments: Segments) -> None:
    assert read_sample(segments[1][1].splitlines(keepends=True)[1]) == SAMPLES[4]
    assert read_sample(b"{}") is None


def test_what_came_back_is_read_and_an_older_spool_says_no_more_than_good_or_bad() -> None:
    row = {"v": 1, "run": "r", "vantage": "v", "probe": "p", "seq": 1, "asked_us": 1, "answered_us": 2, "value": None}
    for seen, heard in ((Seen.GOOD, Heard.ANSWER), (Seen.BAD, Heard.NOTHING), (Seen.UNKNOWN, Heard.UNKNOWN)):
        older = read_sample(json.dumps(row | {"seen": seen.value, "why": ""}).encode())
        assert older == Sample("p", 1, 1, 2, seen, None, "", heard)
    for heard in Heard:
        newer = read_sample(json.dumps(row | {"seen": "bad", "why": "", "heard": heard, "sender": "10.0.0.1"}).encode())
        assert newer == Sample("p", 1, 1, 2, Seen.BAD, None, "", heard, "10.0.0.1")
    assert read_sample(json.dumps(row | {"seen": "bad", "why": "", "heard": "something"}).encode()) is None


def test_a_missing_segment_breaks_the_chain(segments: Segments) -> None:
    reading = read_lines((segments[0], segments[2]))
    assert reading.samples == SAMPLES[:3]
    assert reading.why == "Segment 000003, line 1: the chain is broken; a line was altered, removed or added."


def test_swapped_segments_break_the_chain(segments: Segments) -> None:
    assert not read_lines((segments[1], segments[0], segments[2])).whole


def test_a_line_cut_off_is_said_and_the_rest_is_kept(segments: Segments) -> None:
    reading = read_lines((*segments[:2], ("000003", segments[2][1][:-5])))
    assert reading.samples == SAMPLES[:8]
    assert reading.why == (
        "Segment 000003: the last line is cut off in the middle of a sample, or is just being written."
    )


def test_no_sample_is_not_whole() -> None:
    assert read_lines(()).why == "There is no sample."
    assert read_lines((("000001", b""),)).why == "There is no sample."


def test_a_newer_version_is_said_to_be_one(segments: Segments) -> None:
    newer = segments[0][1].replace(b'{"v":1', b'{"v":3', 1)
    assert read_lines((("000001", newer),)).why == (
        "Segment 000001, line 1: it was written by a newer version (format 3, this one reads 1)."
    )


@pytest.mark.parametrize("line", [b"?", b"[]", b"{}", b"null", b'{"v":true}', b"[" * 20_000])
def test_what_is_no_sample_is_said_to_be_none(line: bytes) -> None:
    assert read_lines((("000001", line + b"\n"),)).why == (
        "Segment 000001, line 1: it is not a sample; bytes were altered or lost."
    )


def test_a_sample_of_another_kind_is_refused(segments: Segments) -> None:
    for spoilt in (b'"seen":"splendid"', b'"seen":null'):
        data = segments[0][1].replace(b'"seen":"good"', spoilt, 1)
        assert read_lines((("000001", data),)).why == (
            "Segment 000001, line 1: it lacks a part of a sample, or has one of another kind."
        )


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_edit_before_the_last_line_passes(data: st.DataObject, segments: Segments) -> None:
    number = data.draw(st.integers(0, 2))
    name, before = segments[number]
    # The last line of all is named by none after it; what it says is covered by the seal over the finished run.
    end = before[:-1].rfind(b"\n") if number == 2 else len(before)
    place = data.draw(st.integers(0, end - 1))
    put = data.draw(st.binary(max_size=5))
    gone = data.draw(st.integers(0, min(5, end - place)))
    after = before[:place] + put + before[place + gone :]
    reading = read_lines((*segments[:number], (name, after), *segments[number + 1 :]))
    assert reading.whole == (after == before)
