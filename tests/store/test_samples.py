from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandmode.core.episodes import Sample, Seen
from islandmode.observe.worker import Spool
from islandmode.store.samples import SEGMENT_LINES, SampleWriter, read_folder, read_segments


def sample(number: int) -> Sample:
    seen = (Seen.GOOD, Seen.BAD, Seen.UNKNOWN)[number % 3]
    return Sample(
        "plc", number, number * 100_000, number * 100_000 + 700, seen, (None, 7, "text")[number % 3], "ä" * (number % 2)
    )


SAMPLES = tuple(sample(number) for number in range(2 * SEGMENT_LINES + 5))


def written(folder: Path, samples: tuple[Sample, ...] = SAMPLES) -> SampleWriter:
    writer = SampleWriter(folder, run="run-1", vantage="here")
    for one in samples:
        writer.add(one)
    return writer


def test_samples_read_back_from_short_closed_segments(tmp_path: Path) -> None:
    written(tmp_path / "here").close()
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == [
        "000001.jsonl",
        "000002.jsonl",
        "000003.jsonl",
    ]
    reading = read_folder(tmp_path / "here")
    assert reading.whole
    assert reading.samples == SAMPLES


def test_samples_can_be_read_while_they_are_written_with_nothing_but_json(tmp_path: Path) -> None:
    writer = written(tmp_path / "here", SAMPLES[:3])
    lines = (tmp_path / "here" / "000001.part").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [0, 1, 2]
    assert read_folder(tmp_path / "here").samples == SAMPLES[:3]
    writer.add(SAMPLES[3])
    assert read_folder(tmp_path / "here").samples == SAMPLES[:4]
    writer.close()
    writer.add(SAMPLES[4])
    assert read_folder(tmp_path / "here").samples == SAMPLES[:5]
    writer.close()
    writer.close()


def test_a_folder_that_has_a_spool_is_not_written_over(tmp_path: Path) -> None:
    written(tmp_path / "here", SAMPLES[:1]).close()
    with pytest.raises(FileExistsError):
        written(tmp_path / "here")


def test_what_a_worker_wrote_by_itself_reads_the_same(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), "run-1", "erp", None)
    for one in SAMPLES[:10]:
        row = {"probe": one.probe, "seq": one.seq, "asked_us": one.asked_us, "answered_us": one.answered_us}
        spool.add({**row, "seen": one.seen.value, "value": one.value, "why": one.why})
        if one.seq == 4:
            spool.close_segment()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".jsonl", ".part"]
    reading = read_folder(tmp_path)
    assert (reading.whole, reading.samples) == (True, SAMPLES[:10])
    spool.close_segment()
    assert read_folder(tmp_path) == reading


def test_writer_and_worker_write_the_same_bytes(tmp_path: Path) -> None:
    written(tmp_path / "ours", SAMPLES[:6]).close()
    (tmp_path / "theirs").mkdir()
    spool = Spool(str(tmp_path / "theirs"), "run-1", "here", None)
    for line in (tmp_path / "ours" / "000001.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        spool.add({key: row[key] for key in ("probe", "seq", "asked_us", "answered_us", "seen", "value", "why")})
    spool.close_segment()
    names = [path.name for path in (tmp_path / "theirs").iterdir()]
    assert names == ["000001.jsonl"]
    assert (tmp_path / "theirs" / names[0]).read_bytes() == (tmp_path / "ours" / names[0]).read_bytes()


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[str, bytes], ...]:
    folder = tmp_path_factory.mktemp("spool") / "here"
    writer = SampleWriter(folder, run="run-1", vantage="here")
    for number, one in enumerate(SAMPLES[:9], 1):
        writer.add(one)
        if number % 3 == 0:
            writer.close()
    return tuple((path.stem, path.read_bytes()) for path in sorted(folder.iterdir()))


Segments = tuple[tuple[str, bytes], ...]


def test_a_missing_segment_breaks_the_chain(segments: Segments) -> None:
    reading = read_segments((segments[0], segments[2]))
    assert reading.samples == SAMPLES[:3]
    assert reading.why == "Segment 000003, line 1: the chain is broken; a line was altered, removed or added."


def test_swapped_segments_break_the_chain(segments: Segments) -> None:
    assert not read_segments((segments[1], segments[0], segments[2])).whole


def test_a_line_cut_off_is_said_and_the_rest_is_kept(segments: Segments) -> None:
    reading = read_segments((*segments[:2], ("000003", segments[2][1][:-5])))
    assert reading.samples == SAMPLES[:8]
    assert reading.why == (
        "Segment 000003: the last line is cut off in the middle of a sample, or is just being written."
    )


def test_no_sample_is_not_whole() -> None:
    assert read_segments(()).why == "There is no sample."
    assert read_segments((("000001", b""),)).why == "There is no sample."


def test_a_newer_version_is_said_to_be_one(segments: Segments) -> None:
    newer = segments[0][1].replace(b'{"v":1', b'{"v":3', 1)
    assert read_segments((("000001", newer),)).why == (
        "Segment 000001, line 1: it was written by a newer version (format 3, this one reads 1)."
    )


@pytest.mark.parametrize("line", [b"?", b"[]", b"{}", b"null", b'{"v":true}', b"[" * 20_000])
def test_what_is_no_sample_is_said_to_be_none(line: bytes) -> None:
    assert read_segments((("000001", line + b"\n"),)).why == (
        "Segment 000001, line 1: it is not a sample; bytes were altered or lost."
    )


def test_a_sample_of_another_kind_is_refused(segments: Segments) -> None:
    for spoilt in (b'"seen":"splendid"', b'"seen":null'):
        data = segments[0][1].replace(b'"seen":"good"', spoilt, 1)
        assert read_segments((("000001", data),)).why == (
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
    reading = read_segments((*segments[:number], (name, after), *segments[number + 1 :]))
    assert reading.whole == (after == before)
