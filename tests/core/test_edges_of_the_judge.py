"""Where a limit itself lies, and that no verdict depends on how long a machine has been up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandmode.core.episodes import Episode, Heard, Seen
from islandmode.core.judging.continuity import _outweighs
from islandmode.core.judging.passage import Passage
from islandmode.core.judging.probes import Hole, ProbeRecord, death_of, first_hole
from islandmode.core.judging.run import judge, worst
from islandmode.core.judging.timeline import Timeline, Window, last_us, timeline_of
from islandmode.core.verdict import Result, Verdict
from tests.core.spoilt_stories import STORIES
from tests.core.story import CORPORATE, END, POINT, RESTORE, SECOND, STEP, VENDORS, Story
from tests.core.verdicts import perfect_plan
from tests.more import one_in

DAY_US = 86_400 * SECOND
TIMES = ("asked_us", "answered_us")


def day_later(story: Story) -> Verdict:
    """Judge a story as it would be told on a machine that had been up for a day before."""
    moved = [
        [
            replace(
                one,
                monotonic_us=one.monotonic_us + DAY_US,
                data=one.data | {name: one.data[name] + DAY_US for name in TIMES if name in one.data},
            )
            for one in records
        ]
        for records in (story.records, story.others)
    ]
    episodes = {
        probe: tuple(
            replace(
                one,
                first_us=one.first_us + DAY_US,
                last_us=one.last_us + DAY_US,
                answered_us=one.answered_us + DAY_US,
                ended_us=one.ended_us + DAY_US,
            )
            for one in mine
        )
        for probe, mine in story.episodes().items()
    }
    return judge(story.plan, moved[0], episodes, mode="rehearsal", lab=True, run="run", others=moved[1])


@pytest.mark.parametrize("name", one_in(3, STORIES))
def test_no_verdict_depends_on_how_long_the_machine_has_been_up(name: str) -> None:
    story = Story(perfect_plan())
    STORIES[name](story)
    assert day_later(story) == story.judge()


def episode(first_us: int, last_us: int, longest_gap_us: int = 0) -> Episode:
    return Episode("probe", Seen.GOOD, first_us, last_us, 1, longest_gap_us, first_us + 1, heard=Heard.ANSWER)


def record(*told: tuple[int, int, Passage]) -> ProbeRecord:
    planned = perfect_plan().probes["office-to-plc"]
    episodes = tuple(episode(first_us, last_us) for first_us, last_us, _ in told)
    return ProbeRecord("office-to-plc", planned, episodes, 0, tuple(passage for *_, passage in told))


@pytest.mark.parametrize(
    ("known", "hole"),
    [
        ([(10, 20), (25, 30)], None),
        ([(16, 30)], (10, 16)),
        ([(15, 30)], None),
        ([(10, 24)], (24, 30)),
        ([(10, 25)], None),
        ([(10, 14), (20, 30)], (14, 20)),
        ([], (10, 30)),
    ],
)
def test_a_hole_is_longer_than_what_is_allowed(known: list[tuple[int, int]], hole: tuple[int, int] | None) -> None:
    found = first_hole([episode(*one) for one in known], 10, 30, 5)
    assert found == (None if hole is None else Hole(*hole, hole[1] - hole[0]))


@pytest.mark.parametrize(("gap_us", "hole"), [(5, None), (6, (10, 30))])
def test_a_gap_within_an_episode_is_a_hole_too(gap_us: int, hole: tuple[int, int] | None) -> None:
    found = first_hole([episode(10, 30, longest_gap_us=gap_us)], 10, 30, 5)
    # Where in the episode it lies is not known, and how long it was is.
    assert found == (None if hole is None else Hole(*hole, gap_us))


def test_nothing_is_a_hole_in_a_stretch_as_long_as_what_is_allowed() -> None:
    assert first_hole([], 10, 15, 5) is None
    assert first_hole([], 10, 16, 5) == Hole(10, 16, 6)


PASSED, STOPPED, UNTOLD = Passage.PASSED, Passage.STOPPED, Passage.UNTOLD


@pytest.mark.parametrize(
    ("told", "death"),
    [
        ([(1, 9, PASSED), (12, 50, STOPPED)], (9, 12)),
        ([(1, 9, PASSED), (10, 50, STOPPED)], (9, 10)),
        ([(1, 9, STOPPED), (12, 50, STOPPED)], (10, 12)),
        # What was stopped before the order says nothing of it.
        ([(1, 9, STOPPED), (12, 20, PASSED), (21, 50, STOPPED)], (20, 21)),
        # What passes again later is another matter: it died at the first that did not pass.
        ([(1, 11, PASSED), (12, 20, STOPPED), (21, 50, PASSED)], (11, 12)),
        ([(1, 50, PASSED)], (50, None)),
        ([(1, 50, UNTOLD)], (10, None)),
        # Until the moment to which it is asked, and not beyond.
        ([(1, 100, PASSED)], (100, None)),
        ([(1, 101, PASSED)], (10, None)),
        ([(1, 9, PASSED), (99, 150, STOPPED)], (9, 99)),
        ([(1, 9, PASSED), (100, 150, STOPPED)], (9, None)),
        ([(1, 9, PASSED), (12, 20, STOPPED), (100, 150, STOPPED)], (9, 12)),
        ([], (10, None)),
    ],
)
def test_a_probe_dies_between_the_last_that_passed_and_the_first_that_did_not(
    told: list[tuple[int, int, Passage]], death: tuple[int, int | None]
) -> None:
    found = death_of(record(*told), 10, 100, limit_us=10, lost_us=0)
    assert (found.last_passed_us, found.first_stopped_us) == death


@pytest.mark.parametrize(
    ("told", "death"),
    [
        # Silent for five, which is a few samples, and passing again by twenty, which is the limit.
        ([(1, 11, PASSED), (12, 16, STOPPED), (17, 22, PASSED), (23, 50, STOPPED)], (22, 23)),
        ([(1, 11, PASSED), (12, 17, STOPPED), (18, 22, PASSED), (23, 50, STOPPED)], (11, 12)),
        ([(1, 14, PASSED), (15, 19, STOPPED), (20, 22, PASSED), (23, 50, STOPPED)], (22, 23)),
        ([(1, 15, PASSED), (16, 20, STOPPED), (21, 22, PASSED), (23, 50, STOPPED)], (15, 16)),
        # Twice.
        ([(1, 11, PASSED), (12, 12, STOPPED), (13, 14, PASSED), (15, 15, STOPPED), (16, 99, PASSED)], (99, None)),
    ],
)
def test_a_few_samples_that_are_lost_before_the_limit_are_no_death(
    told: list[tuple[int, int, Passage]], death: tuple[int, int | None]
) -> None:
    found = death_of(record(*told), 10, 100, limit_us=20, lost_us=5)
    assert (found.last_passed_us, found.first_stopped_us) == death


def test_a_probe_gives_what_reaches_into_a_stretch_and_what_begins_in_it() -> None:
    one = record((1, 9, PASSED), (10, 19, STOPPED), (20, 29, PASSED), (30, 39, UNTOLD))
    assert [each.first_us for each in one.within(10, 30)] == [10, 20]
    assert [each.first_us for each in one.within(10, 31, Seen.GOOD)] == [10, 20, 30]
    assert one.within(10, 31, Seen.BAD) == ()
    assert one.passed(1, 20) == 1
    assert one.passed(1, 21) == 2
    assert [each.first_us for each in one.reaching(9, 30, PASSED)] == [1, 20]
    assert [each.first_us for each in one.reaching(10, 20, PASSED, STOPPED)] == [10]
    assert [each.first_us for each in one.reaching(10, 31, UNTOLD)] == [30]


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([], (0, (0, 0))),
        ([(10, 20, 10)], (10, (10, 20))),
        # The time between two counts against both.
        ([(10, 20, 10), (25, 35, 10)], (15, (10, 35))),
        ([(10, 20, 10), (30, 35, 5)], (10, (10, 20))),
        ([(10, 20, 10), (30, 45, 15)], (15, (30, 45))),
        ([(10, 20, 10), (31, 36, 5), (36, 50, 14)], (19, (31, 50))),
        ([(10, 20, -5), (20, 25, 5)], (5, (20, 25))),
        ([(10, 20, 0)], (0, (0, 0))),
    ],
)
def test_the_stretch_that_outweighs_most(spans: list[tuple[int, int, int]], found: tuple[int, tuple[int, int]]) -> None:
    assert _outweighs(spans) == found


def test_the_worst_result_wins_and_nothing_is_not_tested() -> None:
    assert worst([Result.HELD, Result.NOT_TESTED]) is Result.NOT_TESTED
    assert worst([Result.INCONCLUSIVE, Result.NOT_TESTED, Result.HELD]) is Result.INCONCLUSIVE
    assert worst([Result.BREACHED, Result.INCONCLUSIVE]) is Result.BREACHED
    assert worst([Result.HELD]) is Result.HELD
    assert worst([]) is Result.NOT_TESTED


def test_a_moment_lies_in_the_window_that_begins_with_it() -> None:
    windows = (Window("before", 5, 10, ()), Window("one", 10, 20, ()))
    timeline = Timeline(5, windows, 20, None, {"one": 11})
    assert [timeline.at(moment_us) for moment_us in (4, 5, 9, 10, 19, 20)] == [
        None,
        windows[0],
        windows[0],
        windows[1],
        windows[1],
        None,
    ]
    assert timeline.window("one") is windows[1]
    assert timeline.window("two") is None
    assert timeline.edges == (5, 10, 10, 20, 11)
    assert timeline.seconds(1_500_005) == 1.5
    assert windows[1].length_us == 10


def test_a_journal_without_records_has_no_windows() -> None:
    timeline = timeline_of(["vendors"], [], [])
    assert timeline == Timeline(0, (), None, None, {})
    assert last_us([]) == 0


@pytest.mark.parametrize(("later_us", "codes"), [(0, set[str]()), (1, {"held-short"})])
def test_a_stage_may_be_in_effect_a_second_less_than_its_hold_and_no_more(later_us: int, codes: set[str]) -> None:
    """The first stage lasts from its order to the second's; its hold is as long here as would just be allowed."""
    story = Story(perfect_plan())
    # Nothing that came back after 1 s, and the clocks' uncertainty, makes 1.00002 s to come into effect.
    for name in story.plan.stages[0].dead:
        story.see(name, Seen.GOOD, VENDORS, VENDORS + SECOND)
    lasted_s = (CORPORATE - VENDORS) / SECOND - 1.00002
    stage = story.plan.stages[0].model_copy(update={"hold_s": lasted_s + 1.0 + later_us / 1_000_000})
    story.plan = story.plan.model_copy(update={"stages": (stage, *story.plan.stages[1:])})
    assert {one.code for one in story.judge().findings} & {"held-short"} == codes


