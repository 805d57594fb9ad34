"""The timeline plot: probes by vantage, stages as bands, and the three times. What is drawn where; a template draws it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from islandmode.core.as_expected import LEGEND, Shade, Strip, columns, strips_of
from islandmode.core.episodes import Episode
from islandmode.core.judging.timeline import AFTER, BEFORE, Timeline, Window
from islandmode.core.plan import Plan
from islandmode.core.text import how_many
from islandmode.core.verdict import Times, Verdict
from islandmode.ui.picture.text import text_width
from islandmode.ui.report.moments import Moments, lasted

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


@dataclass(frozen=True)
class Bar:
    """All stretches of one row in one look, with what they say when they are pointed at."""

    path: str
    fill: str
    tip: str


@dataclass(frozen=True)
class ProbeRow:
    """One probe; a name that would run into the bars is squeezed."""

    y: int
    text: str
    alarm: str
    colour: str
    squeezed_to: int | None
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Words:
    """Words at a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Band:
    """A stage, or what was before and after the isolation."""

    left: float
    width: float
    name: str
    isolated: bool

    @property
    def middle(self) -> float:
        """Give the place of its name."""
        return round(self.left + self.width / 2, 1)


@dataclass(frozen=True)
class Frame:
    """The stretch of a row in which its probe must be dead."""

    left: float
    width: float
    y: int


@dataclass(frozen=True)
class Mark:
    """When something was ordered, and by when it was effective and verified."""

    ordered: float
    effective: Words | None
    verified: Words | None


@dataclass(frozen=True)
class Swatch:
    """A look of a row with its meaning."""

    fill: str
    tall: int
    top: int
    told: str
    height: int = BAR


