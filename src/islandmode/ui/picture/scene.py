"""What a lab's picture says: the topology's nodes and links, and what the site knows of them, as words and numbers.

Where each of it stands is the next step's matter (`layout`), how it looks the last one's (`svg`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from islandmode.core.conduit import Conduit
from islandmode.core.planning.paths import HERE
from islandmode.core.site import Site, SitePoint, Zone
from islandmode.rehearse.node_words import OPERATIONS_HOST, POINT_LABEL, VANTAGE_LABEL, ZONE_LABEL
from islandmode.rehearse.topology import LabNode, Topology
from islandmode.ui.picture.text import Line, wrapped

MANAGEMENT_PORT = "eth0"
"""The management network's interface, with containers as in namespaces."""
NOWHERE = ""
"""The zone of nodes that name none, and the far end of a wire into the management network."""

NAME, ROLE, DETAIL = 14.0, 12.0, 11.0
NODE_TEXT, POINT_TEXT, ZONE_TEXT = 150.0, 150.0, 118.0


@dataclass(frozen=True)
class SceneZone:
    """A zone: its words, its level as the site gives it, and whether that makes it OT."""

    lines: tuple[Line, ...]
    level: str = ""
    is_ot: bool = False


@dataclass(frozen=True)
class SceneNode:
    """A node in its zone, or an isolation point between zones."""

    lines: tuple[Line, ...]
    zone: str
    is_point: bool = False


@dataclass(frozen=True)
class Crossing:
    """A conduit on an isolation point: its number, and the interfaces it joins there."""

    number: int
    interfaces: tuple[str, ...]


@dataclass(frozen=True)
class SceneConduit:
    """A conduit for the key of the picture."""

    number: int
    name: str
    between: str
    crosses: tuple[str, ...]
    owner: str


@dataclass(frozen=True)
class SceneOtherWay:
    """An other way: its row in the key, and the zones that it joins past every isolation point."""

    row: SceneConduit
    zones: tuple[str, str]
    round: str


@dataclass(frozen=True)
class Wire:
    """A link, or a node's way into the management network; then its far end is nowhere."""

    nodes: tuple[str, str]
    interfaces: tuple[str, str]

    @property
    def is_management(self) -> bool:
        """Tell whether the wire leads into the management network."""
        return self.nodes[1] == NOWHERE


@dataclass(frozen=True)
class Scene:
    """All that the picture says."""

    title: str
    source: str
    zones: Mapping[str, SceneZone]
    nodes: Mapping[str, SceneNode]
    wires: tuple[Wire, ...]
    interfaces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    crossings: Mapping[str, tuple[Crossing, ...]] = field(default_factory=dict)
    conduits: tuple[SceneConduit, ...] = ()
    other_ways: tuple[SceneOtherWay, ...] = ()
    management: tuple[tuple[str, str], ...] = ()


def scene_of(topology: Topology, site: Site | None) -> Scene:
    """Put together what the picture says; without a site it has no levels and no conduits."""
    points = {name: _point(node, site) for name, node in topology.nodes.items() if POINT_LABEL in node.labels}
    conduits = dict(enumerate(site.conduits.items(), 1)) if site else {}
    links = [Wire((link.node_a, link.node_b), (link.interface_a, link.interface_b)) for link in topology.links]
    managed = [name for name, node in topology.nodes.items() if node.management]
    known = f"and the site {site.site} " if site else ""
    return Scene(
        title=f"Lab {topology.name}, site {site.site}" if site else f"Lab {topology.name}",
        source=f"Drawn from {topology.file.name} {known}by islandmode lab graph",
        zones=_zones(topology, site),
        nodes={name: _node(name, node, site) for name, node in topology.nodes.items()},
        wires=(*links, *(Wire((name, NOWHERE), (MANAGEMENT_PORT, "")) for name in managed)),
        interfaces={name: _interfaces(point) for name, point in points.items()},
        crossings={
            name: tuple(
                Crossing(number, interfaces)
                for number, (own, conduit) in conduits.items()
                if point and own in point.isolates and (interfaces := _joined(point, conduit))
            )
            for name, point in points.items()
        },
        conduits=tuple(_conduit(site, points, *item) for item in conduits.items()) if site else (),
        other_ways=tuple(_other_ways(site, len(conduits) + 1)) if site else (),
        management=tuple((name, ", ".join(topology.nodes[name].management)) for name in managed),
    )


