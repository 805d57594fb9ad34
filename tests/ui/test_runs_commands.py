"""`runs`, `show` and `status` over directories such as runs leave, finished, stranded, refused or spoilt."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.chain import GENESIS, digest
from islandmode.core.errors import InputError
from islandmode.core.record import Record
from islandmode.rehearse.processes import started, vantage_point
from islandmode.store.active import record_run
from islandmode.store.journal import encode
from islandmode.system.life import hold_life
from islandmode.ui.program import command
from tests.run import simulated_drill

Step = tuple[str, dict[str, Any]]
POINT = "conduit-firewall"
ARMED: list[Step] = [
    ("run.started", {"mode": "rehearsal"}),
    ("arm.intent", {"point": POINT, "conduits": ["remote-access"], "for_s": 180}),
    ("arm.result", {"point": POINT, "conduits": ["remote-access"], "outcome": "done"}),
    ("isolate.intent", {"stage": "vendors", "point": POINT, "conduits": ["remote-access"]}),
]
SEEN: Step = ("restore.seen", {"point": POINT})
TIMES = {"ordered_to_effective": None, "ordered_to_verified": 0.25}
VERDICT = {
    "verdict": "held",
    "restoration": "proven",
    "isolation_s": TIMES,
    "restoration_s": {**TIMES, "ordered_to_verified": None},
    "longest_ot_gap_s": 0.125,
    "findings": [{"result": "held", "sentence": "The canary stopped."}],
}


def leave_run(workspace: Path, run: str, steps: Sequence[Step], verdict: str | None = None) -> Path:
    """Write a run's directory as a conductor would have."""
    root = workspace / "runs" / run
    (root / "journals").mkdir(parents=True)
    previous, lines = GENESIS, []
    for seq, (kind, data) in enumerate(steps):
        line = encode(Record(seq, "riverside", run, "conductor", "boot", 1, 1, kind, data), previous)
        lines.append(line)
        previous = digest(line)
    (root / "journals" / "conductor.jsonl").write_bytes(b"".join(lines))
    (root / "plan.json").write_text(simulated_drill.make().model_dump_json(by_alias=True), encoding="utf-8")
    if verdict is not None:
        (root / "verdict.json").write_text(verdict, encoding="utf-8")
    return root


RESUMED: Step = ("resume.ended", {"restored": True, "points": [POINT]})


def chained(run: str, steps: Sequence[Step]) -> bytes:
    """Write records as their writer does."""
    previous, lines = GENESIS, []
    for seq, (kind, data) in enumerate(steps):
        lines.append(encode(Record(seq, "riverside", run, "restore-1", "boot", 2, 2, kind, data), previous))
        previous = digest(lines[-1])
    return b"".join(lines)


def add_journal(root: Path, data: bytes, *, mode: int = 0o644, account: int | None = None) -> None:
    """Lay a journal beside the conductor's."""
    path = root / "journals" / "restore-1.jsonl"
    path.write_bytes(data)
    path.chmod(mode)
    if account is not None:
        os.chown(path, account, account)


def forget_locks() -> None:
    """Let go of the locks that this process holds for recorded runs, as if it had ended."""
    for descriptor in list(Path("/proc/self/fd").iterdir()):
        try:
            target = descriptor.readlink()
        except OSError:
            continue
        if target.name.endswith(".lock") and "islandmode-state" in str(target):
            os.close(int(descriptor.name))


def ask(*arguments: str, workspace: Path) -> int:
    return command([*arguments, "--workspace", str(workspace)])


def test_runs_are_listed_newest_first_with_how_they_ended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN], json.dumps(VERDICT))
    leave_run(tmp_path, "2026-02-b", ARMED)
    leave_run(tmp_path, "2026-03-c", ARMED[:1])
    leave_run(tmp_path, "2026-04-d", [*ARMED, SEEN], "{")
    leave_run(tmp_path, "2026-05-e", [])
    assert ask("runs", workspace=tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ", 1)[0] for line in lines] == [
        "run",
        *(f"2026-0{n}-{'abcde'[n - 1]}" for n in (5, 4, 3, 2, 1)),
    ]
    assert [" ".join(line.split()[1:]) for line in lines] == [
        "verdict restoration",
        "refused or ended before anything was armed",
        "verdict.json is not readable",
        "refused or ended before anything was armed",
        "no verdict, its journal ends with isolate.intent",
        "held proven",
    ]


def test_a_workspace_without_runs_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("runs", workspace=tmp_path) == 0
    assert capsys.readouterr().out == "No run yet.\n"


def test_show_gives_verdict_times_findings_and_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN], json.dumps(VERDICT))
    assert ask("show", workspace=tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2026-01-a: verdict held, restoration proven",
        "isolation ordered to verified: 0.250 s",
        "restoration ordered to verified: not seen",
        "longest OT gap: 0.125 s",
        "  note: The canary stopped.",
        f"report {root / 'report.html'}",
    ]
    assert ask("show", "2026-01", "--json", workspace=tmp_path) == 0
    assert json.loads(capsys.readouterr().out) == VERDICT


