"""Servers on loopback that do what odd devices do, one quirk each, and what a probe is to say of them."""

from __future__ import annotations

import asyncio
import gzip
import json
import struct
from collections.abc import Awaitable, Callable
from typing import Any

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PAUSE_S = 0.02


def frame(transaction: int, unit: int, body: bytes, more: bytes = b"") -> bytes:
    return struct.pack("!HHHB", transaction, 0, len(body) + 1, unit) + body + more


def exception(code: int) -> Callable[[int, int, int, bytes], bytes]:
    return lambda number, unit, _, good: frame(number, unit, bytes([good[0] | 0x80, code]))


# What is sent for the n-th question: of its transaction, its unit, n, and the good answer's own body.
MODBUS: dict[str, Callable[[int, int, int, bytes], bytes]] = {
    "plain": lambda number, unit, _, good: frame(number, unit, good),
    "transaction 0": lambda _, unit, __, good: frame(0, unit, good),
    "transaction swapped": lambda number, unit, _, good: frame((number & 255) << 8 | number >> 8, unit, good),
    "transaction too high": lambda number, unit, _, good: frame(number + 1, unit, good),
    "unit 0": lambda number, _, __, good: frame(number, 0, good),
    "unit 255": lambda number, _, __, good: frame(number, 255, good),
    "trailing bytes": lambda number, unit, _, good: frame(number, unit, good, b"\0\0"),
    "trailing bytes, long": lambda number, unit, _, good: frame(number, unit, good, b"\0" * 300),
    "trailing bytes inside": lambda number, unit, _, good: frame(number, unit, good + b"\0\0"),
    "more registers": lambda number, unit, _, good: frame(number, unit, bytes([good[0], 4]) + good[2:] + b"\0\0"),
    "exception 2": exception(2),
    "exception 6": exception(6),
    "exception 11": exception(11),
    "exception 99": exception(99),
    "busy every third": lambda number, unit, n, good: (exception(6) if n % 3 == 0 else MODBUS["plain"])(
        number, unit, n, good
    ),
    "serial frames": lambda _, unit, __, good: bytes([unit]) + good + b"\x12\x34",
}


