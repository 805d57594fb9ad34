"""`runs`, `show` and `status` over directories such as runs leave, finished, stranded, refused or spoilt."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.chain import GENESIS, digest
from islandmode.core.errors import InputError
from islandmode.core.record import Record
from islandmode.store.journal import encode
from islandmode.ui.cli import command
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
    assert "No run of this workspace has left anything isolated." in capsys.readouterr().out


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
        f"STRANDED: 2026-01-a ended and restoration of {POINT} was not seen; nobody tries any more. "
        "Do: islandmode restore 2026-01-a\n"
    ) == capsys.readouterr().err


def test_status_knows_a_run_that_is_still_going(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave_run(tmp_path, "2026-01-a", ARMED)
    lock = tmp_path / "runs" / ".locks" / "simulated.remote-access.lock"
    lock.parent.mkdir()
    lock.write_text(f"{os.getpid()} 2026-01-a", encoding="ascii")
    # A number in a lock file alone is no run: this process is a test and its command line does not say islandmode.
    expected = 0 if b"islandmode" in Path("/proc/self/cmdline").read_bytes() else 5
    assert ask("status", workspace=tmp_path) == expected


def test_status_knows_that_a_lab_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started = ("run.started", {"mode": "rehearsal", "lab": "of-yesterday"})
    leave_run(tmp_path, "2026-01-a", [started, *ARMED[1:]])
    assert ask("status", workspace=tmp_path) == 0
    assert "its lab is gone, and the isolation with it" in capsys.readouterr().out
