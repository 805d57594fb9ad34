"""Command `status`: what runs, and whether anything may still be isolated. It reads what runs wrote and asks none."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from islandmode.core.record import Record
from islandmode.rehearse import namespaces
from islandmode.store import rundir
from islandmode.ui.exits import STRANDED
from islandmode.ui.lab_place import STATE
from islandmode.ui.runs import records_of


def print_status(workspace: Path, lab: str) -> int:
    """Say whether a lab runs, and which runs did not end with restoration seen."""
    there = namespaces.attach(lab, workspace / STATE)
    print(f"Lab {lab} is {'not running' if there is None else 'up'}.")
    stranded = False
    for one in rundir.earlier(workspace):
        records = records_of(one)
        points = _may_be_isolated(records)
        if not points:
            continue
        pid = _conductor(workspace, records)
        if pid is not None:
            print(f"{one.run} is running (process {pid}); {', '.join(points)} may be isolated.")
        elif _its_lab_is_gone(records, there.identity if there is not None else None):
            print(f"{one.run} ended without restoration seen; its lab is gone, and the isolation with it.")
        else:
            stranded = True
            print(f"STRANDED: {one.run} ended and restoration of {', '.join(points)} was not seen.", file=sys.stderr)
    if stranded:
        return STRANDED
    print("No run of this workspace has left anything isolated.")
    return 0


def _may_be_isolated(records: Sequence[Record]) -> list[str]:
    """List the points that a run armed and was not seen to restore; what is unknown counts as isolated."""
    armed: set[str] = set()
    for record in records:
        point = str(record.data.get("point", ""))
        if record.kind == "arm.intent":
            armed.add(point)
        elif record.kind == "restore.seen" or (
            record.kind == "arm.result" and record.data.get("outcome") == "not done"
        ):
            armed.discard(point)
    return sorted(armed)


def _its_lab_is_gone(records: Sequence[Record], running: str | None) -> bool:
    """Tell whether a run was a rehearsal in a lab that no longer exists."""
    started: dict[str, Any] = next((record.data for record in records if record.kind == "run.started"), {})
    return "lab" in started and started["lab"] != running


def _conductor(workspace: Path, records: Sequence[Record]) -> int | None:
    """Find the process that holds a run's conduits; reads the lock's text, since taking a lock could refuse a run."""
    site = records[0].site
    conduits = {conduit for record in records if record.kind == "arm.intent" for conduit in record.data["conduits"]}
    for conduit in sorted(conduits):
        try:
            pid = int((workspace / rundir.RUNS / ".locks" / f"{site}.{conduit}.lock").read_text(encoding="ascii"))
            if b"islandmode" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        except (OSError, ValueError):
            continue
    return None
