"""The perfect drill, each time with one thing in it that went otherwise: what the verdicts of `verdicts.txt` are told of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from islandmode.core.episodes import Heard, Sample, Seen
from islandmode.core.record import Record
from tests.core.given import given as given_files
from tests.core.story import (
    BASE,
    CORPORATE,
    END,
    MIDDLE,
    POINT,
    RESTORE,
    SECOND,
    STEP,
    VENDORS,
    Story,
    add_from,
    recount,
)

PROBE, CANARY, PLC, OFFICE = "office-to-plc", "office-canary", "plc-filler", "corporate-line3"
Spoil = Callable[[Story], object]


def together(*spoils: Spoil) -> Spoil:
    """Let several things go otherwise, one after the other."""

    def spoil(story: Story) -> None:
        for one in spoils:
            one(story)

    return spoil


def first_stage_passes(story: Story, for_us: int) -> None:
    """Let the first stage's rule come so much later than its order."""
    for name in story.plan.stages[0].dead:
        story.see(name, Seen.GOOD, VENDORS, VENDORS + for_us)


def limited(story: Story, **limits: float) -> None:
    """Give the drill other limits."""
    drill = story.plan.drill
    changed = drill.model_copy(update={"limits": drill.limits.model_copy(update=limits)})
    story.plan = story.plan.model_copy(update={"drill": changed})


def slowly_back(story: Story, limit_s: float) -> None:
    """Take two seconds to come back."""
    story.see(PROBE, Seen.BAD, RESTORE, RESTORE + 2 * SECOND, "x")
    limited(story, restore_within=limit_s)


def came_back(story: Story, heard: Heard, sender: str = "") -> None:
    """Let something that is not good come back to a severed probe, for one second of the hold."""
    story.see(PROBE, Seen.BAD, MIDDLE, MIDDLE + SECOND, "what came back", heard=heard, sender=sender)


def in_pattern(story: Story, pattern: list[bool], seen: Seen = Seen.BAD) -> None:
    """Let a pattern of a PLC's samples be bad, over and over, through the second stage."""

    def spoilt(one: Sample) -> Sample:
        inside = CORPORATE + SECOND <= one.asked_us < RESTORE - SECOND
        if not inside or not pattern[one.seq % len(pattern)]:
            return one
        return replace(one, seen=seen, heard=Heard.ANSWER, why="server busy")

    story.samples[PLC] = [spoilt(one) for one in story.samples[PLC]]


def thinned(story: Story, probe: str, keep_every: int) -> None:
    """Leave one of so many samples of the hold."""
    inside = [one for one in story.samples[probe] if CORPORATE < one.asked_us < RESTORE - STEP]
    gone = {one.asked_us for number, one in enumerate(inside) if number % keep_every}
    story.samples[probe] = [one for one in story.samples[probe] if one.asked_us not in gone]


def told_of_dead_man(story: Story) -> None:
    """Let an object go during the hold, and the drill be stopped for that."""
    for at_us, left in ((CORPORATE, 9.0), (CORPORATE + SECOND, None)):
        armed = {"remote-access": left, "corporate-dmz": left, "corporate-line3": 9.0}
        story.add(at_us, "dead_man.read", point=POINT, outcome="done", armed_s=armed)
    story.add(CORPORATE + SECOND, "stop", by="dead_man", why=f"{POINT}: the object for remote-access is gone.")


def renewed_and_gone(story: Story) -> None:
    """Let an object stand when its timer was renewed and be gone at the next look; another device was edited meanwhile."""
    for at_us, kind, left in ((CORPORATE, "dead_man.renew", 9.0), (CORPORATE + SECOND, "dead_man.read", None)):
        story.add(at_us, kind, point=POINT, outcome="done", armed_s={"remote-access": left})
        story.add(at_us, kind, point="another", outcome="done", armed_s={"remote-access": 5.0})
    story.add(CORPORATE + SECOND, "stop", by="dead_man", why=f"{POINT}: the object for remote-access is gone.")
    story.add(END, "configuration.compared", point="another", part="routes", same=False, ours=False, changed=["+ x"])


def taken_over(story: Story) -> None:
    """Let the guardian restore ten seconds before the plan's end."""
    story.guardian(RESTORE - 10 * SECOND, "guardian.took_over", why="The conductor was silent.")
    story.guardian(RESTORE - 9 * SECOND, "restore.seen", point=POINT, answered_us=RESTORE - 9 * SECOND)
    for name in story.plan.stages[1].dead:
        story.see(name, Seen.GOOD, RESTORE - 9 * SECOND, END)


