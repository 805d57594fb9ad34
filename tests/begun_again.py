"""Drills that refused to begin because the machine was busy: told by their record, begun again, and counted at the end.

A drill must refuse when its samples come late or its guardian does not say in time that it is ready. On a busy machine that
says nothing about the product, and it is no reason to let a drill pass that was begun and did not end well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

AT_MOST = 2
PROPERTY = "drills begun again"
LATE_CODES = frozenset({"baseline-silent", "baseline-unseen", "point-silent", "point-state-unread"})
"""Findings that say of something that it did not come in time."""
CALLS = frozenset({"configuration.read", "vantage.started", "arm.result"})
NOTED: list[str] = []
"""What was begun again since the last report of a test."""


def busy(records: Sequence[dict[str, Any]]) -> str:
    """Say which record shows that a drill refused because something came late; empty where none does."""
    refused = next((one for one in records if one["kind"] == "run.refused"), None)
    if refused is None:
        return ""
    for one in records:
        data = one["data"]
        if one["kind"] == "preflight.finding" and data["refuses"] and data["code"] in LATE_CODES:
            return str(data["code"])
        if one["kind"] == "vantage.looked" and data["codes"] and LATE_CODES.issuperset(data["codes"]):
            return ", ".join(sorted(set(data["codes"])))
        if one["kind"] in CALLS and data["outcome"] == "unknown":
            return f"{one['kind']} {data['outcome']}"
    if refused["data"]["by"] == "guardian":
        return "guardian"
    kinds = [one["kind"] for one in records]
    # Nothing but what must be ready before anything is armed, or a person, refuses between these two.
    if "baseline.done" in kinds and "vantage.looked" not in kinds and not refused["data"]["by"]:
        return "not ready in time"
    return ""


def taken() -> list[str]:
    """Give what was noted since the last call."""
    found = list(NOTED)
    NOTED.clear()
    return found


def told(again: Sequence[str]) -> list[str]:
    """Say how many drills were begun again, and each of them."""
    what = "1 drill was" if len(again) == 1 else f"{len(again)} drills were"
    return [f"{what} begun again because the machine was busy.", *again]