@pytest.mark.parametrize(("from_us", "leaks"), [(RESTORE - STEP, 1), (RESTORE, 0)])
def test_what_passes_from_the_order_to_restore_on_is_no_leak(from_us: int, leaks: int) -> None:
    story = Story(perfect_plan())
    story.see("office-to-plc", Seen.GOOD, from_us, RESTORE + SECOND)
    assert story.judge().leaks == leaks


def limited(story: Story, **limits: float) -> Story:
    drill = story.plan.drill
    changed = drill.model_copy(update={"limits": drill.limits.model_copy(update=limits)})
    story.plan = story.plan.model_copy(update={"drill": changed})
    return story


@pytest.mark.parametrize(("less_s", "late"), [(0.0, False), (0.00001, True)])
def test_what_takes_exactly_as_long_as_it_may_is_not_late(less_s: float, *, late: bool) -> None:
    story = Story(perfect_plan())
    story.see("office-to-plc", Seen.BAD, RESTORE, RESTORE + SECOND, "x")
    for name in story.plan.stages[0].dead:
        story.see(name, Seen.GOOD, VENDORS, VENDORS + SECOND)
    verdict = story.judge()
    back, isolated = verdict.restoration_s.ordered_to_effective, verdict.isolation_s.ordered_to_effective
    assert back is not None
    assert isolated is not None
    assert back.latest_s is not None
    assert isolated.latest_s is not None
    limited(story, restore_within=back.latest_s - less_s, isolate_within=isolated.latest_s - less_s)
    codes = {one.code for one in story.judge().findings} & {"restored-late", "isolated-late"}
    assert codes == ({"restored-late", "isolated-late"} if late else set())


