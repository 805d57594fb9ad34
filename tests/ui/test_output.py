"""What a command says, to whom: to a reader that leaves, to a disk that is full, and to machines (`--json`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from islandmode.system.output import KeptOutput
from tests.more import first_of, one_in
from tests.patience import PATIENCE_S
from tests.system.hanging_disk import unanswered_mount
from tests.ui.test_runs_commands import ARMED, SEEN, VERDICT, leave_run

PROJECT = Path(__file__).resolve().parents[2]
PLANT = ("--workspace", str(PROJECT))
DRILL = "quarterly-isolation"


def argv(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "islandmode", *arguments]


def in_shell(redirect: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with a redirection of the shell's."""
    command = ["sh", "-c", f'exec "$@" {redirect}', "sh", *argv(*arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, timeout=PATIENCE_S)


def document(*arguments: str, cwd: Path) -> tuple[int, Any, str]:
    """Run a command for machines; what it says must be one document. Gives code, document and standard error."""
    ended = subprocess.run(
        argv(*arguments, "--json"), check=False, capture_output=True, text=True, cwd=cwd, timeout=PATIENCE_S
    )
    return ended.returncode, json.loads(ended.stdout), ended.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    one_in(
        3,
        [
            (("schema",), 0),
            (("plan", DRILL, *PLANT), 0),
            (("plan", DRILL, *PLANT, "--json"), 0),
            (("run", DRILL, "--mode", "tabletop", *PLANT), 6),
            (("validate", *PLANT), 0),
            (("runs",), 0),
            (("--help",), 0),
            (("runs", "--json"), 0),
        ],
    ),
    ids=lambda value: " ".join(value[:1]) if isinstance(value, tuple) else "",
)
def test_a_reader_that_leaves_changes_nothing(arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    """`islandmode runs | head -1`: no complaint, and the code of what was done."""
    leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN], json.dumps(VERDICT))
    with subprocess.Popen(argv(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait(PATIENCE_S) == code
    assert said == ""
    assert not (tmp_path / "runs" / "internal-error.txt").exists()


def test_a_reader_that_leaves_hides_no_alarm(tmp_path: Path) -> None:
    leave_run(tmp_path, "2026-01-a", ARMED)
    with subprocess.Popen(argv("status"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(PATIENCE_S) == 5


@pytest.mark.parametrize("redirect", first_of([">&- 2>&-", ">&-", "2>&-"]))
def test_output_that_was_closed_from_the_start_is_no_error(redirect: str, tmp_path: Path) -> None:
    ended = in_shell(redirect, "show", "nope", "--json", cwd=tmp_path)
    assert ended.returncode == 2
    assert ("errors" in ended.stdout) == (redirect == "2>&-")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments", [("schema",), ("runs",)], ids=["more than a buffer", "less than a buffer"])
def test_a_disk_that_takes_no_output_is_said(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ended = in_shell("> /dev/full", *arguments, cwd=tmp_path)
    assert ended.returncode == 7
    assert ended.stderr == "islandmode: what this command said could not all be written (No space left on device).\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    one_in(
        3,
        [
            (("validate", "nope"), 2, "There is no drill nope"),
            (("plan", "nope"), 2, "There is no drill nope"),
            (("run", "nope", "--mode", "rehearsal"), 2, "There is no drill nope"),
            (("run", DRILL, "--mode", "nope"), 2, "There is no mode nope"),
            (("run", DRILL, "--mode", "live"), 4, "A live run cannot begin:"),
            (("run", DRILL), 2, "Missing option '--mode'."),
            (("show", "nope"), 2, "nope is not a run of this workspace"),
            (("runs", "--nope"), 2, "No such option: --nope"),
            (("status", "extra"), 2, "unexpected extra argument"),
        ],
    ),
)
def test_an_error_is_a_document_too(arguments: tuple[str, ...], code: int, words: str, tmp_path: Path) -> None:
    ended, said, complaint = document(*arguments, *PLANT, cwd=tmp_path)
    assert (ended, said["exit_code"], said["told"]) == (code, code, [])
    assert words in said["errors"][0]
    assert words in complaint


def test_a_walk_through_for_machines_is_the_plan(tmp_path: Path) -> None:
    code, said, _ = document("run", DRILL, "--mode", "tabletop", *PLANT, cwd=tmp_path)
    assert code == 6
    assert [stage["name"] for stage in said["stages"]] == ["vendors", "corporate"]


def test_every_fault_of_a_workspace_is_a_line_for_machines(tmp_path: Path) -> None:
    for name in ("inventory", "probes"):
        (tmp_path / name).symlink_to(PROJECT / name)
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "one.yaml").write_text("drill: one\n", encoding="utf-8")
    code, said, complaint = document("validate", cwd=tmp_path)
    assert (code, said["exit_code"]) == (2, 2)
    assert any(line.startswith("drills/one.yaml:1:1: ") for line in said["errors"])
    assert all(line in complaint for line in said["errors"])


def test_a_good_workspace_says_so_to_machines(tmp_path: Path) -> None:
    code, said, complaint = document("validate", *PLANT, cwd=tmp_path)
    assert (code, said["exit_code"], said["errors"], complaint) == (0, 0, [], "")
    assert any(": good. 2 stages" in line for line in said["told"])


def test_runs_for_machines(tmp_path: Path) -> None:
    assert document("runs", cwd=tmp_path)[:2] == (0, {"runs": []})
    root = leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN], json.dumps(VERDICT))
    leave_run(tmp_path, "2026-02-b", ARMED[:1])
    code, said, _ = document("runs", cwd=tmp_path)
    assert code == 0
    assert [one["run"] for one in said["runs"]] == ["2026-02-b", "2026-01-a"]
    held = {"run": "2026-01-a", "verdict": "held", "restoration": "proven", "folder": str(root)}
    assert said["runs"][1] == held
    assert said["runs"][0]["restoration"] is None