def test_show_of_a_run_without_verdict_names_its_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = leave_run(tmp_path, "2026-01-a", ARMED)
    assert ask("show", workspace=tmp_path) == 0
    assert f"journal {root / 'journals' / 'conductor.jsonl'}" in capsys.readouterr().out
    with pytest.raises(
        InputError, match=r"2026-01-a has nothing to show as JSON: no verdict, its journal ends with isolate\.intent"
    ):
        ask("show", "--json", workspace=tmp_path)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([*ARMED, SEEN], id="restored"),
        pytest.param(ARMED[:1], id="refused"),
        pytest.param([*ARMED[:2], ("arm.result", {"point": POINT, "outcome": "not done"})], id="not armed"),
    ],
)
def test_status_is_quiet_when_nothing_is_isolated(
    tmp_path: Path, steps: list[Step], capsys: pytest.CaptureFixture[str]
) -> None:
    leave_run(tmp_path, "2026-01-a", steps)
    assert ask("status", workspace=tmp_path) == 0
    said = capsys.readouterr().out
    assert "No known run has left anything isolated. Devices were not looked at" in said


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(ARMED, id="isolated"),
        pytest.param(ARMED[:2], id="asked to arm, no answer"),
        pytest.param([*ARMED[:2], ("arm.result", {"point": POINT, "outcome": "unknown"})], id="unknown whether armed"),
        pytest.param([*ARMED, ("restore.seen", {"point": "other"})], id="another point restored"),
        pytest.param([*ARMED, ("restore.attempt", {"point": POINT, "outcome": "done"})], id="restored but not seen"),
    ],
)
def test_status_is_loud_while_restoration_is_unseen(
    tmp_path: Path, steps: list[Step], capsys: pytest.CaptureFixture[str]
) -> None:
    leave_run(tmp_path, "2026-01-a", steps)
    assert ask("status", workspace=tmp_path) == 5
    assert (
        f"STRANDED: 2026-01-a ended and restoration of {POINT} was not seen; no guardian is running. "
        f"Do: islandmode restore 2026-01-a --workspace {tmp_path}\n"
    ) == capsys.readouterr().err


