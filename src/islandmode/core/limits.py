"""The limits of a run, derived from what its platforms can do: how long it may isolate, restore and be watched."""

from __future__ import annotations

from islandmode.core.plan import Plan
from islandmode.core.planning.check_devices import run_s
from islandmode.core.returning import returns_s

WORKER_MARGIN_S = 120.0
"""Longer than a run takes beside the holds, the dead-man and the devices' work on changes."""

START_S = 20.0
"""How long a process may take to start on a machine that is busy, or that has each of its files scanned; nothing is isolated before it."""

FURTHER_LOGIN_S = 2.0
"""How much longer the logins on several devices may take, for each device beyond the first: all of them are this machine's work."""


def window_s(plan: Plan) -> float:
    """Bound how long a run may isolate anything, from the first arm on."""
    return run_s(plan.drill, max(point.capabilities.works_s.arm for point in plan.points.values()))


def sampling_s(plan: Plan) -> float:
    """Bound how long workers may sample: the holds, a dead-man that has to fire, and all the rest of a run."""
    works_s = [
        able.late_s + able.works_s.arm + len(plan.stages) * able.works_s.isolate + 2 * able.works_s.restore
        for able in (point.capabilities for point in plan.points.values())
    ]
    drains_s = drained_within_s(plan)
    return plan.hold_s + returns_s(plan.drill) + plan.dead_man_s + WORKER_MARGIN_S + drains_s + max(works_s)


def drained_within_s(plan: Plan) -> float:
    """Tell how long after the restore the slowest backlog may take; none takes no time."""
    return max((backlog.within for backlog in plan.drill.backlogs), default=0.0)


def stranded_s(plan: Plan) -> float:
    """Tell for how long a conductor keeps restoring: past every device's own timer, before it says STRANDED and ends."""
    able = [point.capabilities for point in plan.points.values()]
    return plan.dead_man_s + max(capabilities.late_s + capabilities.stranded_s for capabilities in able)


def ready_s(plan: Plan) -> float:
    """Tell how long a guardian may take to be ready: it starts, and logs in on every point at once, by what one machine can do at a time."""
    further = len(plan.points) - 1
    return START_S + max(point.capabilities.ready_s for point in plan.points.values()) + further * FURTHER_LOGIN_S
