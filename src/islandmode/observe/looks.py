"""How a vantage looks, near or far: one class per kind of probe, and one table of them.

Standard library only and Python 3.9, with answers, connection, modbus, http and values beside it and core/text: together they go to
far hosts with the worker. It cannot write to a plant: `modbus.guard` and `http.guard` are the last place before the wire.

good: the thing answered as it should. bad: it did not answer, refused, or its value is stale, out of range or of bad
quality. unknown: trouble of the probe's own; it proves nothing, in either direction.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from typing import Any

from islandmode.core.text import cleaned
from islandmode.observe import http, modbus
from islandmode.observe.answers import (
    ANSWER,
    BAD,
    GOOD,
    NOTHING,
    UNKNOWN,
    Bad,
    Trace,
    Unknown,
    Value,
    hear_icmp,
    icmp_sender,
    refusal,
)
from islandmode.observe.connection import Connection, Lost, Told, connected, ended
from islandmode.observe.values import Fresh, judge_json, judge_register

Probe = dict[str, Any]
WHY_MAX_CHARACTERS = 300
LATE = (TimeoutError, asyncio.TimeoutError)
"""Two different exceptions before Python 3.11."""


def monotonic_us() -> int:
    """Read the monotonic clock in microseconds."""
    return time.monotonic_ns() // 1000


async def sample(look: Any, timeout_s: float, trace: Trace | None = None) -> dict[str, Any]:
    """Look once, within a time, and give what a sample says of it."""
    trace = trace or Trace()
    try:
        value = await asyncio.wait_for(look(trace), timeout_s)
    except (*LATE, Bad, Unknown) as failure:
        return failed(failure, trace)
    return good(value)


def good(value: Value) -> dict[str, Any]:
    """Say of a sample that it is good."""
    return {"seen": GOOD, "value": value, "why": "", "heard": ANSWER, "sender": ""}


def failed(failure: Exception, trace: Trace) -> dict[str, Any]:
    """Say of a sample why it is not good: bad, unknown, or no answer in time."""
    seen, why, heard, sender = BAD, str(failure), UNKNOWN, ""
    if isinstance(failure, Bad):
        heard, sender = failure.heard, failure.sender
    elif isinstance(failure, Unknown):
        seen, heard = UNKNOWN, failure.heard
    else:
        heard = NOTHING
        why = "the answer was not whole in time" if trace.began else "no answer in time"
    if trace.came:
        heard = ANSWER
    return {"seen": seen, "value": None, "why": cleaned(why)[:WHY_MAX_CHARACTERS], "heard": heard, "sender": sender}


class TcpLook:
    """Opens a fresh connection each time."""

    overlaps = True

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._target, self._port = probe["target"], probe["port"]

    async def __call__(self, trace: Trace) -> Value:
        """Connect and close."""
        opened = await connected(self._target, self._port)
        trace.accepted = True
        opened.close()
        return None


class KeptLook:
    """A look that keeps one connection, and can be asked on it without a task of its own."""

    _connection: Connection

    def put(self, trace: Trace, told: Told) -> bool:
        """Ask on the connection that stands; false where that cannot be done, and the look is to be called instead."""
        if self._connection.is_open:
            self._connection.put(trace, told)
            return True
        return False


class ModbusLook(KeptLook):
    """Keeps one connection, as a considerate client of an old PLC does, and drops it after any trouble.

    Many devices close a connection after each answer, or when it is idle. That is normal between two questions, and one
    new connection is opened for the question; a device that closes the new connection without an answer is bad.
    """

    overlaps = False

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._probe = probe
        self._talk = modbus.ModbusTalk(probe)
        self._connection = self._another()
        self._fresh = Fresh(probe.get("changes_within"))

    def _another(self) -> Connection:
        return Connection(self._probe["target"], self._probe["port"], self._talk)

    async def __call__(self, trace: Trace) -> Value:
        """Read the register and judge it."""
        try:
            answer = await self._ask(trace)
        except BaseException:
            self._connection.close()
            raise
        return self.judged(answer)

    async def _ask(self, trace: Trace) -> Any:
        if self._connection.is_open:
            try:
                return await self._connection.ask(trace)
            except Lost as lost:
                if trace.began:
                    raise ended(lost, trace) from None
        self._connection.close()
        self._connection = self._another()
        await self._connection.open(trace)
        try:
            return await self._connection.ask(trace)
        except Lost as lost:
            raise ended(lost, trace) from None

    def judged(self, answer: Any) -> Value:
        """Judge what was read."""
        return judge_register(self._probe, self._fresh, self._talk.read(answer), monotonic_us())

    def failed(self, failure: Exception, trace: Trace) -> Exception | None:
        """Drop the connection; gives what the failure means, or nothing where the look is to be called for this same question."""
        self._connection.close()
        if not isinstance(failure, Lost):
            return failure
        return ended(failure, trace) if trace.began else None

    def give_up(self, told: Told) -> None:
        """Drop the connection on which no answer came in time."""
        self._connection.close()


class HttpLook:
    """Fetches over a fresh connection each time, and judges freshness, not only the status."""

    overlaps = True

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._probe = probe
        self._fresh = Fresh(probe.get("changes_within"))

    async def __call__(self, trace: Trace) -> Value:
        """Fetch and judge."""
        connection = Connection(self._probe["target"], self._probe["port"], http.HttpTalk(self._probe))
        try:
            await connection.open(trace)
            status, body = await connection.ask(trace)
        except Lost as lost:
            raise ended(lost, trace) from None
        finally:
            connection.close()
        return judge_json(self._probe, self._fresh, status, body, monotonic_us())


class CanaryLook(KeptLook):
    """Holds one connection opened before the first stage, and never opens another.

    While it does not answer it is asked again and again; when old answers come at last, they answer no newer question. Once
    it is lost nothing more is asked, and nothing is heard.
    """

    overlaps = False

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._talk: Any = http.HttpTalk(probe) if probe.get("ask", "modbus") == "http" else modbus.ModbusTalk(probe)
        self._connection = Connection(probe["target"], probe["port"], self._talk)
        self._opened = False
        self._gone = ""

    async def __call__(self, trace: Trace) -> Value:
        """Ask on the connection that was opened first."""
        if self._gone:
            raise Bad(self._gone + ", and a canary opens no other", NOTHING)
        if not self._opened:
            await self._connection.open(trace)
            self._opened = True
        try:
            answer = await self._connection.ask(trace)
        except (Lost, Bad) as failure:
            raise self.failed(failure, trace) from None
        return self.judged(answer)

    def judged(self, answer: Any) -> Value:
        """Judge what was read."""
        return int(answer[0]) if isinstance(self._talk, http.HttpTalk) else self._talk.read(answer)

    def failed(self, failure: Exception, trace: Trace) -> Exception:
        """Take the connection for lost; gives what the failure means."""
        if isinstance(failure, Lost):
            self._gone = str(failure)
            return ended(failure, trace)
        if isinstance(failure, Bad):
            self._gone = "the connection was given up, as %s" % failure
        return failure

    def give_up(self, told: Told) -> None:
        """Wait no more for an answer that did not come in time; the connection stays."""
        self._connection.give_up(told)


class IcmpLook:
    """Sends an echo request and waits for its own reply."""

    overlaps = True

    def __init__(self, probe: Probe) -> None:
        """Know the target."""
        self._target = probe["target"]
        self._sequence = 0

    async def __call__(self, trace: Trace) -> Value:
        """Send an echo and receive its reply."""
        self._sequence = self._sequence % 65535 + 1
        v6 = ":" in self._target
        try:
            opened = open_icmp(v6=v6)
        except OSError as error:
            raise refusal(error) from None
        with opened:
            try:
                opened.setblocking(False)
                hear_icmp(opened, wanted=True)
                # Connected, the socket receives replies from its own target only, whatever else this host pings.
                opened.connect((self._target, 0))
                await self._echo(opened, v6=v6)
            except OSError as error:
                raise refusal(error, icmp_sender(opened)) from None
        return None

    async def _echo(self, opened: socket.socket, *, v6: bool) -> None:
        token = os.urandom(8)
        packet = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, os.getpid() & 0xFFFF, self._sequence) + token
        if not v6:
            packet = packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]
        # A ping leaves at once or not at all; asyncio could wait for that from Python 3.11 on only.
        opened.send(packet)
        while True:
            data = await asyncio.get_running_loop().sock_recv(opened, 1500)
            if not v6 and opened.type == socket.SOCK_RAW:
                data = data[(data[0] & 15) * 4 :]
            if data.endswith(token) and data[0] == (129 if v6 else 0):
                return


def open_icmp(*, v6: bool) -> socket.socket:
    """Open a ping socket, or a raw one where only that is allowed."""
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if v6 else (socket.AF_INET, socket.IPPROTO_ICMP)
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
