"""Runs on the operations host: fetches the HMI's tags again and again, and judges each answer as several probes would.

The probes come as JSON, by name, in the first argument. One line of JSON per answer on standard output, until killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from islandmode.observe import http
from islandmode.observe.answers import GOOD, Bad, Trace
from islandmode.observe.connection import Connection
from islandmode.observe.looks import monotonic_us
from islandmode.observe.values import Fresh, judge_json

EVERY_S = 0.05


async def fetch(probe: dict[str, Any]) -> tuple[int, bytes]:
    """Fetch over a fresh connection, as the HTTP probe does."""
    connection = Connection(probe["target"], probe["port"], http.HttpTalk(probe))
    try:
        trace = Trace()
        await connection.open(trace)
        status, body = await connection.ask(trace)
        return status, body
    finally:
        connection.close()


async def look(probes: dict[str, dict[str, Any]]) -> None:
    """Look until killed."""
    first = next(iter(probes.values()))
    fresh = {name: Fresh(probe["changes_within"]) for name, probe in probes.items()}
    while True:
        status, body = await fetch(first)
        line: dict[str, Any] = {"status": status, **json.loads(body)["tags"]["plc-filler.heartbeat"]}
        line["judging_from"] = time.monotonic()
        line["said"] = {name: judged(probe, fresh[name], status, body) for name, probe in probes.items()}
        line["judged_at"] = time.monotonic()
        print(json.dumps(line), flush=True)
        await asyncio.sleep(EVERY_S)


def judged(probe: dict[str, Any], fresh: Fresh, status: int, body: bytes) -> str:
    """Say "good", or why it is bad."""
    try:
        judge_json(probe, fresh, status, body, monotonic_us())
    except Bad as bad:
        return str(bad)
    return GOOD


if __name__ == "__main__":
    asyncio.run(look(json.loads(sys.argv[1])))
