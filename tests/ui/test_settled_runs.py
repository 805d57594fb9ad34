"""What is remembered of finished runs saves reading them, and keeps no alarm back."""

from __future__ import annotations

import hmac
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from islandmode.operate.unfinished import known_runs
from islandmode.store import settled
from islandmode.store.active import record_run
from islandmode.store.rundir import SPEAKING
from islandmode.store.settled import Settled, marks_of
from tests.run import simulated_drill
from tests.system.hanging_disk import unanswered_mount
from tests.ui.test_runs_commands import ARMED, SEEN, VERDICT, add_journal, ask, chained, forget_locks, leave_run

RUN = "2026-01-a"
listening: list[list[str]] = []


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if listening and event == "open" and str(arguments[0]).endswith("conductor.jsonl"):
        listening[-1].append(str(arguments[0]))


sys.addaudithook(_hear)


@contextmanager
def reading() -> Iterator[list[str]]:
    """Hear which conductors' journals are opened."""
    listening.append([])
    try:
        yield listening[-1]
    finally:
        listening.clear()


@pytest.fixture
def ended(tmp_path: Path) -> Path:
    """Leave a run that was restored, and let a command read it."""
    root = leave_run(tmp_path, RUN, [*ARMED, SEEN], json.dumps(VERDICT))
    assert ask("runs", workspace=tmp_path) == 0
    return root


def memory_of(machine_state: Path) -> Path:
    (path,) = (machine_state / "settled").glob("*.json")
    return path


def document_in(path: Path) -> Any:
    """Read what stands below the signature."""
    return json.loads(path.read_bytes().partition(b"\n")[2])


@pytest.mark.parametrize("verb", ["runs", "abort", "status", "validate"])
def test_a_finished_run_is_read_once(verb: str, ended: Path) -> None:
    workspace = ended.parents[1]
    (workspace / "drills").symlink_to(Path(__file__).parents[2] / "drills")
    with reading() as found:
        for folder in ("inventory", "probes", "playbooks", "lab"):
            (workspace / folder).symlink_to(Path(__file__).parents[2] / folder)
        assert ask(verb, workspace=workspace) == 0
    assert found == []


def grow(root: Path) -> None:
    journal = root / "journals" / "conductor.jsonl"
    journal.write_bytes(journal.read_bytes() + b"{")


def replace_with_same_size_and_time(root: Path) -> None:
    journal = root / "journals" / "conductor.jsonl"
    before = journal.stat()
    journal.write_bytes(journal.read_bytes().replace(b"restore.seen", b"restore.seem"))
    os.utime(journal, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: list[tuple[str, Callable[[Path], object]]] = [
    ("another journal", lambda root: add_journal(root, chained(RUN, [("guardian.owes", {"point": "b", "conduits": []})]))),
    ("unproven", lambda root: (root / "verdict.json").write_text(json.dumps({**VERDICT, "restoration": "unproven"}))),
    ("same size, same time", replace_with_same_size_and_time),
    ("others may write it", lambda root: (root / "journals" / "conductor.jsonl").chmod(0o666)),
    ("another account's", lambda root: os.chown(root / "journals" / "conductor.jsonl", 65534, 65534)),
]  # fmt: skip


@pytest.mark.parametrize("change", [change for _, change in CHANGES], ids=[name for name, _ in CHANGES])
def test_a_run_whose_files_changed_is_read_again(
    change: Callable[[Path], object], ended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(ended)
    assert ask("status", workspace=ended.parents[1]) == 5
    assert RUN in capsys.readouterr().err


def test_a_run_that_goes_on_after_it_was_read_is_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = leave_run(tmp_path, RUN, ARMED[:1])
    assert ask("runs", workspace=tmp_path) == 0
    longer = leave_run(tmp_path / "other", RUN, ARMED)
    (root / "journals" / "conductor.jsonl").write_bytes((longer / "journals" / "conductor.jsonl").read_bytes())
    assert ask("status", workspace=tmp_path) == 5
    assert f"STRANDED: {RUN}" in capsys.readouterr().err


def change_document(**changed: Any) -> Callable[[Path], object]:
    """Change what stands there, and sign it as we would: it must be refused for what it says."""

    def change(path: Path) -> None:
        body = json.dumps({**document_in(path), **changed}).encode()
        key = (path.parent / "key").read_bytes()
        path.write_bytes(hmac.new(key, body, "sha256").hexdigest().encode() + b"\n" + body)

    return change


def edit_unsigned(path: Path) -> None:
    """Edit the index as somebody would who does not know of its key."""
    path.write_bytes(path.read_bytes().replace(b'"proven"', b'"proved"'))


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.chmod(0o666), id="others may write it"),
        pytest.param(lambda path: os.chown(path, 65534, 65534), id="another account wrote it"),
        pytest.param(lambda path: path.write_text("{"), id="no document"),
        pytest.param(lambda path: path.write_text("[" * 100_000), id="too deep"),
        pytest.param(lambda path: path.write_text("7"), id="a number"),
        pytest.param(change_document(runs=7), id="runs are a number"),
        pytest.param(change_document(v="0 of 0"), id="another version's"),
        pytest.param(change_document(workspace="/elsewhere"), id="of another workspace"),
        pytest.param(lambda path: path.unlink(), id="gone"),
        pytest.param(edit_unsigned, id="edited"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-9]), id="cut off"),
        pytest.param(lambda path: (path.parent / "key").unlink(), id="its key is gone"),
        pytest.param(lambda path: (path.parent / "key").write_bytes(b"k" * 32), id="signed with another key"),
        pytest.param(lambda path: (path.parent / "key").write_bytes(b""), id="signed with no key"),
    ],
)
def test_a_memory_that_is_not_ours_is_not_believed(
    spoil: Callable[[Path], object], ended: Path, machine_state: Path
) -> None:
    spoil(memory_of(machine_state))
    with reading() as found:
        assert ask("status", workspace=ended.parents[1]) == 0
    assert found != []


