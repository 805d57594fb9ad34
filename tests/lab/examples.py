"""The example workspaces in the lab: copied, with the programs that they use, to where runs may be written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.drills import PROJECT
from tests.patience import LONG_PATIENCE_S


def copied(name: str, root: Path) -> Path:
    """Copy an example; the plant's programs lie beside it as they do in the repository."""
    folder = root / "examples" / name
    shutil.copytree(PROJECT / "examples" / name, folder, ignore=shutil.ignore_patterns("runs", ".lab"))
    shutil.copytree(PROJECT / "lab" / "plant", root / "lab" / "plant")
    return folder


def ask(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Call the program in a workspace."""
    argv = [sys.executable, "-m", "islandmode", *words]
    return subprocess.run(argv, cwd=workspace, check=False, capture_output=True, text=True, timeout=LONG_PATIENCE_S)


@contextmanager
def up(name: str, root: Path) -> Iterator[Path]:
    """Copy an example, and have its lab up for the length of a block."""
    folder = copied(name, root)
    brought = ask(folder, "lab", "up")
    assert brought.returncode == 0, brought.stderr
    try:
        yield folder
    finally:
        ended = ask(folder, "lab", "down", "--force")
    assert ended.returncode == 0, ended.stderr
