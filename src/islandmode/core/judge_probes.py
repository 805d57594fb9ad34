"""Judging probes: what each saw against what the plan expects of it, in every window of the run. Pure.

Missing data never passes. A stretch without a good or bad sample is a hole in the witness, longer than a probe's own
timeout and a few missed samples: inconclusive. A severed probe proves something only between its positive controls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from islandmode.core.episodes import Episode, Seen
from islandmode.core.plan import Plan, PlanProbe, PlanStage
from islandmode.core.timeline import AFTER, BEFORE, Timeline, Window
from islandmode.core.verdict import Finding, Result

MISSED_SAMPLES = 5
SLACK_S = 0.3


@dataclass(frozen=True)
class ProbeRecord:
    """One probe with all it saw, and how uncertain its clock is."""

    name: str
    planned: PlanProbe
    episodes: tuple[Episode, ...]
    uncertainty_us: int

    def within(self, start_us: int, end_us: int, *seen: Seen) -> tuple[Episode, ...]:
        """Give the episodes of a stretch; windows cut episodes, so none straddles one."""
        return tuple(
            one for one in self.episodes if start_us <= one.first_us < end_us and (not seen or one.seen in seen)
        )

    def reaching(self, start_us: int, end_us: int, *seen: Seen) -> tuple[Episode, ...]:
        """Give the episodes that reach into a stretch that need not begin at the edge of a window."""
        inside = (one for one in self.episodes if one.first_us < end_us and one.last_us >= start_us)
        return tuple(one for one in inside if one.seen in seen)


@dataclass(frozen=True)
class Death:
    """When a severed probe stopped, between its last good and its first bad sample; None where it never did."""

    last_good_us: int
    first_bad_us: int | None


def allowed_gap_us(plan: Plan, planned: PlanProbe) -> int:
    """Tell how long a probe may say nothing before that is a hole in the witness."""
    return round((planned.probe.timeout + MISSED_SAMPLES * plan.drill.sample_every + SLACK_S) * 1_000_000)


def holes(known: Sequence[Episode], start_us: int, end_us: int, allowed_us: int) -> tuple[int, int] | None:
    """Find the first stretch without a sample that says something; None when there is none."""
    at_us = start_us
    for one in known:
        if one.first_us - at_us > allowed_us:
            return at_us, one.first_us
        if one.longest_gap_us > allowed_us:
            return one.first_us, one.last_us
        at_us = one.last_us
    return (at_us, end_us) if end_us - at_us > allowed_us else None


def death_of(record: ProbeRecord, ordered_us: int, until_us: int) -> Death:
    """Find when a severed probe stopped passing after an order."""
    good_before = [one.last_us for one in record.episodes if one.seen is Seen.GOOD and one.first_us < until_us]
    earlier = [us for us in good_before if us <= until_us]
    bads = [one.first_us for one in record.within(ordered_us, until_us, Seen.BAD)]
    first_bad = min(bads, default=None)
    last_good = max((us for us in earlier if first_bad is None or us < first_bad), default=ordered_us)
    return Death(last_good, first_bad)


def judge_severed(plan: Plan, stage: PlanStage, record: ProbeRecord, timeline: Timeline) -> list[Finding]:
    """Judge one severed probe of a stage: alive before, dead throughout, alive after."""
    window = timeline.window(stage.name)
    end_us = timeline.restore_ordered_us
    if window is None or end_us is None:
        return []
    found = _before(stage, record, timeline, window)
    dead_from_us = _dead_from(plan, stage, record, timeline, window)
    # A question that was asked in the hold and answered only after restore passed no earlier than its answer.
    # Nor does one within what its clock is uncertain by, at either end: it may have passed while everything might.
    unsure_us = record.uncertainty_us
    passed = record.reaching(dead_from_us + unsure_us, end_us - unsure_us, Seen.GOOD)
    leaks = [one for one in passed if one.answered_us < end_us - unsure_us]
    if leaks:
        found.append(_leak(stage, record, timeline, leaks, dead_from_us))
    known = record.reaching(dead_from_us, end_us, Seen.GOOD, Seen.BAD)
    hole = holes(known, min(dead_from_us, end_us), end_us, allowed_gap_us(plan, record.planned))
    if hole is not None:
        found.append(_hole(stage.name, record, timeline, hole))
    return found


def _dead_from(plan: Plan, stage: PlanStage, record: ProbeRecord, timeline: Timeline, window: Window) -> int:
    """Give the moment from which a good answer is a leak.

    One that died is given until the limit to do so. One that never did has leaked since the device said "done"; where nothing
    says that a command ever left, nothing leaked.
    """
    end_us = timeline.restore_ordered_us or window.end_us
    death = death_of(record, window.start_us, end_us)
    if death.first_bad_us is None:
        return min(max(timeline.isolate_answered_us.get(stage.name, end_us), window.start_us), end_us)
    return min(death.first_bad_us, window.start_us + round(plan.drill.limits.isolate_within * 1_000_000))


def _before(stage: PlanStage, record: ProbeRecord, timeline: Timeline, window: Window) -> list[Finding]:
    """Judge the positive control before, and whether an earlier stage already stopped it."""
    first = timeline.window(BEFORE)
    if first is None or not record.within(first.start_us, first.end_us, Seen.GOOD):
        sentence = f"{record.name} was not seen alive before the drill, so its silence proves nothing."
        return [_finding("no-control-before", Result.INCONCLUSIVE, sentence, stage.name, record)]
    # What was asked just before the order and got no answer after it, this very stage may have stopped.
    bad = record.within(first.end_us, window.start_us, Seen.BAD)
    early = [one for one in bad if one.answered_us < window.start_us]
    if early:
        earlier = timeline.at(early[0].first_us)
        name = earlier.name if earlier is not None else stage.name
        sentence = (
            f"{record.name} was already dead in stage {name}, before stage {stage.name} was to isolate "
            f"{record.planned.crosses}: that stage stopped a flow that it should not."
        )
        spoilt = _finding("isolated-too-much", Result.BREACHED, sentence, name, record)
        return [_timed(spoilt, timeline, early[0].first_us, early[-1].last_us)]
    return []


def _leak(
    stage: PlanStage, record: ProbeRecord, timeline: Timeline, leaks: list[Episode], dead_from_us: int
) -> Finding:
    way = {"inward": "into", "outward": "out of", "inside": "inside"}[record.planned.direction]
    kind = "on an already open connection" if record.planned.probe.kind == "canary" else "with fresh connections"
    passed = sum(one.count for one in leaks)
    sentence = (
        f"Leak: {record.name} still passed {way} the isolated side over {record.planned.crosses} (IPv{record.planned.family}, "
        f"{kind}, seen from {record.planned.probe.vantage}), {passed} times in the hold."
    )
    finding = _finding("leak", Result.BREACHED, sentence, stage.name, record)
    return _timed(finding, timeline, max(leaks[0].first_us, dead_from_us), leaks[-1].last_us)


def _hole(stage: str, record: ProbeRecord, timeline: Timeline, hole: tuple[int, int]) -> Finding:
    length_s = (hole[1] - hole[0]) / 1_000_000
    sentence = f"{record.name} says nothing of {length_s:.1f} s of {stage}; missing data never passes."
    return _timed(_finding("witness-gap", Result.INCONCLUSIVE, sentence, stage, record), timeline, *hole)


def judge_return(record: ProbeRecord, timeline: Timeline) -> list[Finding]:
    """Judge whether a severed probe came back after restore: its positive control after."""
    after = timeline.window(AFTER)
    if after is None:
        return []
    # To the end of the record: a probe may come back in the last moments before its worker was collected.
    good = record.within(after.start_us, after.end_us + 60_000_000, Seen.GOOD)
    if record.planned.probe.kind == "canary":
        bad = [one for one in record.within(after.start_us, after.end_us, Seen.BAD) if "reset" in one.why]
        how = "resumed" if good else "was reset" if bad else "was lost"
        sentence = (
            f"The connection that {record.name} held through the isolation {how}; that is reported, not required."
        )
        return [_finding("old-connection", Result.HELD, sentence, AFTER, record)]
    if not good:
        sentence = f"{record.name} was not seen alive again after restore, so the way back over {record.planned.crosses} is not proven."
        return [_finding("no-control-after", Result.INCONCLUSIVE, sentence, AFTER, record)]
    return []


def judge_continuity(plan: Plan, record: ProbeRecord, timeline: Timeline) -> tuple[list[Finding], int | None]:
    """Judge one continuity probe from the end of the baseline to the end of the run, and give its longest gap."""
    first, after = timeline.window(BEFORE), timeline.window(AFTER)
    if first is None or after is None:
        return [], None
    start_us, end_us = first.start_us, after.end_us
    good = record.within(start_us, end_us, Seen.GOOD)
    if not good:
        sentence = f"{record.name} was never seen good; nothing is known of what it watches."
        return [_finding("witness-gap", Result.INCONCLUSIVE, sentence, None, record)], None
    # A worker takes a moment to start; from its first word on, every stretch between two good answers counts.
    edges = [(one.last_us, following.first_us) for one, following in pairwise(good)]
    inner = [(one.longest_gap_us, one.first_us, one.last_us) for one in good]
    longest = max([*inner, *((b - a, a, b) for a, b in edges), (end_us - good[-1].last_us, good[-1].last_us, end_us)])
    limit_us = round(plan.drill.limits.longest_ot_gap * 1_000_000)
    if longest[0] <= limit_us:
        return [], longest[0]
    return [_gap(plan, record, timeline, *longest)], longest[0]


def _gap(plan: Plan, record: ProbeRecord, timeline: Timeline, gap_us: int, from_us: int, to_us: int) -> Finding:
    bad = record.within(from_us, to_us + 1, Seen.BAD)
    window = timeline.at(bad[0].first_us if bad else from_us)
    stage = window.name if window is not None else None
    limit_s = plan.drill.limits.longest_ot_gap
    if not bad:
        sentence = f"{record.name} said nothing for {gap_us / 1e6:.1f} s; whether it was good then is not known."
        finding = _finding("witness-gap", Result.INCONCLUSIVE, sentence, stage, record)
    else:
        where = (
            f"in stage {stage}"
            if stage not in (None, BEFORE, AFTER)
            else f"{stage} the isolation"
            if stage
            else "in the run"
        )
        sentence = f"{record.name} was not good for {gap_us / 1e6:.1f} s {where} (limit {limit_s:g} s): {bad[0].why}."
        finding = _finding("continuity-gap", Result.BREACHED, sentence, stage, record)
    return _timed(finding, timeline, from_us, to_us)


def _finding(code: str, result: Result, sentence: str, stage: str | None, record: ProbeRecord) -> Finding:
    crossed = record.planned.crosses
    return Finding(code=code, result=result, sentence=sentence, stage=stage, probe=record.name, conduit=crossed)


def _timed(finding: Finding, timeline: Timeline, first_us: int, last_us: int) -> Finding:
    times = {"first_s": timeline.seconds(first_us), "last_s": timeline.seconds(last_us)}
    return finding.model_copy(update=times)
