"""Commands about a workspace: start one, and print what editors need to check it while it is written."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import islandmode
from islandmode.core.errors import InputError
from islandmode.rehearse.lab_file import lab_schema
from islandmode.store import catalog
from islandmode.system.own_program import typed

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


def print_schema(kind: str | None) -> int:
    """Print one JSON Schema, or all of them by kind."""
    schemas = catalog.schemas() | {"topology": lab_schema()}
    if kind is not None and kind not in schemas:
        raise InputError(f"There is no schema {kind}; known schemas: {', '.join(schemas)}.")
    print(json.dumps(schemas if kind is None else schemas[kind], indent=2))
    return 0
