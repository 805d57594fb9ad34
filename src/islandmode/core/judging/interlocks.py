"""Judging interlocks: was the plant seen in the state that the drill declares, all the while that it was isolated. Pure.

The conductor restores where it was not, for longer than the drill allows. This looks again, at every sample that was kept.
"""

from __future__ import annotations

from itertools import pairwise

from islandmode.core.episodes import Seen
from islandmode.core.judging.probes import ProbeRecord, finding_of, timed
from islandmode.core.judging.timeline import AFTER, BEFORE, Timeline
from islandmode.core.plan import Plan
from islandmode.core.verdict import Finding, Result


def judge_interlock(plan: Plan, record: ProbeRecord, timeline: Timeline) -> list[Finding]:
    """Judge one interlock from the first order to isolate until the order to restore."""
    lock = next(lock for lock in plan.drill.interlocks if lock.probe == record.name)
    stages = [window for window in timeline.windows if window.name not in (BEFORE, AFTER)]
    if not stages:
        return []
    needed = lock.needed_told(plan.drill.plant_state)
    start_us, end_us = stages[0].start_us, stages[-1].end_us
    inside = record.within(start_us, end_us)
    good = [episode for episode in inside if episode.seen is Seen.GOOD]
    moments = [start_us, *(us for episode in good for us in (episode.first_us, episode.last_us)), end_us]
    # Between the ends of one good stretch a sample may be missing too, which its longest gap says.
    spans = list(pairwise(moments))[::2] + [(each.first_us, each.first_us + each.longest_gap_us) for each in good]
    from_us, to_us = max(spans, key=lambda span: span[1] - span[0])
    if to_us - from_us > lock.bad_for * 1_000_000:
        sentence = (
            f"Interlock {lock.probe} was not seen to read {needed} for {(to_us - from_us) / 1e6:.1f} s while isolated (limit {lock.bad_for:g} s); "
            f"whether the plant was {plan.drill.plant_state} then is not known."
        )
        return [
            timed(finding_of("interlock-unseen", Result.INCONCLUSIVE, sentence, None, record), timeline, from_us, to_us)
        ]
    other = [episode for episode in inside if episode.seen is Seen.BAD]
    if not other:
        return []
    sentence = f"Interlock {lock.probe} did not read {needed} for a moment while isolated ({other[0].why}), for less than the {lock.bad_for:g} s that the drill allows."
    return [
        timed(
            finding_of("interlock-otherwise", Result.HELD, sentence, None, record),
            timeline,
            other[0].first_us,
            other[-1].last_us,
        )
    ]
