"""What every command ends with: the runs that may have left something isolated. It imports little, because every command does."""

from __future__ import annotations

import sys
from pathlib import Path

from islandmode.operate.unfinished import (
    UNREADABLE,
    cannot_be_told,
    is_only_unproven,
    known_runs,
    lab_is_gone,
    why_unreadable,
)
from islandmode.store.rundir import RunDirectory
from islandmode.system.own_program import typed_anywhere, typed_at


def banner(run: RunDirectory, points: list[str]) -> str:
    """Say loudly what was not seen back, or not proven, who is at it, and what to do."""
    denied = cannot_be_told(run)
    if denied:
        return (
            f"UNKNOWN: {run.run} in {run.workspace} cannot be read by this account ({denied}): it may be going on, and may have "
            f"left something isolated. Ask as the account of that run, or as root: {typed_anywhere('status')}. To stop it: "
            f"{typed_anywhere('abort', run.run)}"
        )
    if UNREADABLE in points:
        return f"STRANDED: {run.run} ended and may have left anything isolated: {why_unreadable(run)}"
    left, restore = run.left_in_saved(), typed_at(run.workspace, "restore", run.run)
    if left and is_only_unproven(run):
        return (
            f"UNPROVEN: {run.run}: {', '.join(sorted(left))} was seen without Islandmode objects, but its saved "
            "configuration still holds one, or was not read: a restart of the device could isolate again. To see which, and how "
            f"to mend it: {restore}"
        )
    if is_only_unproven(run):
        return (
            f"UNPROVEN: {run.run} saw {', '.join(points)} without Islandmode objects, yet its restoration is not proven. "
            f"See: {typed_at(run.workspace, 'show', run.run)}. Then, to look again: {restore}"
        )
    guardian = "its guardian still tries" if run.guardian() is not None else "no guardian is running"
    return f"STRANDED: {run.run} ended and restoration of {', '.join(points)} was not seen; {guardian}. Do: {restore}"


def print_banners(workspace: Path) -> None:
    """Say on standard error, whatever else was asked, which runs left something that may be isolated."""
    known = known_runs(workspace)
    for run, owed in known.unfinished:
        if run.conductor() is None and not lab_is_gone(run):
            print(banner(run, sorted(owed)), file=sys.stderr)
    known.remember()
