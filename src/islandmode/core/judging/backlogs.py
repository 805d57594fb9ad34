"""Judging backlogs: did what piled up in the isolation drain after the restore, and when. Told apart from packets. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from islandmode.core.backlog import Backlog, Drained
from islandmode.core.episodes import Seen
from islandmode.core.judging.probes import ProbeRecord, allowed_gap_us, finding_of
from islandmode.core.judging.timeline import AFTER, Timeline
from islandmode.core.plan import Plan
from islandmode.core.verdict import Finding, Result


def judge_backlogs(
    plan: Plan, probes: Mapping[str, ProbeRecord], timeline: Timeline
) -> tuple[list[Finding], tuple[Drained, ...]]:
    """Say of every backlog when it was back at its level for good; what production lacks changes nothing about the isolation, so these are notes."""
    found, drained = [], []
    for backlog in plan.drill.backlogs:
        record = probes[backlog.probe]
        told = _drained(plan, backlog, record, timeline)
        drained.append(told)
        if told.outcome != "in time":
            sentence = f"Backlog {backlog.probe}: {told.words}. The run is not closed by what was measured."
            found.append(finding_of("backlog-left", Result.HELD, sentence, AFTER, record))
    return found, tuple(drained)


def _drained(plan: Plan, backlog: Backlog, record: ProbeRecord, timeline: Timeline) -> Drained:
    after, start_us = timeline.window(AFTER), timeline.restore_ordered_us
    nothing = Drained(probe=backlog.probe, told=backlog.told, outcome="unknown", earliest_s=None, latest_s=None)
    if after is None or start_us is None:
        return nothing
    known = [
        episode
        for episode in record.episodes
        if episode.last_us >= start_us and episode.seen in (Seen.GOOD, Seen.BAD) and episode.first_us < after.end_us
    ]
    if not known or after.end_us - known[-1].last_us > allowed_gap_us(plan, record.planned):
        return nothing
    if known[-1].seen is Seen.BAD:
        # Somebody may have ended the wait before the time was over.
        waited = after.end_us >= start_us + round(backlog.within * 1_000_000)
        return nothing.model_copy(update={"outcome": "not drained"}) if waited else nothing
    # From its last word above the level on, it stayed at or below it.
    above_us = max((episode.last_us for episode in known if episode.seen is Seen.BAD), default=start_us)
    good_us = min(episode.first_us for episode in known if episode.seen is Seen.GOOD and episode.last_us > above_us)
    earliest_s, latest_s = (max(0.0, (us - start_us) / 1_000_000) for us in (above_us, good_us))
    late = earliest_s > backlog.within
    outcome = "late" if late else "in time" if latest_s <= backlog.within else "unknown"
    return nothing.model_copy(update={"outcome": outcome, "earliest_s": earliest_s, "latest_s": latest_s})
