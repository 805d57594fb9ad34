"""`.ci/run` with a fake make: what it calls, in which order, and what its last lines say."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.installed import PROJECT
from tests.patience import PATIENCE_S

CLOSING = "===== 7 passed, 1 failed in 3.21s ====="
# Made beside the tests, so it is called at any time after set-up.
MEANWHILE = "make containerlab-programs"
EVERYTHING = ["make setup", "make test", "make more", "make drill", "make drill", "make containerlab"]
MAKE = f"""#!/bin/sh
echo "make $*" >>"$LOG"
if [ "$1" = test ]; then echo '{CLOSING}'; fi
[ "$*" != "$FAILING" ]
"""


def ci(folder: Path, failing: str = "nothing") -> tuple[int, list[str], list[str]]:
    """Run a copy of .ci/run; give its exit code, what it called, and its last lines."""
    (folder / ".ci").mkdir()
    shutil.copy(PROJECT / ".ci" / "run", folder / ".ci" / "run")
    (folder / "bin").mkdir()
    make = folder / "bin" / "make"
    make.write_text(MAKE, encoding="utf-8")
    make.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "LOG": str(folder / "log")}
    ended = subprocess.run(
        [str(folder / ".ci" / "run")],
        check=False,
        capture_output=True,
        text=True,
        env={**environment, "FAILING": failing, "CI": "true"},
        timeout=PATIENCE_S,
    )
    called = (folder / "log").read_text(encoding="utf-8").splitlines()
    return ended.returncode, called, ended.stdout.split("== seconds per part\n")[1].splitlines()


def test_everything_is_called_once_and_the_drill_twice(tmp_path: Path) -> None:
    code, called, last = ci(tmp_path)
    assert called.index(MEANWHILE) > called.index("make setup")
    called.remove(MEANWHILE)
    assert (code, called) == (0, EVERYTHING)
    parts = ["set-up", "tests", "more", "first drill", "second drill", "containerlab"]
    assert [line.split(maxsplit=1)[1] for line in last[:6]] == parts
    assert last[-1] == CLOSING


@pytest.mark.parametrize("target", ["test", "more", "drill", "containerlab"])
def test_a_part_that_fails_fails_the_whole_and_the_rest_still_runs(tmp_path: Path, target: str) -> None:
    code, called, last = ci(tmp_path, failing=target)
    called.remove(MEANWHILE)
    assert (code, called) == (1, EVERYTHING)
    assert any(line.startswith("failed: ") for line in last)
    assert last[-1] == CLOSING


def test_a_part_that_was_not_made_meanwhile_says_why_and_is_tried_again(tmp_path: Path) -> None:
    code, called, _ = ci(tmp_path, failing="containerlab-programs")
    assert code == 0
    assert called[-1] == "make containerlab"


def test_nothing_is_tried_after_a_set_up_that_failed(tmp_path: Path) -> None:
    code, called, last = ci(tmp_path, failing="setup")
    assert (code, called) == (1, ["make setup"])
    assert "failed: set-up (exit 1)" in last
