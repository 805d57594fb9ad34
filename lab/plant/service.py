"""A service outside the plant, the ERP or a vendor's telemetry: answers JSON, and may pull from inside now and then."""

from __future__ import annotations

import argparse
import asyncio
import json
from urllib.parse import urlsplit

from serving import as_json, now_utc, serve

PULL_S = 5.0
PATIENCE_S = 2.0


async def fetch(url: str) -> dict[str, object]:
    """Fetch one JSON document."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        writer.write(f"GET {parts.path} HTTP/1.1\r\nHost: {parts.hostname}\r\nConnection: close\r\n\r\n".encode())
        _, _, body = (await reader.read()).partition(b"\r\n\r\n")
        found = json.loads(body)
        return found if isinstance(found, dict) else {}
    finally:
        writer.close()


async def run(name: str, port: int, path: str, pull: str | None) -> None:
    """Serve, and pull, until killed."""
    pulled: dict[str, object] = {}

    async def keep_pulling(url: str) -> None:
        while True:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    pulled.update(await fetch(url))
            except (OSError, ValueError):
                pulled["missed"] = now_utc()
            await asyncio.sleep(PULL_S)

    def answer(asked: str) -> tuple[str, bytes] | None:
        orders = [{"order": 4711, "product": "water 0.5 l", "bottles": 20000}]
        found = {"service": name, "time": now_utc(), "orders": orders, "pulled": pulled}
        return as_json(found) if asked in {"/", path} else None

    pulls = [keep_pulling(pull)] if pull else []
    await asyncio.gather(serve(port, answer), *pulls)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/")
    parser.add_argument("--pull")
    given = parser.parse_args()
    asyncio.run(run(given.name, given.port, given.path, given.pull))


if __name__ == "__main__":
    main()
