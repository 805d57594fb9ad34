"""The timeline plot: probes by vantage, stages as bands, and the three times, as SVG made here; it needs no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from islandmode.core.episodes import Episode, Heard, Seen
from islandmode.core.plan import Plan
from islandmode.core.text import how_many
from islandmode.core.timeline import AFTER, BEFORE, Timeline, Window
from islandmode.core.verdict import Times, Verdict

WIDTH, LEFT, RIGHT, TOP = 1000, 205, 14, 46
ROW, HEAD, BAR = 19, 22, 11
INK, SOFT = "#1d2730", "#5a6772"
FILLS = {Seen.GOOD: "#2f8f5b", Seen.BAD: "url(#bad)", Seen.UNKNOWN: "url(#unknown)"}
ANSWERED = "url(#answered)"
"""Not good, and yet something came back."""
PATTERNS = (
    "<defs>"
    '<pattern id="bad" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#f3b5b0"/><rect width="3" height="6" fill="#c8372d"/></pattern>'
    '<pattern id="unknown" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" fill="#fff"/><rect width="3" height="6" fill="#b07d12"/></pattern>'
    '<pattern id="answered" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#2f8f5b"/><rect width="3" height="6" fill="#c8372d"/></pattern></defs>'
)
STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)


@dataclass(frozen=True)
class Scale:
    """Turns moments into places."""

    start_us: int
    end_us: int

    def x(self, moment_us: float) -> float:
        """Give the place of a moment, within the plot."""
        share = (moment_us - self.start_us) / max(self.end_us - self.start_us, 1)
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)


def timeline_plot(plan: Plan, verdict: Verdict, timeline: Timeline, episodes: Mapping[str, tuple[Episode, ...]]) -> str:
    """Draw the run; empty text when it never sampled."""
    if not timeline.windows:
        return "<p>The run ended before its probes looked.</p>"
    scale = Scale(timeline.windows[0].start_us, timeline.windows[-1].end_us)
    rows, height = _rows(plan)
    period_us = round(plan.drill.sample_every * 1_000_000)
    bars = "".join(_bars(episodes.get(name, ()), scale, y, period_us) for name, y in rows.items())
    frames = "".join(_frames(plan, timeline, name, scale, y) for name, y in rows.items())
    labels = "".join(_label(name, y) for name, y in rows.items())
    heads = _vantage_heads(plan, rows)
    bands = "".join(_band(window, scale, height) for window in timeline.windows)
    marks = _marks(verdict, timeline, scale, height)
    alt = f"Timeline of {how_many(len(rows), 'probe')} over {(scale.end_us - scale.start_us) / 1e6:.0f} seconds; the same is in the table below."
    box = f'viewBox="0 0 {WIDTH} {height + 26}"'
    opening = (
        f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" {box} role="img" font-family="inherit" font-size="11.5">'
    )
    inside = f"<title>Timeline</title><desc>{escape(alt)}</desc>{PATTERNS}{bands}{heads}{labels}{bars}{frames}{marks}"
    return f'<div class="wide">{opening}{inside}{_axis(scale, timeline, height)}</svg></div>'


def _rows(plan: Plan) -> tuple[dict[str, int], int]:
    """Place the probes, grouped by vantage; returns their heights and the plot's."""
    rows: dict[str, int] = {}
    y = TOP
    for vantage in plan.vantages:
        y += HEAD
        for name, planned in plan.probes.items():
            if planned.probe.vantage == vantage:
                rows[name] = y
                y += ROW
    return rows, y + 6


def _vantage_heads(plan: Plan, rows: Mapping[str, int]) -> str:
    heads = []
    for name, vantage in plan.vantages.items():
        mine = [y for probe, y in rows.items() if plan.probes[probe].probe.vantage == name]
        if mine:
            text = f"{name} ({vantage.zone}{', alone' if vantage.far else ''})"
            heads.append(f'<text x="4" y="{min(mine) - 5}" font-weight="700" fill="{INK}">{escape(text)}</text>')
    return "".join(heads)


def _label(name: str, y: int) -> str:
    return f'<text x="12" y="{y + BAR - 1}" fill="{SOFT}">{escape(name)}</text>'


