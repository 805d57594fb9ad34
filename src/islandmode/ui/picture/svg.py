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
from islandmode.ui.picture.scene import DETAIL, NAME, Crossing, Scene, SceneConduit, SceneOtherWay
from islandmode.ui.picture.text import INK, SOFT, Line, height_of, lines_at, text_at, width_of, wrapped

MARK = "islandmode-lab-picture"
"""Stands in the first line of every picture, so that no other file is ever overwritten by one."""

OUTSIDE, OT, EDGE, PAPER = "#f6f7f8", "#e3eaf2", "#a3aeb8", "#fff"
BADGE, PORT, KEY_GAP, OWNER_TEXT = 8.0, 3.0, 22.0, 190.0
WAY = 24.0
"""The room that one other way takes beside the zones."""


def lab_picture(scene: Scene) -> str:
    """Draw a scene."""
    layout = layout_of(scene)
    key, width, height = _key(scene, layout)
    # Other ways run left of the zones, so everything but the title moves to the right of them.
    beside = WAY * len(scene.other_ways) + BADGE * bool(scene.other_ways)
    width += beside
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
        *([f'<g transform="translate({beside:g} 0)">'] if beside else []),
        *(_zone(scene, name, box) for name, box in layout.zones.items()),
        *_other_ways(scene, layout),
        *(_wire(path) for path in layout.paths),
        *(_node(scene, layout, name, box) for name, box in layout.nodes.items()),
        *(
            text_at(label.x, label.baseline, Line(label.text, DETAIL, soft=True), anchor=label.anchor)
            for label in layout.bare
        ),
        *_management(scene, layout),
        *key,
        *(["</g>"] if beside else []),
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
    ways = [
        f"Other way {way.row.name}, {way.row.between}, leads round {way.round}, past every isolation point."
        for way in scene.other_ways
    ]
    return " ".join(["Zones from the outside to the process.", *zones, *points, *conduits, *ways])


def _rect(box: Box, *, fill: str, edge: str, width: float = 1.0, more: str = "") -> str:
    place = f'x="{box.x:g}" y="{round(box.y, 1):g}" width="{round(box.width, 1):g}" height="{round(box.height, 1):g}"'
    return f'<rect {place} rx="3" fill="{fill}" stroke="{edge}" stroke-width="{width:g}"{more}/>'


def _zone(scene: Scene, name: str, box: Box) -> str:
    zone = scene.zones[name]
    words = lines_at(box.x + PAD + 2, round(box.y + ZONE_PAD - 2, 1), zone.lines)
    return f'<g class="zone">{_rect(box, fill=OT if zone.is_ot else OUTSIDE, edge=EDGE)}{words}</g>'


def _other_ways(scene: Scene, layout: Layout) -> list[str]:
    """Draw each other way dashed from zone to zone, on the side on which no isolation point stands; short ways innermost."""
    ends = [(zone, way.row.number) for way in scene.other_ways for zone in way.zones]
    heights = {}
    for zone, box in layout.zones.items():
        here = [end for end in ends if end[0] == zone]
        for place, end in enumerate(here, 1):
            heights[end] = round(box.y + box.height * place / (len(here) + 1), 1)
    spans = [([heights[zone, way.row.number] for zone in way.zones], way) for way in scene.other_ways]
    spans.sort(key=lambda span: (abs(span[0][0] - span[0][1]), span[1].row.number))
    return [_other_way(round(MARGIN - WAY * (place + 0.5), 1), *span) for place, span in enumerate(spans)]


def _other_way(x: float, ends: list[float], way: SceneOtherWay) -> str:
    line = f"M{MARGIN:g} {ends[0]:g}H{x:g}V{ends[1]:g}H{MARGIN:g}"
    dashed = f'<path d="{line}" fill="none" stroke="{INK}" stroke-width="1.6" stroke-dasharray="7 5"/>'
    dots = "".join(f'<circle cx="{MARGIN:g}" cy="{y:g}" r="3.2" fill="{INK}"/>' for y in ends)
    middle, name = round((ends[0] + ends[1]) / 2, 1), Line(way.row.name, DETAIL)
    along = ""
    if abs(ends[1] - ends[0]) / 2 > name.width + 2 * PAD + BADGE:
        # As a conduit's name along its lane.
        place = f"translate({x - 5:g} {round(max(ends) - PAD, 1):g}) rotate(-90)"
        along = f'<g transform="{place}">{text_at(0, 0, name)}</g>'
    told = f"<title>{escape(way.row.name)}</title>"
    return f'<g class="other-way">{told}{dashed}{dots}{_badge(x, middle, way.row.number)}{along}</g>'


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
    listed = (*scene.conduits, *(way.row for way in scene.other_ways))
    rows = [_cells(conduit) for conduit in listed]
    words = ("Conduit", "between", "crosses", "owner")
    if scene.other_ways:
        words = ("Conduit, or other way (dashed)", "between", "crosses, or leads", "owner")
    heads = tuple((Line(word, DETAIL, soft=True),) for word in words)
    widths = [max(width_of(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    xs = [MARGIN + 2 * BADGE + 10]
    for width in widths:
        xs.append(round(xs[-1] + width + KEY_GAP, 1))
    drawn = []
    for number, row in enumerate((heads, *rows)):
        drawn += [lines_at(x, y, cell) for x, cell in zip(xs, row, strict=False)]
        if number:
            drawn.append(_badge(MARGIN + BADGE, round(y + 8, 1), listed[number - 1].number))
        y = round(y + max(height_of(cell) for cell in row) + 6, 1)
    return drawn, max(layout.width, xs[-1]), y + MARGIN - 6


def _cells(conduit: SceneConduit) -> tuple[tuple[Line, ...], ...]:
    return (
        wrapped(conduit.name, NAME - 1, OWNER_TEXT, bold=True),
        wrapped(conduit.between, DETAIL + 1, OWNER_TEXT),
        tuple(line for text in conduit.crosses for line in wrapped(text, DETAIL + 1, OWNER_TEXT)),
        wrapped(conduit.owner, DETAIL + 1, OWNER_TEXT),
    )
