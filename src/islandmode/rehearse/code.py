"""Our own code for the lab's containers: the very files that run here, copied beside the lab and bound into every node."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import islandmode
import napalm_nftables

CODE = "code"
PACKAGES = (islandmode, napalm_nftables)
NOT_CODE = shutil.ignore_patterns("__pycache__", "template")


def copy_code(folder: Path) -> str:
    """Copy our packages into a folder, and return their digest."""
    for package in PACKAGES:
        source = Path(str(package.__file__)).parent
        shutil.copytree(source, folder / source.name, ignore=NOT_CODE)
    return code_digest()


def code_digest() -> str:
    """Give one digest over every file of our code."""
    found = hashlib.sha256()
    for package in PACKAGES:
        root = Path(str(package.__file__)).parent
        for path in sorted(root.rglob("*.py")):
            if "template" not in path.relative_to(root).parts:
                found.update(f"{root.name}/{path.relative_to(root)}\0".encode())
                found.update(path.read_bytes())
    return found.hexdigest()
