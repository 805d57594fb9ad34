"""Rows of the crash matrix for the newer ways to isolate: Ansible plays, a person's hand, a pair of firewalls, a commit with a timer."""

from __future__ import annotations

from dataclasses import replace

from tests.crash.scenarios import Layer, Outside, Scenario, Way

STAGES = {Way.PLAYS: "everything", Way.HAND: "vendors", Way.PAIR: "offices", Way.CANDIDATE: "everything"}
"""The stage of each way's drill in whose hold something dies."""
EVERYTHING = ("remote-access", "corporate-dmz", "corporate-line3")
AMID = "Stand still"
"""The task of a play behind or before that which isolates; it hangs, so that something can die in it."""
GUARDIAN_DIED = "inconclusive, restoration proven"


def in_hold(way: Way, act: str) -> Outside:
    """Do something in the middle of a way's hold."""
    return Outside(act, says=("stage", STAGES[way]))


def amid_play(act: str) -> Outside:
    """Do something while a play stands still."""
    return Outside(act, after="isolate.intent", says=("stage", STAGES[Way.PLAYS]), task=AMID)


PLAYS = Scenario("", Layer.GUARDIAN, way=Way.PLAYS, dead_man_s=120, holds_s=(20, 0))
BY_PLAYS = (
    replace(
        PLAYS,
        name="plays: conductor killed amid the play, before it isolates",
        outside=amid_play("kill-conductor"),
        variant="hangs before",
        spared=EVERYTHING,
    ),
    replace(
        PLAYS,
        name="plays: conductor killed amid the play, after it has isolated",
        outside=amid_play("kill-conductor"),
        variant="hangs behind",
        fast=True,
    ),
    replace(
        PLAYS,
        name="plays: conductor killed amid the play, after it has isolated, no guardian",
        layer=Layer.TIMER,
        outside=amid_play("kill-conductor"),
        variant="hangs behind",
        guardian="absent",
        dead_man_s=80,
        holds_s=(8, 0),
    ),
    replace(
        PLAYS,
        name="plays: runner killed amid the play, before it isolates",
        layer=Layer.CONDUCTOR,
        outside=amid_play("kill-runner"),
        variant="hangs before",
        spared=EVERYTHING,
        verdict="inconclusive, restoration proven",
    ),
    replace(
        PLAYS,
        name="plays: runner killed amid the play, after it has isolated; the firewall is believed, and the drill goes on",
        layer=Layer.CONDUCTOR,
        outside=amid_play("kill-runner"),
        variant="hangs behind",
        holds_s=(3, 0),
        ends_run=False,
        verdict="held, restoration proven",
    ),
    replace(
        PLAYS,
        name="plays: guardian killed amid the play, after it has isolated",
        layer=Layer.CONDUCTOR,
        outside=amid_play("kill-guardian"),
        variant="hangs behind",
        verdict=GUARDIAN_DIED,
    ),
    replace(
        PLAYS,
        name="plays: both killed in the hold",
        layer=Layer.TIMER,
        outside=in_hold(Way.PLAYS, "kill-both"),
        dead_man_s=80,
        holds_s=(8, 0),
    ),
    replace(
        PLAYS,
        name="plays: both killed amid the play, after it has isolated, a person runs islandmode restore",
        layer=Layer.RESUME,
        outside=amid_play("kill-both"),
        variant="hangs behind",
        by_hand=Layer.RESUME,
    ),
)

HAND = Scenario("", Layer.GUARDIAN, way=Way.HAND, dead_man_s=300, holds_s=(20, 2))
BY_HAND = (
    replace(
        HAND,
        name="by hand: conductor killed while it waits for the person's word, and the cable is out",
        outside=Outside("kill-conductor", after="hand.asked", says=("act", "isolate")),
        variant="silent",
    ),
    replace(
        HAND,
        name="by hand: conductor killed in the hold, the guardian asks",
        outside=in_hold(Way.HAND, "kill-conductor"),
        fast=True,
    ),
    replace(
        HAND,
        name="by hand: guardian killed in the hold",
        layer=Layer.CONDUCTOR,
        outside=in_hold(Way.HAND, "kill-guardian"),
        verdict=GUARDIAN_DIED,
    ),
    replace(
        HAND,
        name="by hand: conductor killed when it has asked for the cable to be put back, and it is still out",
        outside=Outside("kill-conductor", after="hand.asked", says=("act", "restore")),
        variant="heeds the second ask",
        holds_s=(3, 2),
    ),
    replace(
        HAND,
        name="by hand: both killed in the hold, islandmode restore asks until a probe has seen the cable",
        layer=Layer.RESUME,
        outside=in_hold(Way.HAND, "kill-both"),
        by_hand=Layer.RESUME,
    ),
)

