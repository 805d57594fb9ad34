"""The spool that a worker writes (core/spool_rows.py has its form): bounded, in batches, sealed segment by segment. Standard library only.

`N.part` is being written and is plain text, so that what a killed worker saw can be read; `N.jsonl.gz` is closed. Nothing of a
closed segment is thrown away.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
import zlib
from collections import deque
from typing import Any, BinaryIO

from islandmode.core import spool_rows
from islandmode.core.spool_rows import CLOSED, FIRST, OPEN, ROWS_MAX, SPOOL_MAX_BYTES

SAID_FORMAT = 1
SEGMENT_S = 60.0
BATCH_S = 0.25
RESERVE, RESERVE_MAX_BYTES, RESERVE_STEP_BYTES = "reserve", 64 * 1024 * 1024, 64 * 1024
LEFT_S = 15.0  # for how long a worker whose listener died goes on: what brings the plant back then may still be seen
UNSAID_MAX_LINES = 20_000  # what a listener that stood still may still hear late
GZIP = 16 + zlib.MAX_WBITS


class SpoolLost(Exception):
    """The spool cannot be written any more: its folder is gone, or its disk failed or is full."""


class Spool:
    """The segments of one worker in one folder."""

    def __init__(self, folder: str, schedule: dict[str, Any], live: int | None, reserve_bytes: int = 0) -> None:
        """Reserve room for what is to come; `live` also gets every sample, where somebody listens."""
        self._folder = folder
        self._run, self._vantage = schedule["run"], schedule["vantage"]
        self._probes = list(schedule["probes"])
        self._places = {name: place for place, name in enumerate(self._probes)}
        self._key = bytes.fromhex(schedule.get("key", ""))
        self._live = live
        self._unsaid: deque[bytes] = deque(maxlen=UNSAID_MAX_LINES)
        self._number = 0
        self._previous = FIRST
        self._kept = 0
        self._rows = 0
        self._asked_us = 0
        self._batch: list[bytes] = []
        self._file: BinaryIO | None = None
        self._mac = spool_rows.begun(self._key, FIRST)
        self._packed: list[bytes] = []
        self._packer = zlib.compressobj(wbits=GZIP)
        self._since = self._written_at = time.monotonic()
        self._reserved = self._reserve(reserve_bytes)
        self._left_at = float("inf")
        self.full = self.left = False

    def add(self, sample: dict[str, Any]) -> None:
        """Write one sample down, at once or with those that come next; raises `SpoolLost` when that is not possible any more."""
        if self.full:
            return
        if not self._rows:
            self._asked_us = sample["asked_us"]
            told = (self._run, self._vantage, self._number + 1, self._previous, self._asked_us, self._probes)
            self._batch.append(spool_rows.header(*told))
        place, since_us = self._places[sample["probe"]], sample["asked_us"] - self._asked_us
        self._batch.append(spool_rows.row(place, since_us, sample))
        self._asked_us = sample["asked_us"]
        self._rows += 1
        if self._live is not None:
            self._say(sample)
        now = time.monotonic()
        self.left = now - self._left_at > LEFT_S
        if self._rows >= ROWS_MAX or now - self._since > SEGMENT_S:
            self.close_segment()
        elif now - self._written_at > BATCH_S:
            self._write_batch()
            self._written_at = now

    def close_segment(self, ended: str = "") -> None:
        """Seal the segment that is being written, and compress it; raises `SpoolLost` when that is not possible."""
        if not self._rows and not (ended and self._number):
            self._since = time.monotonic()
            return
        if not self._rows:
            # Every sample is sealed already; how the worker ended is sealed too.
            told = (self._run, self._vantage, self._number + 1, self._previous, self._asked_us, self._probes)
            self._batch.append(spool_rows.header(*told))
        self._write_batch()
        mac = self._mac.hexdigest()
        self._batch.append(spool_rows.seal(self._rows, mac, ended))
        self._write_batch()
        self._keep()
        self._previous, self._rows = mac, 0
        self._mac = spool_rows.begun(self._key, mac)
        self._packer, self._packed = zlib.compressobj(wbits=GZIP), []
        self._since = self._written_at = time.monotonic()

    @property
    def last(self) -> str:
        """Give the sum of the last seal."""
        return self._previous

    def forget_reserve(self) -> None:
        """Free all of what was reserved."""
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(self._folder, RESERVE))

    def _write_batch(self) -> None:
        data = b"".join(self._batch)
        self._batch = []
        self._append(data)
        self._mac.update(data)
        self._packed.append(self._packer.compress(data))
        self.full = self._kept + sum(map(len, self._packed)) > SPOOL_MAX_BYTES

    def _keep(self) -> None:
        """Put the compressed segment in place of the plain one."""
        name = os.path.join(self._folder, spool_rows.file_of(self._number))
        data = b"".join([*self._packed, self._packer.flush()])
        self._with_reserve(lambda: _write_new(name + CLOSED, data))
        self._kept += len(data)
        try:
            if self._file is not None:
                self._file.close()
                self._file = None
            os.unlink(name + OPEN)
        except OSError as error:
            raise SpoolLost(error.strerror or "the segment cannot be closed") from None

    def _append(self, data: bytes) -> None:
        """Append whole lines; on a full disk, with what was reserved for them."""
        self._with_reserve(lambda: self._write(data))

    def _with_reserve(self, write: Any) -> None:
        while True:
            try:
                write()
            except OSError as error:
                if error.errno == errno.ENOSPC and self._give_back():
                    continue
                raise SpoolLost(error.strerror or "the spool cannot be written") from None
            return

    def _write(self, data: bytes) -> None:
        if self._file is None:
            name = spool_rows.file_of(self._number + 1) + OPEN
            self._file = open(os.path.join(self._folder, name), "xb", buffering=0)
            self._number += 1
        # An open file goes on being written although nobody will find it: its folder may be gone.
        os.stat(self._file.name)
        at = self._file.tell()
        if self._file.write(data) != len(data):
            # What fitted is taken back, or the next try would follow half a line.
            self._file.seek(at)
            self._file.truncate()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _reserve(self, wanted: int) -> int:
        """Reserve room for the case that the disk fills up later; none when there is not enough."""
        path = os.path.join(self._folder, RESERVE)
        try:
            with open(path, "wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(wanted, 1))
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(path)
            return 0
        return wanted

    def _give_back(self) -> bool:
        """Free a piece of what was reserved; false when nothing is left of it."""
        if self._reserved <= 0:
            return False
        self._reserved = max(0, self._reserved - RESERVE_STEP_BYTES)
        os.truncate(os.path.join(self._folder, RESERVE), self._reserved)
        return True

    def _say(self, sample: dict[str, Any]) -> None:
        head = {"v": SAID_FORMAT, "run": self._run, "vantage": self._vantage}
        # A line is shorter than a pipe's atomic write, so it is never sent in part.
        self._unsaid.append(json.dumps({**head, **sample}, separators=(",", ":")).encode() + b"\n")
        try:
            while self._unsaid and self._live is not None:
                os.write(self._live, self._unsaid[0])
                self._unsaid.popleft()
        except BlockingIOError:
            pass  # The listener is slow: sent later, without the oldest lines. The spool has all of them.
        except OSError:
            self._live, self._left_at = None, time.monotonic()


def _write_new(path: str, data: bytes) -> None:
    """Write a whole file, which is there under its name only when it is whole; raises OSError."""
    new = path + ".new"
    with open(new, "wb", buffering=0) as file:
        written = file.write(data)
    if written != len(data):
        os.unlink(new)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.replace(new, path)
