"""Requests to a running drill, as this account puts them into the run's folder, and what became of them."""

from __future__ import annotations

import secrets as randomness

from islandmode.core.request import SIZE_MAX_BYTES, Request, write_request
from islandmode.operate.operator_name import operator_name
from islandmode.store.rundir import RunDirectory
from islandmode.system import modes
from islandmode.system.apart import apart
from islandmode.system.clock import MachineClock

PUT_WITHIN_S = 0.3
"""How long to wait for a request or a claim to be written: a restore waits for no disk, and neither is its only way."""
GOOD_FOR_US = 60_000_000


def put_request(directory: RunDirectory, kind: str, within_s: float = PUT_WITHIN_S, **said: str) -> tuple[str, str]:
    """Put a request into the run's folder if the disk answers at once; returns its file's name, and why it is not there."""
    clock = MachineClock.of_this_boot()
    token = randomness.token_hex(8)
    request = Request(kind, directory.run, token, operator_name(), clock.utc_us() + GOOD_FOR_US, **said)
    name, data = f"{token}.json", write_request(request)
    if len(data) > SIZE_MAX_BYTES:
        return name, f"it is longer than {SIZE_MAX_BYTES} bytes"

    def put() -> None:
        new = directory.requests / f".{token}.new"
        # The run may have another account; the folder gives the file its group, which may read it.
        modes.write_bytes(new, data)
        new.rename(directory.requests / name)

    return name, apart(put, within_s)
