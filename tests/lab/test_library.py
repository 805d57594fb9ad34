"""The library entry, as its page shows it: a drill in the lab, run by the page's own lines."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import make_workspace
from tests.patience import LONG_PATIENCE_S

pytestmark = pytest.mark.lab

PAGE = Path(__file__).resolve().parents[2] / "docs" / "library.md"


@pytest.mark.more
def test_the_page_s_program_runs_a_drill_and_is_still_there_afterwards(lab: Lab, tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "my-plant", lab.state_dir)
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    program = program.replace("Mode.REHEARSAL)", f"Mode.REHEARSAL, lab={lab.name!r})")
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG_PATIENCE_S,
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[0].endswith(" ['vendors', 'corporate']")
    assert "0 held []" in lines
    (run,) = [one for one in (workspace / "runs").iterdir() if not one.name.startswith(".")]
    assert lines[-1] == f"{run.name} ended ()"
    assert (run / "request.json").is_file()
    assert list((workspace / "runs").glob(".request-*")) == []
