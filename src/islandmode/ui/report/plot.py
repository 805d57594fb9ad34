"""The timeline plot: probes by vantage, stages as bands, and the three times, as SVG made here; it needs no script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from islandmode.core.as_expected import TOLD, Shade, Strip, columns, strips_of
from islandmode.core.episodes import Episode
from islandmode.core.judging.timeline import AFTER, BEFORE, Timeline, Window
from islandmode.core.plan import Plan
from islandmode.core.text import how_many
from islandmode.core.verdict import Times, Verdict
from islandmode.ui.picture.text import text_width
from islandmode.ui.report.parts import Moments, lasted

WIDTH, LEFT, RIGHT, TOP = 1000, 219, 14, 46
ROW, HEAD, BAR = 20, 22, 15
INK, SOFT, ALARM = "#1d2730", "#5a6772", "#b3261e"
TALL, MIDDLE, THIN = (BAR, 0), (7, 4), (2, 7)
"""Height and distance from the top of a row: what must be seen is tall, what is dead as it must be is a thin line."""
LOOKS = {
    Shade.LEAK: ("url(#leak)", TALL),
    Shade.OUTAGE: ("url(#outage)", TALL),
    Shade.UNKNOWN: ("url(#unknown)", (11, 2)),
    Shade.SHORT: ("url(#short)", MIDDLE),
    Shade.PASSES: ("#2f8f5b", MIDDLE),
    Shade.DEAD: ("#3f5f80", THIN),
}
PATTERNS = (
    "<defs>"
    '<pattern id="leak" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="5" height="5" fill="#b3261e"/><rect width="1" height="5" fill="#fff"/></pattern>'
    '<pattern id="outage" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" fill="#fff"/><path d="M0 0L6 6M6 0L0 6" stroke="#b3261e" stroke-width="1.6"/></pattern>'
    '<pattern id="unknown" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6" fill="#fff"/><rect width="3" height="6" fill="#b07d12"/></pattern>'
    '<pattern id="short" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="4" height="4" fill="#fff"/><rect width="2" height="4" fill="#6b7780"/></pattern></defs>'
)
ALARMS = {Shade.LEAK: "✖ LEAK", Shade.OUTAGE: "✖ FAILED", Shade.UNKNOWN: "?"}
COLUMNS, LABEL = WIDTH - LEFT - RIGHT, LEFT - 16
UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
STEPS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 86_400, 604_800)


@dataclass(frozen=True)
class Scale:
    """Turns moments into places."""

    start_us: int
    end_us: int

    def x(self, moment_us: float) -> float:
        """Give the place of a moment, within the plot."""
        share = (moment_us - self.start_us) / max(self.end_us - self.start_us, 1)
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)


def timeline_plot(
    plan: Plan,
    verdict: Verdict,
    timeline: Timeline,
    episodes: Mapping[str, tuple[Episode, ...]],
    moments: Moments,
) -> str:
    """Draw the run; empty text when it never sampled."""
    if not timeline.windows:
        return "<p>The run ended before its probes looked.</p>"
    scale = Scale(timeline.windows[0].start_us, timeline.windows[-1].end_us)
    rows, height = _rows(plan)
    drawn = {
        name: _drawn(strips_of(plan, verdict, timeline, name, episodes.get(name, ())), scale, y)
        for name, y in rows.items()
    }
    bars = "".join(bar for bar, _ in drawn.values())
    frames = "".join(_frames(plan, timeline, name, scale, y) for name, y in rows.items())
    labels = "".join(_label(name, y, drawn[name][1]) for name, y in rows.items())
    heads = _vantage_heads(plan, rows)
    bands = "".join(_band(window, scale, height) for window in timeline.windows)
    marks = _marks(verdict, timeline, scale, height)
    length = lasted((scale.end_us - scale.start_us) / 1e6)
    alt = f"Timeline of {how_many(len(rows), 'probe')} over {length}; the same is in the table of probes."
    box = f'viewBox="0 0 {WIDTH} {height + 26}"'
    opening = (
        f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" {box} role="img" font-family="inherit" font-size="11.5">'
    )
    inside = f"<title>Timeline</title><desc>{escape(alt)}</desc>{PATTERNS}{bands}{heads}{labels}{bars}{frames}{marks}"
    note = f"Counted from {moments.whole(0)}, {moments.zone_told}. Where a row is empty, nothing is on record."
    plot = f'<div class="wide">{opening}{inside}{_axis(scale, timeline, height)}</svg></div>'
    return f"{plot}<p class=note>{escape(note)}</p>"


def legend() -> str:
    """Show every look of a row with its meaning."""
    items = []
    for shade, told in TOLD.items():
        fill, (tall, top) = LOOKS[shade]
        swatch = f'<svg width="26" height="{BAR}" aria-hidden="true"><rect y="{top}" width="26" height="{tall}" fill="{fill}"/></svg>'
        items.append(f"<li>{swatch} {escape(told)}</li>")
    more = '<li><span class="key band"></span>isolated</li><li><span class="key frame"></span>must be dead here</li>'
    return f'<ul class="legend">{"".join(items)}{more}<li>∣ ordered</li><li>▼ effective</li><li>▲ verified</li></ul>'


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


def _label(name: str, y: int, alarm: str) -> str:
    colour = INK if alarm == ALARMS[Shade.UNKNOWN] else ALARM
    look = f'font-weight="700" fill="{colour}"' if alarm else f'fill="{SOFT}"'
    said = f"{alarm} {name}".strip()
    # A long name must not run into the bars.
    width = f' textLength="{LABEL}" lengthAdjust="spacingAndGlyphs"' if text_width(said, 11.5) > LABEL else ""
    return f'<text x="8" y="{y + BAR - 4}" {look}{width}>{escape(said)}</text>'


def _drawn(strips: Iterator[Strip], scale: Scale, y: int) -> tuple[str, str]:
    """Draw one probe's row, a path for each look; gives the word of what is not as expected, too."""
    counts: Counter[Shade] = Counter()
    whys: dict[Shade, str] = {}

    def counted() -> Iterator[Strip]:
        for one in strips:
            counts[one.shade] += one.count
            whys.setdefault(one.shade, one.why)
            yield one

    parts: dict[Shade, list[str]] = {}
    for first, last, shade in columns(counted(), scale.start_us, scale.end_us, COLUMNS):
        tall, top = LOOKS[shade][1]
        parts.setdefault(shade, []).append(f"M{LEFT + first} {y + top}h{last - first}v{tall}h-{last - first}z")
    paths = []
    for shade, lines in parts.items():
        why = f", first {whys[shade]}" if whys[shade] else ""
        tip = f"{TOLD[shade]}: {how_many(counts[shade], 'sample')}{why}"
        paths.append(f'<path d="{"".join(lines)}" fill="{LOOKS[shade][0]}"><title>{escape(tip)}</title></path>')
    return "".join(paths), next((word for shade, word in ALARMS.items() if shade in parts), "")


def _frames(plan: Plan, timeline: Timeline, name: str, scale: Scale, y: int) -> str:
    """Frame the stretch in which a probe must be dead."""
    start = next(
        (window for stage in plan.stages if name in stage.dead and (window := timeline.window(stage.name))), None
    )
    if start is None or timeline.restore_ordered_us is None:
        return ""
    left, right = scale.x(start.start_us), scale.x(timeline.restore_ordered_us)
    size = f'x="{left}" y="{y - 1}" width="{round(right - left, 1)}" height="{BAR + 2}"'
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
        ticks.append(
            f'{line}<text x="{x}" y="{height + 18}" text-anchor="middle" fill="{SOFT}">{_tick(second, step)}</text>'
        )
    return "".join(ticks)


def _tick(second: int, step: int) -> str:
    """Write a moment in the largest unit that divides the axis."""
    unit, size = next(((unit, size) for unit, size in UNITS if step % size == 0), UNITS[-1])
    return f"{second // size} {unit}"