def never_reached(story: Story) -> None:
    """Stop before the second stage is ordered."""
    gone = ("isolate.intent", "isolate.result", "hold.started", "hold.ended")
    for kind in gone:
        story.drop(kind, stage="corporate")
    story.change("restore.ordered", why="stopped")


def never_ordered(story: Story) -> None:
    """End after the baseline, with nothing armed, isolated or restored."""
    for kind in ("arm.intent", "isolate.intent", "isolate.result", "hold.started", "hold.ended", "restore.ordered"):
        story.drop(kind)


def read_until(story: Story, last_us: int) -> None:
    """Let the firewall be read last at a moment of the hold."""
    story.records = [
        one for one in story.records if one.kind != "dead_man.read" or one.monotonic_us < RESTORE - 4 * SECOND
    ]
    story.look(last_us)
    story.records.sort(key=lambda one: one.monotonic_us)


def counters(gone_from_us: int, value: dict[str, int] | None) -> Callable[[Record, dict[str, dict[str, int]]], None]:
    """Let the counters of the office be taken away, or be others, from a moment on."""

    def change(record: Record, egress: dict[str, dict[str, int]]) -> None:
        if record.monotonic_us >= gone_from_us and OFFICE in egress:
            if value is None:
                del egress[OFFICE]
            else:
                egress[OFFICE] = value

    return change


def never_moved(way: str) -> Callable[[Record, dict[str, dict[str, int]]], None]:
    """Let one way of every conduit count nothing, ever."""

    def change(_: Record, egress: dict[str, dict[str, int]]) -> None:
        for counts in egress.values():
            counts.pop(way, None)

    return change


def witness_of(story: Story, **able: Any) -> None:
    """Give the firewall another ability."""
    story.plan = given_files().plan(**able)


def second_stage_passes(story: Story, until_us: int = RESTORE) -> None:
    """Let what the second stage isolates pass until a moment."""
    for name in story.plan.stages[1].dead:
        if name not in story.plan.stages[0].dead:
            story.see(name, Seen.GOOD, CORPORATE, until_us)


def in_doubt(story: Story) -> None:
    """Stop a second stage before any probe had the time to show itself dead."""
    for name in story.plan.stages[1].dead:
        if name not in story.plan.stages[0].dead:
            story.lose(name, CORPORATE, RESTORE)


def unasked(story: Story) -> None:
    """Let the order of the second stage be on record, and nothing that came of it."""
    for kind in ("isolate.result", "hold.started", "hold.ended"):
        story.drop(kind, stage="corporate")
    second_stage_passes(story)


def two_gaps(story: Story) -> None:
    """Lose two questions in a row, each for as long as it is awaited."""
    kept = [one for one in story.samples[PLC] if not MIDDLE <= one.asked_us < MIDDLE + 18 * STEP]
    for at_us in (MIDDLE, MIDDLE + 9 * STEP):
        kept.append(Sample(PLC, 0, at_us, at_us + 8 * STEP, Seen.BAD, None, "no answer in time", Heard.NOTHING))
    story.samples[PLC] = sorted(kept, key=lambda one: one.asked_us)


def answered_after_restore(story: Story, answered_us: int) -> None:
    """Let the last question of the hold be answered later."""
    story.samples[CANARY] = [
        replace(one, seen=Seen.GOOD, heard=Heard.ANSWER, answered_us=answered_us)
        if one.asked_us == RESTORE - STEP
        else one
        for one in story.samples[CANARY]
    ]


def drifted(story: Story) -> None:
    """Let the office's clock be uncertain, and another after the drill than before."""
    story.records = [
        replace(
            one,
            data=one.data
            | {"monotonic_us": 300_000 if one.data["when"] == "after" else 100_000, "uncertainty_us": 50_000},
        )
        if one.kind == "vantage.offset" and one.data["vantage"] == "office"
        else one
        for one in story.records
    ]


def keep_dead(story: Story, conduit: str) -> None:
    """Let no probe of one conduit come back."""
    for name, planned in story.plan.probes.items():
        if planned.crosses == conduit:
            story.see(name, Seen.BAD, RESTORE, END, "x")


def restored_in_stages(story: Story) -> None:
    """See the point restored later than the conductor's order, by the guardian first and by the conductor after."""
    story.change("restore.seen", answered_us=RESTORE + 700_000)
    story.guardian(RESTORE + 500_000, "restore.seen", point=POINT, answered_us=RESTORE + 500_000)
    story.guardian(RESTORE, "guardian.took_over", why="late", boot="another")


