"""The historian in the DMZ: pulls from the PLCs twice a second and keeps rows; says how many at /api/buffer."""

from __future__ import annotations

import argparse
import asyncio
from collections import deque

from polling import Plc, parse_plcs
from serving import as_json, serve

PULL_S = 0.25
ROWS_KEPT = 100_000


class Buffer:
    """Rows as they came, bounded; the count of all rows goes on."""

    def __init__(self, plcs: list[Plc]) -> None:
        """Keep what these PLCs say."""
        self.plcs = plcs
        self.rows: deque[tuple[str, str, int | None]] = deque(maxlen=ROWS_KEPT)
        self.count = 0
        self.last = ""

    async def fill(self) -> None:
        """Add a row per good tag that is newer than the last one, until killed."""
        while True:
            newest = max((tag.source_time for plc in self.plcs for tag in plc.tags.values()), default="")
            if newest > self.last:
                for plc in self.plcs:
                    good = [(name, tag) for name, tag in plc.tags.items() if tag.quality == "good"]
                    self.rows.extend((f"{plc.name}.{name}", tag.source_time, tag.value) for name, tag in good)
                    self.count += len(good)
                self.last = newest
            await asyncio.sleep(PULL_S)

    def state(self) -> dict[str, object]:
        """Say how the buffer stands."""
        good = bool(self.plcs) and all(tag.quality == "good" for plc in self.plcs for tag in plc.tags.values())
        return {"rows": self.count, "last_source_time": self.last, "quality": "good" if good else "bad"}


async def run(plcs: list[Plc], port: int) -> None:
    """Pull and serve until killed."""
    buffer = Buffer(plcs)

    def answer(path: str) -> tuple[str, bytes] | None:
        return as_json(buffer.state()) if path == "/api/buffer" else None

    await asyncio.gather(serve(port, answer), buffer.fill(), *(plc.poll_forever(PULL_S) for plc in plcs))


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--plc", action="append", default=[])
    parser.add_argument("--port", type=int, default=8080)
    given = parser.parse_args()
    asyncio.run(run(parse_plcs(given.plc), given.port))


if __name__ == "__main__":
    main()
