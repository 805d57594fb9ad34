"""The crash matrix as data: what dies or breaks, at which moment, and which layer must put the plant back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Layer(StrEnum):
    """Who brings the plant back."""

    NOTHING = "nothing was isolated"
    CONDUCTOR = "conductor"
    GUARDIAN = "guardian"
    TIMER = "device timer"
    REBOOT = "device: its restart clears the isolation"
    RESUME = "islandmode restore"
    CARD = "card, by hand"
    LEAK = "nobody: the other member let it pass"


class Way(StrEnum):
    """Ways to isolate other than by the product's own lines for nftables."""

    PLAYS = "plays"
    HAND = "hand"
    PAIR = "pair"
    CANDIDATE = "candidate"


@dataclass(frozen=True)
class Outside:
    """Something that is done from outside when the conductor has written a record of this kind that says this."""

    act: str
    after: str = "hold.started"
    says: tuple[str, str] = ("stage", "vendors")
    task: str = ""
    """The task of an Ansible play that must have begun too; empty where it is about no play."""


@dataclass(frozen=True)
class Scenario:
    """One row. The layers that are not to act are dead, or their timer is too long to be what restored."""

    name: str
    layer: Layer
    at: str = ""
    do: str = "kill"
    guardian: str = "real"
    outside: Outside | None = None
    dead_man_s: int = 6
    holds_s: tuple[int, int] = (2, 2)
    ends_run: bool = True
    """Whether the plant must come back at once, or the drill goes on to its planned end."""
    by_hand: Layer | None = None
    """Which layer a person then calls, when nothing else is left."""
    hand_dies_at: str = ""
    """At which moment the first `islandmode restore` is killed; it is run once more."""
    stopped_for_s: float = 0.0
    """How long the device's sshd stands still."""
    spared: tuple[str, ...] = ()
    """Conduits that must not be isolated for a moment: the line that would have done it was given up before it acted."""
    wake: bool = False
    """Whether the conductor was frozen and is woken when the plant is back: it must isolate nothing."""
    verdict: str = ""
    """The beginning of the verdict that the run must end with; empty when it ends without one."""
    fast: bool = False
    recipe: str = ""
    """The recipe of the emulated device that the row is about; empty for the lab's own firewall."""
    way: Way | None = None
    """How the lab's firewall is isolated, where not as it is by itself."""
    variant: str = ""
    """What else is different in this row of a way: what a play does, or what a person does, or how many members isolate."""
    closed: bool = False
    """Whether nothing may pass from the first isolation to the planned restore, whatever fails over."""


LONG_S = 60
"""A dead-man so long that it cannot have been what restored."""
POINTS = (
    ("arm:intent:1", "before the dead-man is armed"),
    ("arm:sent:1", "arming has left for the device"),
    ("arm:acted:1", "the device has armed, nobody knows"),
    ("arm:result:1", "armed and recorded"),
    ("isolate:intent:1", "before stage 1 is isolated"),
    ("isolate:sent:1", "isolating stage 1 has left for the device"),
    ("isolate:acted:1", "the device has isolated stage 1, nobody knows"),
    ("isolate:result:1", "stage 1 isolated and recorded"),
    ("isolate:intent:2", "before stage 2 is isolated"),
    ("isolate:sent:2", "isolating stage 2 has left for the device"),
    ("isolate:acted:2", "the device has isolated stage 2, nobody knows"),
    ("isolate:result:2", "stage 2 isolated and recorded"),
    ("renew:intent:1", "before the dead-man is renewed"),
    ("renew:sent:1", "renewing has left for the device"),
    ("renew:acted:1", "the device has renewed, nobody knows"),
    ("renew:result:1", "renewed and recorded"),
    ("restore:intent:1", "before the restore is sent"),
    ("restore:sent:1", "the restore has left for the device"),
    ("restore:acted:1", "the device has restored, nobody knows"),
    ("restore:result:1", "restored and recorded"),
)
NOTHING_STOOD = {"arm:intent:1", "arm:sent:1", "arm:acted:1", "arm:result:1", "isolate:intent:1"}
ALREADY_RESTORED = {"restore:sent:1", "restore:acted:1", "restore:result:1"}


def timer_row(at: str, moment: str) -> Scenario:
    """The conductor dies and there is no guardian: the device's own timer is all that is left."""
    layer = Layer.NOTHING if at in NOTHING_STOOD else Layer.CONDUCTOR if at in ALREADY_RESTORED else Layer.TIMER
    holds_s = (6, 2) if at.startswith("renew") else (2, 2)
    name = f"conductor killed, no guardian: {moment}"
    return Scenario(name, layer, at=at, guardian="absent", holds_s=holds_s, fast=at == "isolate:acted:2")


