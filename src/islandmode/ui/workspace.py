"""Commands about a workspace: start one, check it, and look at its runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import islandmode
from islandmode.core.errors import InputError
from islandmode.store import catalog, rundir
from islandmode.store.journal import read_journal
from islandmode.store.rundir import RunDirectory
from islandmode.ui.planning import plan_of

FOLDERS = ("drills", "inventory", "probes", "playbooks", "lab")


def start_workspace(directory: Path) -> int:
    """Copy the operators' folders into a new directory."""
    if directory.exists() and any(directory.iterdir()):
        raise InputError(f"{directory} is not empty; name a new folder, so that nothing of yours is overwritten.")
    template = _template()
    directory.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        if (template / name).is_dir():
            shutil.copytree(template / name, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
    (directory / ".gitignore").write_text("runs/\n.lab/\n", encoding="utf-8")
    print(f"{directory} is ready. Next: cd {directory}, then `islandmode validate`, then")
    print("`islandmode run drills/quarterly-isolation.yaml --mode rehearsal`.")
    return 0


def _template() -> Path:
    """Find the operators' folders: inside an installed wheel, or beside the source tree."""
    package = Path(islandmode.__file__).parent
    inside = package / "_template"
    return inside if inside.is_dir() else package.parents[1]


def validate_workspace(workspace: Path, drill: str | None) -> int:
    """Check one drill or all of them, each against its site and the probes; touches nothing."""
    drills = [drill] if drill else [str(path.relative_to(workspace)) for path in catalog.files(workspace, catalog.DRILLS)]
    if not drills:
        raise InputError(f"There is no drill in {workspace / catalog.DRILLS}; start a workspace with `islandmode init`.")
    for one in drills:
        loaded, plan = plan_of(workspace, one)
        print(f"{one}: good. {len(plan.stages)} stages at {loaded.site.site}, {plan.drill_digest}")
    return 0


def print_schema(kind: str) -> int:
    """Print one JSON Schema."""
    schemas = catalog.schemas()
    if kind not in schemas:
        raise InputError(f"There is no schema {kind}; known schemas: {', '.join(schemas)}.")
    print(json.dumps(schemas[kind], indent=2))
    return 0


def print_runs(workspace: Path) -> int:
    """List runs, newest first."""
    found = rundir.earlier(workspace)
    if not found:
        print("No run yet.")
        return 0
    table = Table("run", "verdict", "restoration", box=None)
    for one in found:
        verdict = one.verdict() or {}
        table.add_row(one.run, verdict.get("verdict", _unfinished(one)), verdict.get("restoration", ""))
    Console().print(table)
    return 0


def show_run(workspace: Path, run: str) -> int:
    """Print a run's verdict and findings from what it wrote."""
    directory = rundir.find(workspace, run)
    verdict = directory.verdict()
    if verdict is None:
        print(f"{directory.run}: {_unfinished(directory)}. Its journal is {directory.journal}.")
        return 0
    print(f"{directory.run}: verdict {verdict['verdict']}, restoration {verdict['restoration']}")
    for finding in verdict.get("findings", ()):
        print(f"  {finding['result']}: {finding['sentence']}")
    print(f"report {directory.root / rundir.REPORT}")
    return 0


def print_status(workspace: Path, lab: str) -> int:
    """Say whether a lab runs, and which runs did not end with restoration seen."""
    from islandmode.rehearse import namespaces
    from islandmode.ui.rehearsal import STATE

    running = namespaces.attach(lab, workspace / STATE) is not None
    print(f"Lab {lab} is {'up' if running else 'not running'}.")
    open_runs = [one for one in rundir.earlier(workspace) if _may_be_isolated(one)]
    for one in open_runs:
        print(f"STRANDED or running: {one.run}: {_unfinished(one)}. Restoration was not seen.")
    if not open_runs:
        print("No run of this workspace left anything isolated.")
    return 0


def _kinds(directory: RunDirectory) -> list[tuple[str, dict[str, Any]]]:
    reading = read_journal(directory.journal.read_bytes())
    return [(record.kind, record.data) for record in reading.records]


def _may_be_isolated(directory: RunDirectory) -> bool:
    """Tell whether a run armed something and was not seen to restore it."""
    kinds = _kinds(directory)
    armed = {data["point"] for kind, data in kinds if kind == "arm.intent"}
    refused = {data["point"] for kind, data in kinds if kind == "arm.result" and data["outcome"] == "not done"}
    seen = {data["point"] for kind, data in kinds if kind == "restore.seen"}
    return bool(armed - refused - seen)


def _unfinished(directory: RunDirectory) -> str:
    kinds = [kind for kind, _ in _kinds(directory)]
    if "arm.intent" not in kinds:
        return "refused, nothing was touched"
    return f"no verdict, its journal ends with {kinds[-1]}"
