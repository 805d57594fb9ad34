"""The picture of a lab: zones stacked by level, nodes and links, isolation points with the conduits across them.

SVG made here, from the same topology that the lab is brought up from; the same values always give the same bytes. It
reads in grey: what differs, differs in line or shape and not only in colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import pairwise

from islandmode.ui.picture.layout import LANE, LANE_FIRST, MARGIN, Box, Layout, Path, layout_of, management_lines
from islandmode.ui.picture.rows import PAD, ZONE_PAD
from islandmode.ui.picture.scene import DETAIL, NAME, Crossing, Scene, SceneConduit
from islandmode.ui.picture.text import INK, SOFT, Line, height_of, lines_at, text_at, width_of, wrapped

MARK = "islandmode-lab-picture"
"""Stands in the first line of every picture, so that no other file is ever overwritten by one."""

OUTSIDE, OT, EDGE, PAPER = "#f6f7f8", "#e3eaf2", "#a3aeb8", "#fff"
BADGE, PORT, KEY_GAP, OWNER_TEXT = 8.0, 3.0, 22.0, 190.0


def lab_picture(scene: Scene) -> str:
    """Draw a scene."""
    layout = layout_of(scene)
    key, width, height = _key(scene, layout)
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    head = (
        f'<svg id="{MARK}" xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="sans-serif" fill="{INK}">'
    )
    parts = [
        head,
        f"<title>{escape(scene.title)}</title>",
        f"<desc>{escape(_description(scene))}</desc>",
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        text_at(MARGIN, 27, Line(scene.title, 18, bold=True)),
        text_at(MARGIN, 44, Line(scene.source, DETAIL, soft=True)),
        *(_zone(scene, name, box) for name, box in layout.zones.items()),
        *(_wire(path) for path in layout.paths),
        *(_node(scene, layout, name, box) for name, box in layout.nodes.items()),
        *(
            text_at(label.x, label.baseline, Line(label.text, DETAIL, soft=True), anchor=label.anchor)
            for label in layout.bare
        ),
        *_management(scene, layout),
        *key,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _description(scene: Scene) -> str:
    zones = []
    for name, zone in scene.zones.items():
        inside = [inner for inner, node in scene.nodes.items() if node.zone == name and not node.is_point]
        level = f" ({zone.level})" if zone.level else ""
        zones.append(f"{name or 'No zone'}{level}: {', '.join(inside) or 'no node'}.")
    points = [f"Isolation point: {name}." for name, node in scene.nodes.items() if node.is_point]
    conduits = [
        f"Conduit {conduit.name}, {conduit.between}, crosses {' and '.join(conduit.crosses)}."
        for conduit in scene.conduits
    ]
    return " ".join(["Zones from the outside to the process.", *zones, *points, *conduits])


def _rect(box: Box, *, fill: str, edge: str, width: float = 1.0, more: str = "") -> str:
    place = f'x="{box.x:g}" y="{round(box.y, 1):g}" width="{round(box.width, 1):g}" height="{round(box.height, 1):g}"'
    return f'<rect {place} rx="3" fill="{fill}" stroke="{edge}" stroke-width="{width:g}"{more}/>'


def _zone(scene: Scene, name: str, box: Box) -> str:
    zone = scene.zones[name]
    words = lines_at(box.x + PAD + 2, round(box.y + ZONE_PAD - 2, 1), zone.lines)
    return f'<g class="zone">{_rect(box, fill=OT if zone.is_ot else OUTSIDE, edge=EDGE)}{words}</g>'


def _wire(path: Path) -> str:
    corners = " ".join(f"{x:g},{y:g}" for x, y in path.corners)
    look = f'stroke="{SOFT}" stroke-dasharray="5 4"' if path.is_management else f'stroke="{INK}"'
    line = f'<polyline points="{corners}" fill="none" {look} stroke-width="1.3"/>'
    names = [text_at(label.x, label.baseline, Line(label.text, DETAIL), anchor=label.anchor) for label in path.labels]
    return f'<g class="{"management" if path.is_management else "link"}">{line}{"".join(names)}</g>'


def _node(scene: Scene, layout: Layout, name: str, box: Box) -> str:
    node = scene.nodes[name]
    if node.is_point:
        edge = _rect(box, fill=PAPER, edge=INK, width=2.4)
        ports = {interface: y for (point, interface), y in layout.ports.items() if point == name}
        names = {conduit.number: conduit.name for conduit in scene.conduits}
        lanes = _lanes(box, ports, scene.crossings.get(name, ()), names)
        return f'<g class="point">{edge}{lines_at(box.x + PAD, box.y + PAD, node.lines)}{lanes}</g>'
    top = round(box.y + (box.height - height_of(node.lines)) / 2, 1)
    return f'<g class="node">{_rect(box, fill=PAPER, edge=INK)}{lines_at(box.x + PAD, top, node.lines)}</g>'


def _lanes(box: Box, ports: Mapping[str, float], crossings: tuple[Crossing, ...], names: Mapping[int, str]) -> str:
    """Draw an isolation point's inside: a rail for each interface, and a lane across the rails for each conduit."""
    places = {crossing.number: box.x + LANE_FIRST + LANE * number for number, crossing in enumerate(crossings)}
    drawn = []
    for interface, y in ports.items():
        ends = [places[crossing.number] for crossing in crossings if interface in crossing.interfaces]
        if ends:
            drawn.append(f'<path d="M{box.x:g} {y:g}H{max(ends):g}" stroke="{SOFT}" stroke-width="1"/>')
        size = f'x="{box.x - PORT:g}" y="{y - PORT:g}" width="{2 * PORT:g}" height="{2 * PORT:g}"'
        drawn.append(f'<rect {size} fill="{INK}"><title>{escape(interface)}</title></rect>')
    for crossing in crossings:
        drawn.append(_lane(places[crossing.number], crossing, names[crossing.number], ports))
    return "".join(drawn)


