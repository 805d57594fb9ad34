"""Modbus/TCP, read-only by construction: one function makes requests, and it knows the four read functions only.

Standard library only and Python 3.9: it goes to far hosts with the worker.
"""

from __future__ import annotations

import struct
from typing import Any

from islandmode.observe.answers import Bad, Unknown
from islandmode.observe.connection import Incoming

READ_FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
LENGTH_MAX = 254
EXCEPTIONS = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}


def request(transaction: int, unit: int, table: str, address: int) -> bytes:
    """Make the one request that exists: read one register. There is no function here that could write."""
    return struct.pack("!HHHBBHH", transaction, 0, 6, unit, READ_FUNCTIONS[table], address, 1)


def guard(data: bytes) -> bytes:
    """Let one question for one register pass; this is the last place before the wire."""
    if len(data) != 12 or data[2:6] != b"\0\0\0\6" or data[7] not in READ_FUNCTIONS.values() or data[10:] != b"\0\1":
        raise Unknown("this is no request to read, so nothing was sent")
    return data


def value(body: bytes, table: str) -> int:
    """Take the one value out of an answer to a question for one register."""
    function = READ_FUNCTIONS[table]
    if len(body) == 2 and body[0] == function | 0x80:
        raise Bad("Modbus exception %d (%s)" % (body[1], EXCEPTIONS.get(body[1], "not a known one")))
    if body[0] != function:
        raise Bad("the answer does not fit the question: function %d instead of %d" % (body[0], function))
    size = 1 if function in (1, 2) else 2
    said = body[1] if len(body) > 1 else 0
    if said != size or len(body) != 2 + size:
        fault = "%d bytes of values, announced as %d, instead of %d" % (max(len(body) - 2, 0), said, size)
        raise Bad("the answer does not fit the question: " + fault)
    return body[2] & 1 if size == 1 else int.from_bytes(body[2:], "big")


class Talk:
    """Questions and answers of one connection; Modbus numbers them itself, in 16 bits."""

    def __init__(self, probe: dict[str, Any]) -> None:
        """Know what is asked."""
        self._unit = probe.get("unit", 1)
        self._table = probe.get("table", "input")
        self._address = probe.get("address", 0)

    @staticmethod
    def number(asked: int) -> int:
        """Give the number of a question."""
        return asked % 65536

    def question(self, number: int) -> bytes:
        """Put a question into bytes."""
        return guard(request(number, self._unit, self._table, self._address))

    @staticmethod
    async def next(incoming: Incoming) -> tuple[int, tuple[int, bytes]]:
        """Take in one answer; returns the number of its question, and its unit with what follows."""
        number, protocol, length, unit = struct.unpack("!HHHB", await incoming.exactly(7))
        if protocol != 0 or not 2 <= length <= LENGTH_MAX:
            raise Bad("the answer is not Modbus/TCP")
        return number, (unit, await incoming.exactly(length - 1))

    def read(self, answer: tuple[int, bytes]) -> int:
        """Take the value out of an answer, which must be the asked unit's own."""
        unit, body = answer
        if unit != self._unit:
            raise Bad("unit %d answered instead of unit %d" % (unit, self._unit))
        return value(body, self._table)
