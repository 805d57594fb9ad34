"""Modbus/TCP, read-only by construction: one function makes requests, and it knows the four read functions only.

Standard library only and Python 3.9: it goes to far hosts with the worker.
"""

from __future__ import annotations

import struct
from typing import Any

from islandmode.observe.answers import Bad, Unknown
from islandmode.observe.connection import Incoming

READ_FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
REGISTERS = {"uint16": 1, "int16": 1, "uint32": 2, "int32": 2}
READ_CODES = frozenset(READ_FUNCTIONS.values())
COUNTS = (b"\0\1", b"\0\2")
LENGTH_MAX = 254
HEAD = struct.Struct("!HHHB")
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


def request(transaction: int, unit: int, table: str, address: int, registers: int = 1) -> bytes:
    """Make the one request that exists: read one register, or two. There is no function here that could write."""
    return struct.pack("!HHHBBHH", transaction, 0, 6, unit, READ_FUNCTIONS[table], address, registers)


def guard(data: bytes) -> bytes:
    """Let one question for one number pass, in one register or two; this is the last place before the wire."""
    if len(data) != 12 or data[2:6] != b"\0\0\0\6" or data[7] not in READ_CODES or data[10:] not in COUNTS:
        raise Unknown("this is no request to read, so nothing was sent")
    return data


def value(body: bytes, table: str, kind: str = "uint16", word_order: str = "high-first") -> int:
    """Take the one value out of an answer to a question for one number."""
    function = READ_FUNCTIONS[table]
    if len(body) == 2 and body[0] == function | 0x80:
        raise Bad("Modbus exception %d (%s)" % (body[1], EXCEPTIONS.get(body[1], "not a known one")))
    if body[0] != function:
        raise Bad("the answer does not fit the question: function %d instead of %d" % (body[0], function))
    size = 1 if function in (1, 2) else 2 * REGISTERS[kind]
    said = body[1] if len(body) > 1 else 0
    if said != size or len(body) != 2 + size:
        fault = "%d bytes of values, announced as %d, instead of %d" % (max(len(body) - 2, 0), said, size)
        raise Bad("the answer does not fit the question: " + fault)
    if size == 1:
        return body[2] & 1
    found = body[2:] if word_order == "high-first" else body[4:] + body[2:4]
    return int.from_bytes(found, "big", signed=kind.startswith("int"))


class ModbusTalk:
    """Questions and answers of one connection; Modbus numbers them itself, in 16 bits."""

    def __init__(self, probe: dict[str, Any]) -> None:
        """Know what is asked."""
        self._unit = probe.get("unit", 1)
        self._table = probe.get("table", "input")
        self._address = probe.get("address", 0)
        self._kind = probe.get("type", "uint16")
        self._word_order = probe.get("word_order", "high-first")
        self._rest = b""

    @staticmethod
    def number(asked: int) -> int:
        """Give the number of a question."""
        return asked % 65536

    def question(self, number: int) -> bytes:
        """Put a question into bytes."""
        if not self._rest:
            # Each question is the same but for its number.
            self._rest = request(0, self._unit, self._table, self._address, REGISTERS[self._kind])[2:]
        return guard(number.to_bytes(2, "big") + self._rest)

    @staticmethod
    async def next(incoming: Incoming) -> tuple[int, tuple[int, bytes]]:
        """Take in one answer; returns the number of its question, and its unit with what follows."""
        number, protocol, length, unit = HEAD.unpack(await incoming.exactly(HEAD.size))
        if protocol != 0 or not 2 <= length <= LENGTH_MAX:
            raise Bad("the answer is not Modbus/TCP")
        return number, (unit, await incoming.exactly(length - 1))

    @staticmethod
    def whole(data: bytes) -> tuple[int, tuple[int, bytes]] | None:
        """Take an answer that came in one piece, as `next` would; None where it is anything else."""
        if len(data) <= HEAD.size:
            return None
        number, protocol, length, unit = HEAD.unpack_from(data)
        if protocol != 0 or length > LENGTH_MAX or len(data) != length + 6:
            return None
        return number, (unit, data[7:])

    def read(self, answer: tuple[int, bytes]) -> int:
        """Take the value out of an answer, which must be the asked unit's own."""
        unit, body = answer
        if unit != self._unit:
            raise Bad("unit %d answered instead of unit %d" % (unit, self._unit))
        return value(body, self._table, self._kind, self._word_order)