@dataclass(frozen=True)
class Plot:
    """A run, ready to be drawn."""

    height: int
    told: str
    note: str
    bands: tuple[Band, ...]
    vantages: tuple[Words, ...]
    rows: tuple[ProbeRow, ...]
    frames: tuple[Frame, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[Words, ...]
    width: int = WIDTH
    top: int = TOP - 16
    bar: int = BAR
    ink: str = INK
    soft: str = SOFT


def timeline_plot(
    plan: Plan,
    verdict: Verdict,
    timeline: Timeline,
    episodes: Mapping[str, tuple[Episode, ...]],
    moments: Moments,
) -> Plot | None:
    """Lay the run out; nothing when it never sampled."""
    if not timeline.windows:
        return None
    scale = Scale(timeline.windows[0].start_us, timeline.windows[-1].end_us)
    places, height = _places(plan)
    length = lasted((scale.end_us - scale.start_us) / 1e6)
    return Plot(
        height,
        f"Timeline of {how_many(len(places), 'probe')} over {length}; the same is in the table of probes.",
        f"Counted from {moments.whole(0)}, {moments.zone_told}. Where a row is empty, nothing is on record.",
        tuple(_band(window, scale) for window in timeline.windows),
        tuple(_vantage_heads(plan, places)),
        tuple(
            _row(
                plan.probes[name].called(name),
                y,
                strips_of(plan, verdict, timeline, name, episodes.get(name, ())),
                scale,
            )
            for name, y in places.items()
        ),
        tuple(_frames(plan, timeline, places, scale)),
        tuple(_marks(verdict, timeline, scale)),
        tuple(_ticks(scale, timeline)),
    )


def legend() -> tuple[Swatch, ...]:
    """Give every look of a row with its meaning."""
    return tuple(Swatch(LOOKS[shade][0], *LOOKS[shade][1], told) for shade, told in LEGEND.items())


def _places(plan: Plan) -> tuple[dict[str, int], int]:
    """Place the probes, grouped by vantage; returns their heights and the plot's."""
    places: dict[str, int] = {}
    y = TOP
    for vantage in plan.vantages:
        y += HEAD
        for name, planned in plan.probes.items():
            if planned.probe.vantage == vantage:
                places[name] = y
                y += ROW
    return places, y + 6


def _vantage_heads(plan: Plan, places: Mapping[str, int]) -> Iterator[Words]:
    for name, vantage in plan.vantages.items():
        mine = [y for probe, y in places.items() if plan.probes[probe].probe.vantage == name]
        if mine:
            yield Words(4, min(mine) - 5, f"{name} ({vantage.zone}{', alone' if vantage.far else ''})")


def _row(name: str, y: int, strips: Iterator[Strip], scale: Scale) -> ProbeRow:
    """Lay one probe's row out, a path for each look; what is not as expected is said beside its name."""
    counts: Counter[Shade] = Counter()
    whys: dict[Shade, str] = {}

    def counted() -> Iterator[Strip]:
        for strip in strips:
            counts[strip.shade] += strip.count
            whys.setdefault(strip.shade, strip.why)
            yield strip

    parts: dict[Shade, list[str]] = {}
    for first, last, shade in columns(counted(), scale.start_us, scale.end_us, COLUMNS):
        tall, top = LOOKS[shade][1]
        parts.setdefault(shade, []).append(f"M{LEFT + first} {y + top}h{last - first}v{tall}h-{last - first}z")
    bars = []
    for shade, lines in parts.items():
        why = f", first {whys[shade]}" if whys[shade] else ""
        tip = f"{LEGEND[shade]}: {how_many(counts[shade], 'sample')}{why}"
        bars.append(Bar("".join(lines), LOOKS[shade][0], tip))
    alarm = next((word for shade, word in ALARMS.items() if shade in parts), "")
    said = f"{alarm} {name}".strip()
    colour = INK if alarm == ALARMS[Shade.UNKNOWN] else ALARM
    return ProbeRow(y, said, alarm, colour, LABEL if text_width(said, 11.5) > LABEL else None, tuple(bars))


def _frames(plan: Plan, timeline: Timeline, places: Mapping[str, int], scale: Scale) -> Iterator[Frame]:
    """Frame the stretch in which each probe must be dead."""
    if timeline.restore_ordered_us is None:
        return
    right = scale.x(timeline.restore_ordered_us)
    for name, y in places.items():
        dead = (timeline.window(stage.name) for stage in plan.stages if name in stage.dead)
        start = next((window for window in dead if window), None)
        if start is not None:
            left = scale.x(start.start_us)
            yield Frame(left, round(right - left, 1), y - 1)


def _band(window: Window, scale: Scale) -> Band:
    left, right = scale.x(window.start_us), scale.x(window.end_us)
    return Band(left, round(right - left, 1), window.name, window.name not in (BEFORE, AFTER))


def _marks(verdict: Verdict, timeline: Timeline, scale: Scale) -> Iterator[Mark]:
    for stage in verdict.stages:
        window = timeline.window(stage.name)
        if window is not None:
            yield _mark(window.start_us, stage.isolation_s, scale)
    if timeline.restore_ordered_us is not None:
        yield _mark(timeline.restore_ordered_us, verdict.restoration_s, scale)


def _mark(ordered_us: int, times: Times, scale: Scale) -> Mark:
    def after(seconds: float | None) -> Words | None:
        return None if seconds is None else Words(scale.x(ordered_us + seconds * 1_000_000), 0, f"{seconds:.3f} s")

    effective = times.ordered_to_effective
    latest_s = effective.latest_s if effective is not None else None
    return Mark(scale.x(ordered_us), after(latest_s), after(times.ordered_to_verified))


def _ticks(scale: Scale, timeline: Timeline) -> Iterator[Words]:
    total_s = (scale.end_us - scale.start_us) / 1_000_000
    step = next((step_s for step_s in STEPS_S if total_s / step_s <= 12), STEPS_S[-1])
    first = int(timeline.seconds(scale.start_us) // step + 1) * step
    for second in range(first, int(timeline.seconds(scale.end_us)) + 1, step):
        yield Words(scale.x(timeline.start_us + second * 1_000_000), 0, _tick(second, step))


def _tick(second: int, step: int) -> str:
    """Write a moment in the largest unit that divides the axis."""
    unit, size = next(((unit, size) for unit, size in UNITS if step % size == 0), UNITS[-1])
    return f"{second // size} {unit}"
