"""An addendum stands on the ledger: only what stands there counts, and one that is taken away or changed is missed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from islandmode.core.ledger import ADDED, attempts_of
from islandmode.operate.ledger import look_at_ledger
from islandmode.operate.watch import Unwatched
from islandmode.store.ledger import ledger_of, path_of
from islandmode.ui.program import command
from tests.operate.test_collect import Brought
from tests.operate.test_ledger import outsider
from tests.operate.test_promoting import Rehearsed


@pytest.fixture
def late(tmp_path: Path) -> Brought:
    """A rehearsal on the ledger whose office was not collected in time, and is brought."""
    brought = Brought(tmp_path, kit=False)
    made = Rehearsed(brought.workspace, brought.run, brought.run.plan())
    begun = made.begin(brought.run.run)
    made.says_that_it_was_entered(brought.run, begun)
    made.end(brought.run.run, begun, "inconclusive")
    brought.write()
    return brought


def rehearsal_of(brought: Brought) -> tuple[bool, str]:
    rung = Rehearsed(brought.workspace, brought.run, brought.run.plan()).rungs()["rehearsal"]
    return rung.stands, rung.told


def wrong(brought: Brought) -> tuple[str, ...]:
    return look_at_ledger(brought.workspace, Unwatched()).wrong


def test_an_addendum_is_entered_and_then_counts(late: Brought, capsys: pytest.CaptureFixture[str]) -> None:
    assert rehearsal_of(late)[0] is False
    added = late.collect()
    assert added.not_entered == ""
    line = ledger_of(late.workspace).lines[-1]
    assert (line.kind, line.data["addendum"], line.data["vantage"], line.data["result"]) == (ADDED, 1, "office", "held")
    (attempt,) = attempts_of(ledger_of(late.workspace))
    assert [(each.number, each.line, each.result) for each in attempt.addenda] == [(1, line.number, "held")]
    assert rehearsal_of(late)[0] is True
    assert wrong(late) == ()
    assert outsider(late.workspace) == (0, "")
    assert command(["ledger", "--workspace", str(late.workspace)]) == 0
    assert "(addendum 1: held)" in " ".join(capsys.readouterr().out.split())


def delete(late: Brought) -> None:
    shutil.rmtree(late.run.root / "addenda")


def change(late: Brought) -> None:
    (late.run.root / "addenda" / "1" / "verdict.json").write_text("{}", encoding="utf-8")


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (delete, "is gone, or a file of it is."),
        (change, "is not what it was when it was added: its SHA256SUMS, or a file of it, was changed."),
    ],
)
def test_one_that_is_taken_away_or_changed_is_missed(
    late: Brought, act: Callable[[Brought], None], sentence: str
) -> None:
    late.collect()
    act(late)
    assert wrong(late) == (f"Addendum 1 of {late.run.run} (line 4) {sentence}",)
    stands, told = rehearsal_of(late)
    assert not stands
    assert f"its addendum 1 {sentence[:-1]}" in told
    code, said = outsider(late.workspace)
    assert (code, "addenda/1" in said) == (1, True)


def test_one_that_nobody_entered_counts_for_nothing(late: Brought) -> None:
    late.collect()
    lines = path_of(late.workspace).read_bytes().splitlines(keepends=True)
    path_of(late.workspace).write_bytes(b"".join(lines[:-1]))
    assert rehearsal_of(late)[0] is False
    assert wrong(late) == (f"Addendum 1 of {late.run.run} is on no line of the ledger, and counts for nothing.",)


def test_a_run_on_no_ledger_takes_an_addendum_all_the_same(tmp_path: Path) -> None:
    brought = Brought(tmp_path, kit=False)
    brought.write()
    assert brought.collect().not_entered == ""
    assert not path_of(brought.workspace).exists()


def test_what_cannot_be_entered_is_said(late: Brought, capsys: pytest.CaptureFixture[str]) -> None:
    path_of(late.workspace).write_bytes(b"{}\n")
    where = ["--workspace", str(late.workspace)]
    assert command(["collect", late.run.run, "--from", str(late.folder), *where]) == 0
    assert "addendum 1 was not seen entered in " in " ".join(capsys.readouterr().err.split())
