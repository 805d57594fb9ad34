"""What an insider can do to ledger and folders is found: by `islandmode ledger`, and by an outsider with a shell and sha256sum."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import anyio
import pytest

from islandmode.core.entered import LedgerEntered
from islandmode.core.errors import InputError, Refused
from islandmode.core.ledger import BEGUN, ENDED, Checkpoint, checkpoint_of, next_line, read_checkpoint, with_line
from islandmode.core.record import Record
from islandmode.operate.entering import enter_begun, enter_ended
from islandmode.operate.ledger import checkpoint_told, earlier_told, look_at_ledger, refused_by_ledger
from islandmode.operate.plan import plan_of
from islandmode.operate.watch import Unwatched
from islandmode.store import rundir
from islandmode.store.journal import Journal
from islandmode.store.ledger import enter, ledger_of, path_of
from islandmode.store.run_request import RunRequest
from islandmode.store.rundir import RunDirectory
from islandmode.system.claim import FileClaim
from islandmode.system.clock import MachineClock
from islandmode.system.disk import MachineDisk
from islandmode.ui.program import command

PROJECT = Path(__file__).parents[2]
NOW = "2026-11-28T02:54:1{}.000000Z"
RUNS = ("first", "second", "third")
Insider = Callable[[Path], None]


def run_of(workspace: Path, number: int, result: str | None = "held") -> None:
    """Leave a run as it is left: entered, with a folder under check sums, and its end entered too."""
    name = RUNS[number]
    begun = enter(
        workspace, BEGUN, NOW.format(2 * number), {"run": name, "mode": "rehearsal", "site": "s", "drill": "d"}
    )
    assert begun.checkpoint is not None
    folder = RunDirectory(workspace / rundir.RUNS / name)
    (folder.root / "journals").mkdir(parents=True)
    folder.journal.write_bytes(b"")
    folder.write_text(rundir.VERDICT, f'{{"verdict": "{result}"}}\n')
    sums = folder.seal()
    if result is not None:
        digest = subprocess.run(["sha256sum", sums], check=True, capture_output=True, text=True).stdout[:64]
        said = {"run": name, "begun": begun.checkpoint.size, "result": result, "restoration": "proven", "sums": digest}
        enter(workspace, ENDED, NOW.format(2 * number + 1), said)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for number, result in enumerate(("held", "breached", "held")):
        run_of(tmp_path, number, result)
    return tmp_path


def outsider(workspace: Path, at: Checkpoint | None = None) -> tuple[int, str]:
    """Play the script of docs/ledger.md, as it stands there."""
    page = (PROJECT / "docs" / "ledger.md").read_text(encoding="utf-8")
    found = re.search(r"```sh\n(#!/bin/sh\n.*?)```", page, re.DOTALL)
    assert found is not None
    words = () if at is None else (str(at.size), at.sha256)
    ended = subprocess.run(
        ["sh", "-c", found[1], "check-ledger", workspace / rundir.RUNS, *words],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    )
    return ended.returncode, ended.stdout + ended.stderr


def delete(workspace: Path) -> None:
    shutil.rmtree(workspace / rundir.RUNS / "second")


def change_verdict(workspace: Path) -> None:
    folder = RunDirectory(workspace / rundir.RUNS / "second")
    folder.write_text(rundir.VERDICT, '{"verdict": "held"}\n')
    folder.seal()


def change_verdict_alone(workspace: Path) -> None:
    RunDirectory(workspace / rundir.RUNS / "second").write_text(rundir.VERDICT, '{"verdict": "held"}\n')


def take_a_file(workspace: Path) -> None:
    RunDirectory(workspace / rundir.RUNS / "second").journal.unlink()


def change_line(workspace: Path) -> None:
    path = path_of(workspace)
    path.write_bytes(path.read_bytes().replace(b"breached", b"held"))


def take_out(workspace: Path) -> None:
    delete(workspace)
    lines = path_of(workspace).read_bytes().splitlines(keepends=True)
    path_of(workspace).write_bytes(b"".join(line for line in lines if b'"second"' not in line))


def lose_end(workspace: Path) -> None:
    """Kill a run before its end is entered, and never speak of it."""
    shutil.rmtree(workspace / rundir.RUNS / "third")
    lines = path_of(workspace).read_bytes().splitlines(keepends=True)
    path_of(workspace).write_bytes(b"".join(lines[:-1]))


def set_clock_back(workspace: Path) -> None:
    enter(workspace, BEGUN, "2026-01-01T00:00:00.000000Z", {"run": "first", "mode": "rehearsal"})


def cut(workspace: Path) -> None:
    """Take back the last run with its lines: only a checkpoint tells."""
    shutil.rmtree(workspace / rundir.RUNS / "third")
    lines = path_of(workspace).read_bytes().splitlines(keepends=True)
    path_of(workspace).write_bytes(b"".join(lines[:-2]))


def write_anew(workspace: Path) -> None:
    """Write the whole ledger again without the run that breached, chained as it should be."""
    delete(workspace)
    old, made = ledger_of(workspace), ledger_of(workspace.parent / "none")
    for line in old.lines:
        said = {key: value for key, value in line.data.items() if key not in {"line", "kind", "utc", "prev"}}
        if said.get("run") == "third" and line.kind == ENDED:
            said["begun"] = 4
        if said.get("run") != "second":
            made = with_line(made, next_line(made, line.kind, line.utc, said))
    path_of(workspace).write_bytes(b"".join(made.kept))


def open_another(workspace: Path) -> None:
    """Throw the ledger away; the next run opens another."""
    path_of(workspace).unlink()
    for name in RUNS:
        shutil.rmtree(workspace / rundir.RUNS / name)
    run_of(workspace, 0)


NOT_AS_IT_ENDED = "second was about to arm (line 4), and its SHA256SUMS, or a file that stands there, is not what it was when the run ended."
ALONE: dict[str, tuple[Insider, str]] = {
    "a folder is deleted": (delete, "second was about to arm (line 4), and its folder is gone."),
    "a verdict is changed, and its sums": (change_verdict, NOT_AS_IT_ENDED),
    "a verdict is changed": (change_verdict_alone, NOT_AS_IT_ENDED),
    "a file is taken": (take_a_file, NOT_AS_IT_ENDED),
    "a line is changed": (change_line, "line 6 does not follow from the line before it: one of the two was changed"),
    "a run is taken out": (take_out, "line 4 has number 6: a line was taken out, put in or moved"),
    "a run ends without a word": (lose_end, "third was about to arm (line 6), and its folder is gone."),
    "the clock is set back": (
        set_clock_back,
        "Line 8 says an earlier time than a line before it: a clock was set back.",
    ),
}
"""What shows in the workspace alone, with a sentence about it."""
WITH_CHECKPOINT: dict[str, tuple[Insider, str]] = {
    "the last run is cut off": (cut, "It has 5 lines that can be believed, and had 7 when the checkpoint was made."),
    "it is written anew": (write_anew, "It has 5 lines that can be believed, and had 7 when the checkpoint was made."),
    "another is opened": (open_another, "The checkpoint is of ledger "),
}
"""What shows only to a person who has a checkpoint."""


def wrong(workspace: Path, known: str | None = None) -> tuple[str, ...]:
    return look_at_ledger(workspace, Unwatched(), known).wrong


def test_of_a_ledger_as_it_should_be_nothing_is_said(workspace: Path) -> None:
    at = checkpoint_of(ledger_of(workspace))
    assert at is not None
    assert wrong(workspace) == wrong(workspace, at.told()) == ()
    assert outsider(workspace) == outsider(workspace, at) == (0, "")


@pytest.mark.parametrize("what", ALONE)
def test_what_an_insider_does_is_found(workspace: Path, what: str) -> None:
    act, sentence = ALONE[what]
    act(workspace)
    assert any(sentence in told for told in wrong(workspace))
    code, told = outsider(workspace)
    assert code == 1
    assert told


@pytest.mark.parametrize("what", WITH_CHECKPOINT)
def test_what_is_done_to_the_end_of_the_ledger_is_found_by_a_checkpoint(workspace: Path, what: str) -> None:
    act, sentence = WITH_CHECKPOINT[what]
    at = checkpoint_of(ledger_of(workspace))
    assert at is not None
    act(workspace)
    assert wrong(workspace) == ()
    assert any(sentence in told for told in wrong(workspace, at.told()))
    (workspace / "mail").write_text(f"Dear auditor,\n{at.note()}", encoding="utf-8")
    assert any(sentence in told for told in wrong(workspace, str(workspace / "mail")))
    assert outsider(workspace)[0] == 0
    assert outsider(workspace, at) == (1, "the first 7 lines are not those of the checkpoint\n")


def test_a_later_ledger_is_that_of_an_earlier_checkpoint(workspace: Path) -> None:
    at = checkpoint_of(ledger_of(workspace), 4)
    assert at is not None
    assert wrong(workspace, at.told()) == ()
    assert outsider(workspace, at) == (0, "")


def test_what_is_no_checkpoint_is_refused(workspace: Path) -> None:
    with pytest.raises(InputError, match="is no checkpoint and no file with one"):
        wrong(workspace, "yesterday's")


async def journal_of(folder: RunDirectory, entered: LedgerEntered) -> None:
    """Leave a journal as a run does that was entered in a ledger."""
    folder.journal.unlink()
    names = {"site": "s", "run": folder.run, "writer": rundir.CONDUCTOR}
    journal = await Journal.create(MachineDisk(), folder.journal, clock=MachineClock.of_this_boot(), **names)
    await journal.append(entered)
    await journal.close()


def test_a_run_that_another_ledger_had_is_named(workspace: Path) -> None:
    at = checkpoint_of(ledger_of(workspace), 4)
    assert at is not None
    folder = RunDirectory(workspace / rundir.RUNS / "second")
    anyio.run(journal_of, folder, LedgerEntered(attempt=2, earlier="", **asdict(at)))
    path_of(workspace).rename(path_of(workspace).with_name("ledger-before.jsonl"))
    # Runs of a version without a ledger say nothing of any.
    assert wrong(workspace) == (
        f"second is line 4 of ledger {at.ledger} by its own journal, and this ledger does not have it.",
    )


def test_the_command_lists_every_attempt_and_ends_with_4_for_what_does_not_fit(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--workspace", str(workspace))
    assert command(["ledger", *where]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in RUNS)
    assert "every run has its end, and its folder as it was then" in told
    assert checkpoint_told(workspace) in told
    delete(workspace)
    assert command(["ledger", *where]) == 4
    told, errors = capsys.readouterr()
    assert "every run has its end" not in told
    assert "islandmode: second was about to arm (line 4), and its folder is gone." in errors
    assert command(["ledger", "--json", *where]) == 4
    document = json.loads(capsys.readouterr().out)
    assert [(attempt["run"], attempt["result"], attempt["folder"]) for attempt in document["attempts"]] == [
        ("first", "held", "there"),
        ("second", "breached", "gone"),
        ("third", "held", "there"),
    ]
    assert document["wrong"] == ["second was about to arm (line 4), and its folder is gone."]
    assert document["checkpoint"]["size"] == 7
    assert read_checkpoint(document["checkpoint"]["note"]) == checkpoint_of(ledger_of(workspace))


def test_a_workspace_without_a_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["ledger", "--workspace", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "No run was entered in the ledger yet.\n"
    assert checkpoint_told(tmp_path) == "ledger without a line: no run was entered yet"


@pytest.fixture
def request_here(tmp_path: Path) -> RunRequest:
    return RunRequest("run-1", tmp_path, "quarterly-isolation", "rehearsal", "maria", {})


def test_a_run_is_entered_before_it_arms_and_when_it_has_ended(request_here: RunRequest) -> None:
    plan, clock = plan_of(PROJECT, "quarterly-isolation")[1], MachineClock.of_this_boot()
    workspace = request_here.workspace
    assert earlier_told(workspace, plan) == "none on the ledger"
    entered = anyio.run(enter_begun, request_here, plan, clock)
    assert (entered.size, entered.attempt, entered.earlier) == (2, 1, "none on the ledger")
    assert earlier_told(workspace, plan) == "1 on the ledger: 1 without result"
    folder = rundir.create(workspace, "run-1")
    folder.seal()
    records = (Record(0, "riverside", "run-1", "conductor", "", 0, 0, entered.record_kind, entered.data()),)
    assert enter_ended(folder, records, "breached", "proven", clock) == ""
    assert earlier_told(workspace, plan) == "1 on the ledger: 1 breached"
    assert anyio.run(enter_begun, request_here, plan, clock).earlier == "1 on the ledger: 1 breached"
    # A run that was refused before it was entered has no end there either.
    assert enter_ended(folder, (), "refused", "", clock) == ""
    assert len(ledger_of(workspace).lines) == 4


def test_no_run_arms_that_cannot_be_entered(request_here: RunRequest) -> None:
    plan, clock = plan_of(PROJECT, "quarterly-isolation")[1], MachineClock.of_this_boot()
    path = path_of(request_here.workspace)
    path.parent.mkdir()
    path.mkdir()
    with pytest.raises(Refused, match=r"could not be entered in the ledger .*Is a directory.*Nothing was touched\."):
        anyio.run(enter_begun, request_here, plan, clock)
    path.rmdir()
    path.write_bytes(b"{}\n")
    with pytest.raises(
        Refused, match=r"was altered: line 1 cannot be read\. No run follows on that.*Nothing was touched\."
    ):
        anyio.run(enter_begun, request_here, plan, clock)
    assert earlier_told(request_here.workspace, plan).startswith("not known, because the ledger was altered: line 1")
    assert checkpoint_told(request_here.workspace).startswith("ledger ALTERED: line 1 cannot be read")
    assert path.read_bytes() == b"{}\n"


def test_a_live_run_is_refused_while_the_clock_is_behind_the_ledger(workspace: Path) -> None:
    assert list(refused_by_ledger(workspace, NOW.format(9))) == []
    (why,) = refused_by_ledger(workspace, "2026-11-28T02:54:12.500000Z")
    assert why.startswith(
        "The clock of this machine says 2026-11-28T02:54:12Z, and line 5 of the ledger was written at 2026-11-28T02:54:13Z"
    )
    change_line(workspace)
    (why,) = refused_by_ledger(workspace, NOW.format(9))
    assert "was altered: line 6 does not follow" in why


def test_what_a_live_run_is_refused_for_names_the_ledger(tmp_path: Path) -> None:
    made = tmp_path / "plant"
    assert command(["init", str(made)]) == 0
    asked = ["run", "quarterly-isolation", "--mode", "live", "--workspace", str(made)]
    with pytest.raises(Refused) as refused:
        command(asked)
    assert "of the ledger" not in str(refused.value)
    enter(made, BEGUN, "2999-01-01T00:00:00.000000Z", {"run": "first"})
    with pytest.raises(Refused, match="line 1 of the ledger was written at 2999-01-01T00:00:00Z: it was set back"):
        command(asked)


def test_what_a_worker_still_writes_of_a_run_whose_conductor_died_is_not_sealed(tmp_path: Path) -> None:
    """Its worker ends minutes later, and closes its segment then: nobody altered anything."""
    run = rundir.create(tmp_path, "died")
    here = run.samples("here")
    here.mkdir(parents=True)
    for name in ("000001.jsonl.gz", "000002.part", "reserve"):
        (here / name).write_bytes(b"kept")
    run.seal(collected=False)
    (here / "reserve").unlink()
    (here / "000002.part").rename(here / "000002.jsonl.gz")
    assert run.is_as_sealed(lambda: None)
    (here / "000001.jsonl.gz").write_bytes(b"other")
    assert not run.is_as_sealed(lambda: None)
    # Of samples that were collected, an open segment is what a killed worker left, and is sealed as it is.
    (here / "000003.part").write_bytes(b"kept")
    run.seal()
    (here / "000003.part").write_bytes(b"other")
    assert not run.is_as_sealed(lambda: None)


def test_a_restore_that_takes_a_run_over_afterwards_changes_nothing_that_was_sealed(workspace: Path) -> None:
    """A claim and a lock say who may change devices; a later look finds them in other hands."""
    run = rundir.create(workspace, "taken")
    run.hold_conductor()
    run.write_text(rundir.VERDICT, "{}")
    begun = enter(workspace, BEGUN, NOW.format(8), {"run": "taken", "mode": "rehearsal"})
    assert begun.checkpoint is not None
    sums = hashlib.sha256(run.seal().read_bytes()).hexdigest()
    enter(
        workspace,
        ENDED,
        NOW.format(9),
        {"run": "taken", "begun": begun.checkpoint.size, "result": "held", "sums": sums},
    )
    FileClaim(run.root).rename()
    run.journal.with_name("restore-1.jsonl").write_bytes(b"")
    assert wrong(workspace) == ()
    assert outsider(workspace) == (0, "")


def test_an_empty_checkpoint_is_none_and_holds_nothing(tmp_path: Path) -> None:
    """As `islandmode ledger --checkpoint "$KEPT"` gives it where the variable is not set."""
    with pytest.raises(InputError, match=r"^Nothing is no checkpoint and no file with one\. A report"):
        command(["ledger", "--checkpoint", "", "-w", str(tmp_path)])


def test_a_line_ahead_of_this_machines_clock_is_told(tmp_path: Path) -> None:
    enter(tmp_path, BEGUN, "2027-01-03T09:00:00.000000Z", {"run": "a"})
    told = look_at_ledger(tmp_path, Unwatched(), now="2027-01-02T09:00:00.000000Z").wrong
    assert any(
        "The clock of this machine says 2027-01-02T09:00:00Z, and line 1 of the ledger was written at 2027-01-03T09:00:00Z"
        in one
        or "and line 2 of the ledger was written at" in one
        for one in told
    )
    later = look_at_ledger(tmp_path, Unwatched(), now="2027-01-04T09:00:00.000000Z").wrong
    assert not any("The clock of this machine" in sentence for sentence in later)
