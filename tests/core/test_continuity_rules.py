"""Continuity and limits: the longest gap, how much was good at all, and intervals that straddle a limit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandmode.core.episodes import Heard, Sample, Seen
from islandmode.core.verdict import Finding, Result
from tests.core.story import CORPORATE, MIDDLE, RESTORE, SECOND, STEP, VENDORS, Story, codes

PLC = "plc-filler"


def bad_where(story: Story, number_is_bad: list[bool], seen: Seen = Seen.BAD) -> None:
    """Let a pattern of samples be bad, over and over, through the second stage."""

    def spoilt(one: Sample) -> Sample:
        inside = CORPORATE + SECOND <= one.asked_us < RESTORE - SECOND
        if not inside or not number_is_bad[one.seq % len(number_is_bad)]:
            return one
        return replace(one, seen=seen, heard=Heard.ANSWER, why="server busy")

    story.samples[PLC] = [spoilt(one) for one in story.samples[PLC]]


PATTERNS: dict[str, tuple[list[bool], Result]] = {
    "bad in eight of nine": ([True] * 8 + [False], Result.BREACHED),
    "bad in four of five": ([True] * 4 + [False], Result.BREACHED),
    "bad in every other": ([True, False], Result.INCONCLUSIVE),
    "bad in one of ten": ([True] + [False] * 9, Result.HELD),
    "half a second bad in every three": ([True] * 5 + [False] * 25, Result.HELD),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_many_short_gaps_are_judged_together(name: str) -> None:
    pattern, result = PATTERNS[name]
    story = Story()
    bad_where(story, pattern)
    verdict = story.judge()
    assert verdict.longest_ot_gap_s is not None
    assert verdict.longest_ot_gap_s <= story.plan.drill.limits.longest_ot_gap
    assert verdict.verdict is result, verdict.findings
    assert codes(verdict) == (set() if result is Result.HELD else {"continuity-availability"})


def test_a_probe_of_which_nothing_is_known_before_the_first_order_is_a_hole() -> None:
    story = Story()
    story.lose(PLC, 0, VENDORS + SECOND)
    verdict = story.judge()
    assert (verdict.verdict, codes(verdict)) == (Result.INCONCLUSIVE, {"witness-gap"})


def test_what_was_only_unknown_is_no_breach() -> None:
    story = Story()
    bad_where(story, [True] * 8 + [False], Seen.UNKNOWN)
    assert story.judge().verdict is Result.INCONCLUSIVE


def gap_of(bad: int, silent: int = 0) -> Finding | None:
    """Judge a gap of so many bad samples, followed by so many that are missing."""
    story = Story()
    story.see(PLC, Seen.BAD, MIDDLE, MIDDLE + bad * STEP, "stale", heard=Heard.ANSWER)
    story.lose(PLC, MIDDLE + bad * STEP, MIDDLE + (bad + silent) * STEP)
    return next((one for one in story.judge().findings if one.result is not Result.HELD), None)


@pytest.mark.parametrize(
    ("bad", "silent", "result"),
    [(9, 0, None), (10, 0, Result.INCONCLUSIVE), (12, 0, Result.BREACHED), (3, 9, Result.INCONCLUSIVE)],
    ids=["within", "straddles the limit", "beyond", "bad for a moment and then missing"],
)
def test_a_gap_is_a_breach_only_if_it_was_surely_too_long(bad: int, silent: int, result: Result | None) -> None:
    found = gap_of(bad, silent)
    assert (found.result if found is not None else None) is result
    assert found is None or found.code == "continuity-gap"


def test_a_question_that_was_never_answered_was_bad_for_as_long_as_it_was_awaited() -> None:
    """Two questions in a row, each lost for 0.8 s, with nothing between: bad for 1.7 s, not for the 0.9 s between them."""
    story = Story()
    kept = [one for one in story.samples[PLC] if not MIDDLE <= one.asked_us < MIDDLE + 18 * STEP]
    for at_us in (MIDDLE, MIDDLE + 9 * STEP):
        kept.append(Sample(PLC, 0, at_us, at_us + 8 * STEP, Seen.BAD, None, "no answer in time", Heard.NOTHING))
    story.samples[PLC] = sorted(kept, key=lambda one: one.asked_us)
    (found,) = (one for one in story.judge().findings if one.result is not Result.HELD)
    assert (found.code, found.result) == ("continuity-gap", Result.BREACHED)
    assert "1.7 to 1.9 s" in found.sentence


def limited(story: Story, **limits: float) -> None:
    drill = story.plan.drill
    changed = drill.model_copy(update={"limits": drill.limits.model_copy(update=limits)})
    story.plan = story.plan.model_copy(update={"drill": changed})


@pytest.mark.parametrize(
    ("limit_s", "result"), [(3.2, Result.HELD), (2.95, Result.INCONCLUSIVE), (2.0, Result.BREACHED)]
)
def test_an_isolation_that_straddles_its_limit_is_inconclusive(limit_s: float, result: Result) -> None:
    story = Story()
    for name in story.plan.stages[0].dead:
        story.see(name, Seen.GOOD, VENDORS, VENDORS + 3 * SECOND)
    limited(story, isolate_within=limit_s)
    late = [one for one in story.judge().findings if one.code == "isolated-late"]
    assert [one.result for one in late] == ([] if result is Result.HELD else [result])


@pytest.mark.parametrize(
    ("limit_s", "result"), [(2.2, Result.HELD), (1.95, Result.INCONCLUSIVE), (1.0, Result.BREACHED)]
)
def test_a_restoration_that_straddles_its_limit_is_inconclusive(limit_s: float, result: Result) -> None:
    story = Story()
    story.see("office-to-plc", Seen.BAD, RESTORE, RESTORE + 2 * SECOND, "x")
    limited(story, restore_within=limit_s)
    late = [one for one in story.judge().findings if one.code == "restored-late"]
    assert [one.result for one in late] == ([] if result is Result.HELD else [result])
