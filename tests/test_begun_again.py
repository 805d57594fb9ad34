"""Only a drill that refused because something came late is begun again, at most twice, and each of them is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from islandmode.core.errors import RefusedFor
from tests import begun_again
from tests.begun_again import BUSY
from tests.lab.drills import Drill, Ended, end, wait_for
from tests.more import first_of
from tests.patience import LONG_PATIENCE_S

REFUSES = """
import itertools, json, sys
from pathlib import Path
late, code, records = json.loads(sys.argv[1])
run = next(run for run in map("runs/{}".format, itertools.count(1)) if not Path(run).exists())
(Path(run) / "journals").mkdir(parents=True)
begins = int(Path(run).name) > late
kept = [{"kind": "hold.started", "data": {}}] if begins else records
(Path(run) / "journals" / "conductor.jsonl").write_text("".join(json.dumps(one) + chr(10) for one in kept))
sys.exit(0 if begins else code)
"""


def record(kind: str, **data: Any) -> dict[str, Any]:
    return {"kind": kind, "data": data}


def refused(code: str) -> dict[str, Any]:
    return record("run.refused", why="for a reason", by="", code=code)


LATE = {code: [record("baseline.started"), refused(code)] for code in BUSY}
WRONG = {code: [refused(code)] for code in get_args(RefusedFor) if code not in BUSY} | {
    "an earlier version said nothing of it": [record("run.refused", why="for a reason", by="")],
    "it was not refused": [record("vantage.looked", codes=["baseline-silent"])],
}
SILENT = LATE["late"]


def started(folder: Path, late: int, records: list[dict[str, Any]], code: int = 4, **options: Any) -> Drill:
    argv = [sys.executable, "-c", REFUSES, json.dumps([late, code, records])]
    return Drill(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **options)


def ended(folder: Path, *given: Any, **options: Any) -> tuple[Ended, list[str]]:
    found = end(started(folder, *given, **options), folder)
    return found, begun_again.taken()


@pytest.mark.parametrize("records", LATE.values(), ids=LATE)
def test_what_came_late_is_begun_again(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    found, again = ended(tmp_path, 2, records)
    assert (found.code, found.kinds()) == (0, ["hold.started"])
    assert [line.split(":")[0] for line in again] == ["1", "2"]
    assert begun_again.told(again)[0] == "2 drills were begun again because the machine was busy."


@pytest.mark.parametrize("records", WRONG.values(), ids=WRONG)
def test_whatever_else_is_wrong_stays_wrong(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    found, again = ended(tmp_path, 1, records)
    assert (found.code, again) == (4, [])


def test_it_is_not_begun_a_fourth_time(tmp_path: Path) -> None:
    found, again = ended(tmp_path, 9, SILENT)
    assert (found.code, len(again)) == (4, begun_again.AT_MOST)
    assert len(list((tmp_path / "runs").iterdir())) == 1 + begun_again.AT_MOST


def test_a_drill_that_did_not_refuse_or_is_to_be_refused_is_not_begun_again(tmp_path: Path) -> None:
    for number, (code, options) in enumerate({3: {}, 4: {"again": 0}}.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        found, again = ended(folder, 1, SILENT, code, **options)
        assert (found.code, again) == (code, [])


def test_who_waits_in_the_middle_of_a_drill_waits_for_the_one_that_begins(tmp_path: Path) -> None:
    drill = started(tmp_path, 1, SILENT)
    assert wait_for(drill, tmp_path, "hold.started") == record("hold.started")
    assert end(drill, tmp_path).code == 0
    assert len(begun_again.taken()) == 1


TEST = """
from tests import begun_again

def test_one() -> None:
    begun_again.NOTED.append("run-1: baseline-silent")
"""


@pytest.mark.parametrize("workers", first_of(["1", "0"]), ids=["in a worker", "here"])
def test_the_end_of_a_test_run_tells_them(tmp_path: Path, workers: str) -> None:
    (tmp_path / "conftest.py").write_text(Path(__file__).with_name("conftest.py").read_text("utf-8"), encoding="utf-8")
    (tmp_path / "test_one.py").write_text(TEST, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {Path(__file__).parents[1]}\n", encoding="utf-8")
    argv = [sys.executable, "-m", "pytest", "--import-mode=importlib", "--numprocesses", workers]
    told = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=LONG_PATIENCE_S)
    assert told.returncode == 0, told.stdout
    assert "= drills begun again =" in told.stdout
    assert "\n1 drill was begun again because the machine was busy.\nrun-1: baseline-silent\n" in told.stdout
