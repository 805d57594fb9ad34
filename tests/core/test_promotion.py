"""Which earlier runs stand behind a drill, and which speak against it, by values alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from islandmode.core.chain import GENESIS
from islandmode.core.ledger import Attempt, Ledger, Line
from islandmode.core.policy import SHIPPED
from islandmode.core.promotion import AttemptJudged, OtherDrill, entered_at, latest_moments, rehearsal_rungs

NOW = datetime(2026, 11, 28, 6, tzinfo=UTC)

TWO_PEOPLE = SHIPPED["two-people"]


def judged(
    name: str, days_ago: int, result: str = "held", restoration: str = "proven", mode: str = "rehearsal"
) -> AttemptJudged:
    attempt = Attempt(name, 2, mode, "", "d", result, restoration, GENESIS)
    return AttemptJudged(attempt, NOW - timedelta(days=days_ago), result, restoration)


def rungs(*newest_first: AttemptJudged, other: OtherDrill | None = None) -> tuple[bool, bool]:
    found = rehearsal_rungs(iter(newest_first), other, TWO_PEOPLE, NOW, "do it")
    return found[0].stands, found[1].stands


def test_what_was_before_the_rehearsal_is_not_even_read() -> None:
    def attempts() -> Iterator[AttemptJudged]:
        yield judged("held", 3)
        raise AssertionError

    assert all(rung.stands for rung in rehearsal_rungs(attempts(), None, TWO_PEOPLE, NOW, "do it"))


@pytest.mark.parametrize(
    ("attempts", "stands"),
    [
        ((), (False, True)),
        ((judged("a", 1), judged("b", 2, "breached")), (True, True)),
        ((judged("b", 1, "breached"), judged("a", 2)), (True, False)),
        ((judged("b", 1, "breached", mode="live"), judged("a", 2)), (True, False)),
        # A live run that held afterwards closes it, and is no rehearsal.
        ((judged("c", 1, mode="live"), judged("b", 2, "breached", mode="live"), judged("a", 3)), (True, True)),
        ((judged("c", 1, mode="live"),), (False, True)),
        ((judged("b", 1, "held", "unproven"), judged("a", 2)), (True, False)),
        ((judged("b", 1, "inconclusive"), judged("a", 2)), (True, True)),
        ((judged("a", 91),), (False, True)),
        ((judged("a", -1),), (False, True)),
    ],
)
def test_the_newest_rehearsal_that_held_counts_and_what_breached_since_speaks_against_it(
    attempts: tuple[AttemptJudged, ...], stands: tuple[bool, bool]
) -> None:
    assert rungs(*attempts) == stands


def test_what_was_not_recomputed_never_stands_behind_a_drill() -> None:
    by_word = replace(judged("a", 1), result="", restoration="", why="its folder is gone")
    rehearsal, breaches = rehearsal_rungs([by_word], None, TWO_PEOPLE, NOW, "do it")
    assert (rehearsal.stands, breaches.stands) == (False, True)
    assert rehearsal.told == (
        "No rehearsal of this drill counts: the newest, a (2026-11-27), is held by the ledger, and its folder is gone; rehearse it: do it."
    )
    many = [
        replace(judged(name, 1, "breached"), result="", restoration="", why="its folder is gone") for name in "abcd"
    ]
    told = rehearsal_rungs(many, None, TWO_PEOPLE, NOW, "do it")[1].told
    assert ", and 2 earlier runs too; find out why" in told


def test_no_line_is_younger_than_a_line_behind_it() -> None:
    times = ("2027-05-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
    lines = tuple(Line(number, "begun", utc, {}) for number, utc in enumerate(times, 1))
    assert latest_moments(Ledger(lines)) == {1: entered_at(times[1]), 2: entered_at(times[1]), 3: entered_at(times[2])}
    assert entered_at("no time").year == 1
    assert entered_at("2026-11-01T00:00:00").tzinfo is UTC


@pytest.mark.parametrize(("result", "restoration"), [("breached", "proven"), ("inconclusive", "unproven")])
def test_what_the_ledger_says_of_an_end_speaks_against_it_until_a_run_holds(result: str, restoration: str) -> None:
    """An addendum, such as a person's word, takes back neither a breach nor a restoration that was not proven."""
    word = judged("b", 1, "inconclusive", "kept closed", "live")
    late = replace(word, attempt=replace(word.attempt, result=result, restoration=restoration))
    assert rungs(late, judged("a", 2)) == (True, False)
    ended = f"{result}{', restoration unproven' if restoration == 'unproven' else ''}"
    told = rehearsal_rungs([late, judged("a", 2)], None, TWO_PEOPLE, NOW, "do it")[1].told
    assert f"b (2026-11-27) is inconclusive by what was added to it, and ended {ended}" in told
    assert rungs(judged("c", 0), late) == (True, True)
    proven = replace(late, result="held", restoration="proven")
    assert rungs(proven, judged("a", 2)) == (True, True)