def _lane(x: float, crossing: Crossing, name: str, ports: Mapping[str, float]) -> str:
    heights = sorted(ports[interface] for interface in crossing.interfaces)
    below = [y for y in ports.values() if y > heights[0]]
    middle = round(heights[0] + min((min(below, default=heights[0] + 40) - heights[0]) / 2, 20), 1)
    lane = f'<path d="M{x:g} {heights[0]:g}V{heights[-1]:g}" stroke="{INK}" stroke-width="3"/>'
    dots = "".join(f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="{INK}"/>' for y in heights)
    name = _lane_name(x, middle + BADGE, name, heights, sorted(ports.values()))
    return f'<g class="conduit">{lane}{dots}{_badge(x, middle, crossing.number)}{name}</g>'


def _lane_name(x: float, badge: float, name: str, heights: list[float], rails: list[float]) -> str:
    """Write a conduit's name along its lane, between two rails; where none leaves room, the number has to do."""
    line = Line(name, DETAIL)
    rests = [max(heights[0], badge), *(y for y in rails if heights[0] < y <= heights[-1])]
    room, start = max(((low - high, low) for high, low in pairwise(rests)), default=(0.0, 0.0))
    if room < line.width + 2 * PAD:
        return ""
    # Reads upwards, from the right side of the sheet, as a drawing's vertical dimensions do.
    place = f"translate({x + 14:g} {round(start - (room - line.width) / 2, 1):g}) rotate(-90)"
    return f'<g transform="{place}">{text_at(0, 0, line)}</g>'


def _badge(x: float, y: float, number: int) -> str:
    circle = f'<circle cx="{x:g}" cy="{y:g}" r="{BADGE:g}" fill="{PAPER}" stroke="{INK}" stroke-width="1.4"/>'
    return circle + text_at(x, round(y + 3.8, 1), Line(str(number), 10.5, bold=True), anchor="middle")


def _management(scene: Scene, layout: Layout) -> list[str]:
    box = layout.management
    if box is None:
        return []
    ends = [path.corners[-1] for path in layout.paths if path.is_management]
    dots = "".join(f'<circle cx="{x:g}" cy="{y:g}" r="3.2" fill="{SOFT}"/>' for x, y in ends)
    edge = _rect(box, fill=PAPER, edge=SOFT, width=1.3, more=' stroke-dasharray="5 4"')
    return [f'<g class="management">{edge}{dots}{lines_at(box.x + PAD + 2, box.y + PAD, management_lines(scene))}</g>']


def _key(scene: Scene, layout: Layout) -> tuple[list[str], float, float]:
    """Draw the conduits' key below the picture; also gives the width and the height of both."""
    y = layout.bottom + MARGIN
    if not scene.conduits:
        return [], layout.width, y
    rows = [_cells(conduit) for conduit in scene.conduits]
    heads = tuple((Line(word, DETAIL, soft=True),) for word in ("Conduit", "between", "crosses", "owner"))
    widths = [max(width_of(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    xs = [MARGIN + 2 * BADGE + 10]
    for width in widths:
        xs.append(round(xs[-1] + width + KEY_GAP, 1))
    drawn = []
    for number, row in enumerate((heads, *rows)):
        drawn += [lines_at(x, y, cell) for x, cell in zip(xs, row, strict=False)]
        if number:
            drawn.append(_badge(MARGIN + BADGE, round(y + 8, 1), scene.conduits[number - 1].number))
        y = round(y + max(height_of(cell) for cell in row) + 6, 1)
    return drawn, max(layout.width, xs[-1]), y + MARGIN - 6


def _cells(conduit: SceneConduit) -> tuple[tuple[Line, ...], ...]:
    return (
        wrapped(conduit.name, NAME - 1, OWNER_TEXT, bold=True),
        wrapped(conduit.between, DETAIL + 1, OWNER_TEXT),
        tuple(line for text in conduit.crosses for line in wrapped(text, DETAIL + 1, OWNER_TEXT)),
        wrapped(conduit.owner, DETAIL + 1, OWNER_TEXT),
    )
