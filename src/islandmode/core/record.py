"""One record of a journal. What it says, by its kind, is in `records.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FORMAT = 1
ARMING = ("arm.intent", "guardian.owes")
"""Kinds that say that something may be armed from now on."""


@dataclass(frozen=True)
class Record:
    """One line of a journal; `data` holds JSON values only."""

    seq: int
    site: str
    run: str
    writer: str
    boot_id: str
    utc_us: int
    monotonic_us: int
    kind: str
    data: dict[str, Any]


def plain(value: Any) -> Any:
    """Make JSON values of a record's values: tuples become lists."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return {name: plain(item) for name, item in value.items()} if isinstance(value, dict) else value
