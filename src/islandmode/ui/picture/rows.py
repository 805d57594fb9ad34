"""The heights of a lab's picture: a zone's nodes as a tree of blocks, and the isolation points beside the zones.

A node is as tall as its own nodes behind it reach, so that every wire of the tree runs level. No two blocks share a
height: a wire that runs on past other columns meets no node there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from islandmode.ui.picture.scene import Scene
from islandmode.ui.picture.text import height_of
from islandmode.ui.picture.wiring import End, Wiring

PAD, NODE_GAP, ZONE_PAD, ZONE_GAP, POINT_GAP = 8.0, 12.0, 14.0, 12.0, 18.0
PITCH, PORT_PITCH, PORT_PAD = 20.0, 30.0, 14.0


@dataclass(frozen=True)
class Rows:
    """Nodes by top and height, and the heights of wires' ends and of an isolation point's ports."""

    height: float = 0.0
    nodes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    ends: Mapping[End, float] = field(default_factory=dict)
    ports: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def moved(self, down: float) -> Rows:
        """Move everything down."""
        return Rows(
            self.height,
            {name: (top + down, height) for name, (top, height) in self.nodes.items()},
            {end: y + down for end, y in self.ends.items()},
            {port: y + down for port, y in self.ports.items()},
        )


def together(rows: Sequence[Rows], height: float) -> Rows:
    """Join rows that stand where they are."""
    return Rows(
        height,
        {name: place for row in rows for name, place in row.nodes.items()},
        {end: y for row in rows for end, y in row.ends.items()},
        {port: y for row in rows for port, y in row.ports.items()},
    )


def stacked(rows: Sequence[Rows], gap: float) -> Rows:
    """Put rows one below the other."""
    moved: list[Rows] = []
    y = 0.0
    for row in rows:
        moved.append(row.moved(y))
        y += row.height + gap
    return together(moved, max(y - gap, 0.0))


def zone_rows(scene: Scene, wiring: Wiring) -> tuple[Rows, dict[str, tuple[float, float]]]:
    """Place every zone's nodes; also gives each zone's top and height."""
    placed: list[Rows] = []
    zones: dict[str, tuple[float, float]] = {}
    y = 0.0
    for name, zone in scene.zones.items():
        inside = [inner for inner, node in scene.nodes.items() if node.zone == name and not node.is_point]
        trees = [_tree(scene, wiring, inner) for inner in inside if inner not in wiring.parents]
        content = stacked(trees, NODE_GAP)
        height = max(content.height, height_of(zone.lines)) + 2 * ZONE_PAD
        zones[name] = (y, height)
        placed.append(content.moved(y + (height - content.height) / 2))
        y += height + ZONE_GAP
    return together(placed, max(y - ZONE_GAP, 0.0)), zones


def _tree(scene: Scene, wiring: Wiring, name: str) -> Rows:
    """Place a node and all that is behind it."""
    children = [child for child, parent in wiring.parents.items() if parent == name]
    behind = stacked([_tree(scene, wiring, child) for child in children], NODE_GAP)
    outward = wiring.outward[name]
    level = {end: behind.ends[end[0], 1 - end[1]] for end in outward if end[0] in wiring.straight}
    bent = [end for end in outward if end not in level]
    # Half a step off, so that a wire that bends in never runs on the height of one that bends out.
    below = max(level.values(), default=-1.5 * PITCH) + 1.5 * PITCH
    level |= {end: below + PITCH * number for number, end in enumerate(bent)}
    first, last = min(level.values(), default=0.0), max(level.values(), default=0.0)
    text = height_of(scene.nodes[name].lines) + 2 * PAD
    inward = wiring.inward[name]
    height = max(text, last - first + 2 * PORT_PAD, (len(inward) - 1) * PITCH + 2 * PORT_PAD)
    middle = (first + last) / 2 if level else height / 2
    top = middle - height / 2
    ends = level | {end: middle + (number - (len(inward) - 1) / 2) * PITCH for number, end in enumerate(inward)}
    own = Rows(height, {name: (top, height)}, ends)
    start = min(top, 0.0)
    return together([behind, own], max(behind.height, top + height) - start).moved(-start)


def point_rows(scene: Scene, wiring: Wiring, zones: Rows) -> tuple[Rows, bool]:
    """Place the isolation points; also tells whether each stands on the heights of its wires.

    One point, or several of which each has its own stretch, is as tall as what it separates, and its wires run level.
    Points beside each other, such as a redundant pair, stand one below the other, and their wires bend.
    """
    points = [name for name, node in scene.nodes.items() if node.is_point]
    far = {name: _far_ends(wiring, name, zones) for name in points}
    tall = [_point(scene, wiring, name, far[name]) for name in points]
    extents = sorted(next(iter(tree.nodes.values())) for tree in tall)
    if all(far.values()) and all(top + height + POINT_GAP <= low for (top, height), (low, _) in pairwise(extents)):
        return together(tall, zones.height), True
    points.sort(key=lambda name: _mean(far[name]))
    short = [_compact(scene, wiring, name, far[name]) for name in points]
    pile = stacked(short, POINT_GAP)
    wanted = sum(_mean(far[name]) for name in points) / max(len(points), 1)
    return pile.moved(max(wanted - pile.height / 2, 0.0)), False


def _mean(heights: Mapping[End, float]) -> float:
    return sum(heights.values()) / len(heights) if heights else 0.0


def _far_ends(wiring: Wiring, name: str, zones: Rows) -> dict[End, float]:
    """Give the heights of the far ends of a point's wires into zones, from the top."""
    heights = {end: zones.ends[end[0], 1 - end[1]] for end in wiring.outward[name]}
    return dict(sorted(heights.items(), key=lambda item: item[1]))


def _compact(scene: Scene, wiring: Wiring, name: str, far: Mapping[End, float]) -> Rows:
    rows = _point(scene, wiring, name, {end: number * PORT_PITCH for number, end in enumerate(far)})
    return rows.moved(-rows.nodes[name][0])


def _point(scene: Scene, wiring: Wiring, name: str, level: Mapping[End, float]) -> Rows:
    """Place an isolation point whose wires end at given heights: its words above the first, what is left below."""
    own = {(name, scene.wires[number].interfaces[side]): y for (number, side), y in level.items()}
    head = height_of(scene.nodes[name].lines) + PAD + PORT_PAD
    first, last = min(level.values(), default=0.0), max(level.values(), default=0.0)
    unwired = [(name, interface) for interface in scene.interfaces.get(name, ()) if (name, interface) not in own]
    own |= {port: last + PORT_PITCH * number for number, port in enumerate(unwired, 1 if level else 0)}
    last = max(own.values(), default=last)
    inward = wiring.inward[name]
    bottom = max(last + PORT_PAD + PAD, first - head + (len(inward) - 1) * PITCH + 2 * PORT_PAD)
    ends = dict(level) | {end: bottom - PORT_PAD - PITCH * number for number, end in enumerate(reversed(inward))}
    return Rows(bottom - first + head, {name: (first - head, bottom - first + head)}, ends, own)
