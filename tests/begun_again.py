"""Drills that refused to begin because the machine was busy: told by their record, begun again, and counted at the end.

A drill must refuse when its samples come late or its guardian does not say in time that it is ready. On a busy machine that
says nothing about the product, and it is no reason to let a drill pass that was begun and did not end well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

AT_MOST = 2
PROPERTY = "drills begun again"
BUSY = ("late", "guardian")
"""What a run is refused for on a machine that is too busy: something came late, or its guardian is not ready."""
NOTED: list[str] = []
"""What was begun again since the last report of a test."""


def busy(records: Sequence[dict[str, Any]]) -> str:
    """Give the code of a refusal that a busy machine may have caused; empty where the run was not refused for that."""
    refused = next((one for one in records if one["kind"] == "run.refused"), None)
    code = "" if refused is None else str(refused["data"].get("code", ""))
    return code if code in BUSY else ""


def taken() -> list[str]:
    """Give what was noted since the last call."""
    found = list(NOTED)
    NOTED.clear()
    return found


def told(again: Sequence[str]) -> list[str]:
    """Say how many drills were begun again, and each of them."""
    what = "1 drill was" if len(again) == 1 else f"{len(again)} drills were"
    return [f"{what} begun again because the machine was busy.", *again]
