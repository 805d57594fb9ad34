"""The lifeline as two pipes between two processes, and what else a guardian reads from its machine.

The guardian is started with an empty environment, but for the folder of systemd's credentials: a secret that only the starting
shell knew would be gone with that shell, so a guardian that needs it must not say that it is ready.
"""

from __future__ import annotations

import os
import queue
import stat
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from islandmode.core.request import SIZE_MAX_BYTES, answers_go
from islandmode.core.text import cleaned
from islandmode.system.clock import Clock
from islandmode.system.lifeline import HERE, READY, REFUSED, TAKEN
from islandmode.system.process import PipeStream, environment_of_guards, first_word, start

LOOK_EVERY_S = 0.1
CHUNK = 65536
REQUEST_BYTES = SIZE_MAX_BYTES + 1


class PipeLifeline:
    """The conductor's end of the line, to a guardian in a process and session of its own."""

    def __init__(self, argv: Sequence[str], clock: Clock) -> None:
        """Know how to start the guardian; `ready` starts it."""
        self._argv = argv
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._heard = b""
        self._heard_us = 0
        self._gone = self._taken = False

    async def ready(self, deadline_s: float) -> str | None:
        """Start the guardian and wait until it has logged in on every point; returns why it has not."""
        try:
            self._process = start(self._argv, environment=environment_of_guards())
        except OSError as error:
            return f"it could not be started ({error.strerror})"
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)
        line = None
        with anyio.move_on_after(deadline_s):
            line = await self._first_word(self._process)
        if line == READY:
            self._heard_us = self._clock.monotonic_us()
            return None
        if line is None:
            return f"it did not say ready within {deadline_s:g} s"
        return line.removeprefix(f"{REFUSED} ") or "it ended at once"

    async def _first_word(self, process: subprocess.Popen[bytes]) -> str:
        if process.stdout is None:
            return ""
        said = BufferedByteReceiveStream(PipeStream(process.stdout.fileno()))
        word = await first_word(said, CHUNK)
        self._heard = bytes(said.buffer)
        return word.decode(errors="replace")

    def tell(self, line: str) -> None:
        """Say a line; never waits and never raises."""
        if self._process is None or self._process.stdin is None or self._process.stdin.closed:
            return
        try:
            # A line is shorter than what a pipe takes in one piece, so it is never half said.
            os.write(self._process.stdin.fileno(), line.encode() + b"\n")
        except BlockingIOError:
            # A guardian that does not read any more is found by its silence.
            pass
        except OSError:
            self._gone = True

    def silent_s(self) -> float | None:
        """Tell how long ago the guardian was last heard; None when it is gone."""
        if self._process is None or self._process.stdout is None or self._gone:
            return None
        self._gone = not self._listen(self._process.stdout.fileno())
        return None if self._gone else (self._clock.monotonic_us() - self._heard_us) / 1_000_000

    def taken_over(self) -> bool:
        """Tell whether the guardian has said that it takes the run over; never waits and never raises."""
        self.silent_s()
        return self._taken

    def _listen(self, number: int) -> bool:
        """Take in what the guardian said since the last look; false when it is gone. By hand, since a stream would wait."""
        try:
            while True:
                # First what came with the last line that was read: it may be all that is ever said.
                *lines, self._heard = self._heard.split(b"\n")
                if HERE.encode() in lines:
                    self._heard_us = self._clock.monotonic_us()
                self._taken = self._taken or TAKEN.encode() in lines
                data = os.read(number, CHUNK)
                if not data:
                    return False
                self._heard += data
        except BlockingIOError:
            return True
        except OSError:
            return False

    async def close(self) -> None:
        """Let go of the line; a guardian that still owes a restore goes on alone."""
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        # It may go on for hours; without this Python would complain that it still runs.
        self._process.returncode = self._process.poll() or 0


class PipeHearing:
    """The guardian's end of the line: its standard input and output."""

    def __init__(self, source: int, sink: int) -> None:
        """Take descriptors."""
        self._said = BufferedByteReceiveStream(PipeStream(source))
        self._sink = sink
        os.set_blocking(sink, False)

    async def next_line(self) -> str | None:
        """Wait for the conductor's next line; None when the conductor is gone, or what it says is no line of the lifeline."""
        try:
            line = await self._said.receive_until(b"\n", CHUNK)
        except (anyio.IncompleteRead, anyio.DelimiterNotFound):
            return None
        return line.decode(errors="replace")

    def answer(self, line: str) -> None:
        """Say a line to the conductor, if it still listens; never waits and never raises."""
        with suppress(OSError):
            os.write(self._sink, line.encode() + b"\n")


def _read_little(path: Path) -> bytes:
    """Read the beginning of a plain file; a pipe, a link or a folder gives nothing, and keeps nobody waiting."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return os.read(descriptor, REQUEST_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)


class FolderRequests:
    """Requests as files in a folder, looked for by a thread: a disk that hangs must not hold up a restore."""

    def __init__(self, folder: Path, *, forgets_go: bool = False) -> None:
        """Start looking; who is asked for the go takes away each answer to it, because that may say a code."""
        self._folder, self._forgets_go = folder, forgets_go
        self._found: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._seen: set[tuple[str, int, int]] = set()
        self._pause = threading.Event()
        threading.Thread(target=self._look, name="requests", daemon=True).start()

    def _look(self) -> None:
        while True:
            with suppress(OSError):
                for path in sorted(self._folder.glob("*.json")):
                    self._look_at(path)
            self._pause.wait(LOOK_EVERY_S)

    def _look_at(self, path: Path) -> None:
        """Take in one file; whatever else lies there under its name must not keep the next from being read."""
        try:
            about = path.lstat()
            # A file that somebody writes by hand is seen again once it is whole.
            key = (path.name, about.st_size, about.st_mtime_ns)
            if key not in self._seen:
                data = _read_little(path)
                self._seen.add(key)
                # Anybody of the group may give it any name.
                self._found.put((cleaned(path.name), data))
                if self._forgets_go and answers_go(data):
                    # The process that wrote it may have been killed before it could take it away.
                    path.unlink()
        except OSError:
            return

    def fresh(self) -> tuple[tuple[str, bytes], ...]:
        """Return files that were not there at the last call; never waits."""
        found = []
        with suppress(queue.Empty):
            while True:
                found.append(self._found.get_nowait())
        return tuple(found)
