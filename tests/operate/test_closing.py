"""Who keeps a conduit closed, and who closes a run: said after it, as an addendum, and told by the ledger from then on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from islandmode.core.errors import InputError, Refused
from islandmode.core.ledger import attempts_of, attempts_told
from islandmode.operate.ledger import look_at_ledger
from islandmode.operate.watch import Unwatched
from islandmode.store.ledger import ledger_of
from islandmode.ui.program import command
from tests.operate.recorded_runs import FINISHED, recorded
from tests.operate.test_ledger import outsider
from tests.operate.test_promoting import Rehearsed


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