def test_a_record_that_ends_with_the_order_to_restore_still_has_a_window_after() -> None:
    story = Story(perfect_plan())
    story.records = [one for one in story.records if one.monotonic_us <= RESTORE and one.kind != "hold.ended"]
    after = timeline_of([stage.name for stage in story.plan.stages], story.records).window("after")
    assert after is not None
    assert (after.start_us, after.end_us) == (RESTORE, RESTORE + 1)
    assert [one.kind for one in story.records if one.seq in after.records] == ["restore.ordered"]


def test_a_device_that_was_not_seen_restored_is_told_with_what_its_last_attempt_met() -> None:
    story = Story()
    story.drop("restore.seen")
    for why in ("no answer.", "the device refused it: it is locked for configuration by okello."):
        story.add(END, "restore.unseen", point=POINT, why=why)
    (found,) = (finding.sentence for finding in story.judge().findings if finding.code == "stranded")
    assert found == (
        f"STRANDED: {POINT} was not seen restored (the device refused it: it is locked for configuration by okello). Restore it by hand now, "
        "with the commands of the card."
    )


@pytest.mark.parametrize(("uncertain_us", "named"), [(499_999, False), (500_000, True)])
def test_a_clock_that_is_known_to_half_a_second_or_worse_is_named_and_what_is_short_by_it_is_not_called_short(
    uncertain_us: int, *, named: bool
) -> None:
    story = Story(perfect_plan())
    story.change("vantage.offset", uncertainty_us=uncertain_us)
    found = {one.code: one for one in story.judge().findings if one.code == "clock-coarse" and " erp " in one.sentence}
    assert bool(found) == named
    if named:
        assert found["clock-coarse"].result is Result.HELD
        assert found["clock-coarse"].sentence == (
            "The clock of vantage erp was measured to 0.5 s only, because its host answered late; whatever it watched is uncertain by that."
        )
    # What a kit's host says of its own error is no answer that came late.
    story.change("vantage.offset", uncertainty_us=uncertain_us, by_utc=True)
    assert "clock-coarse" not in {one.code for one in story.judge().findings}


@pytest.mark.parametrize(("late", "said"), [(False, "is known to have been"), (True, "was")])
def test_a_hold_that_is_short_only_by_a_coarse_clock_is_told_as_such(said: str, *, late: bool) -> None:
    story = Story(perfect_plan())
    story.change("vantage.offset", uncertainty_us=1_500_000)
    if late:
        for name in story.plan.stages[0].dead:
            story.see(name, Seen.GOOD, VENDORS, VENDORS + 3 * SECOND)
    short = next(one.sentence for one in story.judge().findings if one.code == "held-short")
    assert f"its isolation {said} in effect for " in short


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        ("disk", "ends before its time, because its host's disk took no more"),
        ("full", "ends before its time, because it had reached its bound"),
        ("lost", "ends without its worker's last word"),
    ],
)
def test_a_worker_that_ended_before_its_time_is_a_lost_witness(ended: str, told: str) -> None:
    story = Story(perfect_plan())
    story.change("collect.result", ended=ended)
    verdict = story.judge()
    assert verdict.verdict is Result.INCONCLUSIVE
    assert f"The spool of vantage office {told}; what it watched is not known for sure." in {
        one.sentence for one in verdict.findings if one.code == "witness-lost"
    }
