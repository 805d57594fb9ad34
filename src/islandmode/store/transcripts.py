"""The transcripts in a run's folder: one file for each isolation point and writer, of what was said to its device.

A child writes them (`apart`), because a process with a thread in a write to a frozen disk cannot end. It makes a file with the first
piece for it. A piece that cannot be written is counted, and the count stands where the piece would. When its parent closes the line or
dies, it writes what it has and an end; after that a file grows no more.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from islandmode.system import modes
from islandmode.system.apart import Apart

TRANSCRIPTS = "transcripts"
ENDS = b"(end of the transcript"
CLOSED, BROKEN_OFF = ENDS + b")\n", ENDS + b"; its process was killed, or had more to say)\n"
FRAME_BYTES = 32 * 1024
_MORE, _LAST = b"+", b"."


class TranscriptFiles:
    """The transcripts that one process of a run writes."""

    def __init__(self, root: Path, writer: str) -> None:
        """Know the run's folder, which may not be there yet; start the child. Raises OSError when there is no room for it."""
        self._child = Apart(lambda line: _Writer(root / TRANSCRIPTS, writer).serve(line))
        self._child.line.setblocking(True)
        self._lock = threading.Lock()
        self._is_closed = False

    def append(self, point: str, text: str) -> None:
        """Hand on a piece; waits for as long as the disk is behind. Raises OSError when nothing more is written."""
        data = text.encode("utf-8", "backslashreplace")
        with self._lock:
            for at in range(0, len(data), FRAME_BYTES):
                self._child.line.send(_MORE + point.encode() + b"\0" + data[at : at + FRAME_BYTES])

    def close(self, within_s: float, *, is_whole: bool) -> bool:
        """End every file, which say whether they are whole; tells whether that was seen done. What the disk takes later is still written."""
        if self._is_closed:
            return True
        self._is_closed = True
        line = self._child.line
        if is_whole and self._lock.acquire(blocking=False):
            # Without waiting: a line that is full belongs to a disk that is behind.
            with suppress(OSError):
                line.send(_LAST, socket.MSG_DONTWAIT)
            self._lock.release()
        with suppress(OSError):
            # Lets go of a thread that waits in it, too.
            line.shutdown(socket.SHUT_WR)
        line.settimeout(within_s)
        try:
            return bool(line.recv(1))
        except OSError:
            return False
        finally:
            self._child.let_go()


class _Writer:
    """The child: it may wait for the disk for any length of time."""

    def __init__(self, folder: Path, writer: str) -> None:
        self._folder, self._writer = folder, writer
        self._files: dict[str, _File] = {}

    def serve(self, line: socket.socket) -> None:
        end = BROKEN_OFF
        while frame := line.recv(FRAME_BYTES + 1024):
            if frame[:1] == _LAST:
                end = CLOSED
                continue
            point, _, data = frame[1:].partition(b"\0")
            name = point.decode()
            if name not in self._files:
                self._files[name] = _File(self._folder / f"{name}-{self._writer}.txt")
            self._files[name].write(data)
        _close(self._files, end)
        with suppress(OSError):
            line.send(_LAST)


class _File:
    """A file that says what it lacks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._lacking = 0
        self._why = ""
        self._is_torn = False
        """Whether what was written last ends within a line."""

    def write(self, data: bytes) -> None:
        try:
            if self._descriptor is None:
                with suppress(FileExistsError):
                    modes.make_folder(self._path.parent)
                self._descriptor = modes.open_file(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            if self._lacking:
                self._write(f"\n(pieces of text left out here: {self._lacking}; {self._why})\n".encode())
                self._lacking = 0
            self._write(data)
        except OSError as error:
            self._lacking += 1
            self._why = error.strerror or str(error)

    def _write(self, data: bytes) -> None:
        view, descriptor = memoryview(data), self._descriptor
        while view and descriptor is not None:
            written = os.write(descriptor, view)
            self._is_torn = bytes(view[written - 1 : written]) != b"\n"
            view = view[written:]

    def close(self, end: bytes) -> None:
        self.write(b"\n" + end if self._is_torn else end)
        if self._descriptor is not None:
            os.close(self._descriptor)


def _close(files: Mapping[str, _File], end: bytes) -> None:
    for file in files.values():
        file.close(end)


def may_grow(path: Path) -> bool:
    """Tell whether a file of a run is a transcript that has no end yet; raises OSError."""
    if path.parent.name != TRANSCRIPTS:
        return False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(BROKEN_OFF) - 1))
        return not file.read().rpartition(b"\n" + ENDS)[1]