class ModbusServer:
    """Counts its questions and answers each with their number; `then` says what it does with the connection afterwards."""

    def __init__(self, quirk: str = "plain", then: str = "") -> None:
        self.answer, self.then = MODBUS[quirk], then
        self.questions = self.connections = 0
        self.functions: set[int] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._one(reader, writer):
                if self.then.endswith("at the second"):
                    question = await reader.readexactly(12)
                    # Nobody waits for what is asked here: the connection ends before, or in the middle of, the answer.
                    writer.write(question[:4] if self.then.startswith("breaks off") else b"")
                    writer.close()
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        number, _, length, unit = struct.unpack("!HHHB", await reader.readexactly(7))
        body = await reader.readexactly(length - 1)
        self.functions.add(body[0])
        self.questions += 1
        if self.then == "closes instead":
            writer.close()
            return False
        if self.then == "late first" and self.questions == 1:
            await asyncio.sleep(0.6)
        good = bytes([body[0], 2]) + struct.pack("!H", self.questions)
        data = self.answer(number, unit, self.questions, good)
        if self.then == "single bytes":
            for byte in data:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.002)
        else:
            writer.write(data[:-1] if self.then == "one byte short" else data)
        await writer.drain()
        return not await self._ended(writer)

    async def _ended(self, writer: asyncio.StreamWriter) -> bool:
        if self.then == "resets":
            await asyncio.sleep(PAUSE_S)
            # Zero linger: the kernel sends a reset instead of a proper end.
            writer.get_extra_info("socket").setsockopt(1, 13, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif self.then == "closes":
            writer.close()
        elif self.then == "closes when idle":
            await asyncio.sleep(PAUSE_S)
            writer.close()
        return self.then in {"resets", "closes", "closes when idle"}


def tags(number: int, **more: Any) -> bytes:
    """Make a page of tags as an HMI does; its time is that of its number."""
    source_time = f"2026-11-26T10:{number // 60:02}:{number % 60:02}Z"
    return json.dumps({"tag": {"value": number, "quality": "good", "source_time": source_time} | more}).encode()


def http(
    body: bytes = b"",
    status: str = "200 OK",
    *headers: str,
    version: str = "1.1",
    end: str = "\r\n",
    length: bool = True,
) -> bytes:
    lines = [f"HTTP/{version} {status}", *([f"Content-Length: {len(body)}"] if length else []), *headers, "", ""]
    return end.join(lines).encode() + body


def chunked(body: bytes, pad: str = "", trailer: str = "") -> bytes:
    parts = f"{len(body):x}{pad}\r\n".encode() + body + f"\r\n0{pad}\r\n{trailer}\r\n".encode()
    return http(parts, "200 OK", "Transfer-Encoding: chunked", length=False)


def packed(body: bytes, coding: str = "gzip") -> bytes:
    return http(gzip.compress(body), "200 OK", f"Content-Encoding: {coding}")


def value(text: bytes) -> Callable[[int], bytes]:
    """Make a page whose value is written in other words."""
    return lambda n: http(tags(n).replace(b'"value": %d' % n, b'"value": ' + text))


# What is sent for the n-th question; the answers that end with the connection are in CLOSING.
WEB: dict[str, Callable[[int], bytes]] = {
    "plain": lambda n: http(tags(n)),
    "bare line feeds": lambda n: http(tags(n), end="\n"),
    "mixed line feeds": lambda n: (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-type: application/json\n\n" + tags(n)
    ),
    "gzip unasked for": lambda n: packed(tags(n)),
    "another packing": lambda n: packed(tags(n), "br"),
    "gzip that is none": lambda n: http(tags(n), "200 OK", "Content-Encoding: gzip"),
    "gzip of very much": lambda n: packed(b" " * 50_000_000 if n == 1 else b""),
    "103 before 200": lambda n: b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + http(tags(n)),
    "103 without end": lambda _: b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20,
    "204": lambda _: http(b"", "204 No Content", length=False),
    "302": lambda _: http(b"", "302 Found", "Location: /login"),
    "503": lambda _: http(b"{}", "503 Service Unavailable"),
    "a login page": lambda _: http(b"<html><form action=/login></form></html>"),
    "no reason": lambda n: http(tags(n), "200"),
    "chunks": lambda n: chunked(tags(n)),
    "chunks, padded": lambda n: chunked(tags(n), pad="   "),
    "chunks with a trailer": lambda n: chunked(tags(n), trailer="X-Sum: 12\r\n"),
    "chunks of no size": lambda _: http(b"-5\r\n", "200 OK", "Transfer-Encoding: chunked", length=False),
    "two lengths": lambda n: http(tags(n), "200 OK", "Content-Length: 7"),
    "a negative length": lambda n: http(tags(n), "200 OK", "Content-Length: -7", length=False),
    "to the end": lambda n: http(tags(n), length=False, version="1.0"),
    "TLS": lambda _: b"\x15\x03\x01\x00\x02\x02\x0a",
    "no HTTP": lambda _: b"220 welcome\r\n\r\n",
    "endless header": lambda _: b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    "byte order mark": lambda n: http(b"\xef\xbb\xbf" + tags(n)),
    "NaN": value(b"NaN"),
    "NaN as text": value(b'"NaN"'),
    "infinity": value(b"1e999"),
    "null": value(b"null"),
    "half a surrogate pair": value(b'"Tank \\ud83d"'),
    "escape sequences": value(b'"a\\u001b[31mb\\u0000\\u202e"'),
    "a very long number": value(b"9" * 4000),
    "a number that is too long": value(b"9" * 40_000),
    "time of NaN": lambda _: http(b'{"tag": {"value": 1, "quality": "good", "source_time": NaN}}'),
    "quality Good": lambda n: http(tags(n, quality="Good")),
    "quality 192": lambda n: http(tags(n, quality=192)),
    "quality true": lambda n: http(tags(n, quality=True)),
    "quality 0": lambda n: http(tags(n, quality=0)),
    "quality 1": lambda n: http(tags(n, quality=1)),
    "quality Bad": lambda n: http(tags(n, quality="Bad")),
    "quality of half a pair": lambda n: http(tags(n).replace(b'"good"', b'"Tank \\ud83d"')),
}
CLOSING = {"mixed line feeds", "to the end", "TLS"}


class WebServer:
    """Counts its questions and answers each with its quirk."""

    def __init__(self, quirk: str) -> None:
        self.answer, self.closes = WEB[quirk], quirk in CLOSING
        self.questions = self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.questions += 1
                writer.write(self.answer(self.questions))
                await writer.drain()
                if self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()
