"""What a worker's host says of its own clocks while it samples: when it begins, every hour, and when it ends. Standard library only.

It stands in `clocks` beside the spool, a line of JSON for each reading, and the last line binds them to the spool:

    {"at_us":…,"utc_us":…,"apart_us":…,"boot":"…","kept":"yes","error_us":…}
    {"spool":"…","mac":"…"}

`at_us` is the monotonic clock, `utc_us` UTC at that moment, `kept` whether NTP keeps that clock, and `error_us` how far off its host says
that it may be. `spool` is the last seal of the spool, `mac` is HMAC-SHA256 over it and every line before, under the spool's key. So samples
that were not collected in time can be placed later.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
from typing import Any

from islandmode.observe import worker_host

CLOCKS = "clocks"
EVERY_S = 3600.0


class OwnClocks:
    """Writes down what this host's clocks say; a disk that takes none of it ends no worker."""

    def __init__(self, folder: str, schedule: dict[str, Any]) -> None:
        """Read them for the first time."""
        self._path = os.path.join(folder, CLOCKS)
        self._key = bytes.fromhex(schedule.get("key", ""))
        self._said = b""
        self.read()

    def read(self) -> tuple[str, int]:
        """Read them once more; say whether NTP keeps this host's clock, and how far off it may be, in us."""
        at_us, utc_us, apart_us = worker_host.read_clocks()
        kept, error_us, _ = worker_host.how_kept()
        told = {"at_us": at_us, "utc_us": utc_us, "apart_us": apart_us, "boot": worker_host.boot_id()}
        self._write({**told, "kept": kept.decode(), "error_us": error_us})
        return kept.decode(), error_us

    async def hourly(self) -> None:
        """Read them every hour."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.read()

    def close(self, last: str) -> None:
        """Read them for the last time, and bind all readings to the spool, whose last seal is given."""
        self.read()
        self._write({"spool": last, "mac": bound(self._key, last, self._said)})

    def _write(self, told: dict[str, Any]) -> None:
        line = json.dumps(told, separators=(",", ":")).encode() + b"\n"
        self._said += line
        with contextlib.suppress(OSError), open(self._path, "ab") as file:
            file.write(line)


def bound(key: bytes, last: str, said: bytes) -> str:
    """Give the sum that binds readings to a spool."""
    return hmac.new(key, last.encode("ascii") + said, hashlib.sha256).hexdigest()
