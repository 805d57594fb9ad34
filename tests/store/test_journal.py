from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from islandmode.core.chain import GENESIS, digest, with_sum
from islandmode.core.device_records import IsolateIntent
from islandmode.core.errors import Refused
from islandmode.core.record import Record
from islandmode.core.records import RestoreOrdered, RunFinished, RunStarted
from islandmode.store.journal import FINISHED, HOLE, RESERVE_BYTES, Journal, JournalFailed, encode, read_journal
from islandmode.system.disk import MachineDisk
from islandmode.system.redaction import KNOWN
from tests.store.given import MemoryDisk, TickingClock
from tests.system.disks import CountingSync

STARTED, FINISHES = RunStarted(mode="rehearsal"), RunFinished(restored=True, why="")
INTENT = IsolateIntent(stage="vendors", point="fw", conduits=("größer",))
NAMES = {"site": "north", "run": "run-1", "writer": "conductor"}


async def created(disk: MemoryDisk) -> Journal:
    return await Journal.create(disk, Path("conductor.jsonl"), clock=TickingClock(), **NAMES)


def test_a_line_is_what_the_contract_says() -> None:
    disk = MemoryDisk()

    async def write() -> None:
        journal = await created(disk)
        await journal.append(INTENT)
        await journal.append(FINISHES)

    anyio.run(write)
    first, second = disk.file.written.splitlines(keepends=True)
    document = json.loads(first)
    summed = document.pop("sum")
    assert document == {
        "v": 1,
        **NAMES,
        "seq": 0,
        "boot": "boot-1",
        "utc_us": 1_700_000_000_000_000,
        "mono_us": 1_000,
        "kind": "isolate.intent",
        "data": {"stage": "vendors", "point": "fw", "conduits": ["größer"]},
        "prev": GENESIS,
    }
    assert list(json.loads(first))[:2] == ["v", "site"]
    assert len(summed) == 16
    assert json.loads(second)["prev"] == digest(first)
    assert "größer" in first.decode("utf-8")
    assert disk.reserved == RESERVE_BYTES


def test_our_own_secrets_stand_in_no_free_text_and_no_name_is_touched() -> None:
    KNOWN.learn("journal-Pa55word")
    KNOWN.learn("fw-of-the-journal")
    disk = MemoryDisk()

    async def write() -> Journal:
        journal = await created(disk)
        told = {"why": "refused journal-Pa55word", "sentence": "journal-Pa55word", "changed": ["+ journal-Pa55word"]}
        journal.keep("restore.attempt", {"point": "fw-of-the-journal", **told})
        journal.keep("restore.unseen", {"why": {1, "journal-Pa55word"}})
        return journal

    journal = anyio.run(write)
    assert b"journal-Pa55word" not in disk.file.written
    assert journal.records[0].data == {
        "point": "fw-of-the-journal",
        "why": "refused [secret]",
        "sentence": "[secret]",
        "changed": ["+ [secret]"],
    }


def test_what_was_written_reads_back() -> None:
    disk = MemoryDisk()

    async def write() -> Journal:
        journal = await created(disk)
        journal.keep("run.started", {"numbers": [1, 2.5, None, True], "": {}})
        journal.keep("restore.seen", {"why": "a device said \udce9 and \ud83d\ude00 and \0"})
        await journal.append(FINISHES)
        return journal

    journal = anyio.run(write)
    reading = read_journal(disk.file.written)
    assert reading.whole
    assert reading.complete
    assert reading.why == ""
    assert [record.kind for record in reading.records] == ["run.started", "restore.seen", FINISHED]
    assert reading.records[0] == journal.records[0]
    assert [record.seq for record in reading.records] == [0, 1, 2]


def test_a_disk_without_room_refuses_the_run() -> None:
    with pytest.raises(Refused) as refused:
        anyio.run(created, MemoryDisk(room=False))
    assert str(refused.value) == (
        "The journal conductor.jsonl cannot be made (No space left on device); it needs 4 MiB of its own before anything "
        "may be isolated. Nothing was touched."
    )


def test_after_a_failed_write_every_append_raises_though_the_disk_would_work_again() -> None:
    disk = MemoryDisk()

    async def write() -> Journal:
        journal = await created(disk)
        await journal.append(STARTED)
        disk.file.fails = 1
        for _ in range(3):
            with pytest.raises(JournalFailed, match=r"^Input/output error$"):
                await journal.append(INTENT)
        return journal

    journal = anyio.run(write)
    assert not journal.trusted
    assert disk.file.calls.count("synced") == 2
    assert [record.kind for record in read_journal(disk.file.written).records] == ["run.started"]


