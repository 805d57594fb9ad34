"""A site held against the lab in which its drills are rehearsed: what one says of the other must be so.

Pure: a site and a topology in, faults out, each with its path in the file where it is mended. `validate` asks for all of them;
a rehearsal asks, before anything comes up, for those that it would end at.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from islandmode.core.planning.paths import HERE
from islandmode.core.problem import Path, listed
from islandmode.core.site import Site, SitePoint
from islandmode.rehearse.node_words import OPERATIONS_HOST, POINT_LABEL, VANTAGE_LABEL, ZONE_LABEL
from islandmode.rehearse.topology import MANAGEMENT_INTERFACE, LabNode, Topology
from islandmode.rehearse.topology_faults import same_address
from islandmode.store.yaml_tree import show


@dataclass(frozen=True)
class Mismatch:
    """One thing that a file says and the other does not bear out; `path` leads into the file where it is mended."""

    path: Path
    sentence: str
    of_key: bool = False


def needed_faults(
    site: Site, topology: Topology, points: Collection[str], vantages: Collection[str]
) -> Iterator[Mismatch]:
    """Find, in the site's file, why these points and vantages cannot be rehearsed in a lab."""
    for name in site.vantages:
        if name in vantages and name not in topology.vantages:
            yield _vantage(name, topology)
    for name, point in site.isolation_points.items():
        node = topology.points.get(name)
        if point.management is None:
            # A person isolates it by hand: no lab stands for that.
            continue
        if name in points and node is None:
            sentence = (
                f"No node of the lab ({topology.file.name}) is isolation point {name}; give the node that stands for it the label "
                f"{POINT_LABEL}: {name}."
            )
            yield Mismatch(("isolation_points", name), sentence, of_key=True)
        elif name in points and node is not None:
            yield from _management(name, point, node, topology)


def site_faults(site: Site, topology: Topology) -> Iterator[Mismatch]:
    """Find, in the site's file, everything that its lab does not bear out."""
    yield from needed_faults(site, topology, site.isolation_points, site.vantages)
    for name, point in site.isolation_points.items():
        node = topology.points.get(name)
        if node is not None:
            yield from _interfaces(name, point, node, topology)


def lab_faults(topology: Topology, sites: Sequence[Site]) -> Iterator[Mismatch]:
    """Find, in the lab's file, labels that none of its sites bears out; a lab may stand for several sites."""
    points = {point for site in sites for point in site.isolation_points}
    vantages = {vantage for site in sites for vantage in site.vantages}
    zones = {zone for site in sites for zone in site.zones}
    labels = (
        (POINT_LABEL, "isolation point", points),
        (VANTAGE_LABEL, "vantage", vantages),
        (ZONE_LABEL, "zone", zones),
    )
    for name, node in topology.nodes.items():
        for label, what, known in labels:
            given = node.labels.get(label)
            if given is not None and given not in known:
                sentence = (
                    f"Node {name} has the label {label}: {show(given)}, which is no {what} of site "
                    f"{' or '.join(sorted(site.site for site in sites))}; known: {listed(known)}.{_hint(given, known)}"
                )
                yield Mismatch(("topology", "nodes", name, "labels", label), sentence)


def _vantage(name: str, topology: Topology) -> Mismatch:
    if name == HERE:
        sentence = (
            f"Vantage {HERE} is the operations host, on which the drill runs, and the lab ({topology.file.name}) has no node "
            f"{OPERATIONS_HOST}; give that name to the node that stands for it."
        )
    else:
        sentence = (
            f"No node of the lab ({topology.file.name}) is vantage {name}; give the node that stands for it the label "
            f"{VANTAGE_LABEL}: {name}."
        )
    return Mismatch(("vantages", name), sentence, of_key=True)


def _hint(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, known, 1)
    return f' Did you mean "{close[0]}"?' if close else ""


def _management(name: str, point: SitePoint, node: LabNode, topology: Topology) -> Iterator[Mismatch]:
    managed = point.management
    if managed is None or str(managed.address) in {same_address(own) for own in node.management}:
        return
    address, key = managed.address, "mgmt-ipv6" if managed.address.version == 6 else "mgmt-ipv4"
    own, here = "has no management address", f"give it `{key}: {address}`, and no network-mode"
    if node.management:
        own = f"has {' and '.join(node.management)}"
        here = f"write that here, or give the node `{key}: {address}`"
    sentence = (
        f"{name} is managed at {address}, but its node {node.name} in the lab ({topology.file.name}) {own}; {here}."
    )
    yield Mismatch(("isolation_points", name, "management", "address"), sentence)


def _interfaces(name: str, point: SitePoint, node: LabNode, topology: Topology) -> Iterator[Mismatch]:
    """Find interfaces that nothing in the lab's file makes; only a kind of their own gives them names of its own."""
    if node.kind != "linux":
        return
    linked = {
        interface
        for link in topology.links
        for end, interface in ((link.node_a, link.interface_a), (link.node_b, link.interface_b))
        if end == node.name
    }
    there = linked | ({MANAGEMENT_INTERFACE} if node.management else set())
    made = {word for line in node.exec for word in line.split()}
    for zone, interfaces in point.interfaces.items():
        for number, interface in enumerate(interfaces):
            # A VLAN is named after the interface that carries it.
            if interface not in there | made and interface.rpartition(".")[0] not in there:
                sentence = (
                    f"Interface {show(interface)} of {name}, towards zone {zone}, has no link in the lab ({topology.file.name}) on its node "
                    f"{node.name}; interfaces with one: {listed(linked)}. Name one of them, or add the link."
                )
                yield Mismatch(("isolation_points", name, "interfaces", zone, number), sentence)