def guardian_row(at: str, moment: str) -> Scenario:
    """The conductor dies, and the device's timer is far away: the guardian restores."""
    renews = at.startswith("renew")
    name = f"conductor killed, timer far away: {moment}"
    dead_man_s, holds_s = (16, (12, 2)) if renews else (LONG_S, (2, 2))
    # One that recorded what it restored has restored it; the guardian looks, and has nothing left to do.
    layer = Layer.CONDUCTOR if at == "restore:result:1" else Layer.GUARDIAN
    return Scenario(name, layer, at=at, dead_man_s=dead_man_s, holds_s=holds_s, fast=at == "isolate:sent:2")


BY_TIMER = tuple(timer_row(at, moment) for at, moment in POINTS)
BY_GUARDIAN = tuple(guardian_row(at, moment) for at, moment in POINTS)

BOTH_DIE = (
    ("restore:intent:1", "before its restore is sent", Layer.TIMER),
    ("restore:sent:1", "when its restore has left for the device", Layer.GUARDIAN),
    ("restore:acted:1", "when the device has restored and it does not know", Layer.GUARDIAN),
    ("restore:result:1", "when it has restored and recorded", Layer.GUARDIAN),
)
ONE_AFTER_THE_OTHER = tuple(
    Scenario(
        f"conductor killed in the hold, guardian killed {moment}",
        layer,
        at="isolate:result:2",
        guardian=at,
        dead_man_s=6 if layer is Layer.TIMER else LONG_S,
    )
    for at, moment, layer in BOTH_DIE
)

PROCESSES = (
    *ONE_AFTER_THE_OTHER,
    Scenario(
        "guardian killed in the hold",
        Layer.CONDUCTOR,
        outside=Outside("kill-guardian"),
        dead_man_s=LONG_S,
        verdict="inconclusive, restoration proven",
        fast=True,
    ),
    Scenario(
        "guardian frozen in the hold",
        Layer.CONDUCTOR,
        outside=Outside("freeze-guardian"),
        dead_man_s=LONG_S,
        holds_s=(20, 2),
        verdict="inconclusive, restoration proven",
    ),
    Scenario(
        "the conductor's whole process group killed in the hold",
        Layer.GUARDIAN,
        outside=Outside("kill-group"),
        dead_man_s=LONG_S,
    ),
    Scenario("both killed in the hold", Layer.TIMER, outside=Outside("kill-both"), holds_s=(20, 2)),
    Scenario(
        "both killed, timer far away, a person runs islandmode restore",
        Layer.RESUME,
        outside=Outside("kill-both"),
        dead_man_s=LONG_S,
        holds_s=(20, 2),
        by_hand=Layer.RESUME,
        fast=True,
    ),
    Scenario(
        "both killed, timer far away, islandmode restore killed half-way and run again",
        Layer.RESUME,
        outside=Outside("kill-both"),
        dead_man_s=LONG_S,
        holds_s=(20, 2),
        by_hand=Layer.RESUME,
        hand_dies_at="restore:intent:1",
    ),
    Scenario(
        "both frozen in the hold for longer than the timer, then woken",
        Layer.TIMER,
        outside=Outside("freeze-both"),
        holds_s=(8, 2),
        wake=True,
        verdict="breached, restoration proven",
    ),
    Scenario(
        "both killed, timer far away, a person types what is on the card",
        Layer.CARD,
        outside=Outside("kill-both"),
        dead_man_s=LONG_S,
        holds_s=(20, 2),
        by_hand=Layer.CARD,
    ),
    Scenario(
        "conductor frozen in the hold for longer than the timer, no guardian, then woken",
        Layer.TIMER,
        at="isolate:result:1",
        do="stop",
        guardian="absent",
        wake=True,
        verdict="breached, restoration proven",
    ),
    Scenario(
        "conductor frozen right before it isolates stage 2, no guardian, then woken",
        Layer.TIMER,
        at="isolate:intent:2",
        do="stop",
        guardian="absent",
        wake=True,
        verdict="breached, restoration proven",
        fast=True,
    ),
    Scenario(
        "conductor frozen right before it isolates stage 2, timer far away, then woken",
        Layer.GUARDIAN,
        at="isolate:intent:2",
        do="stop",
        dead_man_s=LONG_S,
        wake=True,
        verdict="inconclusive, restoration proven",
    ),
    Scenario(
        "conductor frozen right before it renews, no guardian, then woken",
        Layer.TIMER,
        at="renew:intent:1",
        do="stop",
        guardian="absent",
        holds_s=(20, 2),
        wake=True,
        verdict="breached, restoration proven",
    ),
)

