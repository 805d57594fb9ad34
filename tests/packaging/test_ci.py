"""`.ci/run` with a fake make: what it calls, in which order, and what its last lines say."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.packaging.installed import PROJECT
from tests.patience import PATIENCE_S

CLOSING = "===== 7 passed, 1 failed in 3.21s ====="
# Made beside the tests, so it is called at any time after set-up.
MEANWHILE = "make containerlab-programs"
ALWAYS = ["make setup", "make test", "make drill", "make drill"]
WHERE_IT_FITS = ["make containerlab", "make seeds", "make more-without-lab", "make more-with-lab"]
EVERYTHING = [*ALWAYS, *WHERE_IT_FITS]
TOOK = "tests_s=$((SECONDS - began_s))"
MAKE = f"""#!/bin/sh
echo "make $*" >>"$LOG"
if [ "$1" = test ]; then echo '{CLOSING}'; fi
[ "$*" != "$FAILING" ]
"""


def ci(folder: Path, failing: str = "nothing", tests_s: int = 0) -> tuple[int, list[str], list[str]]:
    """Run a copy of .ci/run, to which `make test` seems to have taken so long; give its exit code, what it called, and its last lines."""
    (folder / ".ci").mkdir()
    script = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.count(TOOK) == 1
    copied = folder / ".ci" / "run"
    copied.write_text(script.replace(TOOK, f"tests_s={tests_s}"), encoding="utf-8")
    copied.chmod(0o755)
    (folder / "bin").mkdir()
    make = folder / "bin" / "make"
    make.write_text(MAKE, encoding="utf-8")
    make.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "LOG": str(folder / "log")}
    ended = subprocess.run(
        [str(copied)],
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
    parts = [
        "set-up",
        "tests",
        "first drill",
        "second drill",
        "containerlab",
        "seeds",
        "more without a lab",
        "more in the lab",
    ]
    assert [line.split(maxsplit=1)[1] for line in last[:8]] == parts
    assert not any("not played" in line for line in last)
    assert last[-1] == CLOSING


@pytest.mark.parametrize("target", ["test", "seeds", "more-with-lab", "drill", "containerlab"])
def test_a_part_that_fails_fails_the_whole_and_the_rest_still_runs(tmp_path: Path, target: str) -> None:
    code, called, last = ci(tmp_path, failing=target)
    called.remove(MEANWHILE)
    assert (code, called) == (1, EVERYTHING)
    assert any(line.startswith("failed: ") for line in last)
    assert last[-1] == CLOSING


def test_a_part_that_was_not_made_meanwhile_says_why_and_is_tried_again(tmp_path: Path) -> None:
    code, called, _ = ci(tmp_path, failing="containerlab-programs")
    assert code == 0
    assert called[-len(WHERE_IT_FITS) :] == WHERE_IT_FITS


def test_nothing_is_tried_after_a_set_up_that_failed(tmp_path: Path) -> None:
    code, called, last = ci(tmp_path, failing="setup")
    assert (code, called) == (1, ["make setup"])
    assert "failed: set-up (exit 1)" in last


@pytest.mark.parametrize(
    ("tests_s", "left_out"), [(1500, []), (2500, [3]), (4700, [2, 3]), (5500, [0, 2, 3]), (9000, [0, 1, 2, 3])]
)
def test_a_part_for_which_a_slow_machine_has_no_time_is_named_as_not_played(
    tmp_path: Path, tests_s: int, left_out: list[int]
) -> None:
    code, called, last = ci(tmp_path, tests_s=tests_s)
    called.remove(MEANWHILE)
    played = [part for number, part in enumerate(WHERE_IT_FITS) if number not in left_out]
    assert (code, called) == (0, [*ALWAYS, *played])
    unplayed = [line for line in last if line.startswith("not played, for want of time (last results: docs/full.md): ")]
    assert len(unplayed) == len(left_out)
