"""How a vantage looks: one class per protocol, each look at once good with its value, or raising `Bad` or `Unknown`.

Standard library only, so that it runs on any Linux host with Python 3.9 or newer. It cannot write to a plant: Modbus
requests are made by one function that knows the four read functions only.

good: the thing answered as it should. bad: it did not answer, refused, or its value is stale, out of range or of bad
quality. unknown: trouble of the probe's own; it proves nothing, in either direction.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import struct
import time
from typing import Any, Union

READ_FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
GOOD, BAD, UNKNOWN = "good", "bad", "unknown"
TOO_MANY_REQUESTS = 429
BODY_MAX_BYTES = 1024 * 1024
VALUE_MAX_CHARACTERS = 200
MODBUS_LENGTH_MAX = 254
OWN_TROUBLE = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EAGAIN,
        errno.EPERM,
        errno.EACCES,
        errno.EADDRNOTAVAIL,
    }
)
"""Errors of this machine's own: they prove nothing about the thing looked at."""

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
            raise Bad("stale: it has stood at %s for %.1f s" % (shown(value), (now_us - self._changed_us) / 1e6))


def modbus_request(transaction: int, unit: int, table: str, address: int) -> bytes:
    """Make the one request that exists: read one register. There is no function here that could write."""
    return struct.pack("!HHHBBHH", transaction, 0, 6, unit, READ_FUNCTIONS[table], address, 1)


async def modbus_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one Modbus/TCP answer; returns its transaction id and what follows the unit id."""
    number, protocol, length, _ = struct.unpack("!HHHB", await reader.readexactly(7))
    if protocol != 0 or not 2 <= length <= MODBUS_LENGTH_MAX:
        raise Bad("the answer is not Modbus")
    return number, await reader.readexactly(length - 1)


def modbus_value(body: bytes, table: str) -> int:
    """Take the one value out of an answer to a question for one register."""
    function = READ_FUNCTIONS[table]
    if len(body) == 2 and body[0] == function | 0x80:
        raise Bad("Modbus exception %d" % body[1])
    size = 1 if function in (1, 2) else 2
    if len(body) != 2 + size or body[0] != function or body[1] != size:
        raise Bad("the answer does not fit the question")
    return body[2] & 1 if size == 1 else int.from_bytes(body[2:], "big")


def http_request(host: str, port: int, path: str) -> bytes:
    """Make a GET request that asks for nothing cached."""
    named = "[%s]" % host if ":" in host else host
    return (
        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nCache-Control: no-cache\r\nAccept: application/json\r\n\r\n"
        % (path, named, port)
    ).encode("ascii")


async def http_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one HTTP answer, bounded in size; returns status and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head[1:] if ":" in line}
    if fields.get("transfer-encoding", "").lower() == "chunked":
        return status, await chunked_body(reader)
    if "content-length" in fields:
        return status, await reader.readexactly(fits(int(fields["content-length"])))
    body = b""
    while part := await reader.read(65536):
        fits(len(body) + len(part))
        body += part
    return status, body


async def chunked_body(reader: asyncio.StreamReader) -> bytes:
    """Read a body that comes in chunks."""
    body = b""
    while True:
        size = fits(int((await reader.readline()).split(b";")[0], 16) + len(body)) - len(body)
        chunk = await reader.readexactly(size + 2)
        if size == 0:
            return body
        body += chunk[:-2]


def fits(size: int) -> int:
    """Return a body's size when it is one that a probe takes in."""
    if not 0 <= size <= BODY_MAX_BYTES:
        raise Bad("the answer is longer than %d bytes" % BODY_MAX_BYTES)
    return size


