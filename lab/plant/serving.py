"""Serve JSON and a page over HTTP/1.1 on both address families, keeping connections open. For the lab's programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Answer = Callable[[str], tuple[str, bytes] | None]
"""Gives content type and body for a path; None when there is no such path."""


def as_json(value: Any) -> tuple[str, bytes]:
    """Answer with JSON."""
    return "application/json", json.dumps(value).encode()


def now_utc() -> str:
    """Say the time, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


async def serve(port: int, answer: Answer) -> None:
    """Serve until killed."""

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        found = answer(words[1].split("?", 1)[0]) if len(words) > 1 else None
        status = "200 OK" if found else "404 Not Found"
        kind, body = found or ("text/plain", b"there is no such page\n")
        lines = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nCache-Control: no-store\r\n\r\n"
        writer.write(lines.encode("latin-1") + body)
        await writer.drain()
        return b"connection: close" not in head.lower()

    # The empty host means every address of both families.
    server = await asyncio.start_server(client, "", port, backlog=256)
    async with server:
        await server.serve_forever()