PAIR = Scenario("", Layer.GUARDIAN, way=Way.PAIR, dead_man_s=60, holds_s=(20, 0))
BY_PAIR = (
    replace(
        PAIR,
        name="pair: keepalived of the active member killed in the hold, both isolate",
        layer=Layer.CONDUCTOR,
        outside=in_hold(Way.PAIR, "kill-keepalived"),
        holds_s=(12, 0),
        ends_run=False,
        closed=True,
        verdict="held, restoration proven",
    ),
    replace(
        PAIR,
        name="pair: keepalived of the active member killed in the hold, only that member isolates, as no plan has it",
        layer=Layer.LEAK,
        outside=in_hold(Way.PAIR, "kill-keepalived"),
        holds_s=(12, 0),
        variant="one member",
        verdict="breached, restoration proven",
    ),
    replace(PAIR, name="pair: conductor killed when the first member has isolated", at="isolate:acted:1"),
    replace(PAIR, name="pair: conductor killed in the hold", outside=in_hold(Way.PAIR, "kill-conductor"), fast=True),
    replace(
        PAIR,
        name="pair: conductor and the active member's keepalived killed in the hold",
        outside=in_hold(Way.PAIR, "kill-conductor-and-keepalived"),
    ),
    replace(
        PAIR,
        name="pair: conductor killed when the first member has restored",
        at="restore:acted:1",
        holds_s=(3, 0),
    ),
    replace(
        PAIR,
        name="pair: both killed in the hold",
        layer=Layer.TIMER,
        outside=in_hold(Way.PAIR, "kill-both"),
        dead_man_s=15,
    ),
    replace(
        PAIR,
        name="pair: both and the active member's keepalived killed in the hold",
        layer=Layer.TIMER,
        outside=in_hold(Way.PAIR, "kill-both-and-keepalived"),
        dead_man_s=15,
    ),
    replace(
        PAIR,
        name="pair: both killed in the hold, only the active member isolates, as no plan has it",
        layer=Layer.TIMER,
        outside=in_hold(Way.PAIR, "kill-both"),
        variant="one member",
        dead_man_s=15,
    ),
)

CANDIDATE = Scenario("", Layer.GUARDIAN, way=Way.CANDIDATE, dead_man_s=180, holds_s=(20, 0))
BY_CANDIDATE = (
    replace(
        CANDIDATE,
        name="commit with a timer: conductor killed when the candidate has left for the device to be loaded",
        at="isolate-candidate:sent:1",
        spared=EVERYTHING,
    ),
    replace(
        CANDIDATE,
        name="commit with a timer: conductor killed, the candidate is loaded and compared, before the commit leaves",
        at="isolate-commit:leaving:1",
        spared=EVERYTHING,
    ),
    replace(
        CANDIDATE,
        name="commit with a timer: conductor killed when the commit has left for the device",
        at="isolate-commit:sent:1",
    ),
    replace(
        CANDIDATE,
        name="commit with a timer: conductor killed, the device has committed, nobody knows",
        at="isolate:acted:1",
        fast=True,
    ),
    replace(
        CANDIDATE,
        name="commit with a timer: conductor killed, the device has committed, nobody knows, no guardian",
        layer=Layer.TIMER,
        at="isolate:acted:1",
        guardian="absent",
        dead_man_s=40,
        holds_s=(8, 0),
    ),
    replace(
        CANDIDATE,
        name="commit with a timer: guardian killed in the hold",
        layer=Layer.CONDUCTOR,
        outside=in_hold(Way.CANDIDATE, "kill-guardian"),
        verdict=GUARDIAN_DIED,
    ),
    replace(
        CANDIDATE,
        name="commit with a timer: both killed in the hold",
        layer=Layer.TIMER,
        outside=in_hold(Way.CANDIDATE, "kill-both"),
        dead_man_s=40,
        holds_s=(8, 0),
    ),
    replace(
        CANDIDATE,
        name="commit with a timer: both killed in the hold, a person runs islandmode restore",
        layer=Layer.RESUME,
        outside=in_hold(Way.CANDIDATE, "kill-both"),
        by_hand=Layer.RESUME,
    ),
)
