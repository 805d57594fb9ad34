"""Judging continuity probes: was what they watch good for all but the time that the site owner allows. Pure.

A gap runs from one good answer to the next, so it lasted at most that long; it lasted at least as long as answers were seen
to be bad or missing. A gap that is surely longer than the limit is a breach, a gap that may be longer is inconclusive.

Many gaps can each be short and yet leave little: a probe that is bad in eight of nine samples never has a long one. So time
between two consecutive good answers counts as good and all other time as not good, and in no stretch of the run may the time
that was not good exceed the good time by more than the longest gap that is allowed. For a single gap that is the limit itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from islandmode.core.episodes import Episode, Seen
from islandmode.core.judging.probes import ProbeRecord, allowed_gap_us, finding_of, timed
from islandmode.core.judging.timeline import AFTER, BEFORE, Timeline
from islandmode.core.plan import Plan
from islandmode.core.verdict import Finding, Result


@dataclass(frozen=True)
class Gap:
    """The time between two good answers, with other answers or none in between.

    `bad_us` of it was surely bad, between `bad_from_us` and `bad_to_us`; both are the gap's end where nothing was seen bad.
    """

    from_us: int
    to_us: int
    bad_us: int
    bad_from_us: int
    bad_to_us: int
    why: str

    @property
    def length_us(self) -> int:
        """Tell how long it was at most."""
        return self.to_us - self.from_us


def judge_continuity(plan: Plan, record: ProbeRecord, timeline: Timeline) -> tuple[list[Finding], int | None]:
    """Judge one continuity probe from the end of the baseline to the end of the run, and give its longest gap."""
    first, after = timeline.window(BEFORE), timeline.window(AFTER)
    if first is None or after is None:
        return [], None
    start_us, end_us = first.start_us, after.end_us
    inside = record.within(start_us, end_us)
    good = [episode for episode in inside if episode.seen is Seen.GOOD]
    if not good:
        sentence = f"{record.name} was never seen good; nothing is known of what it watches."
        return [finding_of("witness-gap", Result.INCONCLUSIVE, sentence, None, record)], None
    if good[0].first_us >= first.end_us:
        late_s = (good[0].first_us - first.end_us) / 1_000_000
        sentence = f"{record.name} was first seen good {late_s:.1f} s after the first order; what it was like before is not known."
        return [finding_of("witness-gap", Result.INCONCLUSIVE, sentence, BEFORE, record)], None
    # A worker takes a moment to start; from its first word on, every stretch between two good answers counts.
    edges = [*((episode.last_us, later.first_us) for episode, later in pairwise(good)), (good[-1].last_us, end_us)]
    patience_us = allowed_gap_us(plan, record.planned)
    gaps = [_gap(inside, from_us, to_us, patience_us) for from_us, to_us in edges]
    silent = [
        Gap(episode.first_us, episode.first_us + episode.longest_gap_us, 0, episode.last_us, episode.last_us, "")
        for episode in good
    ]
    longest_us = max(gap.length_us for gap in (*gaps, *silent))
    limit_us = round(plan.drill.limits.longest_ot_gap * 1_000_000)
    found = _too_long(plan, record, timeline, [*gaps, *silent], limit_us)
    return found or _too_many(plan, record, timeline, gaps, limit_us), longest_us


def _gap(inside: Sequence[Episode], from_us: int, to_us: int, patience_us: int) -> Gap:
    between = [episode for episode in inside if from_us < episode.first_us < to_us and episode.seen is not Seen.GOOD]
    surely_us, bad = 0, [episode for episode in between if episode.seen is Seen.BAD]
    for episode, later in pairwise((*between, None)):
        if episode is None or episode.seen is not Seen.BAD:
            continue
        goes_on = later is not None and later.seen is Seen.BAD and later.first_us - episode.last_us <= patience_us
        until_us = later.first_us if later is not None and goes_on else min(episode.ended_us, _next_us(later, to_us))
        unseen_us = episode.longest_gap_us if episode.longest_gap_us > patience_us else 0
        surely_us += until_us - episode.first_us - unseen_us
    if not bad:
        return Gap(from_us, to_us, 0, to_us, to_us, "")
    return Gap(from_us, to_us, surely_us, bad[0].first_us, min(bad[-1].ended_us, to_us), bad[0].why)


def _next_us(later: Episode | None, to_us: int) -> int:
    return to_us if later is None else later.first_us


def _too_long(plan: Plan, record: ProbeRecord, timeline: Timeline, gaps: Sequence[Gap], limit_us: int) -> list[Finding]:
    """Find the worst single gap that is, or may be, longer than the limit."""
    long = [gap for gap in gaps if gap.length_us > limit_us]
    if not long:
        return []
    worst = max(long, key=lambda gap: (gap.bad_us > limit_us, gap.length_us))
    if not worst.bad_us:
        sentence = (
            f"{record.name} said nothing for {worst.length_us / 1e6:.1f} s; whether it was good then is not known."
        )
        finding = finding_of("witness-gap", Result.INCONCLUSIVE, sentence, _stage(timeline, worst.from_us), record)
    else:
        stage, surely = _stage(timeline, worst.bad_from_us), worst.bad_us > limit_us
        sentence = (
            f"{record.name} was not good for {_span(worst.bad_us, worst.length_us)} {_where(stage)} "
            f"(limit {plan.drill.limits.longest_ot_gap:g} s): {worst.why}."
        )
        finding = finding_of("continuity-gap", _result(surely=surely), sentence, stage, record)
    return [timed(finding, timeline, worst.from_us, worst.to_us)]


def _too_many(plan: Plan, record: ProbeRecord, timeline: Timeline, gaps: Sequence[Gap], limit_us: int) -> list[Finding]:
    """Find a stretch in which the time that was not good exceeds the good time by more than the limit."""
    most_us, stretch = _outweighs([(gap.from_us, gap.to_us, gap.length_us) for gap in gaps])
    if most_us <= limit_us:
        return []
    bad = [gap for gap in gaps if gap.bad_us]
    # For the least that it can have been, time that was not surely bad counts as good.
    spans = [(gap.bad_from_us, gap.bad_to_us, 2 * gap.bad_us - (gap.bad_to_us - gap.bad_from_us)) for gap in bad]
    least_us, sure_stretch = _outweighs(spans)
    surely = least_us > limit_us
    from_us, to_us = sure_stretch if surely else stretch
    inside = [gap for gap in gaps if from_us <= gap.to_us and gap.from_us <= to_us]
    stage = _stage(timeline, from_us)
    why = next((f": {gap.why}" for gap in inside if gap.why), "")
    sentence = (
        f"{record.name} was good too little of the time {_where(stage)}: in {(to_us - from_us) / 1e6:.1f} s it was not good "
        f"for {_span(sum(gap.bad_us for gap in inside), sum(gap.length_us for gap in inside))}, in {len(inside)} gaps "
        f"(limit {plan.drill.limits.longest_ot_gap:g} s more than it was good){why}."
    )
    finding = finding_of("continuity-availability", _result(surely=surely), sentence, stage, record)
    return [timed(finding, timeline, from_us, to_us)]


def _outweighs(spans: Sequence[tuple[int, int, int]]) -> tuple[int, tuple[int, int]]:
    """Find the stretch of spans (from, to, weight) whose weights exceed the time between them by most."""
    best_us, best, run_us, begin_us, before_us = 0, (0, 0), 0, 0, 0
    for from_us, to_us, weight_us in spans:
        run_us -= from_us - before_us
        if run_us <= 0:
            run_us, begin_us = 0, from_us
        run_us, before_us = run_us + weight_us, to_us
        if run_us > best_us:
            best_us, best = run_us, (begin_us, to_us)
    return best_us, best


def _result(*, surely: bool) -> Result:
    return Result.BREACHED if surely else Result.INCONCLUSIVE


def _span(least_us: int, most_us: int) -> str:
    return f"{least_us / 1e6:.1f} to {most_us / 1e6:.1f} s"


def _stage(timeline: Timeline, moment_us: int) -> str | None:
    window = timeline.at(moment_us)
    return window.name if window is not None else None


def _where(stage: str | None) -> str:
    if stage is None:
        return "in the run"
    return f"{stage} the isolation" if stage in (BEFORE, AFTER) else f"in stage {stage}"
