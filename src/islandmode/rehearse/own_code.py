"""Islandmode's code for the lab's containers: the very files that run here, copied beside the lab and bound into every node."""

from __future__ import annotations

import hashlib
import shutil
from importlib.util import find_spec
from pathlib import Path

from islandmode.core.errors import InputError

CODE = "code"
PACKAGES = ("islandmode", "napalm_nftables")
NOT_CODE = {"__pycache__", "template"}
ENDINGS = {".py", ".html", ".css", ".svg", ".sh"}


def copy_code(folder: Path) -> str:
    """Copy Islandmode's packages into a folder, and return their digest."""
    for root in _roots():
        shutil.copytree(root, folder / root.name, ignore=shutil.ignore_patterns(*NOT_CODE))
    return code_digest()


def code_digest() -> str:
    """Return one digest over every file of Islandmode's code, and of its page templates."""
    found = hashlib.sha256()
    for root in _roots():
        for path in sorted(root.rglob("*.*")):
            if path.suffix in ENDINGS and not NOT_CODE & set(path.relative_to(root).parts):
                found.update(f"{root.name}/{path.relative_to(root)}\0".encode())
                found.update(path.read_bytes())
    return found.hexdigest()


def _roots() -> tuple[Path, ...]:
    """Find the packages' folders without importing them: the driver brings all of NAPALM, most of a second."""
    found = []
    for name in PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise InputError(f"This installation lacks the package {name}; install islandmode again.")
        found.append(Path(spec.origin).parent)
    return tuple(found)
