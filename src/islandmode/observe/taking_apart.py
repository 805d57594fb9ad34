"""A spool taken in by a process apart (see system/apart.py): the conductor waits for no disk, and parses nothing meanwhile.

Messages to it are a piece of what came, or the end of it; it answers each, and says while it reads the spool back that it goes on.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

import anyio

from islandmode.core.spool import KeptSpool, Segment, SpoolReading
from islandmode.core.spool_lines import Expected
from islandmode.observe.kept_spool import BrokenOff, NoSpool, TakenSpool
from islandmode.system import modes
from islandmode.system.apart import Apart
from islandmode.system.segments import segments_in

PIECE, END = b"p", b"e"
TAKEN, READS, READ, NO_SPOOL, BROKEN_OFF, NOT_KEPT = b"t", b".", b"r", b"n", b"b", b"o"
ANSWER_S = 10.0
"""How long the disk may take for a piece, or for reading a segment back."""
MESSAGE_MAX_BYTES, PIECE_MAX_BYTES = 1 << 18, 1 << 16


class NotKept(Exception):
    """What was fetched could not be kept on this machine; the text says why."""


class TakingApart:
    """Keeps what comes of one spool in a folder, or reads what its worker wrote there itself."""

    def __init__(self, kept: Path, most_bytes: int, expected: Expected, key: bytes, *, in_place: bool) -> None:
        """Start the process; raises OSError when this machine has no room for it."""
        self._apart = Apart(partial(_serve, kept, most_bytes, expected, key, in_place))

    async def take(self, data: bytes) -> None:
        """Keep the next piece; raises what `TakenSpool.take` does, and `NotKept`."""
        for start in range(0, len(data), PIECE_MAX_BYTES):
            await self._ask(PIECE + data[start : start + PIECE_MAX_BYTES])

    async def finish(self) -> tuple[str, SpoolReading]:
        """Say how the worker ended, and what was read of its spool; raises as `take` does."""
        answer = await self._ask(END)
        while answer == READS:
            answer = await self._answer()
        told = json.loads(answer[1:])
        return told.pop("how"), SpoolReading(**told)

    def close(self) -> None:
        """Leave the process: it ends by itself, as soon as the disk answers it."""
        self._apart.let_go()

    async def _ask(self, message: bytes) -> bytes:
        with suppress(BrokenPipeError, ConnectionResetError):
            while True:
                await anyio.wait_writable(self._apart.line)
                try:
                    self._apart.line.send(message)
                except BlockingIOError:
                    continue
                break
        return await self._answer()

    async def _answer(self) -> bytes:
        answer = b""
        with anyio.move_on_after(ANSWER_S):
            await anyio.wait_readable(self._apart.line)
            with suppress(ConnectionResetError):
                answer = self._apart.line.recv(MESSAGE_MAX_BYTES)
        kind, text = answer[:1], answer[1:].decode(errors="replace")
        if kind == NO_SPOOL:
            raise NoSpool(text)
        if kind == BROKEN_OFF:
            raise BrokenOff(text)
        if kind not in (TAKEN, READS, READ):
            raise NotKept(text or f"the disk of this machine did not answer within {ANSWER_S:g} s")
        return answer


def _serve(kept: Path, most_bytes: int, expected: Expected, key: bytes, in_place: bool, line: socket.socket) -> None:  # noqa: FBT001 - bound in one place
    """Be the process: take pieces until the end of them, read the spool back, and say what it is."""
    taking = TakenSpool(None if in_place else kept, most_bytes)
    try:
        if not in_place:
            modes.make_folders(kept)
        while message := line.recv(MESSAGE_MAX_BYTES):
            if message != END:
                taking.take(message[1:])
                line.send(TAKEN)
                continue
            how = taking.ended()
            reading = KeptSpool(partial(_told, kept, line), expected, key).read()
            line.send(READ + json.dumps({"how": how, **asdict(reading)}).encode())
    except NoSpool as odd:
        line.send(NO_SPOOL + str(odd).encode())
    except BrokenOff as broken:
        line.send(BROKEN_OFF + str(broken).encode())
    except OSError as error:
        with suppress(OSError):
            line.send(NOT_KEPT + f"its spool could not be kept on this machine ({error.strerror})".encode())


def _told(kept: Path, line: socket.socket) -> Iterator[Segment]:
    """Read the segments, and say at each that the reading goes on."""
    for segment in segments_in(kept):
        line.send(READS)
        yield segment
