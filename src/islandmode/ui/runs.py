"""Commands about the runs of a workspace, from what they wrote: no run is ever asked, and none can be disturbed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from islandmode.core.errors import InputError
from islandmode.core.people_told import moment_told, people_told
from islandmode.core.plant_state import PlantState
from islandmode.core.records import RunLooked
from islandmode.core.refusal import Refusal, refusal_of
from islandmode.core.text import cleaned
from islandmode.core.unfinished import armed
from islandmode.core.verdict import UNKEYED, Result, held_by
from islandmode.core.what_to_do import what_to_do
from islandmode.operate.left_closed import open_runs, restoration_of
from islandmode.operate.unfinished import is_only_unproven, owed_by
from islandmode.store import rundir
from islandmode.store.addenda import folder_of, numbers_of
from islandmode.store.rundir import RunDirectory
from islandmode.system.own_program import program
from islandmode.ui.as_json import print_json
from islandmode.ui.silent_disk import LookWatch


def print_runs(workspace: Path, watch: LookWatch, *, as_json: bool) -> int:
    """List runs, newest first."""
    found = rundir.earlier(workspace)
    if as_json:
        print_json({"runs": [_for_machines(run) for run in _each(found, watch)]})
        _remember(found)
        return 0
    if not found:
        print("No run yet.")
        return 0
    # Plain columns, since a table would fold its rows to the width of a pipe.
    still_open = {attempt.run for attempt in open_runs(workspace)}
    rows = [
        ("run", "verdict", "restoration"),
        *((run.run, *_with_addendum(run, is_open=run.run in still_open)) for run in _each(found, watch)),
    ]
    run, verdict = (max(len(row[column]) for row in rows) for column in (0, 1))
    for row in rows:
        print(f"{row[0]:{run}}  {row[1]:{verdict}}  {row[2]}".rstrip())
    _remember(found)
    return 0


def _remember(found: Sequence[RunDirectory]) -> None:
    """Remember what was told of each run, for the next time."""
    memory = found[0].settled if found else None
    if memory is not None:
        memory.keep()


def _for_machines(run: RunDirectory) -> dict[str, Any]:
    verdict, restoration = _end_of(run)
    folder = str(run.root.resolve())
    told: dict[str, Any] = {"run": run.run, "verdict": verdict, "restoration": restoration or None, "folder": folder}
    addenda = [{"number": number, "verdict": _verdict_in(run, number)} for number in numbers_of(run)]
    return {**told, "addenda": addenda} if addenda else told


def _each(runs: Sequence[RunDirectory], watch: LookWatch) -> Iterator[RunDirectory]:
    for run in runs:
        watch.at(run.root)
        yield run


def _end_of(run: RunDirectory) -> tuple[str, str]:
    """Give a run's verdict and restoration, or how far its journal got."""
    try:
        return run.told_end(partial(_told, run))
    except InputError:
        return "verdict.json is not readable", ""


def _with_addendum(run: RunDirectory, *, is_open: bool) -> tuple[str, str]:
    """Give a run's end, and beside its verdict that of its newest addendum."""
    verdict, restoration = _end_of(run)
    still_open = "; open" if is_open and restoration else ""
    numbers = numbers_of(run)
    if not numbers:
        return verdict, f"{restoration}{still_open}"
    later = _restoration_in(run, numbers[-1])
    changed = f" (addendum {numbers[-1]}: {later})" if later not in ("", restoration) else ""
    return f"{verdict} (addendum {numbers[-1]}: {_verdict_in(run, numbers[-1])})", f"{restoration}{still_open}{changed}"


def _changed(run: RunDirectory, verdict: Mapping[str, Any], number: int) -> str:
    """Say the restoration with an addendum, where it is another."""
    later = _restoration_in(run, number)
    return "" if later in ("", restoration_of(verdict)) else f"restoration {later}, "


def _restoration_in(run: RunDirectory, number: int) -> str:
    try:
        verdict = folder_of(run, number).verdict()
    except InputError:
        return ""
    return "" if verdict is None else restoration_of(verdict)


def _verdict_in(run: RunDirectory, number: int) -> str:
    try:
        verdict = folder_of(run, number).verdict()
    except InputError:
        verdict = None
    return str(verdict.get("verdict", "not said")) if verdict is not None else "not readable"


def _told(run: RunDirectory) -> tuple[str, str]:
    verdict = run.verdict()
    if verdict is None:
        return _unfinished(run), ""
    return str(verdict.get("verdict", "not said")), _restoration(run, verdict)