def test_status_knows_a_run_that_is_still_going(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the lock that its process holds; what is written in a file, or on a command line, is nobody's life."""
    root = leave_run(tmp_path, "2026-01-a", ARMED)
    (root / "lock.conductor").write_text(f"{os.getpid()} 2026-01-a", encoding="ascii")
    assert ask("status", workspace=tmp_path) == 5
    capsys.readouterr()
    held = hold_life(root / "lock.conductor")
    try:
        assert ask("status", workspace=tmp_path) == 0
    finally:
        os.close(held)
    said = capsys.readouterr()
    assert f"2026-01-a in {tmp_path} is running (process {os.getpid()}); {POINT} may be isolated." in said.out
    assert "has left anything isolated" not in said.out
    assert said.err == ""


def test_status_knows_that_a_lab_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It did not live on beyond the boot in which the run was."""
    started = ("run.started", {"mode": "rehearsal", "lab": "of-yesterday"})
    leave_run(tmp_path, "2026-01-a", [started, *ARMED[1:]])
    assert ask("status", workspace=tmp_path) == 0
    assert "its lab is gone, and the isolation with it" in capsys.readouterr().out


def test_a_lab_whose_folder_was_deleted_is_not_gone_while_its_process_lives(tmp_path: Path) -> None:
    lives_by = {**vantage_point(), "processes": [[os.getpid(), started(os.getpid())]]}
    begun = ("run.started", {"mode": "rehearsal", "lab": "of-today", "lab_lives_by": lives_by})
    leave_run(tmp_path, "2026-01-a", [begun, *ARMED[1:]])
    assert ask("status", workspace=tmp_path) == 5
    lives_by["processes"] = [[os.getpid(), "1"]]
    leave_run(tmp_path, "2026-02-b", [("run.started", {**begun[1], "lab_lives_by": lives_by}), *ARMED[1:]])
    (tmp_path / "runs" / "2026-01-a").rename(tmp_path / "kept")
    assert ask("status", workspace=tmp_path) == 0


ALTERED = b'{"kind":"restore.seen"}\n'


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda root: (root / "verdict.json").write_text(json.dumps(VERDICT)), id="a verdict says proven"),
        pytest.param(lambda root: (root / "journals" / "conductor.jsonl").unlink(), id="the journal was deleted"),
        pytest.param(lambda root: (root / "plan.json").unlink(), id="the plan was deleted"),
        pytest.param(shutil.rmtree, id="all of it was deleted"),
        pytest.param(lambda root: root.rename(root.with_name("other")), id="it was renamed"),
        pytest.param(
            lambda root: (root / "journals" / "conductor.jsonl").write_bytes(b"{"), id="the journal cannot be read"
        ),
        pytest.param(lambda root: add_journal(root, ALTERED), id="a line without a chain says seen"),
        pytest.param(lambda root: add_journal(root, chained(root.name, [RESUMED]), mode=0o664), id="others may write"),
        pytest.param(
            lambda root: add_journal(root, chained(root.name, [RESUMED]), account=65534), id="another wrote it"
        ),
        pytest.param(lambda root: add_journal(root, chained("2026-01-b", [RESUMED])), id="of another run"),
    ],
)
def test_no_file_that_anybody_can_write_ends_an_alarm(
    tmp_path: Path, spoil: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    root = leave_run(tmp_path, "2026-01-a", ARMED)
    record_run("2026-01-a", tmp_path, simulated_drill.make(), {})
    forget_locks()
    assert ask("status", workspace=tmp_path) == 5
    spoil(root)
    capsys.readouterr()
    assert ask("status", workspace=tmp_path) == 5
    assert "STRANDED: 2026-01-a ended" in capsys.readouterr().err
    # And from anywhere else.
    assert ask("status", workspace=tmp_path / "nowhere") == 5


def test_a_resume_in_a_journal_of_the_runs_account_ends_the_alarm(tmp_path: Path) -> None:
    root = leave_run(tmp_path, "2026-01-a", ARMED)
    add_journal(root, chained(root.name, [RESUMED]))
    assert ask("status", workspace=tmp_path) == 0


def test_an_unproven_verdict_stays_until_a_restore_was_seen_after_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every device was seen by the run, and an object may still be left: in a saved configuration, say."""
    root = leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN], json.dumps({**VERDICT, "restoration": "unproven"}))
    assert ask("status", workspace=tmp_path) == 5
    assert f"UNPROVEN: 2026-01-a saw {POINT} without Islandmode objects" in capsys.readouterr().err
    # It was seen, and no list may say that it was not.
    assert ask("runs", workspace=tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("  held     unproven")
    assert ask("show", workspace=tmp_path) == 0
    assert "restoration unproven\n" in capsys.readouterr().out
    add_journal(root, chained(root.name, [RESUMED]))
    assert ask("status", workspace=tmp_path) == 0


def test_runs_does_not_repeat_a_verdict_that_the_journals_contradict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_run(tmp_path, "2026-01-a", ARMED, json.dumps(VERDICT))
    assert ask("runs", workspace=tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[1].endswith("  unproven: not seen restored")
    assert ask("show", workspace=tmp_path) == 0
    assert "held, restoration unproven: not seen restored" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["status", "abort", "restore"])
def test_a_folder_that_is_no_workspace_says_so(tmp_path: Path, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"is not a workspace \(it has neither drills/ nor runs/\)") as refused:
        ask(verb, workspace=tmp_path)
    assert refused.value.exit_code == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("verb", [("status",), ("status", "--devices"), ("abort",), ("restore",)])
def test_nothing_is_said_to_be_well_when_the_machines_record_cannot_be_read(
    tmp_path: Path, verb: tuple[str, ...], machine_state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs").mkdir()
    (machine_state / "runs").mkdir()
    (machine_state / "runs" / "a.json").write_text("{", encoding="utf-8")
    assert ask(*verb, workspace=tmp_path) == 5
    said = capsys.readouterr()
    assert "a.json cannot be read (it is no record of this version)" in said.err
    assert "No run" not in said.out


def test_status_names_a_run_of_another_folder_that_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave_run(tmp_path / "plant", "2026-01-a", ARMED)
    record_run("2026-01-a", tmp_path / "plant", simulated_drill.make(), {})
    assert ask("status", workspace=tmp_path) == 0
    assert f"2026-01-a in {tmp_path / 'plant'} is running" in capsys.readouterr().out
    forget_locks()
    assert ask("status", workspace=tmp_path) == 5


def test_a_record_whose_run_was_seen_restored_goes(tmp_path: Path, machine_state: Path) -> None:
    leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN])
    record_run("2026-01-a", tmp_path, simulated_drill.make(), {})
    forget_locks()
    assert ask("status", workspace=tmp_path) == 0
    assert list((machine_state / "runs").iterdir()) == []


def test_a_run_that_is_marked_unproven_in_the_machines_record_stays(tmp_path: Path) -> None:
    leave_run(tmp_path, "2026-01-a", [*ARMED, SEEN])
    record_run("2026-01-a", tmp_path, simulated_drill.make(), {}).leave_unproven("The end says so.")
    forget_locks()
    assert ask("status", workspace=tmp_path) == 5