def test_what_a_failed_file_may_have_lost_is_counted_and_kept_in_memory() -> None:
    disk = MemoryDisk()

    async def write() -> Journal:
        journal = await created(disk)
        await journal.append(STARTED)
        assert journal.holes == 0
        journal.note(RestoreOrdered, why="")
        assert journal.holes == 0
        disk.file.fails = 1
        with pytest.raises(JournalFailed):
            await journal.append(INTENT)
        assert journal.holes == 2
        journal.keep("restore.seen", {})
        return journal

    journal = anyio.run(write)
    assert journal.holes == 3
    kinds = [record.kind for record in journal.records]
    assert kinds == ["run.started", "restore.ordered", "isolate.intent", HOLE, "restore.seen"]
    assert journal.records[3].data == {"why": "Input/output error", "lost": 2}


class LateFile:
    """A file whose disk answers too late once, and then writes all that it was told."""

    def __init__(self) -> None:
        self.written = b""

    async def write_synced(self, data: bytes) -> None:
        self.written += data
        if self.written.count(b"\n") == 2:
            raise TimeoutError

    def write_unsynced(self, data: bytes) -> None:
        self.written += data

    async def close(self) -> None:
        """Do nothing."""


def test_a_disk_that_was_only_late_leaves_a_journal_that_is_whole_and_has_its_hole() -> None:
    file = LateFile()

    async def write() -> None:
        journal = Journal(file, TickingClock(), **NAMES)
        await journal.append(STARTED)
        with pytest.raises(JournalFailed):
            await journal.append(INTENT)
        journal.note(RestoreOrdered, why="")

    anyio.run(write)
    reading = read_journal(file.written)
    assert (reading.whole, reading.why) == (True, "")
    assert [one.kind for one in reading.records] == ["run.started", "isolate.intent", HOLE, "restore.ordered"]


ODD: list[dict[str, Any]] = [
    {"a": object()},
    {"a": float("nan")},
    {"a": {1, 2}},
    {"a": {("b", "c"): 1}},
    {"a": b"\xff"},
]


@pytest.mark.parametrize("data", ODD)
def test_a_note_never_raises_whatever_it_is_given(data: dict[str, Any]) -> None:
    disk = MemoryDisk()

    async def write() -> Record:
        return (await created(disk)).keep("restore.seen", data)

    assert set(anyio.run(write).data) == {"not_json"}
    assert read_journal(disk.file.written).whole


def test_a_note_waits_for_no_disk(tmp_path: Path) -> None:
    sync = CountingSync()

    async def write() -> None:
        journal = await Journal.create(MachineDisk(sync), tmp_path / "journal", clock=TickingClock(), **NAMES)
        sync.may_go.clear()
        try:
            for _ in range(100):
                journal.keep("restore.attempt", {})
        finally:
            sync.may_go.set()
        await journal.append(FINISHES)
        await journal.close()

    anyio.run(write)
    assert len(read_journal((tmp_path / "journal").read_bytes()).records) == 101


def test_appends_that_wait_share_one_fsync(tmp_path: Path) -> None:
    sync = CountingSync()

    async def write() -> None:
        journal = await Journal.create(MachineDisk(sync), tmp_path / "journal", clock=TickingClock(), **NAMES)
        sync.forget()
        sync.may_go.clear()
        sync.waiting.clear()
        async with anyio.create_task_group() as writing:
            writing.start_soon(journal.append, STARTED)
            await anyio.to_thread.run_sync(sync.waiting.wait, 60)
            for _ in range(30):
                writing.start_soon(journal.append, INTENT)
            await anyio.wait_all_tasks_blocked()
            sync.may_go.set()
        await journal.close()

    anyio.run(write)
    assert sync.count == 2
    reading = read_journal((tmp_path / "journal").read_bytes())
    assert reading.whole
    assert len(reading.records) == 31


def test_an_append_that_is_cancelled_leaves_the_journal_sound() -> None:
    disk = MemoryDisk()

    async def write() -> Journal:
        journal = await created(disk)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await journal.append(INTENT)
        await journal.append(FINISHES)
        return journal

    assert anyio.run(write).trusted