def _restoration(run: RunDirectory, verdict: Mapping[str, Any]) -> str:
    """Give the restoration as the verdict says it, unless the run's journals say that it was not seen."""
    if owed_by(run) and not is_only_unproven(run):
        return "unproven: not seen restored"
    return restoration_of(verdict)


def show_run(workspace: Path, run: str, watch: LookWatch, *, as_json: bool) -> int:
    """Print a run's verdict, times and findings from what it wrote."""
    directory = rundir.find(workspace, run)
    watch.at(directory.root)
    verdict = directory.verdict()
    refusal = refusal_of(directory.records()) if verdict is None else None
    if refusal is not None:
        _show_refusal(directory, refusal, as_json=as_json)
        return 0
    if as_json:
        if verdict is None:
            raise InputError(f"{directory.run} has nothing to show as JSON: {_unfinished(directory)}.")
        print_json(verdict)
        return 0
    if verdict is None:
        print(f"{directory.run}: {_unfinished(directory)}.\njournal {directory.journal}")
        return 0
    print(f"{directory.run}: verdict {_said(verdict)}, restoration {_restoration(directory, verdict)}")
    for what, times in (("isolation", verdict["isolation_s"]), ("restoration", verdict["restoration_s"])):
        verified = times["ordered_to_verified"]
        print(f"{what} ordered to verified: {'not seen' if verified is None else f'{verified:.3f} s'}")
    gap = verdict["longest_ot_gap_s"]
    print(f"longest OT gap: {'not seen' if gap is None else f'{gap:.3f} s'}")
    for finding in verdict["findings"]:
        # An old verdict is shown as it was written; what speaks against nothing is a note.
        word = "note" if finding["result"] == Result.HELD else finding["result"]
        print(f"  {word}: {finding['sentence']}")
        if word != "note" and "code" in finding:
            print(f"    do: {what_to_do(finding['code'], directory.run, program())}")
    for said in people_told(directory.records(), directory.guardian_records()):
        print(f"  {moment_told(said.at_us)}  {said.who}: {said.what}")
    died = any(finding.get("code") == rundir.DIED for finding in verdict["findings"])
    print(f"journal {directory.journal}" if died else f"report {directory.root / rundir.REPORT}")
    for number in numbers_of(directory):
        folder = folder_of(directory, number).root
        print(
            f"addendum {number}: verdict {_verdict_in(directory, number)}, {_changed(directory, verdict, number)}report {folder / rundir.REPORT}"
        )
    return 0


def _show_refusal(run: RunDirectory, refusal: Refusal, *, as_json: bool) -> None:
    """Print why a run was refused, and what to do."""
    do = what_to_do(refusal.code, run.run, program())
    if as_json:
        told = {"why": refusal.why, "also": list(refusal.also), "code": refusal.code, "do": do}
        print_json({"run": run.run, "verdict": None, "refused": told})
        return
    report = run.root / rundir.REPORT
    where = f"report {report}" if report.is_file() else f"journal {run.journal}"
    whys = "\n  and: ".join(cleaned(why) for why in (refusal.why, *refusal.also))
    print(f"{run.run}: {_unfinished(run)}.\n  why: {whys}\n  do: {do}\n{where}")


def _said(verdict: Mapping[str, Any]) -> str:
    """Say a verdict as it was said at the end of its run; one of an earlier version does not tell by whom it was seen."""
    witness = verdict.get("witness")
    if verdict["verdict"] != Result.HELD or witness is None:
        return str(verdict["verdict"])
    unkeyed = any(finding.get("code") == UNKEYED for finding in verdict["findings"])
    state: PlantState = "idle" if verdict.get("plant_state") == "idle" else "running"
    return held_by(witness["basis"], witness["not_seen"], unkeyed=unkeyed, plant_state=state)


def _unfinished(run: RunDirectory) -> str:
    """Say how far a run without a verdict got."""
    records = run.records()
    refusal = refusal_of(records)
    if refusal is not None and not owed_by(run):
        return f"refused ({refusal.code}), nothing is left of it on a device"
    looked = next((record for record in records if record.kind == RunLooked.record_kind), None)
    if looked is not None:
        return f"dry run, {'a live run could not begin' if looked.data.get('live') else 'nothing found against a live run'}"
    if not armed(records):
        # A journal that is spoilt or gone does not say so.
        return "its journal does not say how it ended" if owed_by(run) else "refused or ended before anything was armed"
    return f"no verdict, its journal ends with {records[-1].kind}"
