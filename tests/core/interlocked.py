"""The quarterly drill with interlocks, of a plant that runs or is idle."""

from __future__ import annotations

from typing import Any

from tests.core.given import Documents

RUNNING = {"probe": "filler-running", "tells": "the filler runs", "running": 1, "idle": 0, "bad_for": "2 s"}
ALARM = {"probe": "filler-alarm", "tells": "an alarm is open", "running": 0, "idle": 0, "bad_for": "500 ms"}


def interlocked(at: Documents, *locks: dict[str, Any], state: str = "running") -> None:
    """Give the drill interlocks and a plant state."""
    at.drill["interlocks"] = [dict(lock) for lock in locks or (RUNNING, ALARM)]
    if state != "running":
        at.drill["plant_state"] = state


def idle(at: Documents) -> None:
    """Let the plant of the drill be idle."""
    interlocked(at, state="idle")
