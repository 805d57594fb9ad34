"""Severed probes ask whether anything passed; a positive control is recent; a witness is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from islandmode.core.episodes import Heard, Seen
from islandmode.core.judging.probes import PRESENT_SHARE
from islandmode.core.plan import Plan
from islandmode.core.verdict import Result, Verdict
from tests.core.story import BASE, CORPORATE, MIDDLE, RESTORE, SECOND, STEP, VENDORS, Story, add_from, codes, recount

PROBE, CANARY = "office-to-plc", "office-canary"
NEAR, BEYOND, TARGET = "10.10.0.1", "10.40.0.1", "10.40.0.10"


def came_back(
    heard: Heard, sender: str = "", from_us: int = CORPORATE, to_us: int = RESTORE, plan: Plan | None = None
) -> Story:
    """Let a bad answer of some kind come back to a severed probe."""
    story = Story(plan)
    story.see(PROBE, Seen.BAD, from_us, to_us, "what came back", heard=heard, sender=sender)
    return story


def finding(verdict: Verdict, code: str) -> str:
    return next(one.sentence for one in verdict.findings if one.code == code)


@pytest.mark.parametrize("to_us", [CORPORATE + 6 * SECOND, RESTORE])
def test_an_answer_that_is_not_good_is_a_leak(to_us: int) -> None:
    """A Modbus exception, an HTTP 503, a stale value: the drill was held with nothing isolated."""
    verdict = came_back(Heard.ANSWER, to_us=to_us).judge()
    assert (verdict.verdict, verdict.leaks) == (Result.BREACHED, 1)
    assert "not every answer was good (what came back)" in finding(verdict, "leak")


def test_what_came_back_is_quoted_also_where_it_tells_nothing_of_its_target() -> None:
    story = Story()
    story.see(PROBE, Seen.UNKNOWN, MIDDLE, RESTORE, "HTTP 429: asked too often", heard=Heard.ANSWER)
    assert "not every answer was good (HTTP 429: asked too often)" in finding(story.judge(), "leak")


def test_one_exception_among_silence_is_a_leak() -> None:
    verdict = came_back(Heard.ANSWER, from_us=MIDDLE, to_us=MIDDLE + 1).judge()
    assert verdict.leaks == 1
    assert "1 time in the hold" in finding(verdict, "leak")


INWARD = "eth1 to eth4"


def refusing() -> Plan:
    """Give the drill's plan for a firewall whose isolation answers in the target's name."""
    plan = Story().plan
    points = {
        name: point.model_copy(
            update={"capabilities": point.capabilities.model_copy(update={"denies_with": "refusal"})}
        )
        for name, point in plan.points.items()
    }
    return plan.model_copy(update={"points": points})


REFUSALS: tuple[tuple[str, str, bool | None, Result, str | None], ...] = (
    ("the target's", TARGET, None, Result.BREACHED, "leak"),
    ("from beyond the isolation point", BEYOND, None, Result.BREACHED, "leak"),
    ("from beyond, although the firewall counted nothing", BEYOND, True, Result.BREACHED, "leak"),
    ("from beyond, with its link", "fd10:40::1%eth0", None, Result.BREACHED, "leak"),
    ("from this side", NEAR, None, Result.HELD, None),
    ("from a third zone", "10.20.0.1", None, Result.INCONCLUSIVE, "refused-by-unknown"),
    ("from nobody knows where", "", None, Result.INCONCLUSIVE, "refused-by-unknown"),
    ("from what is no address", "a host", None, Result.INCONCLUSIVE, "refused-by-unknown"),
    ("in the target's name, and the firewall counted nothing", TARGET, True, Result.HELD, None),
    ("nobody knows whose, and the firewall counted nothing", "", True, Result.HELD, None),
    ("nobody knows whose, and the firewall counted some", "", False, Result.BREACHED, "leak"),
)


@pytest.mark.parametrize("heard", [Heard.REFUSED, Heard.UNREACHABLE])
@pytest.mark.parametrize(
    ("sender", "counted", "result", "code"), [row[1:] for row in REFUSALS], ids=[r[0] for r in REFUSALS]
)
def test_a_refusal_counts_by_who_sent_it(
    heard: Heard, sender: str, *, counted: bool | None, result: Result, code: str | None
) -> None:
    story = came_back(heard, sender, plan=refusing())
    if counted is None:
        # Nothing was counted before either, so that nothing afterwards says nothing.
        recount(story, lambda _, egress: egress.get("corporate-line3", {}).pop(INWARD, None))
    elif not counted:
        recount(story, add_from(MIDDLE, "corporate-line3", INWARD))
    verdict = story.judge()
    assert verdict.verdict is result, verdict.findings
    assert code is None or code in codes(verdict)


@pytest.mark.parametrize(
    ("sender", "result", "code"),
    [("", Result.INCONCLUSIVE, "refused-by-unknown"), (TARGET, Result.BREACHED, "leak"), (NEAR, Result.HELD, None)],
)
def test_a_silent_isolation_refuses_nothing_whatever_it_counted(sender: str, result: Result, code: str | None) -> None:
    """A target that resets over a way round the firewall was held: the firewall had counted nothing."""
    verdict = came_back(Heard.REFUSED, sender).judge()
    assert verdict.verdict is result, verdict.findings
    assert code is None or code in codes(verdict)


def test_one_refusal_from_beyond_does_not_hide_behind_those_from_this_side() -> None:
    story = came_back(Heard.REFUSED, NEAR)
    story.see(PROBE, Seen.BAD, MIDDLE, MIDDLE + 1, "refused", heard=Heard.REFUSED, sender=BEYOND)
    assert "leak" in codes(story.judge())


def test_a_bad_answer_before_its_stage_is_no_flow_that_was_stopped() -> None:
    verdict = came_back(Heard.ANSWER, from_us=VENDORS + SECOND, to_us=CORPORATE).judge()
    assert codes(verdict) == {"no-control-before"}
    assert verdict.verdict is Result.INCONCLUSIVE


@pytest.mark.parametrize(("samples", "held"), [(1, True), (30, False)])
def test_a_lost_sample_in_an_earlier_stage_is_no_flow_that_was_stopped(samples: int, *, held: bool) -> None:
    story = Story()
    lost_us = VENDORS + 2 * SECOND
    story.see(PROBE, Seen.BAD, lost_us, lost_us + samples * STEP, "no answer in time")
    assert ("isolated-too-much" not in codes(story.judge())) is held


def late(lost: int, effect_us: int) -> Story:
    """Let an isolation come into effect late, with some samples lost before that on the way that was still open."""
    story = Story()
    story.see(PROBE, Seen.GOOD, CORPORATE, effect_us)
    story.see(PROBE, Seen.BAD, CORPORATE + 2 * STEP, CORPORATE + (2 + lost) * STEP, "lost", heard=Heard.NOTHING)
    return story


def test_a_sample_that_is_lost_before_the_isolation_took_effect_makes_no_leak_of_what_still_passed() -> None:
    verdict = late(1, CORPORATE + 8 * STEP).judge()
    assert (verdict.verdict, verdict.leaks) == (Result.HELD, 0), verdict.findings
    effective = verdict.stages[1].isolation_s.ordered_to_effective
    assert effective is not None
    # From the last that passed to the first that did not: the lost one was not yet the isolation.
    assert effective.earliest_s == pytest.approx(0.7, abs=0.001)
    assert effective.latest_s == pytest.approx(0.8, abs=0.001)


def test_a_way_that_was_dead_for_longer_than_a_few_samples_and_passes_again_is_a_leak() -> None:
    lost = 20
    verdict = late(lost, CORPORATE + (2 + lost + 5) * STEP).judge()
    assert (verdict.verdict, verdict.leaks) == (Result.BREACHED, 1)


def test_a_way_that_passes_again_after_the_limit_is_a_leak_however_short_it_was_dead() -> None:
    story = Story()
    limit_us = CORPORATE + round(story.plan.drill.limits.isolate_within * SECOND)
    story.see(PROBE, Seen.GOOD, CORPORATE, limit_us - 2 * STEP)
    story.see(PROBE, Seen.GOOD, limit_us + STEP, limit_us + 3 * STEP)
    assert story.judge().leaks == 1


def close_after_each_answer(story: Story) -> None:
    """Let the canary's server close: good once, then never again."""
    story.see(CANARY, Seen.BAD, BASE + STEP, RESTORE, "the peer closed the connection", heard=Heard.NOTHING)


