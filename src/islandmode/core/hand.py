"""What is asked of a person at a device that is isolated by hand: one act, in words that need no explanation. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from islandmode.core.entry import HandAct
from islandmode.core.people_told import moment_told
from islandmode.core.plan import Plan, PlanPoint, PlanProbe
from islandmode.core.probe import CanaryProbe
from islandmode.core.problem import Path, Problem
from islandmode.core.site import Hands

GLANCE_MAX_S = 3.0
"""The longest timeout of a probe by which a hand's act is seen: it is asked again and again while a person stands there."""
AFTER_S = 5.0
"""How long after the time to answer a call still waits: a confirmation given in the last second must be heard, and probes asked."""


@dataclass(frozen=True)
class HandAsk:
    """One act that a person is asked for. `id` is what a confirmation names; another ask, also for the same act, has another."""

    id: str
    point: str
    act: HandAct
    conduits: tuple[str, ...]
    lines: tuple[str, ...]
    person: str
    reached: str
    within_s: float
    until_utc_us: int

    def told(self) -> str:
        """Say who is asked for what, until when."""
        who = f"{self.person} ({self.reached})"
        by = moment_told(self.until_utc_us)
        if self.act == "be there":
            return f"{self.point}: ask {who} whether they are there and ready to act, and confirm that by {by}. Do nothing yet."
        does = " ".join(self.lines)
        if self.act == "isolate":
            return f"{self.point}: {who}, isolate {', '.join(self.conduits)} now: {does} Confirm that by {by}; after that, leave it alone."
        return (
            f"{self.point}: {who}, restore {', '.join(self.conduits)} now, also if it was never isolated: {does} "
            "This is asked until a probe passes."
        )


def who_told(hands: Hands) -> str:
    """Say who is asked, how they are reached, and how long they have; empty where nobody is named."""
    if hands.person is None or hands.answers_within is None:
        return ""
    return f"{hands.person.name} ({hands.person.position}; {hands.person.reached}) is asked, and has {hands.answers_within:g} s for each act"


def no_timer_told(point: PlanPoint) -> str:
    """Say of a device that nothing restores by itself what that means, and who accepted it; empty for any other."""
    hands = point.by_hand
    if hands is None and point.no_timer_accepted_by is not None:
        return f"nothing on the device restores this by itself (accepted by {point.no_timer_accepted_by})"
    if hands is None:
        return ""
    accepted = f" (accepted by {hands.accept_no_timer.accepted_by})" if hands.accept_no_timer is not None else ""
    who = who_told(hands)
    return f"nothing restores this by itself{accepted}; {who or 'nobody is named who would be asked, so no run isolates it'}"


def back_told(left: Mapping[str, PlanPoint], names: Iterable[str]) -> str:
    """Say how points were seen restored: read back, or a probe passed where a person restores."""
    mine = sorted(names)
    by_hand = [name for name in mine if name in left and left[name].capabilities.asks_person]
    if not by_hand:
        return "every isolation point was read back without Islandmode objects"
    passed = f"a probe passed through {', '.join(by_hand)}"
    return (
        passed
        if len(by_hand) == len(mine)
        else f"{passed}, and every other isolation point was read back without Islandmode objects"
    )


def seeing(plan: Plan, conduit: str) -> dict[str, PlanProbe]:
    """Give the probes by which is seen what a person did to a conduit: fresh connections across it from the operations host."""
    return {
        name: planned
        for name, planned in plan.probes.items()
        if planned.through == conduit
        and planned.role == "severed"
        and not plan.vantages[planned.probe.vantage].far
        and not isinstance(planned.probe, CanaryProbe)
        and planned.probe.timeout <= GLANCE_MAX_S
    }


def hand_problems(plan: Plan) -> Iterator[Problem]:
    """Find why a plan with a device that a person isolates can be planned, but not run."""
    for name, point in plan.points.items():
        if point.by_hand is not None:
            yield from _of_point(plan, name, point, point.by_hand)


def _of_point(plan: Plan, name: str, point: PlanPoint, hands: Hands) -> Iterator[Problem]:
    at: Path = ("isolation_points", name, "by_hand")
    by_hand = f"{name} is isolated by hand"
    if hands.person is None:
        sentence = f"{by_hand}, and nobody is named who would be asked; add person, and answers_within, or walk through the drill with --mode tabletop."
        yield Problem("site", at, sentence)
    if hands.accept_no_timer is None:
        sentence = (
            f"{by_hand}, so nothing restores it by itself; have that accepted for this isolation point: accept_no_timer: "
            "{accepted_by: NAME}, or walk through the drill with --mode tabletop."
        )
        yield Problem("site", at, sentence)
    for conduit in point.conduits:
        others = [other for other, planned in plan.points.items() if other != name and conduit in planned.conduits]
        if others:
            sentence = (
                f"{by_hand}, and {', '.join(others)} isolates {conduit} too: no probe could tell whose isolation it met. Isolate it on one of "
                "them only."
            )
            yield Problem("site", at, sentence)
        if not seeing(plan, conduit):
            sentence = (
                f"{by_hand}, and no severed probe shows from the operations host whether {conduit} passes; add one to the drill from vantage "
                f"here, with a timeout of {GLANCE_MAX_S:g} s at most, that is no canary."
            )
            yield Problem("site", at, sentence)