SURROUNDINGS = (
    Scenario(
        "the way to the firewall is lost in the hold",
        Layer.TIMER,
        outside=Outside("no-way-in"),
        holds_s=(20, 2),
        # Nobody heard the device, so nobody saw it breach anything.
        verdict="inconclusive, restoration unproven",
    ),
    Scenario(
        "the SSH session is reset in the middle of isolating stage 2",
        Layer.CONDUCTOR,
        at="isolate:sent:2",
        do="drop-session",
        dead_man_s=LONG_S,
        ends_run=False,
        verdict="held, restoration proven",
    ),
    Scenario(
        "the SSH session is reset in the middle of restoring",
        Layer.CONDUCTOR,
        at="restore:sent:1",
        do="drop-session",
        dead_man_s=LONG_S,
        ends_run=False,
        verdict="held, restoration proven",
    ),
    Scenario(
        "the firewall is restarted in the hold",
        Layer.REBOOT,
        outside=Outside("restart-firewall"),
        dead_man_s=LONG_S,
        holds_s=(20, 2),
        verdict="breached, restoration proven",
    ),
    Scenario(
        "the disk fills up in the hold",
        Layer.CONDUCTOR,
        outside=Outside("fill-disk"),
        dead_man_s=LONG_S,
        # Room for the whole record was reserved before.
        verdict="held, restoration proven",
    ),
    Scenario(
        "fsync fails before stage 1 is isolated",
        Layer.NOTHING,
        at="arm:result:1",
        do="fail-sync",
        dead_man_s=LONG_S,
        verdict="inconclusive, restoration proven",
    ),
    Scenario(
        # Stage 1 was held before: the referee looks ten times a second, and would miss what is isolated for a moment only.
        "fsync fails when the isolation of stage 2 is recorded",
        Layer.CONDUCTOR,
        at="isolate:result:2",
        do="fail-sync",
        dead_man_s=LONG_S,
        verdict="inconclusive, restoration proven",
    ),
    Scenario(
        "fsync fails when the restore is ordered",
        Layer.CONDUCTOR,
        at="restore:intent:1",
        do="fail-sync",
        dead_man_s=LONG_S,
        ends_run=False,
        verdict="inconclusive, restoration proven",
    ),
    Scenario(
        "UTC steps an hour forward in the hold",
        Layer.CONDUCTOR,
        at="isolate:result:1",
        do="utc+1h",
        dead_man_s=LONG_S,
        ends_run=False,
        verdict="held, restoration proven",
    ),
    Scenario(
        "UTC steps an hour back in the hold",
        Layer.CONDUCTOR,
        at="isolate:result:1",
        do="utc-1h",
        dead_man_s=LONG_S,
        ends_run=False,
        verdict="held, restoration proven",
    ),
    Scenario(
        "a far vantage is killed in the hold",
        Layer.CONDUCTOR,
        outside=Outside("kill-far-vantage"),
        dead_man_s=LONG_S,
        ends_run=False,
        verdict="inconclusive, restoration proven",
    ),
)

STAGE_2 = ("corporate-dmz", "corporate-line3")
LATE_LINES = (
    Scenario(
        "isolating stage 2 waits in the firewall's queue, conductor killed, no guardian",
        Layer.TIMER,
        at="isolate:leaving:2",
        do="stop-sshd-and-die",
        guardian="absent",
        stopped_for_s=5,
        dead_man_s=14,
        spared=STAGE_2,
        fast=True,
    ),
    Scenario(
        "isolating stage 2 waits in the firewall's queue, conductor killed, timer far away",
        Layer.GUARDIAN,
        at="isolate:leaving:2",
        do="stop-sshd-and-die",
        stopped_for_s=9,
        dead_man_s=LONG_S,
        spared=STAGE_2,
    ),
    Scenario(
        "isolating stage 2 waits in the firewall's queue, conductor lives",
        Layer.CONDUCTOR,
        at="isolate:leaving:2",
        do="stop-sshd",
        guardian="absent",
        stopped_for_s=13,
        dead_man_s=LONG_S,
        spared=STAGE_2,
        verdict="breached, restoration proven",
    ),
    Scenario(
        "renewing waits in the firewall's queue, conductor killed, no guardian",
        Layer.TIMER,
        at="renew:leaving:1",
        do="stop-sshd-and-die",
        guardian="absent",
        stopped_for_s=8,
        dead_man_s=20,
        holds_s=(20, 2),
        spared=STAGE_2,
        fast=True,
    ),
    Scenario(
        "renewing waits in the firewall's queue, again and again, conductor lives",
        Layer.CONDUCTOR,
        at="renew:leaving:1",
        do="stop-sshd",
        guardian="absent",
        stopped_for_s=9,
        dead_man_s=24,
        holds_s=(24, 2),
        spared=STAGE_2,
        verdict="inconclusive, restoration proven",
    ),
    Scenario(
        "renewing waits in the firewall's queue, conductor lives and renews anew",
        Layer.CONDUCTOR,
        at="renew:leaving:1",
        do="stop-sshd",
        guardian="absent",
        stopped_for_s=4,
        dead_man_s=20,
        holds_s=(20, 2),
        ends_run=False,
        verdict="held, restoration proven",
    ),
    Scenario(
        "arming waits in the firewall's queue, conductor killed, no guardian",
        Layer.NOTHING,
        at="arm:leaving:1",
        do="stop-sshd-and-die",
        guardian="absent",
        stopped_for_s=5,
        spared=("remote-access", *STAGE_2),
    ),
    Scenario(
        "arming waits in the firewall's queue, conductor lives",
        Layer.CONDUCTOR,
        at="arm:leaving:1",
        do="stop-sshd",
        guardian="absent",
        stopped_for_s=18,
        spared=("remote-access", *STAGE_2),
    ),
)

