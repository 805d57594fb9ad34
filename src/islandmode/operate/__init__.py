"""Use cases as functions that take and return values; the library entry too. Nothing here prints.

Each name is imported when it is used: a stop that only asks a run's processes must not wait for what a drill needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from islandmode.operate.audience import Audience, Pages
    from islandmode.operate.check import Checked, check_workspace
    from islandmode.operate.judge import judge_run
    from islandmode.operate.plan import plan_of
    from islandmode.operate.rescue import restore_by_drill
    from islandmode.operate.run import DrillOrder, Ended, run_drill
    from islandmode.operate.status import RunStanding, runs_standing
    from islandmode.operate.stop import StopOrder, abort, restore
    from islandmode.operate.telling import Kept, Listener
    from islandmode.operate.unfinished import KnownRuns, known_runs
    from islandmode.operate.watch import Unwatched

__all__ = [
    "Audience",
    "Checked",
    "DrillOrder",
    "Ended",
    "Kept",
    "KnownRuns",
    "Listener",
    "Pages",
    "RunStanding",
    "StopOrder",
    "Unwatched",
    "abort",
    "check_workspace",
    "judge_run",
    "known_runs",
    "plan_of",
    "restore",
    "restore_by_drill",
    "run_drill",
    "runs_standing",
]
_AT = {
    **dict.fromkeys(("Audience", "Pages"), "audience"),
    **dict.fromkeys(("Checked", "check_workspace"), "check"),
    "judge_run": "judge",
    "plan_of": "plan",
    "restore_by_drill": "rescue",
    **dict.fromkeys(("DrillOrder", "Ended", "run_drill"), "run"),
    **dict.fromkeys(("RunStanding", "runs_standing"), "status"),
    **dict.fromkeys(("StopOrder", "abort", "restore"), "stop"),
    **dict.fromkeys(("Kept", "Listener"), "telling"),
    **dict.fromkeys(("KnownRuns", "known_runs"), "unfinished"),
    "Unwatched": "watch",
}
"""The module of each name."""


def __getattr__(name: str) -> Any:
    """Import a name of the library from its module."""
    if name not in _AT:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_AT[name]}"), name)
