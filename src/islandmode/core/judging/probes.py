"""Judging severed probes: what came back to each against what the plan expects, in every window of the run. Pure.

Missing data never passes. A stretch without a good or bad sample is a hole in the witness, longer than a probe's own timeout
and a few missed samples: inconclusive; so is a window in which the probe used too few of its slots. A severed probe proves
something only between its positive controls, and the control before is its last word before the order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from islandmode.core.episodes import Episode, Seen
from islandmode.core.judging.passage import Passage
from islandmode.core.judging.timeline import AFTER, BEFORE, Timeline, Window
from islandmode.core.plan import Plan, PlanProbe, PlanStage
from islandmode.core.text import how_many
from islandmode.core.verdict import Finding, Result

MISSED_SAMPLES = 5
SLACK_S = 0.3
PRESENT_SHARE = 0.75
"""The share of its slots in which a severed probe must say something, in every window, to be a witness of that window."""
ONE_QUESTION = frozenset({"modbus", "canary"})
"""Kinds that may have one question under way at a time; the others ask anew in every slot."""
UNDER_WAY_MAX = 16
"""How many questions a worker has under way for one probe: slots beyond that cannot be used."""


@dataclass(frozen=True)
class ProbeRecord:
    """One probe with all it saw, and how uncertain its clock is."""

    name: str
    planned: PlanProbe
    episodes: tuple[Episode, ...]
    uncertainty_us: int
    passages: tuple[Passage, ...]
    """What each episode says of the path."""

    def within(self, start_us: int, end_us: int, *seen: Seen) -> tuple[Episode, ...]:
        """Give the episodes of a stretch; episodes end at the edges of windows, so none straddles an edge."""
        return tuple(
            episode
            for episode in self.episodes
            if start_us <= episode.first_us < end_us and (not seen or episode.seen in seen)
        )

    def came_back(self, from_us: int, after: Window) -> bool:
        """Tell whether it was good from a moment on, to the end of the record: also in the last moments before its worker was collected."""
        good = self.within(after.start_us, after.end_us + 60_000_000, Seen.GOOD)
        return any(episode.last_us >= from_us for episode in good)

    def passed(self, start_us: int, end_us: int) -> int:
        """Count the samples of a window that came back through the path, good or not."""
        told = zip(self.episodes, self.passages, strict=True)
        return sum(
            episode.count for episode, way in told if start_us <= episode.first_us < end_us and way is Passage.PASSED
        )

    def reaching(self, start_us: int, end_us: int, *passages: Passage) -> tuple[Episode, ...]:
        """Give the episodes that reach into a stretch that need not begin at the edge of a window, by what they say of the path."""
        return tuple(
            episode
            for episode, passage in zip(self.episodes, self.passages, strict=True)
            if episode.first_us < end_us and episode.last_us >= start_us and passage in passages
        )


@dataclass(frozen=True)
class Death:
    """When a severed probe stopped: between the last sample that passed and the first that did not; None where it never did."""

    last_passed_us: int
    first_stopped_us: int | None


def allowed_gap_us(plan: Plan, planned: PlanProbe) -> int:
    """Tell how long a probe may say nothing before that is a hole in the witness."""
    return round((planned.probe.timeout + MISSED_SAMPLES * plan.drill.sample_every + SLACK_S) * 1_000_000)


@dataclass(frozen=True)
class Hole:
    """A time without a sample that says something, and two moments between which it lies: its own ends where they are known."""

    start_us: int
    end_us: int
    length_us: int


def first_hole(known: Sequence[Episode], start_us: int, end_us: int, allowed_us: int) -> Hole | None:
    """Find the first stretch without a sample that says something; None where every stretch has such a sample."""
    at_us = start_us
    for episode in known:
        if episode.first_us - at_us > allowed_us:
            return Hole(at_us, episode.first_us, episode.first_us - at_us)
        if episode.longest_gap_us > allowed_us:
            return Hole(episode.first_us, episode.last_us, episode.longest_gap_us)
        at_us = episode.last_us
    return Hole(at_us, end_us, end_us - at_us) if end_us - at_us > allowed_us else None


def death_in(plan: Plan, record: ProbeRecord, window: Window, until_us: int) -> Death:
    """Find when a severed probe stopped passing after the order that began a window."""
    lost_us = allowed_gap_us(plan, record.planned)
    return death_of(record, window.start_us, until_us, limit_us=limit_of(plan, window), lost_us=lost_us)


def death_of(record: ProbeRecord, ordered_us: int, until_us: int, *, limit_us: int, lost_us: int) -> Death:
    """Find when a severed probe stopped passing after an order.

    A silence of no more than `lost_us` before something passed again, by `limit_us`, counts as lost samples.
    """
    told = [
        (episode, way)
        for episode, way in zip(record.episodes, record.passages, strict=True)
        if episode.first_us < until_us
    ]
    passed = [episode for episode, way in told if way is Passage.PASSED and episode.last_us <= until_us]
    stopped = [episode.first_us for episode, way in told if way is Passage.STOPPED and episode.first_us >= ordered_us]
    first_stopped = next((us for us in stopped if not _passes_again(passed, us, limit_us, lost_us)), None)
    before = (episode.last_us for episode in passed if first_stopped is None or episode.last_us < first_stopped)
    return Death(max(before, default=ordered_us), first_stopped)


def _passes_again(passed: Sequence[Episode], stopped_us: int, limit_us: int, lost_us: int) -> bool:
    """Tell a sample that was lost on a way that is still open from a death: soon after it, and in time, something passes."""
    again_us = min((episode.first_us for episode in passed if episode.first_us > stopped_us), default=None)
    return again_us is not None and again_us <= min(limit_us, stopped_us + lost_us)


def judge_severed(
    plan: Plan, stage: PlanStage, record: ProbeRecord, timeline: Timeline, closed: Collection[str] = ()
) -> list[Finding]:
    """Judge one severed probe of a stage: alive before, dead throughout, alive after; `closed` are conduits that somebody keeps closed."""
    window = timeline.window(stage.name)
    end_us = timeline.restore_ordered_us
    if window is None or end_us is None:
        return []
    found = _before(plan, stage, record, timeline, window, closed)
    dead_from_us = _dead_from(plan, stage, record, timeline, window)
    # A question asked in the hold and answered only after restore passed no earlier than its answer.
    # Nor does a sample count within the clock's uncertainty at either end: it may have passed while everything might.
    stretch = (dead_from_us + record.uncertainty_us, end_us - record.uncertainty_us)
    leaks = _answered_in(record, stretch, Passage.PASSED)
    if leaks:
        found.append(_leak(plan, stage, record, timeline, leaks, dead_from_us))
    untold = _answered_in(record, stretch, Passage.UNTOLD)
    if untold:
        found.append(_untold(stage, record, timeline, untold))
    known = record.reaching(dead_from_us, end_us, Passage.PASSED, Passage.STOPPED, Passage.UNTOLD)
    hole = first_hole(known, min(dead_from_us, end_us), end_us, allowed_gap_us(plan, record.planned))
    if hole is not None:
        found.append(_hole(stage.name, record, timeline, hole))
    return found + _absent(plan, record, timeline)


def _answered_in(record: ProbeRecord, stretch: tuple[int, int], passage: Passage) -> list[Episode]:
    return [episode for episode in record.reaching(*stretch, passage) if episode.answered_us < stretch[1]]


def _dead_from(plan: Plan, stage: PlanStage, record: ProbeRecord, timeline: Timeline, window: Window) -> int:
    """Give the moment from which a good answer is a leak.

    A probe that died is given until the limit to do so. A probe that never died has leaked since the device said "done"; where
    nothing says that a command ever left, nothing leaked.
    """
    end_us = timeline.restore_ordered_us or window.end_us
    death = death_in(plan, record, window, end_us)
    if death.first_stopped_us is None:
        return min(max(timeline.isolate_answered_us.get(stage.name, end_us), window.start_us), end_us)
    return min(death.first_stopped_us, limit_of(plan, window))


def limit_of(plan: Plan, window: Window) -> int:
    """Give the moment by which the isolation of a stage must be in effect."""
    return window.start_us + round(plan.drill.limits.isolate_within * 1_000_000)


def _before(
    plan: Plan, stage: PlanStage, record: ProbeRecord, timeline: Timeline, window: Window, closed: Collection[str]
) -> list[Finding]:
    """Judge the positive control before, and whether an earlier stage already stopped it."""
    first = timeline.window(BEFORE)
    if first is None or not record.within(first.start_us, first.end_us, Seen.GOOD):
        sentence = f"{record.name} was not seen alive before the drill, so its silence proves nothing."
        return [finding_of("no-control-before", Result.INCONCLUSIVE, sentence, stage.name, record)]
    # This very stage may have stopped what was asked just before its order and got no answer after it.
    until_us = window.start_us - record.uncertainty_us
    stopped = record.reaching(first.end_us, window.start_us - 1, Passage.STOPPED)
    early = [episode for episode in stopped if episode.first_us >= first.end_us and episode.answered_us < until_us]
    # No stage has stopped a probe that was not good when the first stage was ordered.
    last = _last_word(record, first.end_us - record.uncertainty_us)
    if last is not None and last.seen is Seen.GOOD and _stays_stopped(plan, record, early, until_us):
        earlier = timeline.at(early[0].first_us)
        name = earlier.name if earlier is not None else stage.name
        if is_closed(record, closed):
            sentence = (
                f"{record.name} was already dead in stage {name}, before stage {stage.name} was to isolate {record.planned.crosses}, which somebody "
                "keeps closed: whether this drill isolates it is not shown."
            )
            spoilt = finding_of("kept-closed-before", Result.INCONCLUSIVE, sentence, name, record)
            return [timed(spoilt, timeline, early[0].first_us, early[-1].last_us)]
        sentence = (
            f"{record.name} was already dead in stage {name}, before stage {stage.name} was to isolate "
            f"{record.planned.crosses}: that stage stopped a flow that it should not."
        )
        spoilt = finding_of("isolated-too-much", Result.BREACHED, sentence, name, record)
        return [timed(spoilt, timeline, early[0].first_us, early[-1].last_us)]
    return _stale_control(plan, stage, record, until_us)


def _stays_stopped(plan: Plan, record: ProbeRecord, early: list[Episode], until_us: int) -> bool:
    """Tell an outage from a sample that was lost: an outage goes on until the order, or for longer than a few samples."""
    if not early:
        return False
    last = _last_word(record, until_us)
    longest_us = max(episode.last_us - episode.first_us for episode in early)
    return last is early[-1] or longest_us > allowed_gap_us(plan, record.planned)


def _stale_control(plan: Plan, stage: PlanStage, record: ProbeRecord, until_us: int) -> list[Finding]:
    """Find a probe whose last word before the order was not good, or is too old to say anything of that moment."""
    last = _last_word(record, until_us)
    if last is not None and last.seen is Seen.GOOD and until_us - last.last_us <= allowed_gap_us(plan, record.planned):
        return []
    good_us = max((episode.last_us for episode in _words(record, until_us) if episode.seen is Seen.GOOD), default=None)
    since = "never good" if good_us is None else f"last good {(until_us - good_us) / 1_000_000:.1f} s"
    reason = f" ({last.why})" if last is not None and last.seen is Seen.BAD and last.why else ""
    sentence = f"{record.name} was {since} before stage {stage.name} was ordered{reason}, so its silence afterwards proves nothing."
    return [finding_of("no-control-before", Result.INCONCLUSIVE, sentence, stage.name, record)]


def _words(record: ProbeRecord, until_us: int) -> list[Episode]:
    """Give what a probe had said by a moment; what was asked before it and answered after it says nothing of it."""
    known = (episode for episode in record.episodes if episode.seen is not Seen.UNKNOWN)
    return [episode for episode in known if episode.first_us < until_us and episode.answered_us < until_us]


def _last_word(record: ProbeRecord, until_us: int) -> Episode | None:
    words = _words(record, until_us)
    return words[-1] if words else None


def _absent(plan: Plan, record: ProbeRecord, timeline: Timeline) -> list[Finding]:
    """Find the windows in which a probe used too few of its slots to be a witness."""
    found = []
    for window in timeline.windows:
        end_us = window.end_us
        if window.name == AFTER:
            # What is still under way when its worker is collected is never written down.
            end_us -= round(record.planned.probe.timeout * 1_000_000)
        if end_us - window.start_us <= allowed_gap_us(plan, record.planned):
            continue
        share = _share(plan, record, window.start_us, end_us)
        if share < PRESENT_SHARE:
            # Rounded down: what is too little must not read as enough.
            sentence = (
                f"{record.name} says something in only {int(share * 100)}% of its slots in {_place(window.name)} "
                f"({PRESENT_SHARE:.0%} are needed); missing data never passes."
            )
            found.append(finding_of("witness-sparse", Result.INCONCLUSIVE, sentence, window.name, record))
    return found


def _share(plan: Plan, record: ProbeRecord, start_us: int, end_us: int) -> float:
    probe = record.planned.probe
    slot_us = max(plan.drill.sample_every, probe.timeout / UNDER_WAY_MAX) * 1_000_000
    used_us = 0.0
    for episode in record.within(start_us, end_us, Seen.GOOD, Seen.BAD):
        # Slots that pass while a single question awaits its answer count as used by that question.
        used_us += episode.count * slot_us + (episode.waited_us if probe.kind in ONE_QUESTION else 0)
    return min(used_us / (end_us - start_us), 1.0)


def _place(window: str) -> str:
    return f"the time {window} the isolation" if window in (BEFORE, AFTER) else f"stage {window}"


def _by_told(plan: Plan, planned: PlanProbe) -> str:
    """Name the other way by which a probe goes; empty where it goes through its conduit."""
    ways = (way for way in plan.boundary.other_ways if way.way == planned.probe.by)
    return next((f"by {way.named}, round {way.conduit}" for way in ways), "")


def _leak(
    plan: Plan, stage: PlanStage, record: ProbeRecord, timeline: Timeline, leaks: list[Episode], dead_from_us: int
) -> Finding:
    way = {"inward": "into", "outward": "out of", "inside": "inside"}[record.planned.direction]
    kind = "on an already open connection" if record.planned.probe.kind == "canary" else "with fresh connections"
    passed = sum(episode.count for episode in leaks)
    bad = next((episode for episode in leaks if episode.seen is not Seen.GOOD), None)
    # A bad answer, or an answer that tells nothing of its target, is a leak like a good answer; what it was helps to find its way.
    what = "" if bad is None else f"; not every answer was good ({bad.why or bad.heard.value}), and each came back"
    over = _by_told(plan, record.planned) or f"over {record.planned.crosses}"
    sentence = (
        f"Leak: {record.name} still passed {way} the isolated side {over} (IPv{record.planned.family}, "
        f"{kind}, seen from {record.planned.probe.vantage}), {how_many(passed, 'time')} in the hold{what}."
    )
    finding = finding_of("leak", Result.BREACHED, sentence, stage.name, record)
    return timed(finding, timeline, max(leaks[0].first_us, dead_from_us), leaks[-1].last_us)


def _untold(stage: PlanStage, record: ProbeRecord, timeline: Timeline, untold: list[Episode]) -> Finding:
    times = sum(episode.count for episode in untold)
    sentence = (
        f"{record.name} was refused {how_many(times, 'time')} in the hold ({untold[0].why or untold[0].heard.value}), and nothing says "
        f"whether the firewall did that or somebody beyond it; whether {record.planned.crosses} was isolated is not known."
    )
    finding = finding_of("refused-by-unknown", Result.INCONCLUSIVE, sentence, stage.name, record)
    return timed(finding, timeline, untold[0].first_us, untold[-1].last_us)


def _hole(stage: str, record: ProbeRecord, timeline: Timeline, hole: Hole) -> Finding:
    length_s = hole.length_us / 1_000_000
    sentence = f"{record.name} says nothing of {length_s:.1f} s of {stage}; missing data never passes."
    return timed(
        finding_of("witness-gap", Result.INCONCLUSIVE, sentence, stage, record), timeline, hole.start_us, hole.end_us
    )


def judge_return(record: ProbeRecord, timeline: Timeline, closed: Collection[str] = ()) -> list[Finding]:
    """Judge whether a severed probe came back after restore: its positive control after; `closed` are conduits that somebody keeps closed."""
    after, back_from_us = timeline.window(AFTER), timeline.back_from_us
    if after is None or back_from_us is None:
        return []
    good = record.came_back(back_from_us, after)
    if record.planned.probe.kind == "canary":
        bad = [episode for episode in record.within(after.start_us, after.end_us, Seen.BAD) if "reset" in episode.why]
        how = "resumed" if good else "was reset" if bad else "was lost"
        sentence = (
            f"The connection that {record.name} held through the isolation {how}; that is reported, not required."
        )
        return [finding_of("old-connection", Result.HELD, sentence, AFTER, record)]
    if not good and not is_closed(record, closed):
        sentence = f"{record.name} was not seen alive again after restore, so the way back over {record.planned.crosses} is not proven."
        return [finding_of("no-control-after", Result.INCONCLUSIVE, sentence, AFTER, record)]
    return []


def is_closed(record: ProbeRecord, closed: Collection[str]) -> bool:
    """Tell whether a probe goes through a conduit that somebody keeps closed; a deny there says nothing of another way round it."""
    return record.planned.probe.by is None and record.planned.crosses in closed


def finding_of(code: str, result: Result, sentence: str, stage: str | None, record: ProbeRecord) -> Finding:
    """Make a finding about one probe."""
    crossed = record.planned.crosses
    return Finding(code=code, result=result, sentence=sentence, stage=stage, probe=record.name, conduit=crossed)


def timed(finding: Finding, timeline: Timeline, first_us: int, last_us: int) -> Finding:
    """Say from when until when a finding was seen."""
    times = {"first_s": timeline.seconds(first_us), "last_s": timeline.seconds(last_us)}
    return finding.model_copy(update=times)
