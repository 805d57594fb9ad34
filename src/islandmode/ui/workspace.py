"""Commands about a workspace: start one, check it, and print what editors need to check it while it is written."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import islandmode
from islandmode.core.errors import InputError
from islandmode.core.plan import Plan
from islandmode.core.site import Site
from islandmode.core.text import how_many
from islandmode.store import catalog
from islandmode.system.own_program import typed
from islandmode.ui.checking import LAB, check_workspace
from islandmode.ui.planning import plan_of, print_left_out

FOLDERS = ("drills", "inventory", "probes", "playbooks", "lab")
CHECKED_BESIDE = (catalog.INVENTORY, catalog.PROBES, LAB)
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
    print(f"{directory} is ready. Next: cd {shlex.quote(str(directory))}, then `{typed('validate')}`, then")
    print(f"`{typed('run', 'drills/quarterly-isolation.yaml', '--mode', 'rehearsal')}`.")
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


def validate_one(workspace: Path, path: str) -> int:
    """Check one drill with what it needs, or one file of the other folders: a site, a probe pack, a lab topology."""
    file = _beside_drills(workspace, path)
    if file is None:
        return validate_drill(workspace, path)
    checked = check_workspace(workspace)
    wrong = [error for error in checked.errors if error.place is not None and error.place.file == file]
    if wrong:
        raise catalog.all_of(wrong)
    print(_good_site(file, checked.sites[file]) if file in checked.sites else f"{file}: good.")
    return 0


def _beside_drills(workspace: Path, path: str) -> str | None:
    """Name a file of the folders beside drills/ from the workspace; None where a path leads to none."""
    root = workspace.resolve()
    for found in ((workspace / path).resolve(), Path(path).resolve()):
        if found.is_file() and found.parent in {root / folder for folder in CHECKED_BESIDE}:
            return str(found.relative_to(root))
    return None


def validate_drill(workspace: Path, drill: str) -> int:
    """Check one drill against its site and the probes; touches nothing."""
    loaded, plan = plan_of(workspace, drill)
    print_left_out(loaded.left_out)
    print(_good_drill(drill, plan))
    return 0


def _good_drill(drill: str, plan: Plan) -> str:
    return f"{drill}: good. {how_many(len(plan.stages), 'stage')}, {plan.hold_s:g} s of hold at {plan.drill.site}, drill digest {plan.drill_digest}"


def _good_site(file: str, site: Site) -> str:
    flows = sum(len(conduit.flows) for conduit in site.conduits.values())
    counts = {"zone": len(site.zones), "conduit": len(site.conduits), "flow": flows}
    told = ", ".join(
        how_many(number, what) for what, number in (*counts.items(), ("isolation point", len(site.isolation_points)))
    )
    return f"{file}: good. {told}."


def validate_workspace(workspace: Path) -> int:
    """Check every drill, site, probe pack and lab topology of a workspace; says everything that is wrong, not only the first."""
    checked = check_workspace(workspace)
    for file, plan in checked.plans.items():
        print(_good_drill(file, plan))
    drilled = {plan.drill.site for plan in checked.plans.values()}
    for file, site in checked.sites.items():
        if site.site not in drilled:
            print(_good_site(file, site))
    if not checked.errors:
        return 0
    raise catalog.all_of(checked.errors)


def print_schema(kind: str | None) -> int:
    """Print one JSON Schema, or all of them by kind."""
    schemas = catalog.schemas()
    if kind is not None and kind not in schemas:
        raise InputError(f"There is no schema {kind}; known schemas: {', '.join(schemas)}.")
    print(json.dumps(schemas if kind is None else schemas[kind], indent=2))
    return 0