STOPS = ("signal", "abort_when", "flying_blind", "dead_man", "isolate", "internal", "guardian", "abort", "window")
STORIES: dict[str, Spoil] = {
    "nothing": lambda _: None,
    # What severed probes see.
    "a fresh connection passes in the hold": lambda s: s.see(PROBE, Seen.GOOD, MIDDLE, MIDDLE + SECOND),
    "a fresh connection passes once": lambda s: s.see(PROBE, Seen.GOOD, MIDDLE, MIDDLE + 1),
    "a canary goes on": lambda s: s.see(CANARY, Seen.GOOD, CORPORATE, RESTORE),
    "only IPv6 never dies": lambda s: s.see("office-to-plc-v6", Seen.GOOD, CORPORATE, RESTORE),
    "a vendor comes back in the later stage": lambda s: s.see("vendor-to-hmi", Seen.GOOD, MIDDLE, MIDDLE + SECOND),
    "what goes out passes": lambda s: s.see("line3-to-erp", Seen.GOOD, MIDDLE, MIDDLE + SECOND),
    "an exception comes back": lambda s: came_back(s, Heard.ANSWER),
    "the target refuses": lambda s: came_back(s, Heard.REFUSED, "10.40.0.10"),
    "somebody beyond refuses": lambda s: came_back(s, Heard.UNREACHABLE, "10.40.0.1"),
    "somebody on this side refuses": lambda s: came_back(s, Heard.UNREACHABLE, "10.10.0.1"),
    "somebody refuses": lambda s: came_back(s, Heard.REFUSED),
    "somebody elsewhere refuses": lambda s: came_back(s, Heard.UNREACHABLE, "192.0.2.1"),
    "a stage stops what a later one was to stop": lambda s: s.see(
        PROBE, Seen.BAD, VENDORS + SECOND, CORPORATE, "no answer in time"
    ),
    "a stage stops that for a while": lambda s: s.see(
        PROBE, Seen.BAD, VENDORS + SECOND, CORPORATE - 3 * SECOND, "no answer in time"
    ),
    "a sample is lost in a stage before": lambda s: s.see(
        PROBE, Seen.BAD, VENDORS + SECOND, VENDORS + SECOND + STEP, "no answer in time"
    ),
    "a severed probe is unknown in the hold": lambda s: s.see(
        PROBE, Seen.UNKNOWN, MIDDLE, MIDDLE + 5 * SECOND, "own trouble"
    ),
    "a severed probe was never alive": lambda s: s.see(PROBE, Seen.BAD, BASE, VENDORS, "refused"),
    "a severed probe was not alive at the last": lambda s: s.see(
        PROBE, Seen.BAD, VENDORS - SECOND, CORPORATE, "server busy", heard=Heard.ANSWER
    ),
    "a severed probe was silent before the order": lambda s: s.lose(PROBE, CORPORATE - 3 * SECOND, CORPORATE),
    "a severed probe does not come back": lambda s: s.see(PROBE, Seen.BAD, RESTORE, END, "refused"),
    "an old connection is reset": lambda s: s.see(CANARY, Seen.BAD, RESTORE, END, "the connection was reset"),
    "an old connection is lost": lambda s: s.see(CANARY, Seen.BAD, RESTORE, END, "no answer in time"),
    "a severed probe says little": lambda s: thinned(s, PROBE, 9),
    "a canary says little": lambda s: thinned(s, CANARY, 9),
    "a severed probe says nothing at the end": lambda s: s.lose(PROBE, RESTORE - 4 * SECOND, RESTORE),
    "an answer comes after restore": lambda s: answered_after_restore(s, RESTORE + 5000),
    "an answer comes just before restore": lambda s: answered_after_restore(s, RESTORE - 1000),
    "a clock drifts": drifted,
    # When it was in effect, and when it was back.
    "the rule comes too late": lambda s: first_stage_passes(s, 6 * SECOND),
    "the rule comes late, and the hold is short": lambda s: first_stage_passes(s, 3 * SECOND),
    "the rule straddles its limit": together(
        lambda s: first_stage_passes(s, 3 * SECOND), lambda s: limited(s, isolate_within=2.95)
    ),
    "the second stage never comes into effect": second_stage_passes,
    "nobody sees the second stage": in_doubt,
    "nobody sees the first stage at all": lambda s: s.samples.update({name: [] for name in s.plan.stages[0].dead}),
    "an order perhaps never left": unasked,
    "restoration takes too long": lambda s: slowly_back(s, 1.0),
    "restoration straddles its limit": lambda s: slowly_back(s, 1.95),
    "one conduit stays dead": lambda s: keep_dead(s, "corporate-dmz"),
    "two looks see it restored": restored_in_stages,
    # What must stay alive.
    "a PLC is bad for too long": lambda s: s.see(PLC, Seen.BAD, MIDDLE, MIDDLE + 2 * SECOND, "stale"),
    "a PLC is bad for as long as may be": lambda s: s.see(
        PLC, Seen.BAD, MIDDLE, MIDDLE + SECOND, "stale", heard=Heard.ANSWER
    ),
    "a PLC is bad over the order to restore": lambda s: s.see(
        PLC, Seen.BAD, RESTORE - STEP, RESTORE + 2 * SECOND, "stale"
    ),
    "a PLC is bad to the end": lambda s: s.see(PLC, Seen.BAD, END - 2 * SECOND, END, "stale"),
    "a PLC is bad before the first order": lambda s: s.see(PLC, Seen.BAD, BASE + SECOND, VENDORS, "stale"),
    "nothing is heard of a PLC": lambda s: s.lose(PLC, MIDDLE, MIDDLE + 3 * SECOND),
    "nothing is heard of a PLC at first": lambda s: s.lose(PLC, 0, VENDORS + SECOND),
    "a PLC is never good": lambda s: s.see(PLC, Seen.BAD, BASE, END, "stale"),
    "a PLC is unknown": lambda s: s.see(PLC, Seen.UNKNOWN, MIDDLE, MIDDLE + 3 * SECOND, "own trouble"),
    "a PLC is bad, and then missing": together(
        lambda s: s.see(PLC, Seen.BAD, MIDDLE, MIDDLE + 3 * STEP, "stale", heard=Heard.ANSWER),
        lambda s: s.lose(PLC, MIDDLE + 3 * STEP, MIDDLE + 12 * STEP),
    ),
    "two questions to a PLC are lost": two_gaps,
    "a PLC is bad in eight of nine": lambda s: in_pattern(s, [True] * 8 + [False]),
    "a PLC is bad in every other": lambda s: in_pattern(s, [True, False]),
    "a PLC is unknown in eight of nine": lambda s: in_pattern(s, [True] * 8 + [False], Seen.UNKNOWN),
    "a PLC is bad in one of ten": lambda s: in_pattern(s, [True] + [False] * 9),
    # What the run was.
    **{
        f"it is stopped by {by}": (lambda s, by=by: s.add(END, "stop", by=by, why="The reason."))  # type: ignore[misc]
        for by in (*STOPS, "lock_out")
    },
    "an object goes": told_of_dead_man,
    "an object goes after its timer was renewed": renewed_and_gone,
    "the guardian takes over": taken_over,
    "the guardian finds more": lambda s: s.guardian(END, "guardian.disagrees", why="fw shows an object."),
    "the second stage is never reached": never_reached,
    "a stage is not held": lambda s: s.drop("hold.ended", stage="corporate"),
    "nothing was ever ordered": never_ordered,
    "the baseline never began": lambda s: s.drop("baseline.started"),
    "the checks after never ended": lambda s: s.drop("verify.done"),
    "the journal has a hole": lambda s: s.add(END, "journal.hole", why="Two records are lost.", lost=2),
    "preflight advises": lambda s: s.add(
        0, "preflight.finding", code="point-redirects", sentence="It moves packets.", refuses=False
    ),
    "preflight refuses": lambda s: s.add(
        0, "preflight.finding", code="point-redirects", sentence="It moves packets.", refuses=True
    ),
    # Who watched.
    "a vantage is not collected": lambda s: s.drop("collect.result", vantage="office"),
    "a vantage cannot be collected": together(
        lambda s: s.drop("collect.result", vantage="office"),
        lambda s: s.add(END, "collect.result", vantage="office", outcome="not done", why="no answer"),
    ),
    "a spool was altered": lambda s: s.change("collect.result", chain_ok=False),
    "a spool was altered, and how": lambda s: s.change("collect.result", chain_ok=False, chain_why="Line 3 is odd."),
    "a worker is lost": lambda s: s.change("collect.result", ended="lost"),
    "a clock was not measured after": lambda s: s.drop("vantage.offset", vantage="erp", when="after"),
    "no clock was measured": lambda s: s.drop("vantage.offset"),
    # What became of the devices.
    "restore was not seen": lambda s: s.drop("restore.seen"),
    "the configuration was not read": lambda s: s.drop("configuration.read"),
    "the configuration could not be read": lambda s: s.change("configuration.read", outcome="unknown"),
    "the configuration was read before only": lambda s: s.change("configuration.read", when="before"),
    "an object of ours is left": lambda s: s.change(
        "configuration.compared", part="running", same=False, ours=True, mend="mend it"
    ),
    "an object of ours is left in what is saved": lambda s: s.change(
        "configuration.compared", part="saved", same=False, ours=True, changed=["+ x"], mend="mend it"
    ),
    "a colleague edits": lambda s: s.change(
        "configuration.compared", part="routes", same=False, changed=["+ 192.0.2.0/24", "- 198.51.100.0/24"]
    ),
    "a colleague edits, and nobody knows what": lambda s: s.change("configuration.compared", same=False),
    "a colleague loads again": lambda s: s.change(
        "configuration.compared", part="running", same=False, changed=[], anew=["table inet site {", "table ip nat {"]
    ),
    "an object goes while a colleague edits": together(
        told_of_dead_man,
        lambda s: s.change(
            "configuration.compared", part="routes", same=False, changed=["+ x", "- y"], anew=["table a {"]
        ),
    ),
    "an object goes, and nobody compares": together(told_of_dead_man, lambda s: s.drop("configuration.compared")),
    # What firewalls counted.
    **{
        f"one packet goes {way}": (lambda s, way=way: recount(s, add_from(RESTORE - STEP, OFFICE, way)))  # type: ignore[misc]
        for way in ("eth1 to eth4", "eth4 to eth1", "eth1 to the firewall", "the firewall to eth1")
    },
    "packets go to an unnamed interface": lambda s: recount(
        s, add_from(RESTORE - STEP, OFFICE, "eth1 to an unnamed interface", 7)
    ),
    "packets take a path that the site declares nowhere": together(
        lambda s: recount(s, add_from(RESTORE - STEP, "remote-access", "eth2 to eth3", 4)),
        lambda s: recount(s, add_from(RESTORE - STEP, "corporate-dmz", "eth2 to eth3", 4)),
    ),
    "packets go for two seconds": together(
        lambda s: recount(s, add_from(MIDDLE, OFFICE, "eth1 to eth4", 2)),
        lambda s: recount(s, add_from(MIDDLE + SECOND, OFFICE, "eth1 to eth4", 2)),
    ),
    "vendors go on": lambda s: recount(s, add_from(VENDORS + 2 * SECOND, "remote-access", "eth2 to eth4", 5)),
    "packets go just after the order": lambda s: recount(s, add_from(CORPORATE + SECOND, OFFICE, "eth1 to eth4", 9)),
    "the rule comes late, and packets go until then": together(
        lambda s: second_stage_passes(s, CORPORATE + 2 * SECOND),
        lambda s: recount(s, add_from(CORPORATE + 2 * SECOND, OFFICE, "eth1 to eth4", 9)),
    ),
    "a way counted nothing before": lambda s: recount(s, never_moved("eth1 to eth4")),
    "nothing came to the firewall before": lambda s: recount(s, never_moved("anywhere to the firewall")),
    "nothing left the firewall before": lambda s: recount(s, never_moved("the firewall to anywhere")),
    "the counters go": lambda s: recount(s, counters(RESTORE - SECOND, None)),
    "the counters are set to zero": lambda s: recount(s, counters(RESTORE - SECOND, {})),
    "the counters were last read late": lambda s: read_until(s, RESTORE - SECOND),
    "the counters were last read too late": lambda s: read_until(s, RESTORE - 4 * SECOND),
    "the counters were never read": lambda s: s.drop("dead_man.read"),
    "the firewall counts what it drops": lambda s: witness_of(s, witness="denies"),
    "the firewall counts nothing": lambda s: witness_of(s, witness="none"),
    "the firewall refuses, and the target does": together(
        lambda s: witness_of(s, denies_with="refusal"),
        lambda s: came_back(s, Heard.REFUSED, "10.40.0.10"),
    ),
    "the firewall refuses, and something passes": together(
        lambda s: witness_of(s, denies_with="refusal"),
        lambda s: came_back(s, Heard.REFUSED, "10.40.0.10"),
        lambda s: recount(s, add_from(RESTORE - STEP, OFFICE, "eth1 to eth4")),
    ),
}