def test_status_for_machines_names_what_may_be_isolated(tmp_path: Path) -> None:
    leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN], json.dumps(VERDICT))
    assert document("status", cwd=tmp_path)[:2][1]["runs"] == []
    leave_run(tmp_path, "2026-02-b", ARMED)
    code, said, complaint = document("status", cwd=tmp_path)
    assert (code, said["exit_code"]) == (5, 5)
    stranded = {"run": "2026-02-b", "workspace": str(tmp_path), "running": False, "process": None}
    assert said["runs"] == [{**stranded, "owed": ["conduit-firewall"]}]
    assert said["errors"][0].startswith("STRANDED: 2026-02-b")
    assert complaint.startswith("STRANDED: 2026-02-b")


@pytest.mark.parametrize("verb", first_of(["status", "runs", "show"]))
def test_a_disk_that_does_not_answer_is_a_document_too(verb: str, tmp_path: Path) -> None:
    root = leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN], json.dumps(VERDICT))
    with unanswered_mount(root / "journals"):
        code, said, complaint = document(verb, cwd=tmp_path)
    assert (code, said["exit_code"]) == (5, 5)
    assert "the disk did not answer within" in said["errors"][0]
    assert said["errors"][0] in complaint


def test_what_is_kept_is_what_this_process_and_its_children_say(capfd: pytest.CaptureFixture[str]) -> None:
    kept = KeptOutput()
    print("one")
    subprocess.run(["sh", "-c", "echo two; echo wrong >&2"], check=True)
    print("three")
    print("worse", file=sys.stderr)
    kept.let_go()
    print("after")
    assert (kept.told, kept.errors) == (["one", "two", "three"], ["wrong", "worse"])
    said = capfd.readouterr()
    assert (said.out, said.err) == ("after\n", "")


def test_a_line_is_seen_when_it_was_said_also_where_python_is_told_to_buffer_nothing() -> None:
    said = (
        "import os; from islandmode.system.output import outlast_readers; outlast_readers(); print('said'); os._exit(0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", said],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert ended.stdout == "said\n"