def test_a_run_that_the_machine_has_a_record_of_is_always_read(ended: Path) -> None:
    workspace = ended.parents[1]
    record = record_run(RUN, workspace, simulated_drill.make(), {})
    forget_locks()
    record.leave_unproven("It is not proven.")
    assert ask("status", workspace=workspace) == 5


def test_what_is_gone_is_forgotten(ended: Path, machine_state: Path) -> None:
    workspace = ended.parents[1]
    leave_run(workspace, "2026-02-b", [*ARMED, SEEN], json.dumps(VERDICT))
    ask("runs", workspace=workspace)
    assert sorted(document_in(memory_of(machine_state))["runs"]) == [RUN, "2026-02-b"]
    ended.rename(workspace / "kept elsewhere")
    ask("runs", workspace=workspace)
    assert sorted(document_in(memory_of(machine_state))["runs"]) == ["2026-02-b"]


def test_a_memory_on_a_disk_that_hangs_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "state"
    place.mkdir()
    monkeypatch.setenv("ISLANDMODE_STATE", str(place))
    monkeypatch.setattr(settled, "WITHIN_S", 0.2)
    with unanswered_mount(place):
        memory = Settled(tmp_path)
        assert not memory.holds(RUN, "marks")
        memory.learn(RUN, "marks")
        memory.keep()


def test_a_memory_is_kept_only_where_something_was_learned(ended: Path, machine_state: Path) -> None:
    path = memory_of(machine_state)
    before = path.stat().st_ino
    assert ask("runs", workspace=ended.parents[1]) == 0
    assert path.stat().st_ino == before
    assert not known_runs(ended.parents[1]).unfinished


def test_an_index_that_claims_all_settled_ends_no_alarm(
    ended: Path, machine_state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody lists a stranded run with the very marks of its files, and lists it as held."""
    workspace = ended.parents[1]
    stranded = leave_run(workspace, "2026-02-b", ARMED)
    path = memory_of(machine_state)
    marks = marks_of(stranded, SPEAKING, "journals")
    for signature in (path.read_bytes().partition(b"\n")[0], b"", b"0" * 64):
        claimed = document_in(path)
        claimed["runs"]["2026-02-b"] = [marks, "held", "proven"]
        path.write_bytes(signature + b"\n" + json.dumps(claimed).encode())
        assert ask("status", workspace=workspace) == 5
        assert "STRANDED: 2026-02-b" in capsys.readouterr().err
        ask("runs", workspace=workspace)
        told = capsys.readouterr()
        assert "no verdict, its journal ends with isolate.intent" in told.out
        assert "STRANDED: 2026-02-b" in told.err


def test_a_workspace_that_was_copied_is_read_anew(
    ended: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, copied = ended.parents[1], tmp_path / "copied"
    shutil.copytree(workspace / "runs", copied / "runs")
    journal = copied / "runs" / RUN / "journals" / "conductor.jsonl"
    journal.write_bytes(chained(RUN, ARMED).replace(b"restore-1", b"conductor"))
    assert ask("status", workspace=copied) == 5
    assert RUN in capsys.readouterr().err
    # Also in the very place of the workspace that was read.
    shutil.rmtree(workspace / "runs")
    shutil.copytree(copied / "runs", workspace / "runs")
    assert ask("status", workspace=workspace) == 5


def test_how_a_run_ended_is_told_from_the_index_and_anew_when_its_verdict_changes(
    ended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = ended.parents[1]
    ask("runs", workspace=workspace)
    first = capsys.readouterr().out
    ask("runs", workspace=workspace)
    assert capsys.readouterr().out == first
    (ended / "verdict.json").write_text(json.dumps({**VERDICT, "verdict": "breached"}))
    ask("runs", workspace=workspace)
    assert "breached" in capsys.readouterr().out