def lines_of(count: int = 4) -> list[bytes]:
    """Make a small complete journal."""
    lines: list[bytes] = []
    previous = GENESIS
    for seq in range(count):
        kind = FINISHED if seq == count - 1 else "isolate.intent"
        record = Record(
            seq, "north", "run-1", "conductor", "boot-1", 10 + seq, 20 + seq, kind, {"stage": "ä", "n": seq}
        )
        lines.append(encode(record, previous))
        previous = digest(lines[-1])
    return lines


WHOLE = b"".join(lines_of())


def test_the_journal_that_is_spoilt_below_is_whole() -> None:
    assert read_journal(WHOLE).complete


def test_every_truncation_is_told_apart_from_whole() -> None:
    for length in range(len(WHOLE)):
        left = WHOLE[:length]
        reading = read_journal(left)
        assert not reading.complete
        # What is left is still believed, as far as it goes.
        assert len(reading.records) == left.count(b"\n")
        assert reading.whole == left.endswith(b"\n")


def test_every_flipped_bit_is_told_apart_from_whole() -> None:
    believed = []
    for place in range(len(WHOLE)):
        for bit in range(8):
            spoilt = bytearray(WHOLE)
            spoilt[place] ^= 1 << bit
            reading = read_journal(bytes(spoilt))
            if reading.whole or len(reading.records) > WHOLE[:place].count(b"\n"):
                believed.append((place, bit))
    assert believed == []


@settings(max_examples=300, deadline=None)
@given(
    start=st.integers(0, len(WHOLE)),
    gone=st.integers(0, 200),
    put=st.one_of(st.binary(max_size=40), st.sampled_from([*lines_of(), b"{}\n", b"\n", b"null\n", b"[" * 5_000])),
)
def test_any_edit_is_told_apart_from_whole(start: int, gone: int, put: bytes) -> None:
    spoilt = WHOLE[:start] + put + WHOLE[start + gone :]
    reading = read_journal(spoilt)
    assert reading.complete == (spoilt == WHOLE)
    assert reading.whole == (reading.why == "")


def with_key(line: bytes, **changed: Any) -> bytes:
    """Change a line's keys and give it a sum that holds, as a careful forger would."""
    document = {**json.loads(line), **changed}
    del document["sum"]
    return with_sum(json.dumps(document, separators=(",", ":")).encode())


LINES = lines_of()
SPOILT: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "The journal is empty."),
    "cut off": (WHOLE[:-9], "The last line is cut off in the middle of a record."),
    "zeros after a crash": (
        WHOLE + b"\0" * 512,
        "The last line is cut off in the middle of a record.",
    ),
    "not JSON": (LINES[0] + b"?\n", "Line 2: it is not a record; bytes were altered or lost."),
    "not a mapping": (b"[1]\n", "Line 1: it is not a record; bytes were altered or lost."),
    "an empty line": (LINES[0] + b"\n" + LINES[1], "Line 2: it is not a record; bytes were altered or lost."),
    "altered": (
        WHOLE.replace(b'"n":2', b'"n":7'),
        "Line 3: its sum does not hold; bytes were altered or lost.",
    ),
    "altered with a new sum": (
        LINES[0] + with_key(LINES[1], kind="other") + LINES[2],
        "Line 3: the chain is broken; the line before it was altered, or a line was removed or added.",
    ),
    "one removed": (
        LINES[0] + LINES[2],
        "Line 2: the chain is broken; the line before it was altered, or a line was removed or added.",
    ),
    "first removed": (
        LINES[1],
        "Line 1: the chain is broken; the line before it was altered, or a line was removed or added.",
    ),
    "swapped": (
        LINES[1] + LINES[0],
        "Line 1: the chain is broken; the line before it was altered, or a line was removed or added.",
    ),
    "counted wrongly": (with_key(LINES[0], seq=3), "Line 1: record 0 is missing; this line holds record 3."),
    "a newer version": (
        LINES[0] + LINES[1].replace(b'{"v":1', b'{"v":2'),
        "Line 2: it was written by a newer version (format 2, this one reads 1).",
    ),
    "a part of another type": (
        with_key(LINES[0], kind=["list"]),
        "Line 1: it lacks a part of a record, or has one of another type.",
    ),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_wrong_is_said_and_what_came_before_is_kept(name: str) -> None:
    data, expected = SPOILT[name]
    reading = read_journal(data)
    assert (reading.whole, reading.why) == (False, expected)
    assert [record.seq for record in reading.records] == list(range(len(reading.records)))
    number = int(expected.split()[1].rstrip(":")) if expected.startswith("Line ") else data.count(b"\n") + 1
    assert len(reading.records) == number - 1