def _bars(episodes: Sequence[Episode], scale: Scale, y: int, period_us: int) -> str:
    bars = []
    for one in episodes:
        answered = one.seen is Seen.BAD and one.heard is Heard.ANSWER
        left, right = scale.x(one.first_us), scale.x(one.last_us + period_us)
        width = max(round(right - left, 1), 0.8)
        tip = f"{one.probe}: {one.seen.value}, {how_many(one.count, 'sample')}{f', {one.why}' if one.why else ''}"
        bars.append(
            f'<rect x="{left}" y="{y}" width="{width}" height="{BAR}" fill="{ANSWERED if answered else FILLS[one.seen]}"><title>{escape(tip)}</title></rect>'
        )
    return "".join(bars)


def _frames(plan: Plan, timeline: Timeline, name: str, scale: Scale, y: int) -> str:
    """Frame the stretch in which a probe must be dead."""
    start = next(
        (window for stage in plan.stages if name in stage.dead and (window := timeline.window(stage.name))), None
    )
    if start is None or timeline.restore_ordered_us is None:
        return ""
    left, right = scale.x(start.start_us), scale.x(timeline.restore_ordered_us)
    size = f'x="{left}" y="{y - 2}" width="{round(right - left, 1)}" height="{BAR + 4}"'
    return f'<rect {size} fill="none" stroke="{INK}" stroke-width="0.9" stroke-dasharray="3 2"/>'


def _band(window: Window, scale: Scale, height: int) -> str:
    left, right = scale.x(window.start_us), scale.x(window.end_us)
    isolated = window.name not in (BEFORE, AFTER)
    fill = "#e8eef7" if isolated else "#fff"
    middle = round((left + right) / 2, 1)
    rect = f'<rect x="{left}" y="{TOP - 16}" width="{round(right - left, 1)}" height="{height - TOP + 16}" fill="{fill}" stroke="#d5dce2"/>'
    style = f'text-anchor="middle" font-weight="{700 if isolated else 400}" fill="{INK if isolated else SOFT}"'
    return f'{rect}<text x="{middle}" y="{TOP - 22}" {style}>{escape(window.name)}</text>'


def _marks(verdict: Verdict, timeline: Timeline, scale: Scale, height: int) -> str:
    marks = []
    for stage in verdict.stages:
        window = timeline.window(stage.name)
        if window is not None:
            marks.append(_mark(window.start_us, stage.isolation_s, scale, height))
    if timeline.restore_ordered_us is not None:
        marks.append(_mark(timeline.restore_ordered_us, verdict.restoration_s, scale, height))
    return "".join(marks)


def _mark(ordered_us: int, times: Times, scale: Scale, height: int) -> str:
    x = scale.x(ordered_us)
    drawn = f'<line x1="{x}" x2="{x}" y1="{TOP - 16}" y2="{height}" stroke="{INK}" stroke-width="1"/>'
    effective = times.ordered_to_effective
    if effective is not None and effective.latest_s is not None:
        at = scale.x(ordered_us + effective.latest_s * 1_000_000)
        drawn += f'<path d="M{at - 4} {TOP - 16}h8l-4 7z" fill="{INK}"><title>effective by {effective.latest_s:.3f} s</title></path>'
    if times.ordered_to_verified is not None:
        at = scale.x(ordered_us + times.ordered_to_verified * 1_000_000)
        drawn += f'<path d="M{at - 4} {height}h8l-4 -7z" fill="{INK}"><title>verified by {times.ordered_to_verified:.3f} s</title></path>'
    return drawn


def _axis(scale: Scale, timeline: Timeline, height: int) -> str:
    total_s = (scale.end_us - scale.start_us) / 1_000_000
    step = next((one for one in STEPS_S if total_s / one <= 12), STEPS_S[-1])
    ticks = []
    first = int(timeline.seconds(scale.start_us) // step + 1) * step
    for second in range(first, int(timeline.seconds(scale.end_us)) + 1, step):
        x = scale.x(timeline.start_us + second * 1_000_000)
        line = f'<line x1="{x}" x2="{x}" y1="{height}" y2="{height + 5}" stroke="{SOFT}"/>'
        ticks.append(f'{line}<text x="{x}" y="{height + 18}" text-anchor="middle" fill="{SOFT}">{second} s</text>')
    return "".join(ticks)
