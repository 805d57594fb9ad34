"""What piles up in an isolation: what a drill may declare, and when it is said to have drained."""

from __future__ import annotations

from typing import Any

import pytest

from islandmode.core.backlog import Drained
from islandmode.core.episodes import Seen
from islandmode.core.limits import sampling_s
from islandmode.core.planning.plan_drill import PlanRefused
from islandmode.core.verdict import Restoration, Result
from tests.core.given import Documents, given, put
from tests.core.story import CORPORATE, END, RESTORE, SECOND, Story

BUFFER = {"probe": "filler-buffer", "tells": "rows that wait", "at_most": 100, "within": "2 s"}
PROBE = {
    "kind": "modbus",
    "vantage": "here",
    "target": "10.40.0.11",
    "table": "holding",
    "address": 4,
    "purpose": "Rows that wait",
}


def declared(at: Documents, **other: Any) -> None:
    put(at.probes, "filler-buffer", {**PROBE, **other.pop("probe_with", {})})
    put(at.drill, "backlogs", [{**BUFFER, **other}])


def story(*above: tuple[int, int]) -> Story:
    """Tell a perfect run in which the backlog was above its level in these stretches."""
    told = Story(given(declared).plan())
    for from_us, to_us in above:
        told.see("filler-buffer", Seen.BAD, from_us, to_us, "reads 250")
    return told


def drained(told: Story) -> Drained:
    (found,) = told.judge().backlogs
    return found


def test_a_backlog_that_drains_is_timed_and_changes_nothing_of_the_isolation() -> None:
    told = story((CORPORATE, RESTORE + SECOND))
    verdict = told.judge()
    assert (verdict.verdict, verdict.restoration) == (Result.HELD, Restoration.PROVEN)
    found = drained(told)
    assert (found.outcome, found.earliest_s, found.latest_s) == ("in time", 0.9, 1.0)
    assert (
        found.words
        == "rows that wait: at most 100 within 2 s: drained between 0.9 and 1.0 s after the order to restore"
    )


@pytest.mark.parametrize(
    ("above", "outcome", "words"),
    [
        ((CORPORATE, RESTORE + 25 * SECOND // 10), "late", "(late)"),
        ((CORPORATE, RESTORE + 205 * SECOND // 100), "unknown", "drained between"),
        ((CORPORATE, END + SECOND), "not drained", "NOT drained when the run ended"),
        # It came back once, and filled again.
        ((END - SECOND, END + SECOND), "not drained", "NOT drained when the run ended"),
    ],
)
def test_what_did_not_drain_in_time_is_a_note(above: tuple[int, int], outcome: str, words: str) -> None:
    told = story(above)
    assert drained(told).outcome == outcome
    assert words in drained(told).words
    verdict = told.judge()
    assert verdict.verdict is Result.HELD
    assert "backlog-left" in {finding.code for finding in verdict.findings}


def test_a_wait_that_somebody_ended_before_its_time_was_over_leaves_it_open() -> None:
    told = Story(given(lambda at: declared(at, within="1 h")).plan())
    told.see("filler-buffer", Seen.BAD, CORPORATE, END + SECOND, "reads 250")
    assert drained(told).outcome == "unknown"


def test_a_backlog_of_which_nothing_was_heard_is_not_known_to_have_drained() -> None:
    told = story()
    told.lose("filler-buffer", RESTORE, END + SECOND)
    assert (drained(told).outcome, drained(told).is_drained) == ("unknown", False)
    told = story()
    told.lose("filler-buffer", RESTORE + SECOND // 2, END + SECOND)
    assert drained(told).outcome == "unknown"


def test_the_plan_knows_its_level_its_time_and_another_digest() -> None:
    with_it, without = given(declared).plan(), given().plan()
    planned = with_it.probes["filler-buffer"]
    assert (planned.role, planned.probe.model_dump()["maximum"]) == ("backlog", 100)
    assert sampling_s(with_it) == sampling_s(without) + 2
    assert with_it.drill_digest != without.drill_digest
    assert "backlogs" not in without.model_dump(mode="json")["drill"]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"probe": "elsewhere"}, "elsewhere"),
        (
            {"probe": "plc-filler"},
            "Probe plc-filler is listed twice, once under backlogs; give the backlog a probe of its own.",
        ),
        (
            {"at_most": 70_000},
            '"at_most" must be a whole number from 0 to 65535, which is what filler-buffer can read; found 70000.',
        ),
        (
            {"probe_with": {"maximum": 5}},
            "Backlog filler-buffer has changes_within, a minimum or a maximum of its own, and the drill says its level",
        ),
    ],
)
def test_a_backlog_that_shows_no_number_is_refused(other: dict[str, Any], told: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        given(lambda at: declared(at, **other)).plan()
    assert any(told in problem.sentence for problem in refused.value.problems)
