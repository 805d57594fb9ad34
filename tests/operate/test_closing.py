"""Who keeps a conduit closed, and who closes a run: said after it, as an addendum, and told by the ledger from then on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.errors import InputError, Refused
from islandmode.core.judging.run import judge
from islandmode.core.ledger import attempts_of, attempts_told
from islandmode.core.verdict import Restoration, Verdict
from islandmode.operate.ledger import look_at_ledger
from islandmode.operate.unfinished import known_runs, owed_by
from islandmode.operate.watch import Unwatched
from islandmode.store.active import record_run
from islandmode.store.ledger import ledger_of, path_of
from islandmode.store.rundir import SUMS, VERDICT
from islandmode.ui.program import command
from tests.operate.recorded_runs import FINISHED, recorded, rewrite
from tests.operate.test_ledger import outsider
from tests.operate.test_promoting import Rehearsed
from tests.ui.test_runs_commands import forget_locks


@pytest.fixture
def live(tmp_path: Path) -> Rehearsed:
    """A workspace in which the ledger has the recorded run as a live one."""
    run = recorded(FINISHED, tmp_path)
    made = Rehearsed(tmp_path, run, run.plan())
    begun = made.begin(FINISHED, mode="live")
    made.says_that_it_was_entered(run, begun)
    made.end(FINISHED, begun)
    return made


def typed(made: Rehearsed, *words: str) -> int:
    return command([*words, "--workspace", str(made.workspace)])


def test_a_live_run_is_open_until_a_person_closes_it(live: Rehearsed, capsys: pytest.CaptureFixture[str]) -> None:
    (attempt,) = attempts_of(ledger_of(live.workspace))
    assert attempt.is_open
    assert attempts_told((attempt,), attempt.drill_digest) == f"1 on the ledger: 1 held; not closed: {FINISHED}"
    assert typed(live, "status") == 0
    assert f"{FINISHED} is open: nobody has confirmed that the service is back." in capsys.readouterr().out
    typed(live, "runs")
    assert "proven; open" in capsys.readouterr().out
    assert typed(live, "close", FINISHED, "--by", "Shift lead") == 0
    assert (
        f"{FINISHED} is closed: Shift lead confirmed that the service is back (addendum 1)." in capsys.readouterr().out
    )
    (attempt,) = attempts_of(ledger_of(live.workspace))
    assert not attempt.is_open
    assert "not closed" not in attempts_told((attempt,), attempt.drill_digest)
    typed(live, "status")
    typed(live, "runs")
    assert "open" not in capsys.readouterr().out
    assert look_at_ledger(live.workspace, Unwatched()).wrong == ()
    assert outsider(live.workspace) == (0, "")
    report = (live.run.root / "addenda" / "1" / "report.html").read_text(encoding="utf-8")
    assert "confirmed that the service is back" in report
    with pytest.raises(Refused, match="is closed already"):
        typed(live, "close", FINISHED, "--by", "Shift lead")


def test_a_rehearsal_is_never_open_and_may_be_closed_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = recorded(FINISHED, tmp_path)
    made = Rehearsed(tmp_path, run, run.plan())
    made.attempt(FINISHED)
    typed(made, "status")
    assert "is open" not in capsys.readouterr().out
    assert typed(made, "close", FINISHED, "--by", "Shift lead") == 0


def with_plan(made: Rehearsed, **drill: object) -> None:
    """Let the recorded run's drill say more."""
    path = made.run.root / "plan.json"
    plan = json.loads(path.read_text(encoding="utf-8"))
    plan["drill"] |= drill
    path.write_text(json.dumps(plan), encoding="utf-8")


def test_only_the_person_whom_the_drill_names_closes_it(live: Rehearsed) -> None:
    with_plan(live, closed_by="Shift lead")
    with pytest.raises(InputError, match="Shift lead closes this drill's runs, and only their own word counts"):
        typed(live, "close", FINISHED, "--by", "Somebody")
    with pytest.raises(InputError, match="Say who: --by NAME"):
        typed(live, "close", FINISHED, "--by", " ")
    assert typed(live, "close", FINISHED, "--by", "Shift lead") == 0


def test_a_word_said_after_the_run_is_an_addendum_and_what_came_back_stays_proven(
    live: Rehearsed, capsys: pytest.CaptureFixture[str]
) -> None:
    conduit = next(iter(live.plan.conduits))
    with pytest.raises(InputError, match="isolates no conduit elsewhere; known: "):
        typed(live, "keep-closed", FINISHED, "elsewhere", "--by", "Plant manager")
    assert typed(live, "keep-closed", FINISHED, conduit, "--by", "Plant manager") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "restoration proven" in told
    assert f"passed over {conduit} after the restore, although Plant manager said to keep {conduit} closed" in told
    line = ledger_of(live.workspace).lines[-1]
    assert (line.kind, line.data["restoration"], "vantage" in line.data) == ("added", "proven", False)
    typed(live, "runs")
    told = " ".join(capsys.readouterr().out.split())
    assert "proven; open" in told
    assert "(addendum 1: proven)" not in told