def lose_most(story: Story, probe: str = PROBE) -> None:
    """Keep one sample in fourteen, and the last before the order."""
    kept = [one for one in story.samples[probe] if one.seq % 14 == 0 or one.asked_us == CORPORATE - STEP]
    story.samples[probe] = kept


CONTROLS: dict[str, tuple[Callable[[Story], object], str]] = {
    "a canary that was good once": (close_after_each_answer, "no-control-before"),
    "bad in its last sample before the order": (
        lambda s: s.see(PROBE, Seen.BAD, CORPORATE - STEP, CORPORATE, "stale", heard=Heard.ANSWER),
        "no-control-before",
    ),
    "silent for the last two seconds before the order": (
        lambda s: s.lose(PROBE, CORPORATE - 2 * SECOND, CORPORATE),
        "no-control-before",
    ),
    "unknown for the last two seconds before the order": (
        lambda s: s.see(PROBE, Seen.UNKNOWN, CORPORATE - 2 * SECOND, CORPORATE, "own trouble"),
        "no-control-before",
    ),
    "93 % of its samples are missing": (lose_most, "witness-sparse"),
    "93 % of a canary's samples are missing": (lambda s: lose_most(s, CANARY), "witness-sparse"),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_without_a_recent_control_and_a_witness_that_is_there_silence_proves_nothing(name: str) -> None:
    spoil, code = CONTROLS[name]
    story = Story()
    spoil(story)
    verdict = story.judge()
    assert code in codes(verdict), verdict.findings
    assert verdict.verdict is Result.INCONCLUSIVE, verdict.findings


def test_what_was_asked_right_before_the_order_and_lost_to_it_spoils_no_control() -> None:
    story = Story()
    story.samples[PROBE] = [
        replace(one, seen=Seen.BAD, heard=Heard.NOTHING, answered_us=one.asked_us + 8 * STEP)
        if CORPORATE - 4 * STEP <= one.asked_us < CORPORATE
        else one
        for one in story.samples[PROBE]
    ]
    assert story.judge().verdict is Result.HELD


@pytest.mark.parametrize(
    ("share", "result"), [(PRESENT_SHARE - 0.05, Result.INCONCLUSIVE), (PRESENT_SHARE + 0.05, Result.HELD)]
)
def test_the_share_of_slots_that_is_needed_is_the_one_that_is_told(share: float, result: Result) -> None:
    story = Story()
    # In the whole of one stage and evenly, so that no gap is a hole; its last sample before the order stays.
    story.samples[PROBE] = [
        one
        for one in story.samples[PROBE]
        if not VENDORS < one.asked_us < CORPORATE - STEP or int(one.seq * share) != int((one.seq - 1) * share)
    ]
    assert story.judge().verdict is result


def test_a_probe_with_one_question_at_a_time_needs_no_sample_while_it_waits() -> None:
    story = Story()
    dead = [one for one in story.samples[CANARY] if CORPORATE < one.asked_us < RESTORE]
    waiting = {one.asked_us for number, one in enumerate(dead) if number % 9}
    story.samples[CANARY] = [one for one in story.samples[CANARY] if one.asked_us not in waiting]
    assert story.judge().verdict is Result.HELD
    story.samples[PROBE] = [one for one in story.samples[PROBE] if one.asked_us not in waiting]
    assert codes(story.judge()) == {"witness-sparse"}


def test_a_probe_that_asks_anew_in_every_slot_is_sparse_however_long_each_answer_takes() -> None:
    """HTTP over fresh connections: a wait of 0.8 s once counted as eight slots in which nothing was asked."""
    plan = Story().plan
    severed, fetching = plan.probes[PROBE], plan.probes["hmi-line3"].probe
    asked = {name: getattr(severed.probe, name) for name in ("vantage", "target")}
    severed = severed.model_copy(update={"probe": fetching.model_copy(update=asked)})
    story = Story(plan.model_copy(update={"probes": {**plan.probes, PROBE: severed}}))
    assert story.judge().verdict is Result.HELD
    dead = [sample for sample in story.samples[PROBE] if CORPORATE < sample.asked_us < RESTORE]
    missing = {sample.asked_us for number, sample in enumerate(dead) if number % 9}
    story.samples[PROBE] = [sample for sample in story.samples[PROBE] if sample.asked_us not in missing]
    assert codes(story.judge()) == {"witness-sparse"}
