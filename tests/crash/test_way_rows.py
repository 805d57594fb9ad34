"""The rows of the newer ways to isolate: each way has those that die in it, their moments exist, and one of each is played with the tests."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from islandmode.ui import silent_disk
from napalm_nftables import scripts
from tests.crash.breaking import ACTS, UNREAD
from tests.crash.launcher import CALLS, SCRIPTS
from tests.crash.playing import CABLE, leaks
from tests.crash.referee import Spell
from tests.crash.scenarios import Layer, Scenario, Way
from tests.crash.sections import MATRIX
from tests.crash.way_rows import AMID, BY_CANDIDATE, BY_HAND, BY_PAIR, BY_PLAYS, STAGES
from tests.crash.ways import STAGES as PLAYED_ON
from tests.lab import by_hand, test_commit_confirm, test_pair, test_plays

ROWS: dict[Way, Sequence[Scenario]] = {
    Way.PLAYS: BY_PLAYS,
    Way.HAND: BY_HAND,
    Way.PAIR: BY_PAIR,
    Way.CANDIDATE: BY_CANDIDATE,
}
KILLED: dict[Way, set[str]] = {
    Way.PLAYS: {"kill-runner"},
    Way.HAND: set(),
    Way.PAIR: {"kill-keepalived", "kill-both-and-keepalived"},
    Way.CANDIDATE: set(),
}
"""What dies in a way beside conductor and guardian."""


def acts_of(way: Way) -> set[str]:
    return {row.outside.act for row in ROWS[way] if row.outside is not None}


def test_every_way_is_played_and_its_rows_are_in_the_matrix() -> None:
    assert set(ROWS) == set(PLAYED_ON) == set(Way)
    for way, rows in ROWS.items():
        assert {row.way for row in rows} == {way}
        assert set(rows) <= set(MATRIX)
    assert [row.way for row in MATRIX if row.way is not None and row.fast] == list(ROWS)


@pytest.mark.parametrize("way", list(Way))
def test_in_every_way_the_conductor_dies_and_both_die_and_what_is_its_own(way: Way) -> None:
    rows = ROWS[way]
    assert {"kill-both"} | KILLED[way] <= acts_of(way) <= set(ACTS)
    assert any(row.at or (row.outside is not None and row.outside.act == "kill-conductor") for row in rows)
    assert {Layer.GUARDIAN, Layer.CONDUCTOR if way is not Way.PAIR else Layer.TIMER} <= {row.layer for row in rows}
    for row in rows:
        assert bool(row.at) is (row.outside is None)


def test_rows_name_stages_and_moments_that_the_drills_have() -> None:
    assert f"- name: {STAGES[Way.PLAYS]}\n" in test_plays.STAGES
    assert f"- name: {STAGES[Way.CANDIDATE]}\n" in test_commit_confirm.STAGES
    assert f"name: {STAGES[Way.HAND]}," in by_hand.DRILL_TEXT
    drill = test_pair.PROJECT / "examples" / "ashby" / test_pair.DRILL
    assert f"name: {STAGES[Way.PAIR]}," in drill.read_text(encoding="utf-8")
    assert f"- name: {AMID}\n" in test_plays.HANGS
    assert CABLE in by_hand.PLUG
    assert UNREAD in silent_disk.UNSEEN
    whens = {"leaving", "sent", "acted"}
    for row in MATRIX:
        if row.way is not None and row.at:
            call, when, _ = row.at.split(":")
            assert call.partition("-")[0] in CALLS
            assert call.partition("-")[2] in {"", *SCRIPTS}
            assert when in whens


def test_what_passes_before_the_first_restore_has_leaked() -> None:
    spells = [Spell("a", 10.0, 29.9), Spell("b", 10.0, 20.0), Spell("b", 20.5, 30.3), Spell("c", 10.0, None)]
    records = [{"kind": "restore.attempt", "asked_us": at_us} for at_us in (31_000_000, 30_100_000)]
    assert leaks(spells, records) == ["b passed again 10.10 s before the first restore"]


def test_the_scripts_of_the_driver_are_told_apart() -> None:
    place = scripts.Place("nft", "/state")
    preview = scripts.preview("nft", "running", "candidate", "mark", ())
    commit = scripts.commit(place, scripts.Change("t", "candidate", "undo"), 40)
    asks = (scripts.pending(place), scripts.waiting(place), scripts.added(place), scripts.confirm(place))
    found = [[name for name, pattern in SCRIPTS.items() if pattern.search(text)] for text in (preview, commit, *asks)]
    assert found == [["candidate"], ["commit"], [], [], [], []]
