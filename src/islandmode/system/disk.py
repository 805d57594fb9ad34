"""The disk edge: durable appends, atomic replacement, reserved space, and locks. Nothing else writes durable records.

Each append file has one daemon thread of its own. An fsync can take long or hang, and a shared thread pool would let
one sick disk stop everything else, a restore included.
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


@dataclass
class _Job:
    data: bytes
    settle: Callable[[OSError | None], None] | None


class MachineAppendFile:
    """An append file of this machine, with the one thread that writes it."""

    def __init__(self, descriptor: int) -> None:
        """Take an open descriptor and start the thread."""
        self._descriptor = descriptor
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._failure: OSError | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._work, name="append-file", daemon=True).start()

    async def write_synced(self, data: bytes) -> None:
        """Append, and return when durable; raises OSError, and after one failure every later call does."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[OSError | None] = loop.create_future()

        def tell(failure: OSError | None) -> None:
            if not answer.done():
                answer.set_result(failure)

        def settle(failure: OSError | None) -> None:
            # The loop may have ended while a sick disk held us up; then nobody waits for this answer any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, failure)

        self._jobs.put(_Job(data, settle))
        failure = await answer
        if failure is not None:
            raise OSError(failure.errno, failure.strerror)

    def write_unsynced(self, data: bytes) -> None:
        """Append when the disk gets to it; never waits and never raises."""
        self._jobs.put(_Job(data, None))

    async def close(self) -> None:
        """Write what is queued, as far as the disk answers within two seconds, and close."""
        self._jobs.put(None)
        with anyio.move_on_after(2.0):
            while not self._ended.is_set():
                await anyio.sleep(0.005)

    def _work(self) -> None:
        ending = False
        while not ending:
            batch, ending = self._take()
            failure = self._write(b"".join(job.data for job in batch))
            for job in batch:
                if job.settle is not None:
                    job.settle(failure)
        os.close(self._descriptor)
        self._ended.set()

    def _take(self) -> tuple[list[_Job], bool]:
        """Wait for a job, then take all that wait with it: they share one fsync."""
        batch: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            batch.append(job)
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _write(self, data: bytes) -> OSError | None:
        if self._failure is not None or not data:
            return self._failure
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
            os.fsync(self._descriptor)
        except OSError as failure:
            # After a failed fsync the kernel may have dropped the pages and said so once: never trust this file again.
            self._failure = failure
        return self._failure


class MachineDisk:
    """The disks of this machine."""

    async def create(self, path: Path, reserve_bytes: int = 0) -> AppendFile:
        """Create a new file with space reserved; raises OSError when it exists or the space is not there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            if reserve_bytes:
                _reserve(descriptor, reserve_bytes)
            os.fsync(descriptor)
            sync_directory(path.parent)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return MachineAppendFile(descriptor)

    async def replace(self, path: Path, data: bytes) -> None:
        """Write a whole file atomically: a reader sees the old one or the new one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.new")
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_directory(path.parent)

    def free_bytes(self, path: Path) -> int:
        """Tell how much space is free where a path is."""
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize


def _reserve(descriptor: int, size: int) -> None:
    """Reserve blocks without changing the length, so that a full disk shows now and not in mid-hold."""
    # os.posix_fallocate would change the length, and an append file must stay empty.
    keep_size = 1
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(descriptor, keep_size, ctypes.c_long(0), ctypes.c_long(size)) != 0:
        number = ctypes.get_errno()
        if number not in (errno.EOPNOTSUPP, errno.ENOSYS):
            raise OSError(number, os.strerror(number))


def sync_directory(path: Path) -> None:
    """Make a new name in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def hold_conduits(folder: Path, site: str, conduits: tuple[str, ...]) -> Iterator[None]:
    """Hold the locks of some conduits on this machine; raises `Refused` when another run has one of them.

    Locks are taken in one order, so that two runs never wait for each other; the kernel frees them when we die.
    """
    with ExitStack() as held:
        for conduit in sorted(conduits):
            held.enter_context(_lock(folder / f"{site}.{conduit}.lock", conduit))
        yield


@contextmanager
def _lock(path: Path, conduit: str) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Refused(f"{path.parent} cannot be written ({error.strerror}). Nothing was touched.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 64).decode("ascii", "replace").strip() or "unknown"
            raise Refused(
                f"Another run has conduit {conduit} (process {holder}). Wait for its end, or abort it. Nothing was touched."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)
