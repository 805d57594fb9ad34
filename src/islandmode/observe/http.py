"""HTTP/1.1, read-only by construction: one function makes requests, and they are GET without a body.

Standard library only and Python 3.9: it goes to far hosts with the worker.
"""

from __future__ import annotations

import re
import zlib
from typing import Any

from islandmode.observe.answers import Bad, Unknown
from islandmode.observe.connection import Incoming, Lost

BODY_MAX_BYTES = 1024 * 1024
LINE_MAX_BYTES, LINES_MAX = 16 * 1024, 200
INTERIM_MAX = 8
NO_BODY = frozenset({204, 304})
TLS_RECORDS = b"\x15\x16"
REQUEST = re.compile(rb"GET /[\x21-\x7e]* HTTP/1\.1\r\n(?:[A-Za-z-]+: [\x21-\x7e ]+\r\n)+\r\n")
STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: .*)?", re.DOTALL)
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?", re.DOTALL)
Fields = dict[str, str]


def request(host: str, port: int, path: str) -> bytes:
    """Make a GET request that asks for nothing cached and nothing packed."""
    bare = host.partition("%")[0]
    lines = [
        "GET %s HTTP/1.1" % path,
        "Host: %s:%d" % ("[%s]" % bare if ":" in bare else bare, port),
        "Cache-Control: no-cache",
        "Accept: application/json",
        "Accept-Encoding: identity",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def guard(data: bytes) -> bytes:
    """Let one GET without a body pass; this is the last place before the wire."""
    if REQUEST.fullmatch(data) is None:
        raise Unknown("the path cannot stand in a GET request, so nothing was sent")
    return data


async def answer(incoming: Incoming) -> tuple[int, bytes]:
    """Read one answer, bounded in size; returns status and body. Interim answers (103) may come before the final answer."""
    for _ in range(INTERIM_MAX + 1):
        status, fields = await _head(incoming)
        if status >= 200 or status == 101:
            break
    else:
        raise Bad("more than %d interim answers" % INTERIM_MAX)
    if status in NO_BODY or status == 101:
        return status, b""
    return status, _unpacked(await _body(incoming, fields), fields.get("content-encoding", "").lower())


async def _head(incoming: Incoming) -> tuple[int, Fields]:
    first = (await incoming.first())[0]
    found = STATUS_LINE.fullmatch(await incoming.line(LINE_MAX_BYTES)) if first == ord("H") else None
    if found is None:
        raise Bad("the answer is not HTTP" + (", it looks like TLS" if first in TLS_RECORDS else ""))
    fields: Fields = {}
    for _ in range(LINES_MAX):
        line = (await incoming.line(LINE_MAX_BYTES)).decode("latin-1")
        if not line:
            return int(found[1]), fields
        name, _, text = line.partition(":")
        name, text = name.strip().lower(), text.strip()
        if name == "content-length" and fields.get(name, text) != text:
            raise Bad("the answer states two lengths")
        fields[name] = text
    raise Bad("the answer has more than %d lines of headers" % LINES_MAX)


async def _body(incoming: Incoming, fields: Fields) -> bytes:
    coding = fields.get("transfer-encoding", "").lower()
    if coding == "chunked":
        return await _chunks(incoming)
    if coding not in {"", "identity"}:
        raise Bad("the answer is sent as %s, which cannot be read" % coding[:40])
    if "content-length" in fields:
        length = fields["content-length"]
        if not re.fullmatch("[0-9]{1,18}", length):
            raise Bad("the answer states no length")
        return await incoming.exactly(fits(int(length)))
    return await _to_the_end(incoming)


async def _to_the_end(incoming: Incoming) -> bytes:
    body = b""
    while True:
        try:
            body += await incoming.first()
        except Lost as lost:
            if lost.error is not None:
                raise
            return body
        incoming.clear()
        fits(len(body))


async def _chunks(incoming: Incoming) -> bytes:
    body = b""
    while True:
        found = CHUNK.fullmatch(await incoming.line(LINE_MAX_BYTES))
        if found is None:
            raise Bad("the answer's chunks make no sense")
        size = int(found[1], 16)
        fits(len(body) + size)
        if size == 0:
            return await _trailer(incoming, body)
        body += await incoming.exactly(size)
        if await incoming.line(LINE_MAX_BYTES):
            raise Bad("the answer's chunks make no sense")


async def _trailer(incoming: Incoming, body: bytes) -> bytes:
    for _ in range(LINES_MAX):
        if not await incoming.line(LINE_MAX_BYTES):
            return body
    raise Bad("the answer has more than %d lines after its body" % LINES_MAX)


def _unpacked(body: bytes, coding: str) -> bytes:
    """Unpack what a server packed without being asked to, within bounds."""
    if coding in {"", "identity"}:
        return body
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise Bad("the answer is packed as %s, which was not asked for" % coding[:40])
    try:
        plain = zlib.decompressobj(47 if "gzip" in coding else 15).decompress(body, BODY_MAX_BYTES + 1)
    except zlib.error:
        raise Bad("the answer is packed as %s and cannot be unpacked" % coding) from None
    fits(len(plain))
    return plain


def fits(size: int) -> int:
    """Return a body's size if it is within the limit; raises `Bad` otherwise."""
    if not 0 <= size <= BODY_MAX_BYTES:
        raise Bad("the answer is longer than %d bytes" % BODY_MAX_BYTES)
    return size


class HttpTalk:
    """Questions and answers of one connection; HTTP answers in the order in which it was asked."""

    def __init__(self, probe: dict[str, Any]) -> None:
        """Know what is asked."""
        self._target, self._port, self._path = probe["target"], probe["port"], probe.get("path", "/")
        self._answered = 0

    @staticmethod
    def number(asked: int) -> int:
        """Give the number of a question."""
        return asked

    def question(self, number: int) -> bytes:
        """Put a question into bytes."""
        return guard(request(self._target, self._port, self._path))

    async def next(self, incoming: Incoming) -> tuple[int, tuple[int, bytes]]:
        """Take in one answer; returns the number of its question, and its status and body."""
        found = await answer(incoming)
        self._answered += 1
        return self._answered, found
