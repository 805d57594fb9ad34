"""Where everything in a lab's picture stands: boxes of zones and nodes, wires with their bends, ports and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from islandmode.ui.picture.rows import PAD, Rows, point_rows, together, zone_rows
from islandmode.ui.picture.scene import DETAIL, Scene
from islandmode.ui.picture.text import Line, height_of, text_width, width_of
from islandmode.ui.picture.wiring import End, Wiring, wiring_of

MARGIN, HEAD, NODE_MIN, BORDER = 14.0, 58.0, 84.0, 10.0
LABEL_GAP, LABEL_RISE, TRACK, PLAIN_GAP = 5.0, 4.0, 12.0, 14.0
LANE_FIRST, LANE = 30.0, 26.0
ABREAST = 4.0
NO_LINK = ", no link"


Span = tuple[list[float], list[float]]
"""The heights at which a wire enters a gap, and at which it leaves it."""


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Give the right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Give the lower edge."""
        return self.y + self.height


@dataclass(frozen=True)
class Label:
    """The name of an interface at a wire's end."""

    text: str
    x: float
    baseline: float
    anchor: str


@dataclass(frozen=True)
class Path:
    """A wire: its corners and the labels at its ends."""

    corners: tuple[tuple[float, float], ...]
    labels: tuple[Label, ...]
    is_management: bool


@dataclass(frozen=True)
class Layout:
    """The whole picture above its key."""

    width: float
    zones: Mapping[str, Box]
    nodes: Mapping[str, Box]
    paths: tuple[Path, ...]
    ports: Mapping[tuple[str, str], float]
    bare: tuple[Label, ...]
    management: Box | None
    bottom: float


@dataclass(frozen=True)
class _Across:
    """Left edges and widths of the columns, the tracks of the wires that bend, and the zones' right edge."""

    columns: Mapping[int, tuple[float, float]]
    tracks: Mapping[int, float]
    border: float
    right: float


def layout_of(scene: Scene) -> Layout:
    """Place a scene."""
    wiring = wiring_of(scene)
    inside, zones = zone_rows(scene, wiring)
    points, level = point_rows(scene, wiring, inside)
    rows = together([inside, points], inside.height)
    top = min([top for top, _ in rows.nodes.values()] + [0.0])
    rows = rows.moved(HEAD - top)
    across = _across(scene, wiring, rows, _bends(scene, wiring, level=level))
    nodes = {
        name: Box(*across.columns[wiring.columns[name]][:1], y, across.columns[wiring.columns[name]][1], height)
        for name, (y, height) in rows.nodes.items()
    }
    boxes = {name: Box(MARGIN, y + HEAD - top, across.border - MARGIN, height) for name, (y, height) in zones.items()}
    bottom = max([box.bottom for box in (*nodes.values(), *boxes.values())], default=HEAD)
    management = None
    if scene.management:
        lines = management_lines(scene)
        width = max(across.right - MARGIN, width_of(lines) + 2 * PAD)
        management = Box(MARGIN, bottom + 20, width, height_of(lines) + 2 * PAD)
    floor = management.y if management else bottom
    paths = tuple(_path(scene, wiring, nodes, rows, across, number, floor) for number in range(len(scene.wires)))
    return Layout(
        max(across.right, management.right if management else 0.0) + MARGIN,
        boxes,
        nodes,
        paths,
        rows.ports,
        _bare_labels(scene, wiring, nodes, rows),
        management,
        management.bottom if management else bottom,
    )


def management_lines(scene: Scene) -> tuple[Line, ...]:
    """Say what is on the management network."""
    head = Line("Management network", DETAIL + 1, bold=True)
    return (head, *(Line(f"{name}: {addresses}", DETAIL) for name, addresses in scene.management))


def _bends(scene: Scene, wiring: Wiring, *, level: bool) -> dict[int, int]:
    """List the wires that bend, each with its gap; an isolation point's do not when it stands on their heights."""
    gaps = {}
    for number, wire in enumerate(scene.wires):
        columns = [wiring.columns[name] for name in wire.nodes if name in wiring.columns]
        runs_level = number in wiring.straight or (level and 0 in columns and max(columns) > 0)
        if not runs_level:
            gaps[number] = wiring.gap_of(wire)
    return gaps


def _across(scene: Scene, wiring: Wiring, rows: Rows, bends: Mapping[int, int]) -> _Across:
    """Place columns and gaps from the outermost to the isolation points."""
    strip = max((width_of(zone.lines) for zone in scene.zones.values()), default=0.0)
    x = MARGIN + strip + 2 * PAD + 10
    columns: dict[int, tuple[float, float]] = {}
    tracks: dict[int, float] = {}
    border = x
    # There is a first column even in a lab of isolation points alone: beside it the zones end.
    for column in range(max([1, *wiring.columns.values()]), -1, -1):
        width = _column_width(scene, wiring, column)
        columns[column] = (x, width)
        x += width + _stub(scene, wiring, column, wiring.inward)
        if column == 1:
            border = x = x + BORDER
        inside = _ordered([number for number, gap in bends.items() if gap == column], scene, wiring, rows)
        tracks |= {number: round(x + TRACK * place, 1) for place, number in enumerate(inside, 1)}
        x += TRACK * (len(inside) + 1) if inside else PLAIN_GAP * (column > 0)
        x += _stub(scene, wiring, column - 1, wiring.outward)
    return _Across(columns, tracks, border, x)


