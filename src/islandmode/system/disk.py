"""The disk edge: durable appends, atomic replacement, reserved space, and locks. Nothing else writes durable records.

Each append file has one daemon thread of its own. An fsync can take long or hang, and a shared thread pool would let
one sick disk stop everything else, a restore included. Nothing here blocks the event loop on a disk, except the locks,
which are taken before the loop runs.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import fcntl
import os
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import anyio

from islandmode.core.errors import Refused

CLOSE_S = 2.0


class AppendFile(Protocol):
    """A file that only grows."""

    async def write_synced(self, data: bytes) -> None:
        """Append, and return when durable; raises OSError, and after one failure every later call does."""
        ...

    def write_unsynced(self, data: bytes) -> None:
        """Append when the disk gets to it; never waits and never raises."""
        ...

    async def close(self) -> None:
        """Write what is queued, as far as the disk answers, and close."""
        ...


class Disk(Protocol):
    """Where durable records go."""

    async def create(self, path: Path, reserve_bytes: int = 0) -> AppendFile:
        """Create a new file with space reserved; raises OSError when it exists or the space is not there."""
        ...

    async def replace(self, path: Path, data: bytes) -> None:
        """Write a whole file atomically: a reader sees the old one or the new one."""
        ...

    def free_bytes(self, path: Path) -> int:
        """Tell how much space is free where a path is."""
        ...


Settle = Callable[[OSError | None], None]


@dataclass(frozen=True)
class _Job:
    data: bytes
    settle: Settle | None = None
    last: bool = False


class MachineAppendFile:
    """An append file of this machine, with the one thread that opens, writes, syncs and closes it."""

    def __init__(self, path: Path, reserve_bytes: int, sync: Callable[[int], None], opened: Settle) -> None:
        """Start the thread, whose first work is to make the file; `opened` hears how that went."""
        self._path = path
        self._reserve_bytes = reserve_bytes
        self._sync = sync
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._failure: OSError | None = None
        self._closing = False
        threading.Thread(target=self._work, args=(opened,), name=f"append {path.name}", daemon=True).start()

    async def write_synced(self, data: bytes) -> None:
        """Append, and return when durable; raises OSError, and after one failure every later call does."""
        if self._closing:
            raise OSError(errno.EBADF, "the file is closed", str(self._path))
        answer, settle = _question()
        self._jobs.put(_Job(data, settle))
        _raise(await answer)

    def write_unsynced(self, data: bytes) -> None:
        """Append when the disk gets to it; never waits and never raises."""
        if not self._closing:
            self._jobs.put(_Job(data))

    def abandon(self) -> None:
        """Close without waiting, when whoever asked for the file has gone."""
        if not self._closing:
            self._closing = True
            self._jobs.put(_Job(b"", last=True))

    async def close(self) -> None:
        """Write what is queued, as far as the disk answers within two seconds, and close."""
        if not self._closing:
            answer, settle = _question()
            self._closing = True
            self._jobs.put(_Job(b"", settle, last=True))
            with anyio.move_on_after(CLOSE_S):
                await answer

    def _work(self, opened: Settle) -> None:
        try:
            descriptor = self._open()
        except OSError as refused:
            opened(refused)
            return
        opened(None)
        ending = False
        while not ending:
            batch = self._take()
            failure = self._write(descriptor, b"".join(job.data for job in batch))
            ending = batch[-1].last
            if ending:
                _release(descriptor)
            for job in batch:
                if job.settle is not None:
                    job.settle(failure)

    def _open(self) -> int:
        make_folder(self._path.parent)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            if self._reserve_bytes:
                _reserve(descriptor, self._reserve_bytes)
            self._sync(descriptor)
            sync_folder(self._path.parent)
        except OSError:
            os.close(descriptor)
            self._path.unlink(missing_ok=True)
            raise
        return descriptor

    def _take(self) -> list[_Job]:
        """Wait for a job, then take all that wait with it: they share one fsync."""
        batch = [self._jobs.get()]
        while not batch[-1].last:
            try:
                batch.append(self._jobs.get_nowait())
            except queue.Empty:
                break
        return batch

    def _write(self, descriptor: int, data: bytes) -> OSError | None:
        if self._failure is not None or not data:
            return self._failure
        try:
            _write_all(descriptor, data)
            self._sync(descriptor)
        except OSError as failure:
            # After a failed fsync the kernel may have dropped the pages and said so once: never trust this file again.
            self._failure = failure
        return self._failure


class MachineDisk:
    """The disks of this machine."""

    def __init__(self, sync: Callable[[int], None] = os.fsync) -> None:
        """Make durable with `sync`, which takes a descriptor and raises OSError."""
        self._sync = sync

    async def create(self, path: Path, reserve_bytes: int = 0) -> AppendFile:
        """Create a new file with space reserved; raises OSError when it exists or the space is not there."""
        answer, settle = _question()
        file = MachineAppendFile(path, reserve_bytes, self._sync, settle)
        try:
            _raise(await answer)
        except anyio.get_cancelled_exc_class():
            file.abandon()
            raise
        return file

    async def replace(self, path: Path, data: bytes) -> None:
        """Write a whole file atomically: a reader sees the old one or the new one."""
        answer, settle = _question()
        threading.Thread(
            target=self._replace, args=(path, data, settle), name=f"replace {path.name}", daemon=True
        ).start()
        _raise(await answer)

    def _replace(self, path: Path, data: bytes, settle: Settle) -> None:
        temporary = path.with_name(f".{path.name}.new")
        try:
            make_folder(path.parent)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                _write_all(descriptor, data)
                self._sync(descriptor)
            finally:
                os.close(descriptor)
            temporary.replace(path)
            sync_folder(path.parent)
        except OSError as failure:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            settle(failure)
        else:
            settle(None)

    def free_bytes(self, path: Path) -> int:
        """Tell how much space is free where a path is."""
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize


def _question() -> tuple[asyncio.Future[OSError | None], Settle]:
    """Make a future for this loop, and the way in which a thread settles it."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[OSError | None] = loop.create_future()

    def tell(failure: OSError | None) -> None:
        if not answer.done():
            answer.set_result(failure)

    def settle(failure: OSError | None) -> None:
        # The loop may have ended while a sick disk held us up; then nobody waits for this answer any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, failure)

    return answer, settle


