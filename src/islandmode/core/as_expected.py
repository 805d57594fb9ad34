"""What a probe saw, moment by moment, against what the drill expects: the colours of the timeline. Pure.

A path that passes while it is isolated is not as expected; that it is dead there is. The verdict decides what speaks against
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
    """One kind of stretch in the timeline, from the one to be seen first to the one that may hide behind others."""

    LEAK = "leak"
    OUTAGE = "outage"
    UNKNOWN = "unknown"
    SHORT = "short"
    PASSES = "passes"
    DEAD = "dead"


TOLD = {
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

    Each lasts until its next sample would have been asked, or its last one was answered; while isolated, no longer than that.
    """
    spans = _spans(timeline, [one for one in verdict.findings if one.probe == probe])
    dead_in = {stage.name for stage in plan.stages if probe in stage.dead}
    period_us = round(plan.drill.sample_every * 1_000_000)
    windows, place = timeline.windows, 0
    for one, later in pairwise((*episodes, None)):
        if one is None:
            continue
        while place < len(windows) and windows[place].end_us <= one.first_us:
            place += 1
        window = windows[place] if place < len(windows) else None
        must_be_dead = window is not None and window.name in dead_in
        ends = [max(one.last_us + period_us, one.ended_us)]
        # What was asked while isolated and answered after says nothing of the time after.
        ends += [window.end_us] if window is not None and must_be_dead else []
        ends += [] if later is None else [later.first_us]
        shade = _shade(one, spans, must_be_dead=must_be_dead)
        if must_be_dead and shade is Shade.PASSES and _was_answered_after(one, timeline):
            # Asked while isolated, and answered once that was over: until then nothing came back.
            shade = Shade.DEAD
        yield Strip(one.first_us, min(ends), shade, one.count, one.why)
    # An episode goes on over what was lost within it; only the finding says that something was.
    yield from (Strip(first, last, Shade.UNKNOWN, 0, "nothing was said") for first, last in spans.silent)


def _was_answered_after(one: Episode, timeline: Timeline) -> bool:
    return timeline.restore_ordered_us is not None and one.answered_us >= timeline.restore_ordered_us


def _spans(timeline: Timeline, findings: Sequence[Finding]) -> _Spans:
    def of(codes: Iterable[str]) -> tuple[Span, ...]:
        timed = [(one.first_s, one.last_s) for one in findings if one.code in codes]
        return tuple(
            (timeline.start_us + round(first * 1_000_000), timeline.start_us + round(last * 1_000_000))
            for first, last in timed
            if first is not None and last is not None
        )

    outages = (*of(OUTAGES), *_without_control(timeline, findings))
    return _Spans(of({"leak"}), outages, of({"refused-by-unknown"}), of({"witness-gap"}))


def _without_control(timeline: Timeline, findings: Sequence[Finding]) -> Iterator[Span]:
    """Give the stretches in which a severed probe had to be seen alive and was not: up to its stage's order, or after restore."""
    for one in findings:
        window = timeline.window(one.stage or "")
        if one.code == "no-control-before" and window is not None:
            yield timeline.start_us, window.start_us - 1
        after = timeline.window(AFTER)
        if one.code == "no-control-after" and after is not None:
            yield after.start_us, after.end_us


def _shade(one: Episode, spans: _Spans, *, must_be_dead: bool) -> Shade:
    if must_be_dead and one.heard not in (Heard.NOTHING, Heard.UNKNOWN) and _touches(one, spans.leak):
        return Shade.LEAK
    if one.seen is Seen.UNKNOWN or (one.seen is Seen.BAD and _touches(one, spans.untold)):
        return Shade.UNKNOWN
    if one.seen is Seen.GOOD:
        return Shade.PASSES
    if must_be_dead:
        # An answer that was not good and is no leak came before the isolation was in force.
        return Shade.PASSES if one.heard is Heard.ANSWER else Shade.DEAD
    return Shade.OUTAGE if _touches(one, spans.outage) else Shade.SHORT


def _touches(one: Episode, spans: Sequence[Span]) -> bool:
    return any(one.first_us <= last and one.last_us >= first for first, last in spans)


def columns(strips: Iterator[Strip], start_us: int, end_us: int, wide: int) -> tuple[tuple[int, int, Shade], ...]:
    """Lay strips into a row of so many columns: one that holds several shows the worst, and equal neighbours are one.

    So a row never has more parts than columns, however long the run was and however often it changed.
    """
    shown: list[Shade | None] = [None] * wide
    length_us = max(end_us - start_us, 1)
    for one in strips:
        first = (one.from_us - start_us) * wide // length_us
        # A strip that ends where the next begins takes none of its room, and the shortest is still to be seen.
        last = max(((one.to_us - start_us) * wide - 1) // length_us, first)
        if last < 0 or first >= wide:
            continue
        for place in range(max(first, 0), min(last, wide - 1) + 1):
            before = shown[place]
            if before is None or RANK[one.shade] < RANK[before]:
                shown[place] = one.shade
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
