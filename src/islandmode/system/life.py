"""Liveness: a lock that a process holds from start to end, and that the kernel releases when it dies.

Any process can carry any command line, and a process number in a file may belong to a process that is gone. The lock is taken
before its file gets its name, so that an early reader never finds it free. Only a lock held by the file's own account, or by
root, counts: any reader of the file could take the lock.
"""

from __future__ import annotations

import errno
import fcntl
import os
import queue
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from islandmode.core.errors import IslandmodeError
from islandmode.system.disk import lock_holders
from islandmode.system.ready import start_work

T = TypeVar("T")
FAULTS = (
    ArithmeticError,
    AttributeError,
    IslandmodeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What reading a spoilt record may raise: it is handed to the caller that waits, since a thread would only print it."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock; without a number it is a process that cannot be seen from here."""

    pid: int | None


def hold_life(path: Path, mode: int = 0o644) -> int:
    """Make a lock's file, held by this process; returns the descriptor to keep open. Raises OSError.

    Every account that may read it can check liveness; by default that is every account, regardless of the umask.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.fchmod(descriptor, mode)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        new.rename(path)
    except OSError:
        os.close(descriptor)
        with suppress(OSError):
            new.unlink()
        raise
    return descriptor


def holder_of(path: Path) -> Holder | None:
    """Return the holder of a lock; None when it is free. Raises OSError when that cannot be determined."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _believed(path, os.fstat(descriptor))
    finally:
        os.close(descriptor)
    return None


def _believed(path: Path, file: os.stat_result) -> Holder | None:
    """Find the holder among the kernel's locks: of the file's own account, or root."""
    seen = lock_holders(path)
    for pid in seen:
        with suppress(OSError):
            if Path(f"/proc/{pid}").stat().st_uid in {file.st_uid, 0} and _has_open(pid, file) is not False:
                return Holder(pid)
    # In a container the kernel does not name processes outside of it.
    return None if seen else Holder(None)


def _has_open(pid: int, file: os.stat_result) -> bool | None:
    """Tell whether a process has a file open; None when this account may not look."""
    try:
        return any(_is_same(descriptor, file) for descriptor in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return None


def _is_same(descriptor: Path, file: os.stat_result) -> bool:
    try:
        return os.path.samestat(descriptor.stat(), file)
    except OSError:
        return False


def lockers(path: Path) -> tuple[int, ...]:
    """List the visible processes that hold a lock; a child goes on holding it after the process that took it has ended."""
    try:
        file = path.stat()
    except OSError:
        return ()
    found = (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit())
    return tuple(pid for pid in found if pid != os.getpid() and _has_lock(pid, file))


def _has_lock(pid: int, file: os.stat_result) -> bool:
    """Tell whether a process has a file open, and locked: one that only reads it is not meant."""
    try:
        held = [descriptor.name for descriptor in Path(f"/proc/{pid}/fd").iterdir() if _is_same(descriptor, file)]
        return any("FLOCK" in Path(f"/proc/{pid}/fdinfo/{name}").read_text(encoding="ascii") for name in held)
    except OSError:
        return False


def within(seconds: float, work: Callable[[], T]) -> T:
    """Do something that may hang, on a thread of its own; raises what that raises, and TimeoutError when it is not done in time."""
    done: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except FAULTS as error:
            done.put((None, error))

    try:
        start_work(run)
    except RuntimeError as refused:
        raise OSError(errno.EAGAIN, str(refused)) from None
    try:
        value, error = done.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"it did not answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return value  # type: ignore[return-value] # without an error it is what was returned