def at_path(document: Any, path: str) -> Any:
    """Follow a path of keys, parted by "/", into a JSON document; keys may contain dots."""
    for part in path.split("/"):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def shown(value: Any) -> Value:
    """Give a JSON value as a sample keeps it: a whole number or a short text."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return (value if isinstance(value, str) else json.dumps(value))[:VALUE_MAX_CHARACTERS]


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
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise Bad("the answer is not the JSON that was expected") from None
    if probe.get("fresh"):
        fresh.check(moving)
    if quality != GOOD:
        raise Bad("quality %s" % shown(quality))
    return shown(value)


class Connection:
    """One TCP connection on which a question gets its own answer, also where older answers come first."""

    def __init__(self, probe: Probe) -> None:
        """Know the target; nothing is connected yet."""
        self._probe = probe
        self._http = probe["kind"] == "http" or probe.get("ask") == "http"
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Future[None] | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0

    @property
    def is_open(self) -> bool:
        """Tell whether questions can be asked."""
        return self._writer is not None and not self._writer.is_closing()

    async def open(self) -> None:
        """Connect, and from then on take in every answer, whoever still waits for it."""
        reader, self._writer = await asyncio.open_connection(self._probe["target"], self._probe["port"])
        self._listening = asyncio.ensure_future(self._listen(reader))
        self._listening.add_done_callback(self._lost)

    def close(self) -> None:
        """Drop the connection at once: what is still on its way to us must not answer a later question."""
        if self._writer is not None:
            self._writer.transport.abort()
        if self._listening is not None:
            self._listening.cancel()
        self._writer = self._listening = None

    async def ask(self) -> Any:
        """Ask once; returns the answer to this very question, raises `ConnectionError` when the connection is lost."""
        if self._writer is None or self._writer.is_closing():
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        probe = self._probe
        # Modbus numbers its questions itself, in 16 bits; HTTP answers in the order in which it was asked.
        self._asked += 1
        number = self._asked if self._http else self._asked % 65536
        if self._http:
            request = http_request(probe["target"], probe["port"], probe.get("path", "/"))
        else:
            request = modbus_request(number, probe.get("unit", 1), probe.get("table", "input"), probe.get("address", 0))
        self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(request)
            return await self._waiting[number]
        finally:
            del self._waiting[number]

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        answered = 0
        while True:
            answer: Any
            if self._http:
                answered += 1
                number, answer = answered, await http_answer(reader)
            else:
                number, answer = await modbus_frame(reader)
            waiting = self._waiting.get(number)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    def _lost(self, listening: asyncio.Future[None]) -> None:
        failure = None if listening.cancelled() else listening.exception()
        if self._writer is not None:
            self._writer.transport.abort()
        for waiting in self._waiting.values():
            if failure is not None and not waiting.done():
                waiting.set_exception(failure)


class TcpLook:
    """Opens a fresh connection each time."""

    overlaps = True

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._probe = probe

    async def __call__(self) -> Value:
        """Connect and close."""
        connection = Connection(self._probe)
        try:
            await connection.open()
        finally:
            connection.close()
        return None


class ModbusLook:
    """Keeps one connection, as a considerate client of an old PLC does, and drops it after any trouble."""

    overlaps = False

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._probe = probe
        self._connection = Connection(probe)
        self._fresh = Fresh(probe.get("changes_within"))

    async def __call__(self) -> Value:
        """Read the register and judge it."""
        try:
            if not self._connection.is_open:
                self._connection = Connection(self._probe)
                await self._connection.open()
            body = await self._connection.ask()
        except BaseException:
            self._connection.close()
            raise
        return judge_value(self._probe, self._fresh, modbus_value(body, self._probe.get("table", "input")))


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
        connection = Connection(self._probe)
        try:
            await connection.open()
            status, body = await connection.ask()
        finally:
            connection.close()
        return judge_json(self._probe, self._fresh, status, body)


class CanaryLook:
    """Holds one connection opened before the first stage, and never opens another.

    While it does not answer it is asked again and again; when old answers come at last, they answer no newer question.
    """

    overlaps = False

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._probe = probe
        self._connection = Connection(probe)
        self._opened = False

    async def __call__(self) -> Value:
        """Ask on the connection that was opened first."""
        if not self._opened:
            await self._connection.open()
            self._opened = True
        try:
            answer = await self._connection.ask()
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Bad("the connection was reset") from None
        if self._probe.get("ask", "modbus") == "modbus":
            return modbus_value(answer, self._probe.get("table", "input"))
        return int(answer[0])


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
            # A ping leaves at once or not at all; asyncio could wait for that from Python 3.11 on only.
            one.sendto(packet, (self._target, 0))
            while True:
                data = await asyncio.get_running_loop().sock_recv(one, 1500)
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