@pytest.fixture
def unproven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rehearsed:
    """A live run that ended unproven, and is judged as kept closed once a person said so."""
    run = recorded(FINISHED, tmp_path)
    made = Rehearsed(tmp_path, run, run.plan())
    begun = made.begin(FINISHED, mode="live")
    path = run.root / VERDICT
    told = json.loads(path.read_text(encoding="utf-8")) | {"restoration": "unproven"}
    path.write_text(json.dumps(told), encoding="utf-8")
    made.says_that_it_was_entered(run, begun)
    made.end(FINISHED, begun, "inconclusive", "unproven")

    def judge_by_word(plan: Any, records: Any, *more: Any, **named: Any) -> Verdict:
        is_said = any(record.kind == "closed.said" for record in records)
        restoration = Restoration.KEPT_CLOSED if is_said else Restoration.UNPROVEN
        return judge(plan, records, *more, **named).model_copy(update={"restoration": restoration})

    monkeypatch.setattr("islandmode.operate.judge.judge", judge_by_word)
    return made


def owes(made: Rehearsed) -> bool:
    return bool(owed_by(known_runs(made.workspace).find(FINISHED)))


def leave_record(made: Rehearsed) -> None:
    """Let the machine have a record of the run, as of one whose restoration was not proven."""
    record_run(FINISHED, made.workspace, made.plan, {"kind": "plant"}).leave_unproven("it was not proven")
    forget_locks()


def say_kept_closed(made: Rehearsed) -> None:
    typed(made, "keep-closed", FINISHED, next(iter(made.plan.conduits)), "--by", "Plant manager")


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_file_that_somebody_wrote_takes_back_no_unproven_restoration(
    unproven: Rehearsed, *, is_recorded: bool
) -> None:
    if is_recorded:
        leave_record(unproven)
    assert owes(unproven)
    written = unproven.run.root / "addenda" / "99"
    written.mkdir(parents=True)
    (written / VERDICT).write_text('{"restoration": "kept closed"}', encoding="utf-8")
    assert owes(unproven)


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_word_that_is_judged_and_entered_takes_it_back(unproven: Rehearsed, *, is_recorded: bool) -> None:
    if is_recorded:
        leave_record(unproven)
    say_kept_closed(unproven)
    assert known_runs(unproven.workspace).find(FINISHED).record is None
    assert not owes(unproven)
    (unproven.run.root / "addenda" / "1" / VERDICT).write_text("{}", encoding="utf-8")
    assert owes(unproven)


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_word_that_the_ledger_does_not_have_takes_nothing_back(unproven: Rehearsed, *, is_recorded: bool) -> None:
    if is_recorded:
        leave_record(unproven)
    path_of(unproven.workspace).write_bytes(b"{}\n")
    say_kept_closed(unproven)
    assert owes(unproven)


def died_before_arming(tmp_path: Path) -> Rehearsed:
    """Leave a live run whose conductor died between its line in the ledger and what it was to arm."""
    run = recorded(FINISHED, tmp_path)
    made = Rehearsed(tmp_path, run, run.plan())
    begun = made.begin(FINISHED, mode="live")
    made.says_that_it_was_entered(run, begun)
    kept = next(place for place, record in enumerate(run.records()) if record.kind == "arm.intent")
    rewrite(run.journal, lambda records: list(records)[:kept])
    for path in run.journal.parent.iterdir():
        if path != run.journal:
            path.unlink()
    (run.root / VERDICT).unlink()
    (run.root / SUMS).unlink()
    return made


def test_a_live_run_that_never_armed_is_closed_by_a_line_of_the_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = died_before_arming(tmp_path)
    typed(made, "status")
    assert f"{FINISHED} is open" in capsys.readouterr().out
    assert typed(made, "close", FINISHED, "--by", "Shift lead") == 0
    told = capsys.readouterr().out
    assert f"{FINISHED} is closed by Shift lead: it ended before it armed or isolated anything" in told
    line = ledger_of(made.workspace).lines[-1]
    assert (line.kind, line.data["result"], line.data["closed_by"]) == ("ended", "not armed", "Shift lead")
    typed(made, "status")
    assert "is open" not in capsys.readouterr().out
    assert look_at_ledger(made.workspace, Unwatched()).wrong == ()
    assert outsider(made.workspace) == (0, "")


def test_a_run_that_may_have_armed_is_not_closed_as_one_that_never_did(tmp_path: Path) -> None:
    made = died_before_arming(tmp_path)
    record_run(FINISHED, made.workspace, made.plan, {"kind": "plant"})
    forget_locks()
    made.run.journal.write_bytes(made.run.journal.read_bytes()[:-40] + b"}\n")
    with pytest.raises(InputError):
        typed(made, "close", FINISHED, "--by", "Shift lead")
    (attempt,) = attempts_of(ledger_of(made.workspace))
    assert attempt.is_open
