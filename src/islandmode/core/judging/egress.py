"""Judging what the firewalls counted while they isolated: what a firewall saw leave has left, whatever the probes say. Pure.

A count that moves after the isolation was in force is a leak, with its number. A way on which nothing was counted before that
has no positive control: its silence proves nothing, and the verdict says that it was not seen. A reading that is missing is
inconclusive. Nobody counted what left before the first reading in force, or between the last reading and the order to restore:
how long before that order the last reading was is told. Counts of dropped packets never prove that nothing passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from islandmode.core.egress import Way
from islandmode.core.judging.timeline import Timeline, last_us, of_kind
from islandmode.core.plan import Plan, PlanStage
from islandmode.core.record import Record
from islandmode.core.text import how_many
from islandmode.core.verdict import Counted, Finding, FirewallWitness, Result

LATE_S = 0.2
"""A last reading that is older than this is told: a leak that opened since then was not counted."""
READINGS = ("arm.result", "isolate.result", "dead_man.read", "dead_man.renew")
CANNOT = {
    "denies": "counts only what it drops",
    "none": "counts nothing",
    "egress": "was given nothing to count",
}


@dataclass(frozen=True)
class _Reading:
    """What one point had counted for one conduit when it was asked; None where its counters were not whole."""

    asked_us: int
    seq: int
    counted: Mapping[str, int] | None


@dataclass(frozen=True)
class _Isolated:
    """One conduit on one point, isolated in a stage, with every reading of its counters."""

    point: str
    conduit: str
    stage: PlanStage
    ways: tuple[Way, ...]
    before: Mapping[str, int]
    hold: tuple[_Reading, ...]


def judge_egress(
    plan: Plan, records: Sequence[Record], timeline: Timeline, in_force_us: Mapping[str, int]
) -> tuple[list[Finding], FirewallWitness]:
    """Judge every count; `in_force_us` says for each stage from when on nothing might pass any more."""
    findings: list[Finding] = []
    not_seen: list[str] = []
    rows: list[Counted] = []
    last: list[float] = []
    for isolated in _isolated(plan, records, timeline, in_force_us):
        if not isolated.ways:
            cannot = CANNOT[plan.points[isolated.point].capabilities.witness]
            not_seen.append(f"{isolated.conduit} by {isolated.point}, which {cannot}")
            continue
        trouble = _unread(isolated, timeline, plan.points[isolated.point].capabilities.fresh_s)
        findings += trouble
        if trouble:
            not_seen.append(f"{isolated.conduit} by {isolated.point}, whose counters were not read as they should be")
        not_seen += _without_control(isolated)
        found, counted = _passed(isolated, timeline)
        findings += found
        rows += counted
        old_s = _unread_s(isolated, timeline)
        last += [] if old_s is None else [old_s]
        if old_s is not None and not trouble and old_s > LATE_S:
            not_seen.append(f"the last {old_s:.1f} s before the restore was ordered on {isolated.point}")
    seen = bool(rows) and not not_seen
    witness = FirewallWitness(
        basis="probes and firewall counters" if seen else "probes only",
        not_seen=tuple(dict.fromkeys(not_seen)),
        counted=tuple(rows),
        last_read_s=max(last, default=None),
    )
    return _once(findings), witness


def saw_nothing(plan: Plan, witness: FirewallWitness, conduit: str, direction: str) -> bool | None:
    """Tell whether a refusal across a conduit can only be the firewalls' own; None where that is not known.

    It can where they counted nothing there while the conduit was isolated, on a way on which they counted before, and where
    their way of isolating answers at all. A firewall that drops in silence sends no refusal: what came back then came round
    it, or from this side.
    """
    numbers = [count for count in witness.counted if count.conduit == conduit and _leads(plan, count, direction)]
    if any(count.isolated for count in numbers):
        return False
    known = bool(numbers) and all(count.before > 0 and count.isolated is not None for count in numbers)
    answers = all(plan.points[count.point].capabilities.denies_with == "refusal" for count in numbers)
    return True if known and answers else None


def _leads(plan: Plan, count: Counted, direction: str) -> bool:
    point = plan.points[count.point]
    outer, inner = point.between[count.conduit]
    wanted = (outer, inner) if direction == "inward" else (inner, outer)
    ways = point.rendering.ways.get(count.conduit, ())
    return any(way.name == count.way and way.kind == "across" and way.zones == wanted for way in ways)


def _isolated(
    plan: Plan, records: Sequence[Record], timeline: Timeline, in_force_us: Mapping[str, int]
) -> Iterator[_Isolated]:
    ends_us = timeline.restore_ordered_us or last_us(records)
    for stage in plan.stages:
        for record in of_kind(records, "isolate.result", stage=stage.name, outcome="done"):
            point = str(record.data["point"])
            for conduit in record.data.get("conduits", ()):
                readings = tuple(_readings(records, point, conduit))
                earlier = [
                    reading.counted for reading in readings if reading.seq <= record.seq and reading.counted is not None
                ]
                since_us = max(int(record.data["answered_us"]), in_force_us.get(stage.name, 0))
                yield _Isolated(
                    point=point,
                    conduit=conduit,
                    stage=stage,
                    ways=plan.points[point].rendering.ways.get(conduit, ())
                    if plan.points[point].capabilities.witness == "egress"
                    else (),
                    before=earlier[-1] if earlier else {},
                    hold=tuple(
                        reading
                        for reading in readings
                        if reading.seq > record.seq and since_us <= reading.asked_us <= ends_us
                    ),
                )


def _readings(records: Sequence[Record], point: str, conduit: str) -> Iterator[_Reading]:
    for record in records:
        data = record.data
        if record.kind not in READINGS or data["point"] != point or data.get("outcome") != "done":
            continue
        gone = "armed_s" in data and data["armed_s"].get(conduit) is None
        if gone or (record.kind == "isolate.result" and conduit not in data["conduits"]):
            # An object that is gone, or whose timer ended, is judged as that.
            continue
        yield _Reading(int(data.get("asked_us", record.monotonic_us)), record.seq, data.get("egress", {}).get(conduit))


def _unread(isolated: _Isolated, timeline: Timeline, fresh_s: float) -> list[Finding]:
    """Find readings that are missing. A stage that was stopped before its end is judged as that.

    A last reading that is older than `fresh_s` when the restore is ordered says too little of the end of the hold.
    """
    window = timeline.window(isolated.stage.name)
    if window is None or timeline.restore_ordered_us is None or not window.complete:
        return []
    who = f"The counters of {isolated.point} for {isolated.conduit}"
    if any(reading.counted is None for reading in isolated.hold):
        first = next(reading for reading in isolated.hold if reading.counted is None)
        sentence = f"{who} were not whole any more: somebody changed them while it was isolated."
        return [_finding(isolated, "egress-gone", Result.INCONCLUSIVE, sentence, (first.seq,))]
    if len(isolated.hold) < 2:
        sentence = f"{who} were read {how_many(len(isolated.hold), 'time')} while it was isolated; it takes two readings to show what moved."
        return [
            _finding(
                isolated,
                "egress-unread",
                Result.INCONCLUSIVE,
                sentence,
                tuple(reading.seq for reading in isolated.hold),
            )
        ]
    old_s = _unread_s(isolated, timeline)
    if old_s is not None and old_s > fresh_s:
        sentence = f"{who} were last read {old_s:.1f} s before the restore was ordered; what left since is not known."
        return [_finding(isolated, "egress-unread", Result.INCONCLUSIVE, sentence, (isolated.hold[-1].seq,))]
    return []


def _unread_s(isolated: _Isolated, timeline: Timeline) -> float | None:
    """Tell how long before the order to restore the counters were last read; None where they were never read."""
    if not isolated.hold or timeline.restore_ordered_us is None:
        return None
    return _seconds(timeline.restore_ordered_us - isolated.hold[-1].asked_us)


def _without_control(isolated: _Isolated) -> Iterator[str]:
    """Name the ways whose silence proves nothing.

    A way across needs a count of its own before; onto and from the firewall itself, the session that asks must have been counted.
    """
    for way in isolated.ways:
        if way.kind == "across" and not isolated.before.get(way.name):
            yield f"{isolated.conduit} from {way.zones[0]} to {way.zones[1]} ({way.name} on {isolated.point})"
        heard = isolated.before.get(way.name, 0) or (
            isolated.hold and (isolated.hold[-1].counted or {}).get(way.name, 0)
        )
        if way.kind == "control" and not heard:
            yield f"{isolated.conduit} {'onto' if way.leaves.is_firewall else 'from'} {isolated.point} itself"


def _passed(isolated: _Isolated, timeline: Timeline) -> tuple[list[Finding], list[Counted]]:
    """Add up what each way counted from reading to reading."""
    findings, rows = [], []
    whole = [reading for reading in isolated.hold if reading.counted is not None]
    for way in isolated.ways:
        if way.kind == "control":
            continue
        steps = [
            (first, then, (then.counted or {}).get(way.name, 0) - (first.counted or {}).get(way.name, 0))
            for first, then in pairwise(whole)
        ]
        moved = [step for step in steps if step[2] > 0]
        packets = sum(step[2] for step in moved)
        if any(step[2] < 0 for step in steps):
            sentence = (
                f"A counter of {isolated.point} for {isolated.conduit} ({way.name}) went back: somebody set it to zero while it was "
                "isolated, so packets are missing from it."
            )
            findings.append(_finding(isolated, "egress-gone", Result.INCONCLUSIVE, sentence, ()))
        if moved:
            found = _told(isolated, way, packets, (moved[0][0].seq, moved[-1][1].seq))
            times = (timeline.seconds(moved[0][0].asked_us), timeline.seconds(moved[-1][1].asked_us))
            findings.append(found.model_copy(update={"first_s": times[0], "last_s": times[1]}))
        rows.append(
            Counted(
                point=isolated.point,
                conduit=isolated.conduit,
                way=way.name,
                before=isolated.before.get(way.name, 0),
                isolated=packets if len(whole) > 1 else None,
                records=(whole[0].seq, whole[-1].seq) if whole else (),
            )
        )
    return findings, rows


def _told(isolated: _Isolated, way: Way, packets: int, rests_on: tuple[int, ...]) -> Finding:
    many = how_many(packets, "packet")
    ends = f"from {way.zones[0]} to {way.zones[1]} ({way.name})"
    if way.kind == "undeclared":
        sentence = (
            f"{isolated.point} counted {many} {ends}, which the site joins by no conduit, while {isolated.conduit} was isolated: "
            "whether that is a way round is not known. Close it, or declare a conduit."
        )
        return _finding(isolated, "undeclared-path", Result.INCONCLUSIVE, sentence, rests_on)
    if way.kind == "unnamed":
        sentence = (
            f"Leak: {isolated.point} counted {many} {ends} while {isolated.conduit} was isolated: another way round through this "
            "firewall, over its management interface or an interface that the site does not name. Close it, or name that interface."
        )
    else:
        sentence = (
            f"Leak: {isolated.point} itself counted {many} that passed {ends} while {isolated.conduit} was isolated, "
            "whatever the probes saw."
        )
    return _finding(isolated, "egress-leak", Result.BREACHED, sentence, rests_on)


def _finding(isolated: _Isolated, code: str, result: Result, sentence: str, rests_on: tuple[int, ...]) -> Finding:
    return Finding(
        code=code,
        result=result,
        sentence=sentence,
        stage=isolated.stage.name,
        conduit=isolated.conduit,
        records=rests_on,
    )


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """Tell of a path between two other zones once, although several conduits' tables counted it."""
    told: set[str] = set()
    kept = []
    for finding in findings:
        said = finding.sentence.partition(", while ")[0] if finding.code == "undeclared-path" else ""
        if said and said in told:
            continue
        told.add(said)
        kept.append(finding)
    return kept


def _seconds(us: int) -> float:
    return round(us / 1_000_000, 6)
