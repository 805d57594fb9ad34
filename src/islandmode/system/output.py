"""Standard output and error whose reader may leave, as `| head -1` does, or a terminal that is closed.

What a command does, and how it ends, must not depend on the reader: otherwise a run would be given up, or a breach hidden.
Output written after the reader has left is discarded, also for child processes.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any, NoReturn

OUT, ERROR = 1, 2


class _Lasting(io.FileIO):
    """A descriptor that accepts all output, also after its reader has left; `lost` names any other failure."""

    lost = ""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        # A file on a disk that fails answers like a terminal that is gone: there, lost output must be reported.
        self._left = {errno.EPIPE, errno.EIO} if self.isatty() else {errno.EPIPE}

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in self._left:
                self.lost = error.strerror or str(error)
            _lead_nowhere(self.fileno())
            return memoryview(data).nbytes


def _lead_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def outlast_readers() -> None:
    """Let standard output and error of this process outlast their readers, also where they were closed from the start."""
    sys.stdout, sys.stderr = _lasting(sys.stdout, OUT), _lasting(sys.stderr, ERROR)


def _lasting(stream: Any, descriptor: int) -> io.TextIOWrapper:
    if stream is None:
        # Closed: the next file that is opened, perhaps a journal, would get this output.
        _lead_nowhere(descriptor)
    else:
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Lasting(descriptor)),
        encoding=stream.encoding if stream is not None else "utf-8",
        errors=stream.errors if stream is not None else "backslashreplace",
        # Who asked for no buffer (PYTHONUNBUFFERED) is not given a larger one: what is written through here stays in the buffer below.
        line_buffering=stream is None or stream.line_buffering or stream.write_through,
        write_through=stream is not None and stream.write_through,
    )


def ask(question: str) -> str:
    """Ask a person at the terminal, after all that stands before the question, also where standard output goes elsewhere too (`| tee`)."""
    sys.stdout.flush()
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline()


def unsaid() -> str:
    """Say why what was said on standard output could not all be written; empty where it was, or where its reader has left."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, _Lasting) else ""


Tell = Callable[[int, Sequence[str]], object]
_tells: list[Tell] = []
"""Who is told of an end that does not come by returning: the last entry."""


@contextmanager
def telling(tell: Tell) -> Iterator[None]:
    """Have an end that does not come by returning told meanwhile, with its exit code and what was wrong."""
    _tells.append(tell)
    try:
        yield
    finally:
        _tells.remove(tell)


def is_told() -> bool:
    """Tell whether somebody would be told of such an end."""
    return bool(_tells)


def end_now(code: int, errors: Sequence[str]) -> NoReturn:
    """End this process from any thread, when its main thread waits for what may never come."""
    if _tells:
        _tells[-1](code, errors)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class KeptOutput:
    """What this process and its children say, kept until it is let go."""

    def __init__(self) -> None:
        """Begin to keep it; the lines of standard output and of error are there when it was let go."""
        self.told: list[str] = []
        self.errors: list[str] = []
        self._kept = ExitStack()
        self._kept.enter_context(_kept(OUT, redirect_stdout, self.told))
        self._kept.enter_context(_kept(ERROR, redirect_stderr, self.errors))

    def let_go(self) -> None:
        """Let standard output and error go where they did; any thread may, once."""
        self._kept.close()


@contextmanager
def _kept(descriptor: int, redirect: Callable[[Any], AbstractContextManager[Any]], lines: list[str]) -> Iterator[None]:
    before = os.dup(descriptor)
    # In memory: a disk that hangs must not keep a command from ending.
    with os.fdopen(os.memfd_create("kept"), "w+b") as file:
        try:
            # Children have the descriptor, and this process a stream of its own: both write at the end of the same file.
            os.dup2(file.fileno(), descriptor)
            with (
                os.fdopen(os.dup(descriptor), "w", buffering=1, encoding="utf-8", errors="replace") as stream,
                redirect(stream),
            ):
                yield
        finally:
            os.dup2(before, descriptor)
            os.close(before)
            file.seek(0)
            lines += file.read().decode(errors="replace").splitlines()
