"""The disk edge: durable appends, atomic replacement, reserved space, and locks. Nothing else writes durable records.

An fsync can take long or hang, and on a frozen disk not even SIGKILL ends it. So each append file, and each replacement, has a
child of its own (`apart`): a failing disk stops nothing else, neither a restore nor the end of this process. Nothing here blocks the event
loop on a disk, except the locks, which are taken before the loop runs.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import fcntl
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

import anyio

from islandmode.core.errors import Refused
from islandmode.core.text import cleaned
from islandmode.system import modes
from islandmode.system.apart import ANSWER_BYTES, Apart, apart, errno_in, once, words_in
from islandmode.system.modes import open_file

CLOSE_S = 2.0
ANSWER_S = 10.0
"""How long a new file, or one that is written whole, is waited for."""
FORGET_S = 1.0
FRAME_BYTES = 32 * 1024
DATA, END = b"+", b"."
DONE = struct.Struct("!Qi")
"""What the child answers: how many frames it has written, and the number of the error that it met."""


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
        """Write a whole file atomically: a reader sees the old file or the new file."""
        ...

    def free_bytes(self, path: Path) -> int:
        """Tell how much space is free where a path is."""
        ...


class MachineAppendFile:
    """An append file of this machine, with the one child that makes, writes, syncs and closes it."""

    def __init__(self, path: Path, reserve_bytes: int, sync: Callable[[int], None]) -> None:
        """Start the child, whose first work is to make the file; raises OSError."""
        self._path = path
        self._child = Apart(lambda line: _Writer(path, reserve_bytes, sync).serve(line))
        self._told = self._done = 0
        self._unsent: deque[bytes] = deque()
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._failure: OSError | None = None
        self._closing = False
        # The first answer belongs to no frame: it says that the file is made.
        self._made = self._answer_to(0)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._child.line.fileno(), self._hear)

    async def made(self) -> None:
        """Wait until the file is there; raises OSError."""
        await self._made

    async def write_synced(self, data: bytes) -> None:
        """Append, and return when durable; raises OSError, and after one failure every later call does."""
        if self._closing:
            raise OSError(errno.EBADF, "the file is closed", str(self._path))
        if self._failure is not None:
            raise self._failure
        self._tell(DATA, data)
        await self._answer_to(self._told)

    def write_unsynced(self, data: bytes) -> None:
        """Append when the disk gets to it; never waits and never raises."""
        if not self._closing and self._failure is None:
            self._tell(DATA, data)

    def abandon(self) -> None:
        """Close without waiting, when the task that asked for the file has gone."""
        self._closing = True
        self._let_go()

    async def close(self) -> None:
        """Write what is queued, as far as the disk answers within two seconds, and close."""
        if self._closing:
            return
        self._closing = True
        if self._failure is None:
            self._tell(END, b"")
            with anyio.move_on_after(CLOSE_S), suppress(OSError):
                await self._answer_to(self._told)
        self._let_go()

    def _answer_to(self, number: int) -> asyncio.Future[None]:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((number, answer))
        return answer

    def _tell(self, kind: bytes, data: bytes) -> None:
        for at in range(0, len(data) or 1, FRAME_BYTES):
            self._told += 1
            self._unsent.append(kind + data[at : at + FRAME_BYTES])
        self._send()

    def _send(self) -> None:
        """Send as much as the child has room for; the rest is queued here, and no caller waits for it."""
        try:
            while self._unsent:
                self._child.line.send(self._unsent[0])
                self._unsent.popleft()
        except BlockingIOError:
            self._loop.add_writer(self._child.line.fileno(), self._send)
            return
        except OSError as error:
            self._unsent.clear()
            self._fail(error)
        self._loop.remove_writer(self._child.line.fileno())

    def _hear(self) -> None:
        try:
            answer = self._child.line.recv(ANSWER_BYTES)
        except BlockingIOError:
            return
        except OSError:
            answer = b""
        done, number = DONE.unpack(answer) if answer else (self._done, errno.EPIPE)
        if not answer:
            self._loop.remove_reader(self._child.line.fileno())
        if number:
            self._fail(OSError(number, os.strerror(number), str(self._path)))
            return
        self._done = done
        while self._waiting and self._waiting[0][0] <= done:
            _settle(self._waiting.popleft()[1], None)

    def _fail(self, failure: OSError) -> None:
        self._failure = self._failure or failure
        while self._waiting:
            _settle(self._waiting.popleft()[1], self._failure)

    def _let_go(self) -> None:
        self._loop.remove_reader(self._child.line.fileno())
        self._loop.remove_writer(self._child.line.fileno())
        self._child.let_go()


def _settle(answer: asyncio.Future[None], failure: OSError | None) -> None:
    if answer.done():
        return
    if failure is None:
        answer.set_result(None)
    else:
        answer.set_exception(OSError(failure.errno, failure.strerror, failure.filename))


class _Writer:
    """The child of an append file: it may wait for the disk for any length of time."""

    def __init__(self, path: Path, reserve_bytes: int, sync: Callable[[int], None]) -> None:
        self._path = path
        self._reserve_bytes = reserve_bytes
        self._sync = sync
        self._failed = 0

    def serve(self, line: socket.socket) -> None:
        try:
            descriptor = self._open()
        except OSError as refused:
            line.send(DONE.pack(0, refused.errno or errno.EIO))
            return
        _answer(line, 0, 0)
        done, ended = 0, False
        while not ended:
            frames = self._take(line)
            ended = frames[-1][:1] != DATA
            self._write(descriptor, b"".join(frame[1:] for frame in frames))
            if ended:
                _release(descriptor)
            done += len(frames)
            _answer(line, done, self._failed)

    def _open(self) -> int:
        make_folder(self._path.parent)
        descriptor = open_file(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
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

    def _take(self, line: socket.socket) -> list[bytes]:
        """Wait for a frame, then take all that wait with it: they share one fsync. The end of the line is a frame too."""
        frames = [line.recv(FRAME_BYTES + 1)]
        while frames[-1][:1] == DATA:
            try:
                frames.append(line.recv(FRAME_BYTES + 1, socket.MSG_DONTWAIT))
            except BlockingIOError:
                break
        return frames

    def _write(self, descriptor: int, data: bytes) -> None:
        if self._failed or not data:
            return
        try:
            write_all(descriptor, data)
            self._sync(descriptor)
        except OSError as failure:
            # After a failed fsync the kernel may have dropped the pages and said so once: never trust this file again.
            self._failed = failure.errno or errno.EIO


def _answer(line: socket.socket, done: int, failed: int) -> None:
    # The parent may be gone: everything that it sent before is still written.
    with suppress(OSError):
        line.send(DONE.pack(done, failed))


class MachineDisk:
    """The disks of this machine."""

    def __init__(self, sync: Callable[[int], None] = os.fsync) -> None:
        """Make durable with `sync`, which takes a descriptor and raises OSError; it is called in a child process."""
        self._sync = sync

    async def create(self, path: Path, reserve_bytes: int = 0) -> AppendFile:
        """Create a new file with space reserved; raises OSError when it exists or the space is not there."""
        file = MachineAppendFile(path, reserve_bytes, self._sync)
        try:
            with _patience(path):
                await file.made()
        except (OSError, anyio.get_cancelled_exc_class()):
            file.abandon()
            raise
        return file

    async def replace(self, path: Path, data: bytes) -> None:
        """Write a whole file atomically: a reader sees the old file or the new file."""
        await ask_apart(lambda: _replace(path, data, self._sync), path)

    def free_bytes(self, path: Path) -> int:
        """Tell how much space is free where a path is."""
        found = os.statvfs(path)
        return found.f_bavail * found.f_frsize


async def answer_within(child: Apart, within_s: float) -> bytes | None:
    """Give the answer of a process apart, and let go of it; None where none came in time. Raises OSError."""
    loop, answered = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(child.line.fileno(), answered.set)
    try:
        with anyio.move_on_after(within_s):
            await answered.wait()
        return child.line.recv(ANSWER_BYTES) if answered.is_set() else None
    finally:
        loop.remove_reader(child.line.fileno())
        child.let_go()


async def ask_apart(work: Callable[[], bytes | None], path: Path) -> bytes:
    """Do one piece of file work in a process apart and give its words; raises OSError, also when the disk does not answer."""
    answer = await answer_within(once(work), ANSWER_S)
    if answer is None:
        raise _silent(path)
    number = errno_in(answer)
    if number:
        raise OSError(number, os.strerror(number), str(path))
    return words_in(answer)


@contextmanager
def _patience(path: Path) -> Iterator[None]:
    """Wait for a disk, within a limit; raises OSError."""
    try:
        with anyio.fail_after(ANSWER_S):
            yield
    except TimeoutError:
        raise _silent(path) from None


def _silent(path: Path) -> OSError:
    return OSError(errno.ETIMEDOUT, f"the disk did not answer within {ANSWER_S:g} s", str(path))


def _replace(path: Path, data: bytes, sync: Callable[[int], None]) -> None:
    temporary = path.with_name(f".{path.name}.new")
    try:
        make_folder(path.parent)
        descriptor = open_file(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            write_all(descriptor, data)
            sync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, however much the kernel takes at a time; raises OSError."""
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
    # This file system cannot reserve. Free room at this moment is the best that can be checked.
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
    """Make a folder and its missing parents with durable names; other accounts cannot read them."""
    for folder in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        # Another process may make it at the same moment.
        with suppress(FileExistsError):
            modes.make_folder(folder)
        sync_folder(folder.parent)
    path.mkdir(exist_ok=True)


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

    Each lock's text names this process and its run, for messages. Locks are taken in a fixed order, so that two runs never wait
    for each other; the kernel frees them when the process dies.
    """
    with ExitStack() as held:
        for conduit in sorted(set(conduits)):
            held.enter_context(_lock(folder / f"{site}.{conduit}.lock", conduit, f"{os.getpid()} {run}".strip()))
        yield


def lock_holders(path: Path) -> tuple[int, ...]:
    """List processes that may hold a file's lock, by the caller's process numbers, the likeliest first.

    Asking takes no lock, because a lock taken only to look could refuse a run. The kernel names locks by device and inode. Some
    file systems report another device, and inodes repeat across file systems, so the caller checks each process.
    """
    status = path.stat()
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}"
    found: list[tuple[bool, int]] = []
    for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
        # 1: FLOCK  ADVISORY  WRITE 4711 fd:01:1234 0 EOF; a waiting lock has an arrow after the number
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
        make_folder(path.parent)
        descriptor = open_file(path, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise Refused(f"{path.parent} cannot be written ({error.strerror}). Nothing was touched.") from error
    try:
        _take_lock(descriptor, path, conduit)
        _say_holder(descriptor, holder)
        yield
        # The next holder writes its number a moment later; until then this process is the best answer.
        apart(lambda: _forget_holder(path, holder), FORGET_S)
    finally:
        os.close(descriptor)


def _say_holder(descriptor: int, who: str) -> None:
    # This is for people only. A full disk must not stop a run from ending, and will be seen where it matters.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, who.encode(), 0)


def _forget_holder(path: Path, who: str) -> None:
    # A disk that answers late must not wipe out the name of the next holder.
    if path.read_text(encoding="utf-8", errors="replace") == who:
        os.truncate(path, 0)


def _take_lock(descriptor: int, path: Path, conduit: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = cleaned(os.pread(descriptor, 300, 0).decode(errors="replace").strip()) or "unknown"
        raise Refused(
            f"Another run has conduit {conduit} (process {holder}). Wait for its end, or abort it. Nothing was touched."
        ) from None
    except OSError as error:
        raise Refused(f"{path} cannot be locked ({error.strerror}). Nothing was touched.") from error