EMULATED_S = 180
"""A dead-man as a recipe's device takes it, in whole minutes: no row waits for it, a device's clock is hastened instead."""
FORTIOS, IOS, IOS_REVERT = "fortios-schedule", "ios-time-range", "ios-revert"
KILLED_AT = {
    "arm:before": "before the first line that arms is carried out",
    "arm:after": "the last line that arms is carried out, its answer is lost",
    "isolate:before": "before the first line that isolates is carried out",
    "isolate:amid": "amid the lines that isolate",
    "isolate:after": "the last line that isolates is carried out, its answer is lost",
    "hold": "in the hold",
    "restore:before": "before the first line that restores is carried out",
    "restore:after": "the last line that restores is carried out, its answer is lost",
}
"""Moments of a drill on an emulated device, by the lines that it hears."""
LINES = {
    FORTIOS: {"arm": (1, 5), "isolate": (6, 10), "restore": (11, 15)},
    IOS: {"arm": (1, 3), "isolate": (4, 6), "restore": (7, 9)},
    IOS_REVERT: {"arm": (1, 1), "isolate": (2, 6), "restore": (7, 12)},
}
"""Of each recipe: the first and the last configuring line of a step, counted from the beginning of a drill of one conduit."""
RENEWS = {FORTIOS: (11, 15), IOS: (7, 9)}
"""The same of the first renewal, which comes in a long hold, after half of the timer: only these rows wait for that."""
RENEWED_AT = {
    "renew:before": "before the first line that renews is carried out",
    "renew:amid": "amid the lines that renew",
    "renew:after": "the last line that renews is carried out, its answer is lost",
}
TAKES_EFFECT = {FORTIOS: "isolate:after", IOS: "isolate:after", IOS_REVERT: "isolate:amid"}
"""From when on an isolation stands, at least in part."""


def emulated_row(recipe: str, at: str) -> Scenario:
    """The conductor dies while the device's timer is far away: the guardian restores; what the conductor had restored is back already."""
    layer = Layer.CONDUCTOR if at == "restore:after" else Layer.GUARDIAN
    name = f"{recipe}, emulated: conductor killed, timer far away: {(KILLED_AT | RENEWED_AT)[at]}"
    return Scenario(name, layer, at=at, dead_man_s=EMULATED_S, recipe=recipe, fast=(recipe, at) == (FORTIOS, "hold"))


def emulated_timer_row(recipe: str, at: str) -> Scenario:
    """Both die, and the device's own clock is all that is left."""
    name = f"{recipe}, emulated: conductor and guardian killed: {(KILLED_AT | RENEWED_AT)[at]}"
    return Scenario(name, Layer.TIMER, at=at, guardian="killed", dead_man_s=EMULATED_S, recipe=recipe)


def emulated_guardian_row(recipe: str) -> Scenario:
    """The guardian dies, and the conductor restores."""
    return Scenario(
        f"{recipe}, emulated: guardian killed in the hold",
        Layer.CONDUCTOR,
        at="hold",
        do="kill-guardian",
        dead_man_s=EMULATED_S,
        recipe=recipe,
        verdict="inconclusive, restoration proven",
    )


EMULATED = (
    *(emulated_row(recipe, at) for recipe in (FORTIOS, IOS) for at in KILLED_AT),
    *(emulated_row(IOS_REVERT, at) for at in ("arm:after", "isolate:amid", "hold", "restore:before")),
    *(emulated_guardian_row(recipe) for recipe in (FORTIOS, IOS)),
    *(
        emulated_timer_row(recipe, at)
        for recipe in (FORTIOS, IOS)
        for at in ("isolate:after", "hold", "restore:before")
    ),
    *(emulated_timer_row(IOS_REVERT, at) for at in ("isolate:amid", "hold")),
    *(emulated_row(recipe, at) for recipe in (FORTIOS, IOS) for at in RENEWED_AT),
    *(emulated_timer_row(recipe, "renew:after") for recipe in (FORTIOS, IOS)),
)
