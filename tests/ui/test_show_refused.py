"""A refused run says why: in `show`, in `runs` and in a report of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from islandmode.core.errors import Refused
from islandmode.core.record import Record
from islandmode.core.refusal import refusal_of
from islandmode.core.what_to_do import WHAT_TO_DO
from islandmode.operate.outcome import write_refusal
from islandmode.store.rundir import RunDirectory
from islandmode.ui.pages import HtmlPages
from tests.core.given import given
from tests.ui.test_boundary_told import plain
from tests.ui.test_runs_commands import ARMED, POINT, SEEN, Step, ask, leave_run

BEGUN: Step = ("run.started", {"mode": "rehearsal", "operator": "ann", "version": "0.1.0", "lab": "plant"})
WHY = "Probe office-to-plc from vantage office is bad before the drill: <b>refused</b>. Nothing was touched."
LOOKED: Step = ("vantage.looked", {"what": [WHY], "codes": ["baseline-not-good"], "probes": ["office-to-plc"]})
SAID: Step = ("run.refused", {"why": WHY, "by": ""})
LOGIN = "conduit-firewall at 172.31.255.1 could not be logged in to. Nothing was touched."
FOUND: Step = ("preflight.finding", {"code": "point-login", "sentence": LOGIN, "refuses": True})


def records(*steps: Step) -> tuple[Record, ...]:
    return tuple(
        Record(seq, "riverside", "run", "conductor", "boot", seq * 1_000_000, seq * 1_000_000, kind, data)
        for seq, (kind, data) in enumerate(steps)
    )


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([BEGUN, LOOKED, SAID], "baseline-not-good"),
        ([BEGUN, FOUND, ("run.refused", {"why": LOGIN, "by": ""})], "point-login"),
        ([BEGUN, FOUND], "point-login"),
        ([BEGUN, FOUND, ("run.refused", {"why": "Stopped.", "by": "signal"})], "stopped-early"),
        ([BEGUN, ("vantage.started", {"outcome": "not done"}), SAID], "worker-not-started"),
        ([BEGUN, ("baseline.done", {"bad": []}), SAID], "not-ready"),
        ([*ARMED[:3], SEEN, SAID], "not-armed"),
        ([BEGUN, SAID], "refused"),
        ([BEGUN, ("run.refused", {"why": WHY, "by": "", "code": "guardian"})], "not-ready"),
        ([BEGUN, ("run.refused", {"why": WHY, "by": "", "code": "arming"})], "not-armed"),
        ([BEGUN, ("run.refused", {"why": WHY, "by": "", "code": "vantage"})], "worker-not-started"),
        ([BEGUN, LOOKED, ("run.refused", {"why": WHY, "by": "", "code": "baseline"})], "baseline-not-good"),
        ([*ARMED[:3], SEEN, ("run.refused", {"why": WHY, "by": "", "code": "late"})], "not-armed"),
    ],
)
def test_the_journal_says_why_a_run_was_refused_and_a_code_that_has_an_action(steps: list[Step], code: str) -> None:
    refusal = refusal_of(records(*steps))
    assert refusal is not None
    assert refusal.code == code
    assert refusal.code in WHAT_TO_DO


@pytest.mark.parametrize("steps", [[BEGUN], [BEGUN, *ARMED[1:]], [BEGUN, *ARMED[1:], SEEN], []])
def test_a_run_that_was_not_refused_is_not_called_so(steps: list[Step]) -> None:
    assert refusal_of(records(*steps)) is None


def test_show_says_why_a_run_was_refused_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = leave_run(tmp_path, "2026-01-a", [BEGUN, LOOKED, SAID])
    assert ask("show", workspace=tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2026-01-a: refused (baseline-not-good), nothing is left of it on a device.",
        f"  why: {WHY}",
        f"  do: {WHAT_TO_DO['baseline-not-good']}",
        f"journal {root / 'journals' / 'conductor.jsonl'}",
    ]
    assert ask("runs", workspace=tmp_path) == 0
    assert "refused (baseline-not-good)" in capsys.readouterr().out
    assert ask("show", "--json", workspace=tmp_path) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["refused"]["why"]) == (None, WHY)


def test_a_refused_run_whose_restore_was_not_seen_is_not_said_to_have_left_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_run(tmp_path, "2026-01-a", [*ARMED, SAID])
    assert ask("show", workspace=tmp_path) == 0
    assert "nothing is left" not in capsys.readouterr().out


def test_the_report_of_a_refused_run_says_why_whose_flows_and_what_to_do(tmp_path: Path) -> None:
    plan, told = given().plan(), records(BEGUN, LOOKED, SAID)
    where = write_refusal(plan, Refused(WHY), told, RunDirectory(tmp_path), lab=True, pages=HtmlPages())
    document = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert where == f"report {tmp_path / 'report.html'}"
    assert "<script" not in document
    assert "<b>refused</b>" not in document
    said = plain(document)
    assert "– refused" in said
    assert "Nothing was armed on any device." in said
    assert "Process engineering" in said
    assert "(office-to-plc)" in said
    assert WHAT_TO_DO["baseline-not-good"] in said


def test_the_report_of_a_run_that_was_armed_does_not_say_untouched(tmp_path: Path) -> None:
    told = records(*ARMED[:3], SEEN, SAID)
    write_refusal(given().plan(), Refused(WHY), told, RunDirectory(tmp_path), lab=True, pages=HtmlPages())
    said = plain((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "untouched" not in said
    assert f"{POINT}: armed, not isolated; the Islandmode object was removed and seen gone." in said


def test_a_report_that_cannot_be_written_changes_nothing_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    where = write_refusal(
        given().plan(), Refused(WHY), records(BEGUN, SAID), RunDirectory(tmp_path / "file"), lab=True, pages=HtmlPages()
    )
    assert where.startswith("no report was written (")