def _point(node: LabNode, site: Site | None) -> SitePoint | None:
    return site.isolation_points.get(node.labels[POINT_LABEL]) if site else None


def _zones(topology: Topology, site: Site | None) -> dict[str, SceneZone]:
    """List the zones from the outside to the process: by level, then those whose level nobody gives, as in the file."""
    given = dict(site.zones) if site else {}
    ordered = sorted(given, key=lambda name: -given[name].level)
    placed = [
        node.labels.get(ZONE_LABEL, NOWHERE) for node in topology.nodes.values() if POINT_LABEL not in node.labels
    ]
    named = [name for name in dict.fromkeys(placed) if name not in given]
    named.sort(key=lambda name: name == NOWHERE)
    zones = {
        name: _zone(name, zone, empty=name not in placed) for name, zone in ((place, given[place]) for place in ordered)
    }
    unknown = wrapped(f"unknown to site {site.site}", DETAIL, ZONE_TEXT, soft=True) if site else ()
    for name in named:
        head = wrapped(name or "no zone", NAME, ZONE_TEXT, bold=True)
        zones[name] = SceneZone(head + unknown * (name != NOWHERE))
    return zones


def _zone(name: str, zone: Zone, *, empty: bool) -> SceneZone:
    level = f"Level {zone.level:g}{', OT' if zone.is_ot else ''}"
    lines = [*wrapped(name, NAME, ZONE_TEXT, bold=True), *wrapped(level, ROLE, ZONE_TEXT)]
    lines += wrapped(zone.owner, DETAIL, ZONE_TEXT, soft=True)
    if empty:
        lines += wrapped("no node in this lab", DETAIL, ZONE_TEXT, soft=True)
    return SceneZone(tuple(lines), level, is_ot=zone.is_ot)


def _node(name: str, node: LabNode, site: Site | None) -> SceneNode:
    zone = node.labels.get(ZONE_LABEL, NOWHERE)
    is_point = POINT_LABEL in node.labels
    limit = POINT_TEXT if is_point else NODE_TEXT
    lines = [*wrapped(name, NAME, limit, bold=True), *wrapped(node.role, ROLE, limit)]
    if is_point:
        lines += wrapped("isolation point", DETAIL, limit, soft=True)
        lines += wrapped(node.labels[POINT_LABEL], DETAIL, limit, soft=True)
        if site and _point(node, site) is None:
            lines += wrapped(f"unknown to site {site.site}", DETAIL, limit, soft=True)
    vantages = site.vantages if site else {}
    stands_for = HERE if name == OPERATIONS_HOST else node.labels.get(VANTAGE_LABEL)
    addresses = vantages[stands_for].address if stands_for in vantages else ()
    for address in dict.fromkeys(map(str, addresses)):
        lines += wrapped(address, DETAIL, limit, soft=True)
    return SceneNode(tuple(lines), zone, is_point)


def _interfaces(point: SitePoint | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(interface for own in point.interfaces.values() for interface in own)) if point else ()


def _joined(point: SitePoint, conduit: Conduit) -> tuple[str, ...]:
    return tuple(dict.fromkeys(interface for zone in conduit.between for interface in point.interfaces.get(zone, ())))


def _conduit(site: Site, points: Mapping[str, SitePoint | None], number: int, own: tuple[str, Conduit]) -> SceneConduit:
    name, conduit = own
    crosses = [
        f"{node} {_side(point, conduit.outer)} \u2013 {_side(point, conduit.inner)}"
        for node, point in points.items()
        if point and name in point.isolates
    ]
    absent = [
        f"{label}, not in this lab"
        for label, point in site.isolation_points.items()
        if name in point.isolates and not any(point is drawn for drawn in points.values())
    ]
    where = (*crosses, *absent) or ("no isolation point",)
    return SceneConduit(number, name, f"{conduit.outer} \u2013 {conduit.inner}", where, conduit.owner)


def _other_ways(site: Site, first: int) -> Iterator[SceneOtherWay]:
    for number, (name, way) in enumerate(site.other_ways.items(), first):
        outer, inner = site.ends_of(name)
        told = (f"round {way.round}", way.what)
        yield SceneOtherWay(
            SceneConduit(number, name, f"{outer} \u2013 {inner}", told, way.owner), (outer, inner), way.round
        )


def _side(point: SitePoint, zone: str) -> str:
    return "+".join(point.interfaces.get(zone, ())) or f"(no interface to {zone})"
