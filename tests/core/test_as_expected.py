"""The timeline is coloured by as expected or not, and no drawing has more parts than it has columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from islandmode.core.as_expected import Shade, Strip, columns, strips_of
from islandmode.core.episodes import Heard, Seen
from islandmode.core.judging.timeline import timeline_of
from tests.core.story import CORPORATE, END, MIDDLE, RESTORE, SECOND, STEP, VENDORS, Story


def shades(story: Story, probe: str) -> list[Shade]:
    """Give the shades of a probe in their order, equal neighbours once."""
    timeline = timeline_of([stage.name for stage in story.plan.stages], story.records, story.others)
    strips = strips_of(story.plan, story.judge(), timeline, probe, story.episodes()[probe])
    ordered = [one.shade for one in sorted(strips, key=lambda one: one.from_us)]
    return [one for place, one in enumerate(ordered) if place == 0 or ordered[place - 1] is not one]


def test_a_wanted_death_is_as_expected() -> None:
    assert shades(Story(), "office-to-plc") == [Shade.PASSES, Shade.DEAD, Shade.PASSES]
    assert shades(Story(), "plc-filler") == [Shade.PASSES]


def passes(story: Story) -> None:
    story.see("office-to-plc", Seen.GOOD, MIDDLE, MIDDLE + SECOND)


def answers_badly(story: Story) -> None:
    story.see("office-to-plc", Seen.BAD, MIDDLE, MIDDLE + SECOND, "exception 2", heard=Heard.ANSWER)


@pytest.mark.parametrize("spoil", [passes, answers_badly])
def test_whatever_comes_back_while_isolated_is_a_leak(spoil: Callable[[Story], None]) -> None:
    story = Story()
    spoil(story)
    assert shades(story, "office-to-plc") == [Shade.PASSES, Shade.DEAD, Shade.LEAK, Shade.DEAD, Shade.PASSES]


def test_what_passes_until_the_isolation_is_in_effect_is_no_leak() -> None:
    story = Story()
    story.see("office-to-plc", Seen.GOOD, CORPORATE, CORPORATE + 2 * SECOND)
    assert Shade.LEAK not in shades(story, "office-to-plc")


def test_a_question_of_the_hold_that_was_answered_after_restore_did_not_pass_in_it() -> None:
    story = Story()
    asked_us = RESTORE - 3 * STEP
    story.samples["erp-canary"] = [
        replace(one, seen=Seen.GOOD, heard=Heard.ANSWER, why="", answered_us=RESTORE + STEP)
        if one.asked_us == asked_us
        else one
        for one in story.samples["erp-canary"]
        if not asked_us < one.asked_us < RESTORE + STEP
    ]
    assert shades(story, "erp-canary") == [Shade.PASSES, Shade.DEAD, Shade.PASSES]


def test_a_stretch_lasts_until_its_last_question_was_answered_and_ends_with_its_window() -> None:
    story = Story()
    timeline = timeline_of([stage.name for stage in story.plan.stages], story.records, story.others)
    dead = story.episodes()["erp-canary"][1]
    lone = replace(dead, first_us=CORPORATE + SECOND, last_us=CORPORATE + SECOND, ended_us=CORPORATE + 3 * SECOND)
    late = replace(dead, first_us=RESTORE - STEP, last_us=RESTORE - STEP, ended_us=RESTORE + SECOND)
    drawn = list(strips_of(story.plan, story.judge(), timeline, "erp-canary", [lone, late]))
    assert [one.to_us for one in drawn] == [CORPORATE + 3 * SECOND, RESTORE]


def test_what_must_be_alive_and_is_not_failed() -> None:
    story = Story()
    story.see("plc-filler", Seen.BAD, MIDDLE, MIDDLE + 2 * SECOND, "no answer in time")
    assert shades(story, "plc-filler") == [Shade.PASSES, Shade.OUTAGE, Shade.PASSES]


def test_a_gap_within_the_limit_is_no_failure() -> None:
    story = Story()
    story.see("plc-filler", Seen.BAD, MIDDLE, MIDDLE + 2 * STEP, "no answer in time")
    assert shades(story, "plc-filler") == [Shade.PASSES, Shade.SHORT, Shade.PASSES]


def test_a_stage_that_stops_too_much_failed_there() -> None:
    story = Story()
    story.see("office-to-plc", Seen.BAD, VENDORS + SECOND, RESTORE, "no answer in time")
    assert shades(story, "office-to-plc") == [Shade.PASSES, Shade.OUTAGE, Shade.DEAD, Shade.PASSES]


def test_a_way_back_that_took_a_moment_is_no_failure_and_none_at_all_is_one() -> None:
    story = Story()
    story.see("office-to-plc", Seen.BAD, RESTORE, RESTORE + SECOND, "no answer in time")
    assert shades(story, "office-to-plc")[-2:] == [Shade.SHORT, Shade.PASSES]
    story.see("office-to-plc", Seen.BAD, RESTORE, END, "no answer in time")
    assert shades(story, "office-to-plc")[-1] is Shade.OUTAGE


def test_what_nobody_knows_is_neither() -> None:
    story = Story()
    story.see("office-to-plc", Seen.UNKNOWN, MIDDLE, MIDDLE + SECOND, "no address")
    story.see("erp-to-historian", Seen.BAD, MIDDLE, MIDDLE + SECOND, "reset", heard=Heard.REFUSED)
    story.lose("historian-to-erp", MIDDLE, MIDDLE + 4 * SECOND)
    for probe in ("office-to-plc", "erp-to-historian", "historian-to-erp"):
        assert Shade.UNKNOWN in shades(story, probe)
        assert not {Shade.LEAK, Shade.OUTAGE} & set(shades(story, probe))


def strip(from_us: int, to_us: int, shade: Shade) -> Strip:
    return Strip(from_us, to_us, shade, 1, "")


def test_a_row_has_no_more_parts_than_columns_and_never_hides_the_worst() -> None:
    many = [strip(at, at + 1, Shade.PASSES if at % 2 else Shade.DEAD) for at in range(100_000)]
    many.insert(50_001, strip(50_000, 50_001, Shade.LEAK))
    drawn = columns(iter(many), 0, 100_000, 100)
    assert [one for one in drawn if one[2] is Shade.LEAK] == [(50, 51, Shade.LEAK)]
    assert len(drawn) == 3


def test_neighbours_of_a_kind_are_one_and_what_is_empty_stays_empty() -> None:
    drawn = columns(iter([strip(0, 10, Shade.DEAD), strip(10, 20, Shade.DEAD), strip(80, 90, Shade.DEAD)]), 0, 100, 10)
    assert drawn == ((0, 2, Shade.DEAD), (8, 9, Shade.DEAD))


def test_what_lies_outside_is_not_drawn() -> None:
    outside = [strip(-20, -10, Shade.DEAD), strip(100, 110, Shade.DEAD), strip(-5, 5, Shade.PASSES)]
    assert columns(iter(outside), 0, 100, 10) == ((0, 1, Shade.PASSES),)
