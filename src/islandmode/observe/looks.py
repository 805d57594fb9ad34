"""How a vantage looks: one class per protocol, each look at once good with its value, or raising `Bad` or `Unknown`.

Standard library only, so that it runs on any Linux host with Python 3.9 or newer. It cannot write to a plant: Modbus
requests are made by one function that knows the four read functions only.

good: the thing answered as it should. bad: it did not answer, refused, or its value is stale, out of range or of bad
quality. unknown: trouble of the probe's own; it proves nothing, in either direction.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
import time
from typing import Any, Union

READ_FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
GOOD, BAD, UNKNOWN = "good", "bad", "unknown"
TOO_MANY_REQUESTS = 429

Probe = dict[str, Any]
Value = Union[int, str, None]


class Bad(Exception):
    """The thing looked at is not as it should be."""


class Unknown(Exception):
    """The probe itself had trouble."""


def monotonic_us() -> int:
    """Read the monotonic clock in microseconds."""
    return time.monotonic_ns() // 1000


class Fresh:
    """Tells a value that changes from one that stands still: an answer alone proves nothing."""

    def __init__(self, within_s: float | None) -> None:
        """Demand a change within so many seconds; None demands none."""
        self._within_us = None if within_s is None else int(within_s * 1_000_000)
        self._value: Value = None
        self._changed_us: int | None = None

    def check(self, value: Value) -> None:
        """Take the newest value; raises `Bad` when it has stood still for too long."""
        now_us = monotonic_us()
        if self._changed_us is None or value != self._value:
            self._value, self._changed_us = value, now_us
        elif self._within_us is not None and now_us - self._changed_us > self._within_us:
            raise Bad("stale: it has stood at %s for %.1f s" % (value, (now_us - self._changed_us) / 1e6))


def modbus_request(transaction: int, unit: int, table: str, address: int) -> bytes:
    """Make the one request that exists: read one register. There is no function here that could write."""
    return struct.pack("!HHHBBHH", transaction, 0, 6, unit, READ_FUNCTIONS[table], address, 1)


async def modbus_answer(reader: asyncio.StreamReader, transaction: int) -> int:
    """Read the answer to one request; answers to older requests, which come first after a cut, are dropped."""
    while True:
        head = await reader.readexactly(7)
        number, _, length, _ = struct.unpack("!HHHB", head)
        body = await reader.readexactly(max(length - 1, 1))
        if number == transaction:
            break
    if body[0] & 0x80:
        raise Bad("Modbus exception %d" % (body[1] if len(body) > 1 else 0))
    data = body[2:]
    return data[0] & 1 if body[0] in (1, 2) else int.from_bytes(data[:2], "big")


def http_request(host: str, port: int, path: str) -> bytes:
    """Make a GET request that asks for nothing cached."""
    shown = "[%s]" % host if ":" in host else host
    return (
        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nCache-Control: no-cache\r\nAccept: application/json\r\n\r\n"
        % (path, shown, port)
    ).encode("ascii")


async def http_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one HTTP answer; returns status and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head[1:] if ":" in line}
    if "content-length" in fields:
        return status, await reader.readexactly(int(fields["content-length"]))
    if fields.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while True:
            size = int((await reader.readline()).split(b";")[0], 16)
            chunk = await reader.readexactly(size + 2)
            if size == 0:
                return status, body
            body += chunk[:-2]
    return status, await reader.read()


def at_path(document: Any, path: str) -> Any:
    """Follow a path of keys, parted by "/", into a JSON document."""
    for part in path.split("/"):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def judge_json(probe: Probe, fresh: Fresh, status: int, body: bytes) -> Value:
    """Judge an HTTP answer; returns the value to write down."""
    if status == TOO_MANY_REQUESTS:
        raise Unknown("HTTP 429: asked too often")
    if status != 200:
        raise Bad("HTTP %d" % status)
    if not any(probe.get(key) for key in ("value", "quality", "fresh")):
        return status
    try:
        document = json.loads(body)
        value = at_path(document, probe["value"]) if probe.get("value") else status
        quality = at_path(document, probe["quality"]) if probe.get("quality") else GOOD
        moving = at_path(document, probe["fresh"]) if probe.get("fresh") else None
    except (ValueError, KeyError, IndexError, TypeError):
        raise Bad("the answer is not the JSON that was expected") from None
    if probe.get("fresh"):
        fresh.check(moving)
    if quality != GOOD:
        raise Bad("quality %s" % quality)
    return value


class Connection:
    """One TCP connection with its transaction counter."""

    def __init__(self) -> None:
        """Hold no connection yet."""
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.transaction = 0

    async def open(self, probe: Probe) -> None:
        """Connect to a probe's target."""
        self.reader, self.writer = await asyncio.open_connection(probe["target"], probe["port"])

    def close(self) -> None:
        """Drop the connection at once: what is still on its way to us must not answer a later question."""
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def ask_modbus(self, probe: Probe) -> int:
        """Ask for a register and return its value."""
        reader, writer = self._streams()
        self.transaction = self.transaction % 65535 + 1
        unit, address = probe.get("unit", 1), probe.get("address", 0)
        writer.write(modbus_request(self.transaction, unit, probe.get("table", "input"), address))
        return await modbus_answer(reader, self.transaction)

    async def ask_http(self, probe: Probe) -> tuple[int, bytes]:
        """Ask for a page and return status and body."""
        reader, writer = self._streams()
        writer.write(http_request(probe["target"], probe["port"], probe.get("path", "/")))
        return await http_answer(reader)

    def _streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.reader is None or self.writer is None:
            raise Bad("the connection was reset")
        return self.reader, self.writer


