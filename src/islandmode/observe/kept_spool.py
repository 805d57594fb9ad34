"""A spool as it comes from its host: taken in piece by piece within bounds, and kept on the disk, not in memory."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import BinaryIO

from islandmode.core.spool_rows import ENDINGS
from islandmode.system import modes

SEGMENT = re.compile(rb"segment ([0-9]{6,9}\.(?:jsonl\.gz|part)) ([0-9]{1,12})")
ENDED = re.compile(rb"ended ([a-z]+)")
LINE_MAX_BYTES, SHOWN_BYTES = 100, 40


class NoSpool(Exception):
    """What was fetched is not a spool; the text says why."""


class BrokenOff(Exception):
    """What was fetched is not all; the text says why. Asked again, the host may give the rest."""


class TakenSpool:
    """Takes in what a collection prints: each segment with its name and length before it, then how the worker ended."""

    def __init__(self, folder: Path | None, most_bytes: int) -> None:
        """Know where segments are kept, None where the worker wrote them itself, and how much may come."""
        self.folder = folder
        self._most_bytes = most_bytes
        self._came = 0
        self._begin = b""
        self._line = b""
        self._name = ""
        self._left = 0
        self._file: BinaryIO | None = None
        self._ended = ""

    def take(self, data: bytes) -> None:
        """Take in the next piece; raises `NoSpool` for what is not a spool, OSError where it cannot be kept."""
        self._came += len(data)
        self._begin += data[: SHOWN_BYTES - len(self._begin)]
        if self._came > self._most_bytes:
            raise NoSpool(f"its spool is longer than its schedule can give: more than {self._most_bytes} bytes")
        while data:
            if self._file is not None:
                data = self._keep(self._file, data)
                continue
            line, newline, data = data.partition(b"\n")
            self._line += line
            if len(self._line) > LINE_MAX_BYTES or self._ended:
                raise self._none()
            if newline:
                self._told(self._line)
                self._line = b""

    def _keep(self, file: BinaryIO, data: bytes) -> bytes:
        """Keep what belongs to the segment that is coming; give the rest."""
        mine = data[: self._left]
        if file.write(mine) != len(mine):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._left -= len(mine)
        if not self._left:
            file.close()
            self._file = None
        return data[len(mine) :]

    def _told(self, line: bytes) -> None:
        segment, ended = SEGMENT.fullmatch(line), ENDED.fullmatch(line)
        if ended is not None and ended[1].decode() in ENDINGS:
            self._ended = ended[1].decode()
        elif segment is not None and self.folder is not None and segment[1].decode() > self._name:
            # In rising order, so that no segment comes twice.
            self._name, self._left = segment[1].decode(), int(segment[2])
            self._file = open(self.folder / self._name, "wb", buffering=0, opener=modes.open_file)  # noqa: SIM115 - until all of it came
            self._keep(self._file, b"")
        else:
            raise self._none()

    def ended(self) -> str:
        """Say how the worker ended; raises `NoSpool` where that was not told, so that something is missing."""
        if self._ended:
            return self._ended
        if self._file is not None or self._name:
            self.close()
            raise BrokenOff(f"its spool broke off after {self._came} bytes")
        if not self._came:
            raise BrokenOff("its spool did not come: its host said nothing")
        raise self._none()

    def close(self) -> None:
        """Close what is open; a segment that came in part stays, and is not believed."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _none(self) -> NoSpool:
        self.close()
        return NoSpool(f"what was fetched is not a spool; it begins {self._begin.decode('latin-1')!r}")
