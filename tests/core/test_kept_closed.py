"""A drill that turned real: what explains a conduit that stays dead, and what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from islandmode.core.episodes import Seen
from islandmode.core.flows_told import flows_told
from islandmode.core.judging.kept_closed import ADDENDUM
from islandmode.core.verdict import Restoration, Result
from islandmode.isolation.point import Configuration
from islandmode.run.closed_look import closings_looked
from tests.core.story import END, MIDDLE, POINT, RESTORE, SECOND, VENDORS, Story, codes
from tests.run.test_turned_real import declared

CONDUIT = "corporate-line3"
WORD: dict[str, Any] = {"conduit": CONDUIT, "person": "Plant manager", "author": "jo"}
LOOK: dict[str, Any] = {"point": POINT, "conduit": CONDUIT, "shows_as": "for-real", "outcome": "done", "why": ""}


def fresh(story: Story, conduit: str = CONDUIT) -> list[str]:
    """Name the fresh probes through a conduit."""
    return [
        name
        for name, planned in story.plan.probes.items()
        if planned.crosses == conduit and planned.role == "severed" and planned.probe.kind != "canary"
    ]


def stays_dead(*, word: bool = False, look: str = "") -> Story:
    """Tell a perfect run in which one conduit stays dead."""
    story = Story()
    for name, planned in story.plan.probes.items():
        if planned.crosses == CONDUIT:
            story.see(name, Seen.BAD, RESTORE, END, "no answer in time")
    if word:
        story.add(MIDDLE, "closed.said", **WORD)
    if look:
        story.add(END, "closed.looked", **{**LOOK, "outcome": look})
    return story


def ended(story: Story) -> tuple[Restoration, Result]:
    verdict = story.judge()
    return verdict.restoration, verdict.verdict


@pytest.mark.parametrize(
    ("story", "told"),
    [
        (stays_dead(word=True), "ours removed; kept closed by Plant manager"),
        (stays_dead(look="done"), f"ours removed; kept closed by a deny on {POINT}"),
        (stays_dead(word=True, look="done"), "ours removed; kept closed by Plant manager"),
        # The device was not read, or does not show it; the person's word is on record.
        (stays_dead(word=True, look="unknown"), "ours removed; kept closed by Plant manager"),
        (stays_dead(word=True, look="not done"), "ours removed; kept closed by Plant manager"),
    ],
)
def test_it_is_kept_closed_by_name_and_neither_proven_nor_unproven(story: Story, told: str) -> None:
    verdict = story.judge()
    assert (verdict.restoration, verdict.verdict) == (Restoration.KEPT_CLOSED, Result.INCONCLUSIVE)
    assert verdict.restoration_told == told
    assert codes(verdict) == {"kept-closed"}
    assert [kept.conduit for kept in verdict.kept_closed] == [CONDUIT]
    flows = [flow for flow in flows_told(story.plan, verdict, story.records) if flow.flow.conduit == CONDUIT]
    assert {flow.back for flow in flows} <= {False, None}


@pytest.mark.parametrize("story", [stays_dead(), stays_dead(look="not done"), stays_dead(look="unknown")])
def test_what_nobody_said_and_no_device_showed_explains_nothing(story: Story) -> None:
    verdict = story.judge()
    assert (verdict.restoration, "no-control-after" in codes(verdict)) == (Restoration.UNPROVEN, True)


def test_it_explains_its_own_conduit_only() -> None:
    story = stays_dead(word=True)
    other = fresh(story, "remote-access")[0]
    story.see(other, Seen.BAD, RESTORE, END, "no answer in time")
    verdict = story.judge()
    assert verdict.restoration is Restoration.UNPROVEN
    assert [finding.probe for finding in verdict.findings if finding.code == "no-control-after"] == [other]
    assert verdict.kept_closed == ()


def test_ours_that_was_not_seen_gone_is_stranded_whoever_keeps_it_closed() -> None:
    story = stays_dead(word=True, look="done")
    story.records = [record for record in story.records if record.kind != "restore.seen"]
    verdict = story.judge()
    assert verdict.restoration is Restoration.UNPROVEN
    assert "stranded" in codes(verdict)
    assert "Whether all of Islandmode is gone is not known" in " ".join(one.sentence for one in verdict.findings)


def test_a_device_that_still_holds_an_object_is_no_device_kept_closed() -> None:
    story = stays_dead(word=True)
    compared = {"point": POINT, "part": "saved", "same": True, "ours": True, "mend": "take it away"}
    story.add(END, "configuration.compared", **compared)
    assert ended(story)[0] is Restoration.UNPROVEN


def test_one_probe_that_passed_shows_that_it_is_not_closed() -> None:
    story = stays_dead(word=True)
    first, *others = fresh(story)
    story.see(first, Seen.GOOD, RESTORE + 10_000, END)
    verdict = story.judge()
    assert "not-kept-closed" in codes(verdict)
    # The others are dead, and nothing explains that.
    assert verdict.restoration is (Restoration.UNPROVEN if others else Restoration.PROVEN)


def test_one_probe_that_said_nothing_explains_nothing() -> None:
    story = stays_dead(word=True)
    story.lose(fresh(story)[0], RESTORE, END + 1)
    verdict = story.judge()
    assert verdict.restoration is Restoration.UNPROVEN
    assert "kept-closed-unseen" in codes(verdict)


def test_a_word_given_for_what_came_back_keeps_the_restoration_proven() -> None:
    story = Story()
    story.add(MIDDLE, "closed.said", **WORD)
    assert ended(story) == (Restoration.PROVEN, Result.INCONCLUSIVE)
    assert codes(story.judge()) == {"not-kept-closed"}


def test_a_breach_stays_one_though_it_is_kept_closed() -> None:
    story = stays_dead(word=True)
    story.see(fresh(story)[0], Seen.GOOD, MIDDLE, MIDDLE + 1_000_000)
    assert ended(story) == (Restoration.KEPT_CLOSED, Result.BREACHED)


def test_a_word_for_a_conduit_that_the_drill_does_not_have_says_nothing() -> None:
    story = stays_dead()
    story.add(MIDDLE, "closed.said", **{**WORD, "conduit": "elsewhere"})
    assert ended(story)[0] is Restoration.UNPROVEN


def stopped_early() -> Story:
    """Tell a run in which the conduit of the second stage died in the first, and stays dead."""
    story = stays_dead()
    for name in fresh(story):
        story.see(name, Seen.BAD, VENDORS + SECOND, END, "no answer in time")
    return story


def test_a_word_after_the_run_never_replaces_a_breach() -> None:
    story = stopped_early()
    assert ended(story) == (Restoration.UNPROVEN, Result.BREACHED)
    story.add(END, "closed.said", **WORD)
    story.records[-1] = replace(story.records[-1], writer=ADDENDUM)
    assert ended(story) == (Restoration.KEPT_CLOSED, Result.BREACHED)
    assert codes(story.judge()) == {"isolated-too-much", "kept-closed"}


@pytest.mark.parametrize("how", ["word", "look", "late word and look"])
def test_a_word_in_time_or_a_deny_that_was_seen_explains_who_stopped_it(how: str) -> None:
    story = stopped_early()
    if "word" in how:
        story.add(MIDDLE, "closed.said", **WORD)
    if "late" in how:
        story.records[-1] = replace(story.records[-1], writer=ADDENDUM)
    if "look" in how:
        story.add(END, "closed.looked", **LOOK)
    assert ended(story) == (Restoration.KEPT_CLOSED, Result.INCONCLUSIVE)
    assert "kept-closed-before" in codes(story.judge())


def test_a_probe_that_fell_silent_after_one_bad_sample_was_not_seen_dead() -> None:
    story = stays_dead(word=True)
    for name in fresh(story):
        story.lose(name, RESTORE + SECOND // 2, END + 1)
    assert ended(story)[0] is Restoration.UNPROVEN
    assert "kept-closed-unseen" in codes(story.judge())


def test_a_device_without_a_look_is_not_seen_closed() -> None:
    story = stays_dead(look="done")
    points = {**story.plan.points, "second": story.plan.points[POINT]}
    story.plan = story.plan.model_copy(update={"points": points})
    assert story.judge().kept_closed == ()
    assert "kept-closed" not in codes(story.judge())


def test_a_device_that_has_nothing_to_show_is_looked_at_as_unknown() -> None:
    plan = declared()
    assert plan.declared is not None
    (deny,) = plan.declared.keep_closed
    deny = deny.model_copy(update={"point": POINT})
    cable = deny.model_copy(
        update={"point": "second", "how": deny.how.model_copy(update={"by": "cable", "shows_as": None})}
    )
    closings = plan.declared.model_copy(update={"keep_closed": (deny, cable)})
    point = plan.points[next(name for name, each in plan.points.items() if CONDUIT in each.conduits)]
    plan = plan.model_copy(update={"declared": closings, "points": {POINT: point, "second": point}})
    before, after = Configuration({"running": ""}), Configuration({"running": str(deny.how.shows_as)})
    looked = list(closings_looked(plan, dict.fromkeys(plan.points, before), dict.fromkeys(plan.points, after)))
    assert [(each.point, each.outcome) for each in looked] == [(POINT, "done"), ("second", "unknown")]
