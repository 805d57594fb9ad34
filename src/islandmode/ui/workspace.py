"""Commands about a workspace: start one, check it, and print what editors need to check it while it is written."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path

import islandmode
from islandmode.core.errors import InputError
from islandmode.core.text import how_many
from islandmode.run.outermost import sentence_of
from islandmode.store import catalog
from islandmode.ui.planning import plan_of, print_left_out

FOLDERS = ("drills", "inventory", "probes", "playbooks", "lab")
NOT_OPERATORS = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
KEPT_OUT = "runs/\n.lab/\nlab/.*.clab.yml\nlab/third-party/.built/\n"


def start_workspace(directory: Path) -> int:
    """Copy the operators' folders into a new directory."""
    template = _template()
    try:
        if directory.exists() and any(directory.iterdir()):
            raise InputError(f"{directory} is not empty; name a new folder, so that nothing of yours is overwritten.")
        directory.mkdir(parents=True, exist_ok=True)
        for name in FOLDERS:
            shutil.copytree(template / name, directory / name, ignore=NOT_OPERATORS)
        (directory / ".gitignore").write_text(KEPT_OUT, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{directory} cannot be made ({error.strerror}); name a folder that you may write.") from error
    print(f"{directory} is ready. Next: cd {shlex.quote(str(directory))}, then `islandmode validate`, then")
    print("`islandmode run drills/quarterly-isolation.yaml --mode rehearsal`.")
    return 0


def _template() -> Path:
    """Find the operators' folders: inside the installed package, or beside the source tree of a developer."""
    package = Path(islandmode.__file__).resolve().parent
    inside = package / "template"
    template = inside if inside.is_dir() else package.parents[1]
    missing = [name for name in FOLDERS if not (template / name).is_dir()]
    if missing:
        raise InputError(f"This installation lacks its template ({', '.join(missing)}); install islandmode again.")
    return template


def validate_drill(workspace: Path, drill: str) -> int:
    """Check one drill against its site and the probes; touches nothing."""
    loaded, plan = plan_of(workspace, drill)
    print_left_out(loaded.left_out)
    print(
        f"{drill}: good. {how_many(len(plan.stages), 'stage')}, {plan.hold_s:g} s of hold at {loaded.site.site}, drill digest {plan.drill_digest}"
    )
    return 0


def validate_workspace(workspace: Path) -> int:
    """Check every drill, site and probe pack of a workspace; says everything that is wrong, not only the first."""
    drills = [path.relative_to(workspace) for path in catalog.files(workspace, catalog.DRILLS)]
    if not drills:
        raise InputError(
            f"There is no drill in {workspace / catalog.DRILLS}; start a workspace with `islandmode init`."
        )
    # Sites and probes that no drill uses yet are checked too, so a typing error does not wait for the night of a drill.
    catalog.load_sites(workspace)
    for note in catalog.probe_advice(*catalog.load_probes(workspace)):
        print(f"note: {note}")
    wrong: InputError | None = None
    for drill in drills:
        try:
            validate_drill(workspace, str(drill))
        except InputError as error:
            print(f"islandmode: {sentence_of(error)}", file=sys.stderr)
            wrong = error
    return 0 if wrong is None else wrong.exit_code


def print_schema(kind: str | None) -> int:
    """Print one JSON Schema, or all of them by kind."""
    schemas = catalog.schemas()
    if kind is not None and kind not in schemas:
        raise InputError(f"There is no schema {kind}; known schemas: {', '.join(schemas)}.")
    print(json.dumps(schemas if kind is None else schemas[kind], indent=2))
    return 0
