"""The lab that a site names comes up by itself, and is found by its name also where it came up from another file by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.ui.workspace import start_workspace
from tests.patience import LONG_PATIENCE_S

pytestmark = pytest.mark.lab


def ask(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "islandmode", *words]
    return subprocess.run(argv, cwd=workspace, check=False, capture_output=True, text=True, timeout=LONG_PATIENCE_S)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "plant"
    assert start_workspace(folder) == 0
    site = folder / "inventory" / "riverside.yaml"
    text = site.read_text(encoding="utf-8")
    own = text.replace(
        "topology: lab/plant.clab.yml\n  name: plant\n", "topology: lab/filling.clab.yml\n  name: filling\n"
    )
    assert own != text
    site.write_text(own, encoding="utf-8")
    (folder / "lab" / "plant.clab.yml").rename(folder / "lab" / "filling.clab.yml")
    yield folder
    ask(folder, "lab", "down", "--force", "--lab", "filling")


def test_the_lab_of_the_site_comes_up_and_is_found_when_its_file_was_given_by_hand(workspace: Path) -> None:
    up = ask(workspace, "lab", "up")
    assert (up.returncode, up.stderr) == (0, "")
    assert up.stdout.startswith("Lab filling is up from lab/filling.clab.yml. Look around with `")
    assert ask(workspace, "lab", "shell", "fw", "--", "true").returncode == 0
    down = ask(workspace, "lab", "down")
    assert (down.returncode, down.stdout) == (0, "Lab filling is down.\n")

    by_hand = Path("lab") / "by-hand.clab.yml"
    (workspace / by_hand).write_bytes((workspace / "lab" / "filling.clab.yml").read_bytes())
    up = ask(workspace, "lab", "up", "--topology", str(by_hand))
    assert up.stdout.startswith("Lab filling is up from lab/by-hand.clab.yml.")
    assert ask(workspace, "lab", "status").stdout.startswith("Lab filling is up in namespaces.")
    drill = ("run", "quarterly-isolation", "--mode", "rehearsal")
    other = ask(workspace, *drill, "--topology", "lab/filling.clab.yml")
    assert other.returncode == 2
    assert "Lab filling is up from" in other.stderr
    assert "by-hand.clab.yml, not from lab/filling.clab.yml; end it with `" in other.stderr
