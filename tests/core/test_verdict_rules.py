"""The rules of the verdict on a perfect drill of the quarterly plan, each spoilt in one way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from islandmode.core.episodes import Heard, Seen
from islandmode.core.plan import Plan
from islandmode.core.verdict import Restoration, Result, verdict_json
from tests.core.given import given
from tests.core.recipe_plant import recipe
from tests.core.story import BASE, CORPORATE, END, MIDDLE, POINT, RESTORE, SECOND, STEP, VENDORS, Story, codes


def test_a_perfect_drill_is_held_and_its_restoration_proven() -> None:
    verdict = Story().judge()
    assert codes(verdict) == set()
    assert verdict.verdict is Result.HELD
    assert verdict.restoration is Restoration.PROVEN
    effective = verdict.isolation_s.ordered_to_effective
    assert effective is not None
    assert effective.latest_s is not None
    assert 0 <= effective.earliest_s <= effective.latest_s <= 0.2
    assert all(row.records for row in verdict.rows)


def test_the_same_record_gives_the_same_bytes() -> None:
    assert verdict_json(Story().judge()) == verdict_json(Story().judge())


def isolate_late(story: Story) -> None:
    """Let the first stage's rule come six seconds after its order."""
    for name in story.plan.stages[0].dead:
        story.see(name, Seen.GOOD, VENDORS, VENDORS + 6 * SECOND)


def hold_short(story: Story) -> None:
    """Let the first stage's rule come three seconds after its order, within the limit."""
    for name in story.plan.stages[0].dead:
        story.see(name, Seen.GOOD, VENDORS, VENDORS + 3 * SECOND)


def restore_slowly(story: Story) -> None:
    """Take two seconds to come back where the drill demands one."""
    story.see("office-to-plc", Seen.BAD, RESTORE, RESTORE + 2 * SECOND, "x")
    drill = story.plan.drill
    limits = drill.limits.model_copy(update={"restore_within": 1.0})
    story.plan = story.plan.model_copy(update={"drill": drill.model_copy(update={"limits": limits})})


