"""File work in a process apart, which may be left behind.

A write to a frozen file system blocks in the kernel until the file system is thawed. Not even SIGKILL ends it, and a process
with a thread in such a write cannot end either: its caller would wait for the disk. So work that may wait for a disk is done by
a child that shares only a socket with its parent. It has a session of its own, ignores the parent's signals, and ends when its
work is done and the parent's end of the socket is closed. Work that was sent before the parent ended is still done, as soon as
the disk answers.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import signal
import socket
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

NAME = b"islandmode-disk\0"
ANSWER_BYTES = 4096
"""The longest answer: a number, and words where the work has any."""


class Apart:
    """A child that serves a socket; nothing that happens to it delays its parent."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        """Start the child; raises OSError when the machine has no room for it."""
        self.line, childs_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with childs_end:
            try:
                self._pid = _fork()
            except OSError:
                self.line.close()
                raise
            if self._pid == 0:
                _live(childs_end, serve)
        self.line.setblocking(False)

    def let_go(self) -> None:
        """Close the parent's end; the child ends when it has finished its work."""
        self.line.close()
        # A child that is still working is adopted by init when this process ends.
        with suppress(ChildProcessError):
            os.waitpid(self._pid, os.WNOHANG)


def _fork() -> int:
    with warnings.catch_warnings():
        # Python warns of locks that another thread may hold: the child takes none of the parent's.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _live(line: socket.socket, serve: Callable[[socket.socket], None]) -> NoReturn:
    """Run as the child: hold open none of the parent's descriptors, ignore its signals, and do not look like it."""
    code = 1
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        _keep_only(line.fileno())
        _take_name()
        line.setblocking(True)
        serve(line)
        code = 0
    finally:
        # After any failure the parent reads the end of the socket; nothing of the parent's may be cleaned up twice.
        os._exit(code)


def _keep_only(kept: int) -> None:
    """Close every descriptor but one: a lock or a line that a child held would outlive its owner."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    for number in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if number not in (0, 1, 2, kept):
            with suppress(OSError):
                os.close(number)


def _take_name() -> None:
    """Overwrite the command line: a search for a conductor or a guardian must not find this child."""
    fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    # Fields 48 and 49 of proc(5), counted from the third.
    begin, end = int(fields[45]), int(fields[46])
    if end - begin > len(NAME):
        ctypes.memset(begin, 0, end - begin)
        ctypes.memmove(begin, NAME, len(NAME))


def once(work: Callable[[], bytes | None]) -> Apart:
    """Start one piece of file work; its answer is read with `errno_in` and `words_in`."""

    def serve(line: socket.socket) -> None:
        try:
            answer = b"0 " + (work() or b"")
        except OSError as error:
            answer = b"%d " % (error.errno or errno.EIO)
        with suppress(OSError):
            line.send(answer)

    return Apart(serve)


def errno_in(answer: bytes) -> int:
    """Read how the work ended; a child that ended without an answer has failed."""
    return int(answer.partition(b" ")[0]) if answer else errno.EIO


def words_in(answer: bytes) -> bytes:
    """Read what the work gave."""
    return answer.partition(b" ")[2]


def apart(work: Callable[[], bytes | None], within_s: float) -> str:
    """Do file work apart and say why it was not seen done; empty when it was. It may still be done later. Never raises."""
    try:
        child = once(work)
    except OSError as error:
        return error.strerror or str(error)
    try:
        if not select.select([child.line], [], [], within_s)[0]:
            return f"the disk did not answer within {within_s:g} s"
        number = errno_in(child.line.recv(ANSWER_BYTES))
    except OSError as error:
        return error.strerror or str(error)
    finally:
        child.let_go()
    return os.strerror(number) if number else ""
