"""The main job, from the installed wheel in a workspace made by `init`: nothing of it may depend on the clone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.packaging.installed import Installed

pytestmark = pytest.mark.lab


def test_the_drill_is_held_from_the_wheel(installed: Installed, tmp_path: Path) -> None:
    assert installed.run("islandmode", "init", "plant", cwd=tmp_path).returncode == 0
    workspace = tmp_path / "plant"
    drill = workspace / "drills" / "quarterly-isolation.yaml"
    text = drill.read_text(encoding="utf-8")
    drill.write_text(text.replace("hold: 8 s", "hold: 2 s").replace("hold: 12 s", "hold: 3 s"), encoding="utf-8")

    words = ("run", "quarterly-isolation", "--mode", "rehearsal", "--json")
    ended = installed.run("islandmode", *words, cwd=workspace, patience_s=120)

    assert ended.returncode == 0, ended.stderr
    verdict = json.loads(ended.stdout)
    assert (verdict["verdict"], verdict["restoration"], verdict["lab"]) == ("held", "proven", True)
    report = workspace / "runs" / verdict["run"] / "report.html"
    assert report.stat().st_size > 10_000
    status = installed.run("islandmode", "status", cwd=workspace)
    assert (status.returncode, status.stderr) == (0, "")
    assert status.stdout.startswith("Lab plant is not running.")