def _column_width(scene: Scene, wiring: Wiring, column: int) -> float:
    names = [name for name, own in wiring.columns.items() if own == column]
    widths = [max(width_of(scene.nodes[name].lines) + 2 * PAD, NODE_MIN) for name in names]
    lanes = [LANE_FIRST + LANE * len(scene.crossings.get(name, ())) for name in names if scene.nodes[name].is_point]
    return round(max(widths + lanes, default=0.0), 1)


def _stub(scene: Scene, wiring: Wiring, column: int, ends: Mapping[str, tuple[End, ...]]) -> float:
    """Give the room for the names of interfaces beside a column."""
    labels = [
        scene.wires[number].interfaces[side]
        for name, own in wiring.columns.items()
        if own == column
        for number, side in ends[name]
    ]
    if column == 0 and ends is wiring.outward:
        labels += _bare_ports(scene, wiring).values()
    return round(max((text_width(label, DETAIL) + 2 * LABEL_GAP for label in labels), default=0.0), 1)


def _bare_ports(scene: Scene, wiring: Wiring) -> dict[tuple[str, str], str]:
    """Name the ports at which no wire ends: not linked in the lab, or linked to another point round the other edge."""
    anywhere = {end for wire in scene.wires for end in zip(wire.nodes, wire.interfaces, strict=True)}
    here = {
        (name, scene.wires[number].interfaces[side]) for name, ends in wiring.outward.items() for number, side in ends
    }
    ports = [(name, interface) for name, interfaces in scene.interfaces.items() for interface in interfaces]
    return {port: f"{port[1]}{'' if port in anywhere else NO_LINK}" for port in ports if port not in here}


def _bare_labels(scene: Scene, wiring: Wiring, nodes: Mapping[str, Box], rows: Rows) -> tuple[Label, ...]:
    return tuple(
        Label(text, round(nodes[port[0]].x - LABEL_GAP, 1), round(rows.ports[port] - LABEL_RISE, 1), "end")
        for port, text in _bare_ports(scene, wiring).items()
    )


def _ordered(numbers: Sequence[int], scene: Scene, wiring: Wiring, rows: Rows) -> list[int]:
    """Order the wires that bend in one gap, outermost first, so that few cross and none runs along another."""
    spans = {number: _span(number, scene, wiring, rows) for number in numbers}
    left = sorted(numbers, key=lambda number: _rank(*spans[number]))
    ordered: list[int] = []
    while left:
        free = [
            number
            for number in left
            if not any(number != other and _before(spans[other], spans[number]) for other in left)
        ]
        ordered.append((free or left)[0])
        left.remove(ordered[-1])
    return ordered


def _span(number: int, scene: Scene, wiring: Wiring, rows: Rows) -> Span:
    """Give the heights at which a wire enters its gap from outside, and at which it leaves it on the other side."""
    ends = [(number, side) for side, name in enumerate(scene.wires[number].nodes) if name in scene.nodes]
    enters = [end for end in ends if end in wiring.inward[scene.wires[number].nodes[end[1]]]]
    return [rows.ends[end] for end in enters], [rows.ends[end] for end in ends if end not in enters]


def _before(span: Span, other: Span) -> bool:
    """Tell whether one wire has to bend before another, which leaves the gap on the height on which the one enters."""
    return any(abs(enters - leaves) < ABREAST for enters in span[0] for leaves in other[1])


def _rank(enters: list[float], leaves: list[float]) -> tuple[int, float]:
    """Put wires that turn back first, short before long, then upward wires from the top, downward wires from the bottom."""
    if len(enters) > 1:
        return 0, abs(enters[0] - enters[1])
    if leaves and leaves[0] < enters[0]:
        return 1, enters[0]
    return 2, -enters[0]


def _path(
    scene: Scene,
    wiring: Wiring,
    nodes: Mapping[str, Box],
    rows: Rows,
    across: _Across,
    number: int,
    floor: float,
) -> Path:
    wire = scene.wires[number]
    starts: list[tuple[float, float]] = []
    labels: list[Label] = []
    for side, name in enumerate(wire.nodes):
        if name in nodes:
            faces_in = (number, side) in wiring.inward[name]
            y = round(rows.ends[number, side], 1)
            x = round(nodes[name].right if faces_in else nodes[name].x, 1)
            starts.append((x, y))
            beside = x + LABEL_GAP if faces_in else x - LABEL_GAP
            anchor = "start" if faces_in else "end"
            labels.append(Label(wire.interfaces[side], round(beside, 1), round(y - LABEL_RISE, 1), anchor))
    track = across.tracks.get(number)
    if track is None:
        return Path(tuple(starts), tuple(labels), wire.is_management)
    last = (track, floor) if wire.is_management else (track, starts[1][1])
    return Path((starts[0], (track, starts[0][1]), last, *starts[1:]), tuple(labels), wire.is_management)
