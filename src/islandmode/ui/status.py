"""Command `status`: what runs, and whether anything may still be isolated. It reads what runs wrote and asks none."""

from __future__ import annotations

import sys
from pathlib import Path

from islandmode.rehearse import backends
from islandmode.rehearse.lab import LabUnknown
from islandmode.store.rundir import RunDirectory
from islandmode.ui.exits import STRANDED
from islandmode.ui.lab_place import STATE
from islandmode.ui.unfinished_runs import conductor_pid, guardian_lives, lab_is_gone, unfinished


def print_status(workspace: Path, lab: str) -> int:
    """Say whether a lab runs, and which runs did not end with restoration seen."""
    try:
        there = backends.attach(lab, workspace / STATE)
        print(f"Lab {lab} is {'not running' if there is None else 'up'}.")
    except LabUnknown as error:
        print(error)
    stranded = False
    for one, owed in unfinished(workspace):
        pid = conductor_pid(workspace, one)
        if pid is not None:
            print(f"{one.run} is running (process {pid}); {', '.join(sorted(owed))} may be isolated.")
        elif lab_is_gone(workspace, one):
            print(f"{one.run} ended without restoration seen; its lab is gone, and the isolation with it.")
        else:
            stranded = True
            print(banner(one, sorted(owed)), file=sys.stderr)
    if stranded:
        return STRANDED
    print("No run of this workspace has left anything isolated.")
    return 0


def banner(run: RunDirectory, points: list[str]) -> str:
    """Say loudly what was not seen back, who is at it, and what to do."""
    guardian = "its guardian still tries" if guardian_lives(run) else "nobody tries any more"
    return (
        f"STRANDED: {run.run} ended and restoration of {', '.join(points)} was not seen; {guardian}. "
        f"Do: islandmode restore {run.run}"
    )


def print_banners(workspace: Path) -> None:
    """Say on standard error, whatever else was asked, which runs left something that may be isolated."""
    for one, owed in unfinished(workspace):
        if conductor_pid(workspace, one) is None and not lab_is_gone(workspace, one):
            print(banner(one, sorted(owed)), file=sys.stderr)
