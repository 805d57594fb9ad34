"""Commands about the runs of a workspace, from what they wrote: no run is ever asked, and none can be disturbed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from islandmode.core.errors import InputError
from islandmode.core.record import Record
from islandmode.rehearse import namespaces
from islandmode.store import rundir
from islandmode.store.journal import read_journal
from islandmode.store.rundir import RunDirectory
from islandmode.ui.exits import STRANDED
from islandmode.ui.rehearsal import STATE


def print_runs(workspace: Path) -> int:
    """List runs, newest first."""
    found = rundir.earlier(workspace)
    if not found:
        print("No run yet.")
        return 0
    table = Table("run", "verdict", "restoration", box=None, pad_edge=False)
    for one in found:
        table.add_row(one.run, *_end_of(one))
    Console().print(table)
    return 0


def _end_of(run: RunDirectory) -> tuple[str, str]:
    """Give a run's verdict and restoration, or how far its journal got."""
    try:
        verdict = run.verdict()
    except InputError:
        return "verdict.json is not readable", ""
    if verdict is None:
        return _unfinished(_records(run)), ""
    return str(verdict.get("verdict", "not said")), str(verdict.get("restoration", "not said"))


def show_run(workspace: Path, run: str, *, as_json: bool) -> int:
    """Print a run's verdict, times and findings from what it wrote."""
    directory = rundir.find(workspace, run)
    verdict = directory.verdict()
    if as_json:
        if verdict is None:
            raise InputError(f"{directory.run} has no verdict: {_unfinished(_records(directory))}.")
        print(json.dumps(verdict, indent=2))
        return 0
    if verdict is None:
        print(f"{directory.run}: {_unfinished(_records(directory))}.\njournal {directory.journal}")
        return 0
    print(f"{directory.run}: verdict {verdict['verdict']}, restoration {verdict['restoration']}")
    for what, times in (("isolation", verdict["isolation_s"]), ("restoration", verdict["restoration_s"])):
        verified = times["ordered_to_verified"]
        print(f"{what} ordered to verified: {'not seen' if verified is None else f'{verified:.3f} s'}")
    gap = verdict["longest_ot_gap_s"]
    print(f"longest OT gap: {'not seen' if gap is None else f'{gap:.3f} s'}")
    for finding in verdict["findings"]:
        print(f"  {finding['result']}: {finding['sentence']}")
    print(f"report {directory.root / rundir.REPORT}")
    return 0


def print_status(workspace: Path, lab: str) -> int:
    """Say whether a lab runs, and which runs did not end with restoration seen."""
    there = namespaces.attach(lab, workspace / STATE)
    print(f"Lab {lab} is {'not running' if there is None else 'up'}.")
    stranded = False
    for one in rundir.earlier(workspace):
        records = _records(one)
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


def _records(run: RunDirectory) -> tuple[Record, ...]:
    return read_journal(run.journal.read_bytes()).records


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


def _unfinished(records: Sequence[Record]) -> str:
    """Say how far a run without a verdict got."""
    if not any(record.kind == "arm.intent" for record in records):
        return "refused or ended before anything was armed"
    return f"no verdict, its journal ends with {records[-1].kind}"
