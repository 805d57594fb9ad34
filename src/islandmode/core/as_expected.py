"""What a probe saw, moment by moment, against what the drill expects: the colours of the timeline. Pure.

A path that passes while it is isolated is not as expected; a path that is dead then is. The verdict decides what speaks against
the drill: here its findings are laid over the episodes, and no second judgement is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from islandmode.core.episodes import Episode, Heard, Seen
from islandmode.core.judging.timeline import AFTER, Timeline
from islandmode.core.plan import Plan
from islandmode.core.verdict import Finding, Verdict


class Shade(StrEnum):
    """Kinds of stretch in the timeline, worst first: where several share a column, the first of them is shown."""

    LEAK = "leak"
    OUTAGE = "outage"
    UNKNOWN = "unknown"
    SHORT = "short"
    PASSES = "passes"
    DEAD = "dead"


LEGEND = {
    Shade.PASSES: "passes, as it must",
    Shade.DEAD: "dead, as it must be",
    Shade.LEAK: "LEAK: passes although isolated",
    Shade.OUTAGE: "FAILED: not good although it must be",
    Shade.SHORT: "not good, where that is allowed",
    Shade.UNKNOWN: "not known",
}
Span = tuple[int, int]
RANK = {shade: place for place, shade in enumerate(Shade)}


@dataclass(frozen=True, slots=True)
class Strip:
    """A stretch of one probe in one shade, in microseconds; `why` is the first reason given in it."""

    from_us: int
    to_us: int
    shade: Shade
    count: int
    why: str


@dataclass(frozen=True)
class _Spans:
    """The stretches of a probe that findings name, in microseconds."""

    leak: tuple[Span, ...]
    outage: tuple[Span, ...]
    untold: tuple[Span, ...]
    silent: tuple[Span, ...]


OUTAGES = frozenset({"continuity-gap", "continuity-availability", "isolated-too-much"})


def strips_of(
    plan: Plan, verdict: Verdict, timeline: Timeline, probe: str, episodes: Sequence[Episode]
) -> Iterator[Strip]:
    """Give every episode of a probe its shade.

    An episode lasts until its next sample was due or its last was answered, whichever is later. It ends earlier where the next
    episode begins and, while the probe must be dead, where its window ends.
    """
    spans = _spans(timeline, [finding for finding in verdict.findings if finding.probe == probe])
    dead_in = {stage.name for stage in plan.stages if probe in stage.dead}
    period_us = round(plan.drill.sample_every * 1_000_000)
    windows, place = timeline.windows, 0
    for episode, later in pairwise((*episodes, None)):
        if episode is None:
            continue
        while place < len(windows) and windows[place].end_us <= episode.first_us:
            place += 1
        window = windows[place] if place < len(windows) else None
        must_be_dead = window is not None and window.name in dead_in
        ends = [max(episode.last_us + period_us, episode.ended_us)]
        # A sample asked while isolated and answered afterwards says nothing of the time afterwards.
        ends += [window.end_us] if window is not None and must_be_dead else []
        ends += [] if later is None else [later.first_us]
        shade = _shade(episode, spans, must_be_dead=must_be_dead)
        if must_be_dead and shade is Shade.PASSES and _was_answered_after(episode, timeline):
            # Asked while isolated and answered only after the order to restore: until then nothing came back.
            shade = Shade.DEAD
        yield Strip(episode.first_us, min(ends), shade, episode.count, episode.why)
    # An episode runs on across samples lost within it; only the finding says that they were lost.
    yield from (Strip(first, last, Shade.UNKNOWN, 0, "nothing was said") for first, last in spans.silent)


def _was_answered_after(episode: Episode, timeline: Timeline) -> bool:
    return timeline.restore_ordered_us is not None and episode.answered_us >= timeline.restore_ordered_us


def _spans(timeline: Timeline, findings: Sequence[Finding]) -> _Spans:
    def of(codes: Iterable[str]) -> tuple[Span, ...]:
        timed = [(finding.first_s, finding.last_s) for finding in findings if finding.code in codes]
        return tuple(
            (timeline.start_us + round(first * 1_000_000), timeline.start_us + round(last * 1_000_000))
            for first, last in timed
            if first is not None and last is not None
        )

    outages = (*of(OUTAGES), *_without_control(timeline, findings))
    return _Spans(of({"leak"}), outages, of({"refused-by-unknown"}), of({"witness-gap"}))


def _without_control(timeline: Timeline, findings: Sequence[Finding]) -> Iterator[Span]:
    """Give the stretches in which a severed probe had to be seen alive and was not: up to its stage's order, or after restore."""
    for finding in findings:
        window = timeline.window(finding.stage or "")
        if finding.code == "no-control-before" and window is not None:
            yield timeline.start_us, window.start_us - 1
        after = timeline.window(AFTER)
        if finding.code == "no-control-after" and after is not None:
            yield after.start_us, after.end_us


def _shade(episode: Episode, spans: _Spans, *, must_be_dead: bool) -> Shade:
    if must_be_dead and episode.heard not in (Heard.NOTHING, Heard.UNKNOWN) and _touches(episode, spans.leak):
        return Shade.LEAK
    if episode.seen is Seen.UNKNOWN or (episode.seen is Seen.BAD and _touches(episode, spans.untold)):
        return Shade.UNKNOWN
    if episode.seen is Seen.GOOD:
        return Shade.PASSES
    if must_be_dead:
        # An answer that was not good and is no leak came before the isolation was in force.
        return Shade.PASSES if episode.heard is Heard.ANSWER else Shade.DEAD
    return Shade.OUTAGE if _touches(episode, spans.outage) else Shade.SHORT


def _touches(episode: Episode, spans: Sequence[Span]) -> bool:
    return any(episode.first_us <= last and episode.last_us >= first for first, last in spans)


def columns(strips: Iterator[Strip], start_us: int, end_us: int, wide: int) -> tuple[tuple[int, int, Shade], ...]:
    """Lay strips into a row of `wide` columns: a column that holds several shows the worst, and equal neighbours are joined.

    So a row never has more parts than columns, however long the run was and however often it changed.
    """
    shown: list[Shade | None] = [None] * wide
    length_us = max(end_us - start_us, 1)
    for strip in strips:
        first = (strip.from_us - start_us) * wide // length_us
        # A strip that ends where the next begins takes no column of it, and even the shortest strip is shown.
        last = max(((strip.to_us - start_us) * wide - 1) // length_us, first)
        if last < 0 or first >= wide:
            continue
        for place in range(max(first, 0), min(last, wide - 1) + 1):
            before = shown[place]
            if before is None or RANK[strip.shade] < RANK[before]:
                shown[place] = strip.shade
    return tuple(_runs(shown))


def _runs(shown: Sequence[Shade | None]) -> Iterator[tuple[int, int, Shade]]:
    begun = 0
    for place in range(1, len(shown) + 1):
        if place < len(shown) and shown[place] is shown[begun]:
            continue
        shade = shown[begun]
        if shade is not None:
            yield begun, place, shade
        begun = place