def _raise(failure: OSError | None) -> None:
    if failure is not None:
        raise OSError(failure.errno, failure.strerror, failure.filename) from failure


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _reserve(descriptor: int, size: int) -> None:
    """Reserve blocks without changing the length, so that a full disk shows now and not in mid-hold."""
    # os.posix_fallocate would change the length, and an append file must stay empty.
    keep_size = 1
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(descriptor, keep_size, ctypes.c_long(0), ctypes.c_long(size)) == 0:
        return
    number = ctypes.get_errno()
    if number not in {errno.EOPNOTSUPP, errno.ENOSYS}:
        raise OSError(number, os.strerror(number))
    # This file system cannot reserve. Room that is there now is the best that can be asked for.
    found = os.fstatvfs(descriptor)
    if found.f_bavail * found.f_frsize < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _release(descriptor: int) -> None:
    """Give back what is left of the reserve, and close."""
    with suppress(OSError):
        os.ftruncate(descriptor, os.fstat(descriptor).st_size)
    with suppress(OSError):
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, all of their names durable."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in reversed(missing):
        sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Make new names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def hold_conduits(folder: Path, site: str, conduits: tuple[str, ...], run: str = "") -> Iterator[None]:
    """Hold the locks of some conduits on this machine; raises `Refused` when another run has one of them.

    Each lock's text names our process and run, for whoever looks.
    Locks are taken in one order, so that two runs never wait for each other; the kernel frees them when we die.
    """
    with ExitStack() as held:
        for conduit in sorted(set(conduits)):
            held.enter_context(_lock(folder / f"{site}.{conduit}.lock", conduit, f"{os.getpid()} {run}".strip()))
        yield


def lock_holders(path: Path) -> tuple[int, ...]:
    """List processes that may hold a file's lock, as whoever asks numbers them, the likeliest first.

    Asking takes no lock: one that was only looked at could refuse a run. The kernel names locks by device and inode; some
    file systems tell another device than it does, and inodes of several are alike, so whoever asks looks at each process.
    """
    status = path.stat()
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    found: list[tuple[bool, int]] = []
    for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
        # 1: FLOCK  ADVISORY  WRITE 4711 fd:01:1234 0 EOF; one that waits has an arrow after the number
        words = line.split()
        if words[1] != "FLOCK":
            continue
        where, _, inode = words[5].rpartition(":")
        if inode == str(status.st_ino) and int(words[4]) > 0:
            found.append((where != device, int(words[4])))
    return tuple(pid for _, pid in sorted(found))


@contextmanager
def _lock(path: Path, conduit: str, holder: str) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Refused(f"{path.parent} cannot be written ({error.strerror}). Nothing was touched.") from error
    try:
        _take_lock(descriptor, path, conduit)
        _say_holder(descriptor, holder)
        yield
        # Whoever holds it next says so a moment later; until then, no process number is better than ours.
        _say_holder(descriptor, "")
    finally:
        os.close(descriptor)


def _say_holder(descriptor: int, who: str) -> None:
    # This is for people only. A full disk must not stop a run from ending, and will be seen where it matters.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, who.encode(), 0)


def _take_lock(descriptor: int, path: Path, conduit: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 300, 0).decode(errors="replace").strip() or "unknown"
        raise Refused(
            f"Another run has conduit {conduit} (process {holder}). Wait for its end, or abort it. Nothing was touched."
        ) from None
    except OSError as error:
        raise Refused(f"{path} cannot be locked ({error.strerror}). Nothing was touched.") from error
