"""The readers beside which the worker is measured: reader.py KIND PORT TARGETS EVERY_US WARM_S SECONDS FILE.

    minimal     one connection a target, one timer a target, nothing judged and nothing written: what an event loop costs
    epoll       the same without an event loop: what Python and the kernel cost
    pymodbus    one client and one task a target

A kind on uvloop has "-uvloop" behind its name.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import select
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

from measured import Measured, address, now_us

QUESTION = struct.Struct("!HHHBBHH")
TIMEOUT_S = 0.8
Reader = Callable[[int, int, int, Measured], Awaitable[None]]


class Minimal(asyncio.Protocol):
    """Asks on its own grid where no answer is due; the answer is the sample."""

    def __init__(self, number: int, targets: int, every_us: int, measured: Measured) -> None:
        """Know the grid."""
        self._number, self._every_us, self._measured = number, every_us, measured
        self._due_us = measured.begin_us + number * every_us // targets
        self._asked_us = 0
        self._transaction = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # Not asked with isinstance: uvloop's transports are not asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def _next(self) -> None:
        # A loop may call a little before the time: the slot that was used is over all the same.
        now, self._due_us = now_us(), self._due_us + self._every_us
        while self._due_us <= now:
            self._due_us += self._every_us
        asyncio.get_running_loop().call_later((self._due_us - now) / 1e6, self._ask)

    def _ask(self) -> None:
        if not self._asked_us:
            self._asked_us = now_us()
            self._transaction = (self._transaction + 1) % 65536
            self._transport.write(QUESTION.pack(self._transaction, 0, 6, 1, 4, 0, 1))
        self._next()

    def data_received(self, data: bytes) -> None:
        """Keep the sample."""
        good = len(data) == 11 and int.from_bytes(data[:2], "big") == self._transaction
        self._measured.add(self._number, self._asked_us, now_us(), int(good))
        self._asked_us = 0


async def minimal(port: int, targets: int, every_us: int, measured: Measured) -> None:
    """Read by protocols."""
    loop = asyncio.get_running_loop()
    for number in range(targets):
        await loop.create_connection(
            lambda number=number: Minimal(number, targets, every_us, measured),  # type: ignore[misc] # a lambda's default
            address(number),
            port,
        )
    await asyncio.sleep((measured.end_us - now_us()) / 1e6 + TIMEOUT_S)


async def pymodbus(port: int, targets: int, every_us: int, measured: Measured) -> None:
    """Read by pymodbus."""
    from pymodbus.client import AsyncModbusTcpClient  # noqa: PLC0415 # no other kind is to bear its memory

    async def ask(number: int) -> None:
        client = AsyncModbusTcpClient(address(number), port=port, timeout=TIMEOUT_S, retries=0)
        await client.connect()
        due_us = measured.begin_us + number * every_us // targets
        while due_us < measured.end_us:
            while due_us <= now_us():
                due_us += every_us
            await asyncio.sleep((due_us - now_us()) / 1e6)
            asked_us = now_us()
            good = 0
            with contextlib.suppress(Exception):
                good = not (await client.read_input_registers(0, count=1, device_id=1)).isError()
            measured.add(number, asked_us, now_us(), int(good))
        client.close()

    await asyncio.gather(*(ask(number) for number in range(targets)))


def epoll(port: int, targets: int, every_us: int, measured: Measured) -> None:
    """Read by the kernel's own means."""
    poll = select.epoll()
    opened = [socket.create_connection((address(number), port)) for number in range(targets)]
    places = {each.fileno(): number for number, each in enumerate(opened)}
    for each in opened:
        each.setblocking(False)
        poll.register(each, select.EPOLLIN)
    asked_us = [0] * targets
    now = now_us()
    due = [(measured.begin_us + number * every_us // targets, number) for number in range(targets)]
    due = [(us + (now - us + every_us) // every_us * every_us if us < now else us, number) for us, number in due]
    heapq.heapify(due)
    while (now := now_us()) < measured.end_us + TIMEOUT_S * 1e6:
        while due[0][0] <= now:
            us, number = due[0]
            heapq.heapreplace(due, (us + every_us, number))
            if not asked_us[number]:
                asked_us[number] = now_us()
                opened[number].send(QUESTION.pack(us // every_us % 65536, 0, 6, 1, 4, 0, 1))
        for ready, _ in poll.poll(max(due[0][0] - now_us(), 0) / 1e6):
            number = places[ready]
            measured.add(number, asked_us[number], now_us(), int(len(opened[number].recv(512)) == 11))
            asked_us[number] = 0


def main(kind: str, port: str, targets: str, every_us: str, warm_s: str, seconds: str, path: str) -> None:
    """Read, and say what it took."""
    measured = Measured(float(warm_s), float(seconds))
    name, _, loop = kind.partition("-")
    about = (int(port), int(targets), int(every_us), measured)
    if name == "epoll":
        epoll(*about)
    else:
        reader: Reader = {"minimal": minimal, "pymodbus": pymodbus}[name]
        if loop == "uvloop":
            import uvloop  # noqa: PLC0415 # no other kind is to bear its memory

            uvloop.run(reader(*about))  # type: ignore[arg-type] # it asks for a coroutine
        else:
            asyncio.run(reader(*about))  # type: ignore[arg-type] # it asks for a coroutine
    measured.end(Path(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
