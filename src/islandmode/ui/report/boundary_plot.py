"""The boundary as a picture: each conduit through what isolates it, and each other way round that. What is drawn where; a template draws it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from islandmode.core.boundary import BoundaryConduit, OtherWayRound
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.text import how_many
from islandmode.core.verdict import Verdict
from islandmode.core.ways_seen import Passage, WaySeen, seen_on_conduit, seen_on_other_way
from islandmode.ui.picture.text import Line, wrapped

WIDTH, EDGE = 1000.0, 8.0
ZONE, GATE = 164.0, 212.0
"""Widths of a zone's box at each end, and of the isolation points' box in the middle."""
PAD, SIZE, LEADING, HEAD = 8.0, 12.0, 15.5, 24.0
RISE, BELOW, BETWEEN = 15.0, 13.0, 12.0
"""Room between a line and the words on it, below a line, and between the lanes of two conduits."""
LEFT, RIGHT = EDGE + ZONE, WIDTH - EDGE - ZONE
GATE_LEFT, GATE_RIGHT = (WIDTH - GATE) / 2, (WIDTH + GATE) / 2
SAID = {
    Passage.SHUT: "✔ shut",
    Passage.LEAK: "✖ LEAK",
    Passage.UNKNOWN: "? not known",
    Passage.UNTESTED: "– not tested",
    Passage.OPEN: "open",
}


@dataclass(frozen=True)
class Text:
    """A line of words at a place."""

    x: float
    y: float
    text: str
    bold: bool = False
    middle: bool = False
    alarm: bool = False


@dataclass(frozen=True)
class Box:
    """A zone, or what isolates a conduit."""

    x: float
    y: float
    width: float
    height: float
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class Way:
    """A line from zone to zone: a conduit, or dashed, an other way."""

    y: float
    is_other: bool
    passage: Passage
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class BoundaryPlot:
    """The boundary, ready to be drawn."""

    height: float
    told: str
    note: str
    heads: tuple[Text, ...]
    zones: tuple[Box, ...]
    gates: tuple[Box, ...]
    ways: tuple[Way, ...]
    width: float = WIDTH
    left: float = LEFT
    right: float = RIGHT
    middle: float = WIDTH / 2


@dataclass(frozen=True)
class _Lane:
    """One way with its words: at its left its name, in the middle what stands on it or what it is, at its right what was seen."""

    between: tuple[str, str]
    name: tuple[Line, ...]
    what: tuple[Line, ...]
    seen: tuple[Line, ...]
    passage: Passage
    is_other: bool
    has_gate: bool

    @property
    def rise(self) -> float:
        """Give the room that its words take above its line."""
        zones = max(len(_zone_lines(zone)) for zone in self.between)
        return max(len(self.name), len(self.what), len(self.seen), zones) * LEADING + RISE


def boundary_plot(plan: Plan, verdict: Verdict, records: Sequence[Record]) -> BoundaryPlot | None:
    """Lay the boundary out; nothing where a plan of an earlier version does not tell it."""
    conduits = verdict.boundary.conduits
    if not conduits:
        return None
    y, zones, gates, ways = HEAD, list[Box](), list[Box](), list[Way]()
    for conduit in conduits:
        lanes = list(_lanes(plan, verdict, records, conduit))
        bottoms = []
        tops = []
        for lane in lanes:
            tops.append(y)
            line = y + lane.rise
            ways.append(Way(round(line, 1), lane.is_other, lane.passage, tuple(_words(lane, line))))
            if lane.has_gate:
                gates.append(Box(GATE_LEFT, round(y - 2, 1), GATE, round(lane.rise + BELOW - 1, 1), ()))
            y = line + BELOW
            bottoms.append(y)
        zones += [*_zones(lanes, tops, bottoms, 0), *_zones(lanes, tops, bottoms, 1)]
        y += BETWEEN
    others = len(verdict.boundary.other_ways)
    round_them = f", and {how_many(others, 'other way')} round them" if others else ""
    told = f"{how_many(len(conduits), 'conduit')} of the boundary{round_them}; the same is in the table and the list below."
    note = "Dashed: another way of the site, on which no isolation point stands." if others else ""
    return BoundaryPlot(round(y, 1), told, note, tuple(_heads()), tuple(zones), tuple(gates), tuple(ways))


def _heads() -> Iterator[Text]:
    yield Text(EDGE, 14, "outer zone")
    yield Text(LEFT + PAD, 14, "conduit, or other way")
    yield Text(WIDTH / 2, 14, "isolated by, or what it is", middle=True)
    yield Text(GATE_RIGHT + PAD, 14, "seen while isolated")
    yield Text(RIGHT, 14, "inner zone")


def _lanes(plan: Plan, verdict: Verdict, records: Sequence[Record], conduit: BoundaryConduit) -> Iterator[_Lane]:
    points = [name for name, point in plan.points.items() if conduit.conduit in point.conduits]
    isolated = conduit.state == "isolated"
    by = [line for name in points for line in _fitted(name, GATE)] if isolated else []
    seen = seen_on_conduit(plan, verdict, records, conduit)
    yield _lane(conduit.between, conduit.conduit, tuple(by), seen, is_other=False, has_gate=isolated)
    ways = (way for way in verdict.boundary.other_ways if way.conduit == conduit.conduit)
    # Ways between the conduit's own zones first: they share its boxes.
    for way in sorted(ways, key=lambda way: (way.between != conduit.between, way.way)):
        seen = seen_on_other_way(plan, verdict, records, way)
        yield _lane(way.between, way.way, _what(way), seen, is_other=True, has_gate=False)


def _what(way: OtherWayRound) -> tuple[Line, ...]:
    return (*_fitted(way.what, GATE), *_fitted(f"owner {way.owner}", GATE))


def _lane(
    between: tuple[str, str], name: str, what: tuple[Line, ...], seen: WaySeen, *, is_other: bool, has_gate: bool
) -> _Lane:
    room = GATE_LEFT - LEFT
    said = (*_fitted(SAID[seen.passage], room, bold=True), *_fitted(seen.why, room))
    return _Lane(between, _fitted(name, room, bold=True), what, said, seen.passage, is_other, has_gate)


def _fitted(text: str, room: float, *, bold: bool = False) -> tuple[Line, ...]:
    return wrapped(text, SIZE, room - 2 * PAD, bold=bold)


def _zone_lines(zone: str) -> tuple[Line, ...]:
    return _fitted(zone, ZONE, bold=True)


def _words(lane: _Lane, line: float) -> Iterator[Text]:
    alarm = lane.passage is Passage.LEAK
    yield from _above(lane.name, LEFT + PAD, line)
    yield from _above(lane.what, WIDTH / 2, line, middle=True)
    yield from _above(lane.seen, GATE_RIGHT + PAD, line, alarm=alarm)


def _above(lines: tuple[Line, ...], x: float, y: float, *, middle: bool = False, alarm: bool = False) -> Iterator[Text]:
    """Put lines one below the other, so that they end above a height."""
    for number, line in enumerate(reversed(lines)):
        place = round(y - RISE + 1 - number * LEADING, 1)
        yield Text(x, place, line.text, line.bold, middle, alarm and line.bold)


def _zones(lanes: Sequence[_Lane], tops: Sequence[float], bottoms: Sequence[float], end: int) -> Iterator[Box]:
    """Draw one box for each stretch of lanes that end in the same zone."""
    x = EDGE if end == 0 else RIGHT
    for zone, run in groupby(range(len(lanes)), key=lambda number: lanes[number].between[end]):
        numbers = list(run)
        top, bottom = tops[numbers[0]] - 2, bottoms[numbers[-1]] - 5
        lines = _zone_lines(zone)
        first = (top + bottom - len(lines) * LEADING) / 2 + SIZE
        texts = (
            Text(x + ZONE / 2, round(first + number * LEADING, 1), line.text, bold=True, middle=True)
            for number, line in enumerate(lines)
        )
        yield Box(x, round(top, 1), ZONE, round(bottom - top, 1), tuple(texts))