class TcpLook:
    """Opens a fresh connection each time."""

    overlaps = True

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._probe = probe

    async def __call__(self) -> Value:
        """Connect and close."""
        connection = Connection()
        try:
            await connection.open(self._probe)
        finally:
            connection.close()
        return None


class ModbusLook:
    """Keeps one connection, as a considerate client of an old PLC does, and drops it after any trouble."""

    overlaps = False

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._probe = probe
        self._connection = Connection()
        self._fresh = Fresh(probe.get("changes_within"))

    async def __call__(self) -> Value:
        """Read the register and judge it."""
        try:
            if self._connection.writer is None:
                await self._connection.open(self._probe)
            value = await self._connection.ask_modbus(self._probe)
        except BaseException:
            self._connection.close()
            raise
        return judge_value(self._probe, self._fresh, value)


def judge_value(probe: Probe, fresh: Fresh, value: int) -> int:
    """Judge a register's value; returns it."""
    fresh.check(value)
    low, high = probe.get("minimum"), probe.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        raise Bad("out of range: %s" % value)
    return value


class HttpLook:
    """Fetches over a fresh connection each time, and judges freshness, not only the status."""

    overlaps = True

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._probe = probe
        self._fresh = Fresh(probe.get("changes_within"))

    async def __call__(self) -> Value:
        """Fetch and judge."""
        connection = Connection()
        try:
            await connection.open(self._probe)
            status, body = await connection.ask_http(self._probe)
        finally:
            connection.close()
        return judge_json(self._probe, self._fresh, status, body)


class CanaryLook:
    """Holds one connection opened before the first stage and never opens another."""

    overlaps = False

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._probe = probe
        self._connection = Connection()
        self._opened = False

    async def __call__(self) -> Value:
        """Ask on the connection that was opened first."""
        if not self._opened:
            await self._connection.open(self._probe)
            self._opened = True
        if self._connection.writer is None or self._connection.writer.is_closing():
            raise Bad("the connection was reset")
        try:
            if self._probe.get("ask", "modbus") == "modbus":
                return await self._connection.ask_modbus(self._probe)
            status, _ = await self._connection.ask_http(self._probe)
        except (asyncio.IncompleteReadError, ConnectionError):
            self._connection.close()
            raise Bad("the connection was reset") from None
        return status


class IcmpLook:
    """Sends an echo request and waits for its own reply."""

    overlaps = True

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._target = probe["target"]
        self._sequence = 0

    async def __call__(self) -> Value:
        """Send one echo and receive its reply."""
        v6 = ":" in self._target
        family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if v6 else (socket.AF_INET, socket.IPPROTO_ICMP)
        self._sequence = self._sequence % 65535 + 1
        with open_icmp(family, protocol) as one:
            one.setblocking(False)
            token = os.urandom(8)
            packet = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, os.getpid() & 0xFFFF, self._sequence) + token
            if not v6:
                packet = packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]
            loop = asyncio.get_running_loop()
            await loop.sock_sendto(one, packet, (self._target, 0))
            while True:
                data = await loop.sock_recv(one, 1500)
                if data.endswith(token) and (129 if v6 else 0) in (data[0], data[20:21][0] if len(data) > 20 else -1):
                    return None


def open_icmp(family: int, protocol: int) -> socket.socket:
    """Open a ping socket, or a raw one where only that is allowed."""
    try:
        return socket.socket(family, socket.SOCK_RAW, protocol)
    except PermissionError:
        return socket.socket(family, socket.SOCK_DGRAM, protocol)


def checksum(data: bytes) -> int:
    """Compute the Internet checksum."""
    total: int = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


LOOKS: dict[str, Any] = {"tcp": TcpLook, "icmp": IcmpLook, "modbus": ModbusLook, "http": HttpLook, "canary": CanaryLook}
