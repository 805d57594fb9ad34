"""The go at T-0: until when it may be said. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from islandmode.core.plan import Plan
from islandmode.core.returning import returns_s

MARGIN_S = 1800.0
"""What is left of a window and of a shift after the last moment at which all must be back: people still have to look."""


def needed_s(plan: Plan) -> float:
    """Tell how long before the end of a window, and of a shift, a go has to come: holds, the return, dead-man, the devices' lag, and 30 minutes."""
    late_s = max(point.capabilities.late_s for point in plan.points.values())
    return plan.hold_s + returns_s(plan.drill) + plan.dead_man_s + late_s + MARGIN_S


def latest_go(plan: Plan, *ends: datetime) -> datetime:
    """Give the latest moment of a go, by whatever ends first: the window, or the shift of who says it."""
    return min(ends) - timedelta(seconds=needed_s(plan))
