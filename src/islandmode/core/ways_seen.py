"""What was seen on each conduit of the boundary, and on each other way round it, while it was isolated. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from islandmode.core.boundary import BoundaryConduit, OtherWayRound
from islandmode.core.flows_told import LEAK, spoilt_vantages, unproven
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.text import how_many, in_words
from islandmode.core.verdict import Verdict

COUNTED = "egress-leak"


class Passage(StrEnum):
    """Whether anything passed by a way while its conduit was isolated."""

    SHUT = "shut"
    LEAK = "leak"
    UNKNOWN = "not known"
    UNTESTED = "not tested"
    OPEN = "open"


@dataclass(frozen=True)
class WaySeen:
    """What was seen on a conduit, or on an other way."""

    passage: Passage
    why: str


def seen_on_conduit(plan: Plan, verdict: Verdict, records: Sequence[Record], conduit: BoundaryConduit) -> WaySeen:
    """Say what the severed probes saw that go through a conduit, and its firewalls; what the drill left open was not to be shut."""
    if conduit.state != "isolated":
        told = "left open" if conduit.state == "left open" else "no isolation point stands on it"
        return WaySeen(Passage.OPEN, f"{told}, accepted by {conduit.accepted_by or 'nobody'}")
    severed = (name for name in plan.drill.severed if plan.probes[name].through == conduit.conduit)
    found = _seen_by(plan, verdict, records, tuple(severed))
    counted = any(finding.code == COUNTED and finding.conduit == conduit.conduit for finding in verdict.findings)
    if counted and found.passage is not Passage.LEAK:
        return WaySeen(Passage.LEAK, "a firewall counted what passed in the hold")
    return found


def seen_on_other_way(plan: Plan, verdict: Verdict, records: Sequence[Record], way: OtherWayRound) -> WaySeen:
    """Say what the severed probes saw that go by an other way."""
    severed = (name for name in plan.drill.severed if plan.probes[name].probe.by == way.way)
    found = _seen_by(plan, verdict, records, tuple(severed))
    if found.passage is Passage.SHUT and not way.probes:
        return WaySeen(Passage.UNTESTED, "no severed probe opens a fresh connection by it")
    return found


def _seen_by(plan: Plan, verdict: Verdict, records: Sequence[Record], severed: tuple[str, ...]) -> WaySeen:
    if not severed:
        return WaySeen(Passage.UNTESTED, "no severed probe goes by it")
    leaks = [finding.probe for finding in verdict.findings if finding.code == LEAK and finding.probe in severed]
    if leaks:
        return WaySeen(Passage.LEAK, f"{in_words(list(dict.fromkeys(map(str, leaks))))} passed in the hold")
    if not any(row.probe in severed and row.expected == "dead" for row in verdict.rows):
        return WaySeen(Passage.UNTESTED, "its stage was not reached")
    lost = spoilt_vantages(plan, records)
    doubtful = [(name, why) for name in severed if (why := unproven(plan, verdict, name, lost))]
    if doubtful:
        return WaySeen(Passage.UNKNOWN, " ".join(doubtful[0]))
    return WaySeen(Passage.SHUT, f"in the hold, by {how_many(len(severed), 'probe')}")
