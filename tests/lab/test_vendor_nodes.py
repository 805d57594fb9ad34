"""The lab of examples/vendor-nodes with the firewall that needs nobody's image: all but the vendor's node is tried."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.drills import PROJECT
from tests.patience import LONG_PATIENCE_S

pytestmark = pytest.mark.lab

EXAMPLE = PROJECT / "examples" / "vendor-nodes"


def test_the_line_is_isolated_from_the_office_and_put_back(tmp_path: Path) -> None:
    folder = tmp_path / "examples" / EXAMPLE.name
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("runs", ".lab"))
    shutil.copytree(PROJECT / "lab" / "plant", tmp_path / "lab" / "plant")
    argv = [sys.executable, "-m", "islandmode", "run", "cut-off-nftables", "--mode", "rehearsal", "--json"]
    ended = subprocess.run(argv, cwd=folder, check=False, capture_output=True, text=True, timeout=LONG_PATIENCE_S)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["verdict"], told["restoration"]) == ("held", "proven")
