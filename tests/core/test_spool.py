"""A spool read back: every byte of it counts, in whatever pieces it comes."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandmode.core import spool_rows
from islandmode.core.chain import GENESIS, digest
from islandmode.core.clocks import ClockLine
from islandmode.core.episodes import Heard, Sample, Seen, fold
from islandmode.core.placing import Placed
from islandmode.core.spool import UNSEALED, Segment
from islandmode.core.spool_lines import Expected
from tests.spools import KEY, listed, spool_of, written

EXPECTED = Expected("run-1", "here", frozenset({"plc", "hmi"}))
BROKEN = "the chain is broken; a segment was altered, removed or added."
KIND = "it lacks a part of a sample, or has one of another kind."


def sample(number: int, probe: str = "plc") -> Sample:
    seen, heard = ((Seen.GOOD, Heard.ANSWER), (Seen.BAD, Heard.REFUSED), (Seen.UNKNOWN, Heard.UNKNOWN))[number % 3]
    why, sender = ("", "no good", "ä")[number % 3], ("", "10.0.0.1", "")[number % 3]
    at_us = number * 100_000
    return Sample(probe, number, at_us, at_us + 700, seen, (None, 7, "text")[number % 3], why, heard, sender)


SAMPLES = tuple(sample(number) for number in range(1, 10))
PARTS = (SAMPLES[:3], SAMPLES[3:6], SAMPLES[6:])


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> tuple[Segment, ...]:
    return written(tmp_path_factory.mktemp("spool") / "spool", PARTS, ["plc"])


def plain(segments: tuple[Segment, ...]) -> list[list[bytes]]:
    return [gzip.decompress(data).splitlines(keepends=True) for _, data in segments]


def packed(lines: list[list[bytes]]) -> tuple[Segment, ...]:
    return tuple((f"{number:06}.jsonl.gz", gzip.compress(b"".join(part))) for number, part in enumerate(lines, 1))


def sealed(parts: list[list[bytes]], key: bytes = KEY) -> tuple[Segment, ...]:
    """Seal header and rows anew, as the holder of the key can."""
    found, previous = [], spool_rows.FIRST
    for number, lines in enumerate(parts, 1):
        head = json.loads(lines[0]) | {"prev": previous}
        body = b"".join([json.dumps(head).encode() + b"\n", *lines[1:]])
        mac = spool_rows.begun(key, previous)
        mac.update(body)
        previous = mac.hexdigest()
        seal = spool_rows.seal(len(lines) - 1, previous, "asked" if number == len(parts) else "")
        found.append((f"{number:06}.jsonl.gz", gzip.compress(body + seal)))
    return tuple(found)


def why(segments: tuple[Segment, ...], key: bytes = KEY) -> str:
    reading = spool_of(segments, EXPECTED, key).read()
    assert reading.whole == (reading.why == "")
    return reading.why


def test_samples_read_back_whatever_segments_they_are_in(tmp_path: Path) -> None:
    for number, parts in enumerate([(SAMPLES,), PARTS, tuple((one,) for one in SAMPLES)]):
        spool = spool_of(written(tmp_path / str(number), parts, ["plc", "hmi"]), EXPECTED)
        reading = spool.read()
        assert (reading.samples, reading.whole, reading.why, reading.ended) == (9, True, "", "asked")
        assert listed(spool) == SAMPLES


def test_what_is_written_is_what_the_page_says(segments: tuple[Segment, ...]) -> None:
    first = plain(segments)[0]
    assert [name for name, _ in segments] == ["000001.jsonl.gz", "000002.jsonl.gz", "000003.jsonl.gz"]
    assert json.loads(first[0]) == {
        "v": 2,
        "run": "run-1",
        "vantage": "here",
        "segment": 1,
        "prev": "0" * 64,
        "at_us": 100_000,
        "probes": ["plc"],
    }
    assert [json.loads(line) for line in first[1:-1]] == [
        [0, 0, 700, 7, "bad", "refused", "no good", "10.0.0.1"],
        [0, 100_000, 700, "text", "unknown", "unknown", "ä", ""],
        [0, 100_000, 700, None],
    ]
    seal = json.loads(first[-1])
    assert (set(seal), seal["rows"]) == ({"rows", "mac"}, 3)
    assert json.loads(plain(segments)[1][0])["prev"] == seal["mac"]
    assert json.loads(plain(segments)[2][-1])["ended"] == "asked"


def test_a_sample_takes_less_than_twenty_bytes_where_there_are_many(tmp_path: Path) -> None:
    samples = [
        Sample(f"p{number % 100}", 1, at, at + 400 + at * 7919 % 600, Seen.GOOD, number // 100)
        for number in range(20_000)
        for at in (number * 1000 + number * 104_729 % 900,)
    ]
    probes = [f"p{number}" for number in range(100)]
    kept = sum(len(data) for _, data in written(tmp_path / "spool", [samples], probes))
    assert kept / len(samples) < 10


def test_a_missing_swapped_or_foreign_segment_breaks_the_chain(segments: tuple[Segment, ...], tmp_path: Path) -> None:
    assert why((segments[0], segments[2])) == f"Segment 000003.jsonl.gz: {BROKEN}"
    assert why((segments[1], segments[0], segments[2])) == f"Segment 000002.jsonl.gz: {BROKEN}"
    assert why((*segments, segments[2])) == f"Segment 000003.jsonl.gz: {BROKEN}"
    other = written(tmp_path / "other", PARTS, ["plc"], key="77" * 32)
    assert why((segments[0], other[1], segments[2])) == f"Segment 000002.jsonl.gz: {BROKEN}"


def test_a_spool_without_its_end_is_not_whole(segments: tuple[Segment, ...]) -> None:
    assert why(segments[:2]) == UNSEALED
    assert why(()) == "There is no sample."
    assert (
        why((("000001.part", b""),)) == "Segment 000001.part, line 1: it is not a sample; bytes were altered or lost."
    )


def test_who_has_no_key_cannot_seal_anew(segments: tuple[Segment, ...]) -> None:
    lines = [part[:-1] for part in plain(segments)]
    assert why(sealed(lines)) == ""
    lines[1][1] = lines[1][1].replace(b"700", b"701")
    assert why(sealed(lines)) == ""
    assert why(sealed(lines, b"")) == f"Segment 000001.jsonl.gz: {BROKEN}"


def test_what_a_killed_worker_left_is_read_to_its_last_line(segments: tuple[Segment, ...]) -> None:
    tail = b"".join(plain(segments)[2][:-1])
    cut = spool_of((*segments[:2], ("000003.part", tail)), EXPECTED)
    assert (cut.read().why, listed(cut)) == (UNSEALED, SAMPLES)
    torn = spool_of((*segments[:2], ("000003.part", tail[:-5])), EXPECTED)
    assert torn.read().why == (
        "Segment 000003.part: the last line is cut off in the middle of a sample, or is just being written."
    )
    assert listed(torn) == SAMPLES[:8]
    assert why((("000001.part", tail), *segments[1:])).endswith(BROKEN)


ROW = b"[0,1,700,7]\n"
ROWS = {
    "no array": b'{"probe":0}\n',
    "too short": b"[0,1,700]\n",
    "too long": b"[0,1,700,7,0]\n",
    "a probe that is not there": b"[1,1,700,7]\n",
    "a probe before the first": b"[-1,1,700,7]\n",
    "a probe that is true": b"[true,1,700,7]\n",
    "an answer before its question": b"[0,1,-1,7]\n",
    "a time before all times": b"[0,-999999999,1,7]\n",
    "a time after all times": b"[0,99999999999999999999,1,7]\n",
    "a time that is a number of another kind": b"[0,1.5,1,7]\n",
    "a time that is a text": b'[0,"1",1,7]\n',
    "a value that is NaN": b"[0,1,1,NaN]\n",
    "a value that is true": b"[0,1,1,true]\n",
    "a value that is a list": b"[0,1,1,[]]\n",
    "a value of many digits": b"[0,1,1,%s]\n" % (b"9" * 100),
    "a very long value": b'[0,1,1,"%s"]\n' % (b"x" * 2000),
    "a very long reason": b'[0,1,1,7,"bad","nothing","%s",""]\n' % (b"x" * 2000),
    "something unheard of": b'[0,1,1,7,"bad","applause","",""]\n',
    "something unseen": b'[0,1,1,7,"splendid","nothing","",""]\n',
    "a list for a sender": b'[0,1,1,7,"bad","nothing","",[]]\n',
    "a number for a reason": b'[0,1,1,7,"bad","nothing",7,""]\n',
    "very deep": b"[" * 20_000 + b"\n",
    "no JSON": b"?\n",
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_that_is_none_is_named_and_those_before_it_are_kept(name: str, segments: tuple[Segment, ...]) -> None:
    head = plain(segments)[0][0]
    spool = spool_of(sealed([[head, ROW, ROWS[name], ROW]]), EXPECTED)
    reading = spool.read()
    assert (reading.samples, reading.why) == (1, f"Segment 000001.jsonl.gz, line 3: {KIND}")
    assert len(listed(spool)) == 1


HEADS = {
    "another run": ({"run": "yesterday"}, "it is of another run or vantage than run-1, here."),
    "another vantage": ({"vantage": "office"}, "it is of another run or vantage than run-1, here."),
    "a probe of another vantage": ({"probes": ["x"]}, "it is of a probe that vantage here was not given."),
    "probes that are none": ({"probes": "plc"}, KIND),
    "a number for a probe": ({"probes": [7]}, KIND),
    "no time": ({"at_us": None}, KIND),
    "format 1": ({"v": 1}, "it is not a sample; bytes were altered or lost."),
    "format 3": ({"v": 3}, "it was written by a newer version (format 3, this one reads 2)."),
    "format 10^50": ({"v": 10**50}, f"it was written by a newer version (format 1{'0' * 19}, this one reads 2)."),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_header_that_is_not_its_own_is_refused(name: str, segments: tuple[Segment, ...]) -> None:
    change, sentence = HEADS[name]
    head = json.dumps(json.loads(plain(segments)[0][0]) | change).encode() + b"\n"
    assert why(sealed([[head, ROW]])) == f"Segment 000001.jsonl.gz, line 1: {sentence}"


def test_bytes_that_unpack_to_more_than_a_segment_are_refused(segments: tuple[Segment, ...]) -> None:
    for data in (b"", b"?", gzip.compress(b"{}") * 2, gzip.compress(b"{}")[:-4]):
        assert why((("000001.jsonl.gz", data),)) == (
            "Segment 000001.jsonl.gz: it cannot be unpacked; bytes were altered or lost."
        )
    head = plain(segments)[0][0]
    bomb = gzip.compress(head + b" " * (65 << 20) + b"\n")
    assert why((("000001.jsonl.gz", bomb),)) == (
        "Segment 000001.jsonl.gz: it cannot be unpacked; bytes were altered or lost."
    )
    assert why(sealed([[head, *[ROW] * 20_001]])) == "Segment 000001.jsonl.gz: it is longer than a segment can be."


@pytest.mark.parametrize("word", ["", "sked", "gloriously", "x" * 400])
def test_a_word_of_its_end_that_no_worker_says_is_an_edit(word: str, segments: tuple[Segment, ...]) -> None:
    lines = plain(segments)
    seal = json.loads(lines[2][-1])
    assert seal["ended"] == "asked"
    lines[2][-1] = json.dumps(seal | {"ended": word}).encode() + b"\n"
    assert why(packed(lines)) != ""


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_no_edit_passes(data: st.DataObject, segments: tuple[Segment, ...]) -> None:
    number = data.draw(st.integers(0, 2))
    lines = plain(segments)
    before = b"".join(lines[number])
    place = data.draw(st.integers(0, len(before) - 1))
    put, gone = data.draw(st.binary(max_size=5)), data.draw(st.integers(0, 5))
    after = before[:place] + put + before[place + gone :]
    lines[number] = [after]
    # A seal may be written in other words that say the same.
    assert (why(packed(lines)) == "") == (after == before or _says_the_same(after, before))


def _says_the_same(after: bytes, before: bytes) -> bool:
    *body, seal = after.splitlines(keepends=True)
    try:
        # A seal without the end of its line is taken for one that was cut off.
        is_whole = body == before.splitlines(keepends=True)[:-1] and seal.endswith(b"\n")
        return is_whole and json.loads(seal) == json.loads(before.splitlines()[-1])
    except ValueError:
        return False


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_samples_come_in_the_order_in_which_they_were_asked(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    waits = data.draw(st.lists(st.integers(0, 4_000_000), min_size=1, max_size=60))
    asked = [Sample("plc", 1, at * 500_000, at * 500_000 + wait, Seen.GOOD, at) for at, wait in enumerate(waits, 1)]
    by_answer = sorted(asked, key=lambda one: one.answered_us)
    cuts = sorted({*data.draw(st.lists(st.integers(0, len(asked)), max_size=4)), 0, len(asked)})
    parts = [by_answer[start:end] for start, end in pairwise(cuts)]
    expected = Expected("run-1", "here", frozenset({"plc"}), patience_s=4.0)
    spool = spool_of(written(tmp_path_factory.mktemp("s") / "spool", parts, ["plc"]), expected)
    assert spool.read().whole
    assert [one.value for one in listed(spool)] == [one.value for one in asked]
    edges = tuple(sorted(data.draw(st.lists(st.integers(0, 40_000_000), max_size=3))))
    placed = Placed({"plc": "here"}, {"here": spool}, {"here": ClockLine(0, 0, 0.0, 0)})
    assert placed.folded(edges)["plc"] == fold(asked, edges)


def test_a_sample_that_comes_long_after_those_asked_later_is_not_believed(tmp_path: Path) -> None:
    expected = Expected("run-1", "here", frozenset({"plc"}), patience_s=1.0)
    late = [sample(number) for number in (10, 50, 90, 20)]
    spool = spool_of(written(tmp_path / "spool", [[one] for one in late], ["plc"]), expected)
    assert spool.read().why == "A sample of plc was written long after those that were asked later."


def test_a_spool_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    data, previous = b"", GENESIS
    for one in SAMPLES:
        head = {"v": 1, "run": "run-1", "vantage": "here", "probe": one.probe, "seq": one.seq, "prev": previous}
        times = {"asked_us": one.asked_us, "answered_us": one.answered_us, "heard": one.heard, "sender": one.sender}
        line = json.dumps(head | times | {"seen": one.seen, "value": one.value, "why": one.why}).encode() + b"\n"
        data, previous = data + line, digest(line)
    for names in (("000001.jsonl",), ("000001.part",)):
        spool = spool_of([(name, data) for name in names], EXPECTED, b"")
        assert spool.read().whole
        assert listed(spool) == SAMPLES
    spool = spool_of([("000001.jsonl", data.replace(b'"seq": 5', b'"seq": 6'))], EXPECTED, b"")
    assert (
        spool.read().why == "Segment 000001.jsonl, line 6: the chain is broken; a line was altered, removed or added."
    )


def test_a_vantage_is_heard_about_its_own_probes_only(segments: tuple[Segment, ...]) -> None:
    spool, line = spool_of(segments, EXPECTED), ClockLine(0, 5, 0.0, 0)
    theirs = Placed({"plc": "office"}, {"here": spool}, {"here": line})
    assert theirs.folded(()) == {"plc": ()}
    mine = Placed({"plc": "here"}, {"here": spool}, {"here": line}).samples()["plc"]
    assert [one.asked_us for one in mine] == [one.asked_us + 5 for one in SAMPLES]
    assert Placed({"plc": "here"}, {"here": spool}, {}).folded(()) == {"plc": ()}
