from __future__ import annotations

import errno
from pathlib import Path

import anyio
import pytest

from islandmode.system.disk import MachineDisk
from tests.system.disks import CountingSync, FailingSync
from tests.system.small_disk import on_a_small_disk


def test_a_worker_without_room_for_its_schedule_is_refused() -> None:
    said = "refused: its disk has 0 MB free and the samples need 89 MB; make room there; left behind: nothing"
    assert on_a_small_disk("no room") == said


def test_what_was_written_is_there_and_in_order(tmp_path: Path) -> None:
    async def write() -> None:
        file = await MachineDisk().create(tmp_path / "new" / "folder" / "lines")
        await file.write_synced(b"one\n")
        file.write_unsynced(b"two\n")
        await file.write_synced(b"three\n")
        file.write_unsynced(b"four\n")
        await file.close()

    anyio.run(write)
    assert (tmp_path / "new" / "folder" / "lines").read_bytes() == b"one\ntwo\nthree\nfour\n"


def test_writes_that_wait_share_one_fsync(tmp_path: Path) -> None:
    sync = CountingSync()

    async def write() -> None:
        file = await MachineDisk(sync).create(tmp_path / "lines")
        sync.forget()
        sync.may_go.clear()
        sync.waiting.clear()
        async with anyio.create_task_group() as writing:
            writing.start_soon(file.write_synced, b"0\n")
            await anyio.to_thread.run_sync(sync.waiting.wait, 60)
            for number in range(1, 50):
                writing.start_soon(file.write_synced, b"%d\n" % number)
            await anyio.wait_all_tasks_blocked()
            sync.may_go.set()
        await file.close()

    anyio.run(write)
    # One for the first, which was under way, and one for the forty-nine that came meanwhile.
    assert sync.count == 2
    assert (tmp_path / "lines").read_text().split() == [str(number) for number in range(50)]


def test_a_disk_that_hangs_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    sync = CountingSync()

    async def write() -> bool:
        sick = await MachineDisk(sync).create(tmp_path / "sick")
        sync.may_go.clear()
        try:
            with anyio.move_on_after(0.2) as gave_up:
                await sick.write_synced(b"never\n")
            sick.write_unsynced(b"handed over at once\n")
            well = await MachineDisk().create(tmp_path / "well")
            await well.write_synced(b"at once\n")
            await well.close()
        finally:
            sync.may_go.set()
        await sick.close()
        return gave_up.cancelled_caught

    assert anyio.run(write)
    assert (tmp_path / "well").read_bytes() == b"at once\n"
    assert (tmp_path / "sick").read_bytes() == b"never\nhanded over at once\n"


def test_after_one_failed_fsync_the_file_is_never_trusted_again(tmp_path: Path) -> None:
    sync = FailingSync()
    seen: list[int | None] = []

    async def write() -> None:
        file = await MachineDisk(sync).create(tmp_path / "lines")
        await file.write_synced(b"durable\n")
        sync.fail_next()
        for _ in range(3):
            try:
                await file.write_synced(b"lost\n")
            except OSError as error:
                seen.append(error.errno)
            file.write_unsynced(b"lost too\n")
        await file.close()

    anyio.run(write)
    assert seen == [errno.EIO] * 3
    assert (tmp_path / "lines").read_bytes().startswith(b"durable\n")
    assert b"lost too" not in (tmp_path / "lines").read_bytes()


def test_a_failed_unsynced_write_shows_at_the_next_synced_one(tmp_path: Path) -> None:
    sync = FailingSync()

    async def write() -> None:
        file = await MachineDisk(sync).create(tmp_path / "lines")
        sync.fail_next()
        file.write_unsynced(b"lost\n")
        with pytest.raises(OSError, match="Input/output error"):
            await file.write_synced(b"after\n")
        await file.close()

    anyio.run(write)


def test_a_closed_file_says_so_and_is_closed_once(tmp_path: Path) -> None:
    async def write() -> None:
        file = await MachineDisk().create(tmp_path / "lines")
        await file.close()
        await file.close()
        file.write_unsynced(b"nothing\n")
        with pytest.raises(OSError, match="the file is closed"):
            await file.write_synced(b"nothing\n")

    anyio.run(write)
    assert (tmp_path / "lines").read_bytes() == b""


def test_a_file_that_exists_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"earlier run\n")

    async def write() -> None:
        with pytest.raises(FileExistsError):
            await MachineDisk().create(tmp_path / "lines")

    anyio.run(write)
    assert (tmp_path / "lines").read_bytes() == b"earlier run\n"


def test_a_folder_that_cannot_be_made_is_an_error_and_not_a_hang(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    async def write() -> None:
        with pytest.raises(NotADirectoryError):
            await MachineDisk().create(tmp_path / "file" / "sub" / "lines")
        with pytest.raises(NotADirectoryError):
            await MachineDisk().replace(tmp_path / "file" / "sub" / "whole", b"x")

    anyio.run(write)


def test_the_reserve_is_taken_at_once_and_given_back_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "lines"

    async def write() -> tuple[int, int]:
        file = await MachineDisk().create(path, 1 << 20)
        await file.write_synced(b"x")
        found = path.stat()
        await file.close()
        return found.st_size, found.st_blocks * 512

    assert anyio.run(write) >= (1, 1 << 20)
    assert path.stat().st_size == 1
    assert path.stat().st_blocks * 512 < 1 << 20


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    sync = FailingSync()

    async def write() -> None:
        disk = MachineDisk(sync)
        await disk.replace(tmp_path / "sub" / "whole", b"old")
        sync.fail_next()
        with pytest.raises(OSError, match="Input/output error"):
            await disk.replace(tmp_path / "sub" / "whole", b"new")

    anyio.run(write)
    assert (tmp_path / "sub" / "whole").read_bytes() == b"old"
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["whole"]


def test_free_space_is_that_of_the_disk_where_the_path_is(tmp_path: Path) -> None:
    assert MachineDisk().free_bytes(tmp_path) > 0
    assert MachineDisk().free_bytes(Path("/proc")) == 0


def test_a_full_disk_shows_when_the_file_is_made() -> None:
    assert on_a_small_disk("reserve") == "No space left on device; left behind: nothing"


def test_the_reserve_holds_when_somebody_else_fills_the_disk() -> None:
    assert on_a_small_disk("fill") == "written 8000 bytes on a full disk"


def test_a_disk_without_reserve_that_fills_up_fails_for_ever() -> None:
    assert on_a_small_disk("overflow") == "No space left on device, then No space left on device; trusted lines whole"


def test_a_read_only_disk_is_an_error() -> None:
    assert on_a_small_disk("read-only") == "Read-only file system, Read-only file system"


def test_a_worker_goes_on_writing_on_a_disk_that_somebody_filled() -> None:
    assert on_a_small_disk("spool") == "41 samples, whole"