Spoil = Callable[[Story], object]
ROWS: dict[str, tuple[Spoil, Result, str]] = {
    "a fresh connection passes in the hold": (
        lambda s: s.see("office-to-plc", Seen.GOOD, MIDDLE, MIDDLE + SECOND),
        Result.BREACHED,
        "leak",
    ),
    "only IPv6 never dies": (
        lambda s: s.see("office-to-plc-v6", Seen.GOOD, CORPORATE, RESTORE),
        Result.BREACHED,
        "leak",
    ),
    "a canary goes on": (
        lambda s: s.see("office-canary", Seen.GOOD, CORPORATE, RESTORE),
        Result.BREACHED,
        "leak",
    ),
    "a vendor comes back in the later stage": (
        lambda s: s.see("vendor-to-hmi", Seen.GOOD, MIDDLE, MIDDLE + SECOND),
        Result.BREACHED,
        "leak",
    ),
    "the rule comes too late": (
        isolate_late,
        Result.BREACHED,
        "isolated-late",
    ),
    "the rule comes late, and the hold is short of its length": (hold_short, Result.NOT_TESTED, "held-short"),
    "a stage stops what a later one was to stop": (
        lambda s: s.see("office-to-plc", Seen.BAD, VENDORS + SECOND, CORPORATE, "no answer in time"),
        Result.BREACHED,
        "isolated-too-much",
    ),
    "a PLC is bad for too long": (
        lambda s: s.see("plc-filler", Seen.BAD, MIDDLE, MIDDLE + 2 * SECOND, "stale"),
        Result.BREACHED,
        "continuity-gap",
    ),
    "restoration takes too long": (
        restore_slowly,
        Result.BREACHED,
        "restored-late",
    ),
    "nothing is heard of a PLC": (
        lambda s: s.lose("plc-filler", MIDDLE, MIDDLE + 3 * SECOND),
        Result.INCONCLUSIVE,
        "witness-gap",
    ),
    "a PLC is unknown": (
        lambda s: s.see("plc-filler", Seen.UNKNOWN, MIDDLE, MIDDLE + 3 * SECOND, "own trouble"),
        Result.INCONCLUSIVE,
        "witness-gap",
    ),
    "a severed probe is unknown in the hold": (
        lambda s: s.see("office-to-plc", Seen.UNKNOWN, MIDDLE, MIDDLE + 5 * SECOND, "own trouble"),
        Result.INCONCLUSIVE,
        "witness-gap",
    ),
    "a severed probe was never alive": (
        lambda s: s.see("office-to-plc", Seen.BAD, BASE, VENDORS, "refused"),
        Result.INCONCLUSIVE,
        "no-control-before",
    ),
    "a severed probe does not come back": (
        lambda s: s.see("office-to-plc", Seen.BAD, RESTORE, END, "refused"),
        Result.INCONCLUSIVE,
        "no-control-after",
    ),
    "a vantage is not collected": (
        lambda s: s.drop("collect.result", vantage="office"),
        Result.INCONCLUSIVE,
        "witness-lost",
    ),
    "a spool was altered": (lambda s: s.change("collect.result", chain_ok=False), Result.INCONCLUSIVE, "witness-lost"),
    "a clock was not measured": (
        lambda s: s.drop("vantage.offset", vantage="erp", when="after"),
        Result.INCONCLUSIVE,
        "clock-unmeasured",
    ),
    "a person stops it": (lambda s: s.add(END, "stop", by="signal", why="x"), Result.INCONCLUSIVE, "stopped-by-person"),
    "abort_when stops it": (lambda s: s.add(END, "stop", by="abort_when", why="x"), Result.BREACHED, "aborted"),
    "it flies blind": (lambda s: s.add(END, "stop", by="flying_blind", why="x"), Result.INCONCLUSIVE, "flying-blind"),
    "the dead-man is gone": (lambda s: s.add(END, "stop", by="dead_man", why="x"), Result.BREACHED, "dead-man"),
    "a point does not isolate": (lambda s: s.add(END, "stop", by="isolate", why="x"), Result.BREACHED, "not-isolating"),
    "a device with the dead-man is not heard": (
        lambda s: s.add(END, "stop", by="dead_man", why="x", proven=False),
        Result.INCONCLUSIVE,
        "dead-man",
    ),
    "an order to isolate is lost": (
        lambda s: s.add(END, "stop", by="isolate", why="x", proven=False),
        Result.INCONCLUSIVE,
        "not-isolating",
    ),
    "a login fails at a device that is not heard": (
        lambda s: s.add(END, "stop", by="lock_out", why="x", proven=False),
        Result.INCONCLUSIVE,
        "locked-out",
    ),
    "a login fails at a device that lives": (
        lambda s: s.add(END, "stop", by="lock_out", why="x", proven=True),
        Result.BREACHED,
        "locked-out",
    ),
    "a person stops it, and nothing is proven": (
        lambda s: s.add(END, "stop", by="signal", why="x", proven=False),
        Result.INCONCLUSIVE,
        "stopped-by-person",
    ),
    "a stage is not held": (lambda s: s.drop("hold.ended", stage="corporate"), Result.NOT_TESTED, "stage-not-held"),
    "the journal has a hole": (
        lambda s: s.add(END, "journal.hole", why="x", lost=1),
        Result.INCONCLUSIVE,
        "journal-hole",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_one_thing_spoilt_gives_its_verdict_and_its_finding(name: str) -> None:
    spoil, result, code = ROWS[name]
    story = Story()
    spoil(story)
    verdict = story.judge()
    assert code in codes(verdict), verdict.findings
    assert verdict.verdict is result, verdict.findings


def test_an_answer_that_comes_after_restore_to_a_question_from_before_is_no_leak() -> None:
    story = Story()
    last = RESTORE - STEP
    story.samples["office-canary"] = [
        replace(one, seen=Seen.GOOD, heard=Heard.ANSWER, answered_us=RESTORE + 5000) if one.asked_us == last else one
        for one in story.samples["office-canary"]
    ]
    assert story.judge().verdict is Result.HELD


def keep_dead(story: Story) -> None:
    """Let no probe of one conduit come back."""
    for name, planned in story.plan.probes.items():
        if planned.crosses == "corporate-dmz":
            story.see(name, Seen.BAD, RESTORE, END, "x")


UNPROVEN: dict[str, Spoil] = {
    "restore was not seen": lambda s: s.drop("restore.seen"),
    "an Islandmode object is left": lambda s: s.change("configuration.compared", same=False, ours=True),
    "a route did not come back": lambda s: s.change(
        "configuration.compared", part="routes", same=False, ours=False, changed=[], lost=["198.51.100.0/24 dev eth1"]
    ),
    "the configuration was not read": lambda s: s.drop("configuration.read"),
    "a conduit stays dead": keep_dead,
}


@pytest.mark.parametrize("name", UNPROVEN)
def test_what_was_not_seen_back_leaves_restoration_unproven(name: str) -> None:
    story = Story()
    UNPROVEN[name](story)
    verdict = story.judge()
    assert verdict.restoration is Restoration.UNPROVEN
    assert verdict.verdict is not Result.HELD


def test_what_preflight_advised_is_a_note_and_costs_nothing() -> None:
    story = Story()
    sentence = "fw has interfaces that the site names for no zone: lte0."
    story.add(0, "preflight.finding", code="point-interface-unnamed", sentence=sentence, refuses=False)
    story.add(0, "preflight.finding", code="point-redirects", sentence="It moves packets.", refuses=True)
    verdict = story.judge()
    assert verdict.verdict is Result.HELD
    (note,) = (one for one in verdict.findings if one.code.startswith("point-"))
    assert (note.code, note.sentence, note.word) == ("point-interface-unnamed", sentence, "note")
    assert [story.records[seq].kind for seq in note.records] == ["preflight.finding"]


def test_a_colleagues_edit_is_named_and_costs_nothing() -> None:
    story = Story()
    story.change("configuration.compared", same=False, ours=False)
    verdict = story.judge()
    assert verdict.verdict is Result.HELD
    assert "edited-meanwhile" in {one.code for one in verdict.findings}


def test_what_an_interface_lost_is_told_apart_from_what_somebody_added() -> None:
    story = Story()
    story.change(
        "configuration.compared",
        part="routes",
        same=False,
        ours=False,
        changed=["+ 192.0.2.0/24"],
        lost=["198.51.100.0/24"],
    )
    found = {one.code: one.sentence for one in story.judge().findings if one.code in ("not-back", "edited-meanwhile")}
    assert found["not-back"].endswith(
        "its routes are not as before the drill, whose isolation took an interface down (198.51.100.0/24). Unless somebody removed that meanwhile, enter "
        "it there again; the whole of it stands in the artifacts of the run."
    )
    assert found["edited-meanwhile"].endswith("during the drill (+ 192.0.2.0/24); that edit was kept.")


def test_a_last_answer_before_and_a_first_one_after_do_not_make_a_leak_together() -> None:
    """A drill that is stopped at once: asked before the device said done, and asked in the hold but answered after restore."""
    story = Story()
    (probe,) = (name for name in story.plan.stages[1].dead if name == "office-to-plc")
    story.lose(probe, CORPORATE + 1, RESTORE - STEP)
    late = replace(
        story.samples[probe][0], asked_us=RESTORE - 50_000, answered_us=RESTORE + 5_000, seen=Seen.GOOD, why=""
    )
    kept = [one for one in story.samples[probe] if not CORPORATE < one.asked_us < RESTORE]
    story.samples[probe] = sorted([*kept, late], key=lambda one: one.asked_us)
    assert "leak" not in codes(story.judge())
    # Answered in the hold it is one.
    leaked = [replace(one, answered_us=RESTORE - 1_000) if one is late else one for one in story.samples[probe]]
    story.samples[probe] = leaked
    assert "leak" in codes(story.judge())


def test_what_passes_after_an_order_that_perhaps_never_left_is_no_leak() -> None:
    """The disk fails with the order: it is not sent, and traffic passes until the restore, as it must."""
    story = Story()
    ordered = [one for one in story.records if one.kind == "isolate.intent"][-1]
    gone = {"isolate.result", "hold.started", "hold.ended"}
    story.records = [one for one in story.records if one.kind not in gone or one.seq < ordered.seq]
    for name in story.plan.stages[1].dead:
        if name not in story.plan.stages[0].dead:
            story.see(name, Seen.GOOD, CORPORATE, RESTORE, "")
    verdict = story.judge()
    assert "leak" not in codes(verdict)
    assert verdict.verdict is Result.INCONCLUSIVE
    assert verdict.stages[1].isolation_s.ordered_to_verified is None
    # That the stage was held says as much as a device's answer.
    story.add(CORPORATE + STEP, "hold.started", stage="corporate")
    assert "leak" in codes(story.judge())


@pytest.mark.parametrize("outcome", ["not done", "unknown"])
def test_what_passes_after_a_device_that_did_not_isolate_is_no_leak(outcome: str) -> None:
    """A device refuses, and some samples pass before the restore is ordered, as they must."""
    story = Story()
    ordered = [one for one in story.records if one.kind == "isolate.intent"][-1]
    gone = {"hold.started", "hold.ended"}
    story.records = [
        replace(one, data=one.data | {"outcome": outcome})
        if one.kind == "isolate.result" and one.seq > ordered.seq
        else one
        for one in story.records
        if one.kind not in gone or one.seq < ordered.seq
    ]
    for name in story.plan.stages[1].dead:
        if name not in story.plan.stages[0].dead:
            story.see(name, Seen.GOOD, CORPORATE, RESTORE, "")
    verdict = story.judge()
    assert "leak" not in codes(verdict)
    assert verdict.verdict is not Result.HELD
    # What was looked at and held after all is isolated, and what passes then is a leak.
    story.add(CORPORATE + STEP, "hold.started", stage="corporate")
    assert "leak" in codes(story.judge())


def test_what_was_only_loaded_again_is_no_edit() -> None:
    story = Story()
    story.change(
        "configuration.compared", part="running", same=False, ours=False, changed=[], anew=["table inet site {"]
    )
    verdict = story.judge()
    assert verdict.verdict is Result.HELD
    assert [one.code for one in verdict.findings if one.code in ("edited-meanwhile", "loaded-again")] == [
        "loaded-again"
    ]


def test_an_edit_beside_an_object_of_ours_is_named_too() -> None:
    story = Story()
    story.change("configuration.compared", part="saved", same=False, ours=True, changed=["+ x"], mend="mend it")
    found = {one.code: one.sentence for one in story.judge().findings}
    assert found["ours-left"].endswith("left in its saved configuration. Do there, as root: mend it")
    assert "(+ x)" in found["edited-meanwhile"]


def test_nobody_is_root_on_a_device_that_goes_by_a_recipe() -> None:
    plan = given().plan()
    points = {
        name: point.model_copy(update={"recipe": recipe("ios-time-range")}) for name, point in plan.points.items()
    }
    story = Story(plan.model_copy(update={"points": points}))
    story.change("configuration.compared", part="saved", same=False, ours=True, changed=["+ x"], mend="copy a b")
    found = {one.code: one.sentence for one in story.judge().findings}
    assert found["ours-left"].endswith("left in its saved configuration. Do there: copy a b")


def test_an_object_that_went_is_told_with_all_that_went_when_and_what_else_changed() -> None:
    story = Story()
    for at_us, left in ((CORPORATE, 9.0), (CORPORATE + SECOND, None)):
        armed = {"remote-access": left, "corporate-dmz": left, "corporate-line3": 9.0}
        story.add(at_us, "dead_man.read", point=POINT, outcome="done", armed_s=armed)
    story.add(CORPORATE + SECOND, "stop", by="dead_man", why=f"{POINT}: the object for remote-access is gone.")

    def told() -> str:
        return next(one.sentence for one in story.judge().findings if one.code == "dead-man")

    went = "is gone. remote-access, corporate-dmz last stood there at 00:00:12.0 and no longer at 00:00:13.0 UTC. "
    assert told().endswith(f"{went}Nothing else changed there. Who did it, only the device's own log can tell.")
    story.change("configuration.compared", part="routes", same=False, changed=["+ 192.0.2.0/24"])
    assert f"{went}Also changed there: routes (+ 192.0.2.0/24). Who" in told()
    story.drop("configuration.compared")
    assert told().endswith("00:00:13.0 UTC.")


def test_restoration_is_timed_and_proven_by_fresh_connections_only() -> None:
    late = Story()
    late.see("erp-canary", Seen.BAD, RESTORE, END, "no answer in time")
    verdict = late.judge()
    assert verdict.restoration_s == Story().judge().restoration_s
    assert (verdict.verdict, verdict.restoration) == (Result.HELD, Restoration.PROVEN)
    only_old = Story()
    only_old.see("erp-to-historian", Seen.BAD, RESTORE, END, "no answer in time")
    verdict = only_old.judge()
    assert verdict.restoration is Restoration.UNPROVEN
    effective = verdict.restoration_s.ordered_to_effective
    assert effective is not None
    assert effective.latest_s is None


@pytest.mark.parametrize(
    "others", [("office-to-plc",), ("office-to-plc", "office-to-plc-v6", "line3-to-erp", "line3-to-erp-v6")]
)
def test_what_only_a_held_connection_saw_die_is_not_proven_to_be_back(others: tuple[str, ...]) -> None:
    """Such a drill is refused now; a plan of an earlier version may have been one."""
    document = given().plan().model_dump(mode="json", by_alias=True)
    for name in others:
        del document["probes"][name]
    for stage in document["stages"]:
        stage["dead"] = [name for name in stage["dead"] if name not in others]
        stage["alive"] = [name for name in stage["alive"] if name not in others]
    verdict = Story(Plan.model_validate(document)).judge()
    assert (verdict.verdict, verdict.restoration) == (Result.HELD, Restoration.UNPROVEN)


@pytest.mark.parametrize(
    ("why", "how"), [("", "resumed"), ("the connection was reset", "was reset"), ("no answer in time", "was lost")]
)
def test_what_became_of_an_old_connection_is_told_and_not_required(why: str, how: str) -> None:
    story = Story()
    if why:
        story.see("office-canary", Seen.BAD, RESTORE, END, why)
    verdict = story.judge()
    (told,) = (one.sentence for one in verdict.findings if one.probe == "office-canary")
    assert f"through the isolation {how};" in told
    assert verdict.verdict is Result.HELD
