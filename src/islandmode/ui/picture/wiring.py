"""How a lab hangs together: which node is behind which, in how many columns, and on which edge each wire ends.

Columns are counted from the isolation points, which are column 0. Seen from there every zone is a tree, and the wires
of the tree are drawn straight. A node whose wires are all of the tree may stand farther out than its distance says, so
that end nodes stand in one column, their switches in the next; any other wire bends in the gap between two columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from islandmode.ui.picture.scene import Scene, Wire

End = tuple[int, int]
"""The number of a wire and which of its two ends."""


@dataclass(frozen=True)
class Wiring:
    """The structure of a scene."""

    parents: Mapping[str, str]
    columns: Mapping[str, int]
    straight: frozenset[int]
    inward: Mapping[str, tuple[End, ...]]
    """By node: the ends on its edge towards the isolation points, straight wires first, management last."""
    outward: Mapping[str, tuple[End, ...]]
    """By node: the ends on its other edge."""

    def gap_of(self, wire: Wire) -> int:
        """Give the gap in which a wire bends, by the number of the column on its outer side."""
        columns = [self.columns[name] for name in wire.nodes if name in self.columns]
        return columns[0] if len(set(columns)) == 1 else min(columns) + 1


def wiring_of(scene: Scene) -> Wiring:
    """Work out how a scene hangs together."""
    near = _neighbours(scene)
    hops = _hops(scene, near)
    parents = _parents(scene, near, hops)
    straight = frozenset(
        number
        for number, wire in enumerate(scene.wires)
        if any(parents.get(node) == other for node, other in (wire.nodes, wire.nodes[::-1]))
    )
    columns = _columns(scene, hops, parents, straight)
    inward: dict[str, list[End]] = {name: [] for name in scene.nodes}
    outward: dict[str, list[End]] = {name: [] for name in scene.nodes}
    # Sorted, so that the wires of the tree come first on each edge, and management, which leaves downwards, last.
    for number, wire in sorted(
        enumerate(scene.wires), key=lambda numbered: (numbered[1].is_management, numbered[0] not in straight)
    ):
        for side, name in enumerate(wire.nodes[:1] if wire.is_management else wire.nodes):
            other = wire.nodes[1 - side]
            faces_in = wire.is_management or columns[name] >= columns[other]
            (inward if faces_in else outward)[name].append((number, side))
    return Wiring(
        parents,
        columns,
        straight,
        {name: tuple(ends) for name, ends in inward.items()},
        {name: tuple(ends) for name, ends in outward.items()},
    )


def _neighbours(scene: Scene) -> dict[str, tuple[str, ...]]:
    near: dict[str, dict[str, None]] = {name: {} for name in scene.nodes}
    for wire in scene.wires:
        node, other = wire.nodes
        if not wire.is_management and node != other:
            near[node][other] = near[other][node] = None
    return {name: tuple(names) for name, names in near.items()}


def _hops(scene: Scene, near: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Count each node's distance from the nearest isolation point; without any, from the best connected node."""
    hops = {name: 0 for name, node in scene.nodes.items() if node.is_point}
    _spread(hops, near)
    for name in sorted(scene.nodes, key=lambda node: -len(near[node])):
        if name not in hops:
            hops[name] = 1
            _spread(hops, near)
    return hops


def _spread(hops: dict[str, int], near: Mapping[str, tuple[str, ...]]) -> None:
    waiting = list(hops)
    for name in waiting:
        for other in near[name]:
            if other not in hops:
                hops[other] = hops[name] + 1
                waiting.append(other)


def _parents(scene: Scene, near: Mapping[str, tuple[str, ...]], hops: Mapping[str, int]) -> dict[str, str]:
    """Find which node each node is behind; only within a zone, since a zone's nodes stay in its box."""
    parents = {}
    for name, node in scene.nodes.items():
        behind = [
            other
            for other in near[name]
            if hops[other] == hops[name] - 1
            and scene.nodes[other].zone == node.zone
            and not scene.nodes[other].is_point
        ]
        if behind:
            parents[name] = behind[0]
    return parents


def _columns(
    scene: Scene, hops: Mapping[str, int], parents: Mapping[str, str], straight: frozenset[int]
) -> dict[str, int]:
    points = {name for name, node in scene.nodes.items() if node.is_point}
    bent = {
        name
        for number, wire in enumerate(scene.wires)
        if number not in straight and not wire.is_management and not points.intersection(wire.nodes)
        for name in wire.nodes
    }
    deepest = max(hops.values(), default=0)
    columns = dict.fromkeys(points, 0)
    for name in sorted(scene.nodes, key=lambda node: -hops[node]):
        if name not in points:
            behind = [columns[child] - 1 for child, parent in parents.items() if parent == name]
            columns[name] = hops[name] if name in bent else min(behind, default=deepest)
    return columns
