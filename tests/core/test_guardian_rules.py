"""Who restored first ends the isolation: what passes after the guardian's own restore passed in no hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from islandmode.core.episodes import Seen
from islandmode.core.judging.timeline import AFTER, timeline_of
from islandmode.core.verdict import Restoration, Result
from tests.core.story import CORPORATE, POINT, RESTORE, SECOND, STEP, Story, codes

TOOK = CORPORATE + 5 * SECOND
WHY = "The conductor was not heard for 2.6 s."


def taken_over(boot: str = "boot") -> Story:
    """Let the conductor stand still in the second hold, the guardian restore, and the conductor wake up 7 s later."""
    story = Story()
    story.guardian(TOOK, "guardian.took_over", boot=boot, why=WHY, claimed=True, points=[POINT])
    story.guardian(TOOK + 5000, "restore.seen", boot=boot, point=POINT, asked_us=TOOK, answered_us=TOOK + 5000)
    story.add(RESTORE, "stop", by="guardian", why="The run was taken over; this conductor may only restore.")
    story.drop("hold.ended", stage="corporate")
    for name in story.plan.stages[1].dead:
        story.see(name, Seen.GOOD, TOOK + STEP, RESTORE + 1)
    return story


def test_what_passes_after_the_guardian_restored_is_no_leak() -> None:
    verdict = taken_over().judge()
    assert verdict.leaks == 0
    assert codes(verdict) == {"guardian", "stage-not-held"}
    assert (verdict.verdict, verdict.restoration) == (Result.INCONCLUSIVE, Restoration.PROVEN)
    assert f"The guardian took the run over and restored: {WHY}" in [one.sentence for one in verdict.findings]


def test_restoration_is_timed_from_the_guardians_order_to_its_look() -> None:
    times = taken_over().judge().restoration_s
    assert times.ordered_to_effective is not None
    assert times.ordered_to_effective.latest_s == pytest.approx(0.1, abs=0.11)
    assert times.ordered_to_verified == pytest.approx(0.1, abs=0.11)


def test_what_passes_before_the_guardian_restored_is_a_leak() -> None:
    story = taken_over()
    story.see("office-to-plc", Seen.GOOD, TOOK - SECOND, TOOK - SECOND // 2)
    assert story.judge().leaks == 1


def test_a_hold_that_a_sleeper_calls_complete_ended_when_the_guardian_restored() -> None:
    story = taken_over()
    story.add(RESTORE - 1, "hold.ended", stage="corporate", complete=True)
    verdict = story.judge()
    assert "stage-not-held" in codes(verdict)
    assert verdict.stages[1].result is Result.NOT_TESTED


def test_a_guardian_that_comes_after_the_order_to_restore_changes_nothing() -> None:
    story = Story()
    story.guardian(RESTORE + SECOND, "guardian.took_over", why=WHY, claimed=True, points=[POINT])
    assert story.judge() == Story().judge()


def test_an_object_that_the_guardian_saw_after_the_conductor_had_not_leaves_restoration_unproven() -> None:
    story = Story()
    assert story.judge().restoration is Restoration.PROVEN
    story.guardian(RESTORE + SECOND, "guardian.disagrees", point=POINT, why=f"{POINT} still shows an object.")
    verdict = story.judge()
    assert (verdict.verdict, verdict.restoration) == (Result.INCONCLUSIVE, Restoration.UNPROVEN)
    assert codes(verdict) == {"guardian-disagrees"}


def test_times_of_another_boot_mean_nothing() -> None:
    assert taken_over(boot="another").judge().leaks > 0


def test_without_an_order_of_the_conductor_the_guardians_is_the_restore() -> None:
    story = taken_over()
    story.records = [one for one in story.records if one.kind != "restore.ordered"]
    story.records = [replace(one, seq=number) for number, one in enumerate(story.records)]
    timeline = timeline_of([stage.name for stage in story.plan.stages], story.records, story.others)
    after = timeline.window(AFTER)
    assert after is not None
    assert (timeline.restore_ordered_us, after.start_us, after.records) == (TOOK, TOOK, ())
