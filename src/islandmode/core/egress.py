"""Ways through a firewall on which it counts packets while a conduit is isolated on it. Pure values.

A probe sees one connection between two hosts. The firewall sees every packet that leaves it, so it is asked for a number
on each of these ways:

    across       between an interface of the outer and one of the inner zone, each direction: what the isolation stops
    firewall     between an outer interface and the firewall itself: a VPN or relay that ends there
    unnamed      between an interface of the conduit and an interface that the site does not name, such as the management
                 interface. On the outer side only packets count that carry an address of the inner zone, or of an OT zone
                 that no conduit joins to the outer zone: nobody has said where else such an interface leads
    undeclared   between an interface of the conduit and an interface of a zone that no conduit joins to it
    control      between the firewall itself and anywhere: the session that asks always moves these counters

Other conduits of the site pass on the same firewall, isolated or not: their pairs are declared and not counted here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Literal, TypeVar

from islandmode.core.frozen import Frozen, Network
from islandmode.core.site import Site

WayKind = Literal["across", "firewall", "unnamed", "undeclared", "control"]
Net = TypeVar("Net", IPv4Network, IPv6Network)
FIREWALL = "the firewall"
UNNAMED = "an unnamed interface"


class Side(Frozen):
    """One end of a way: these interfaces; with `but`, any other than these; with neither, the firewall itself."""

    names: tuple[str, ...] = ()
    but: bool = False

    @property
    def is_firewall(self) -> bool:
        """Tell whether this end is the firewall itself."""
        return not self.names and not self.but


class Way(Frozen):
    """Packets that are counted together. `zones` are the zones at its ends, in words for people.

    With `networks`, only packets count whose other address, seen from the conduit's own interface, lies in one of them.
    """

    name: str
    kind: WayKind
    enters: Side
    leaves: Side
    zones: tuple[str, str]
    networks: tuple[Network, ...] = ()


def ways_of(site: Site, conduit: str, interfaces: Mapping[str, tuple[str, ...]]) -> tuple[Way, ...]:
    """List the ways to count on a firewall with these interfaces by zone, while a conduit is isolated there."""
    outer, inner = site.conduits[conduit].between
    named = tuple(dict.fromkeys(interface for links in interfaces.values() for interface in links))
    networks = _protected(site, outer, inner)
    ways = [
        _way("control", Side(), Side(but=True), (FIREWALL, "anywhere")),
        _way("control", Side(but=True), Side(), ("anywhere", FIREWALL)),
    ]
    for interface in interfaces.get(outer, ()):
        for other in interfaces.get(inner, ()):
            ways += _both("across", (interface, outer), (other, inner))
        ways += _pair("firewall", (Side(names=(interface,)), outer), (Side(), FIREWALL))
        ways += _pair("unnamed", (Side(names=(interface,)), outer), (Side(names=named, but=True), UNNAMED), networks)
    for interface in interfaces.get(inner, ()):
        ways += _pair("unnamed", (Side(names=(interface,)), inner), (Side(names=named, but=True), UNNAMED))
    for zone in (outer, inner):
        strangers = _unjoined(site, zone, interfaces)
        ways += [
            way
            for interface in interfaces.get(zone, ())
            for stranger in strangers
            for way in _both("undeclared", (interface, zone), stranger)
        ]
    return tuple({way.name: way for way in ways}.values())


def _unjoined(site: Site, zone: str, interfaces: Mapping[str, tuple[str, ...]]) -> tuple[tuple[str, str], ...]:
    """List the interfaces, each with its zone, that lead to no zone which the site joins to this one."""
    friends = _joined_zones(site, zone)
    shared = {interface for friend in friends for interface in interfaces.get(friend, ())}
    return tuple(
        (interface, other)
        for other, links in interfaces.items()
        if other not in friends
        for interface in links
        if interface not in shared
    )


def _joined_zones(site: Site, zone: str) -> frozenset[str]:
    """List a zone and the zones to which the site joins it by a conduit."""
    return frozenset({zone, *(other for ends in _joins(site) if zone in ends for other in ends)})


def _protected(site: Site, outer: str, inner: str) -> tuple[Network, ...]:
    """Give the networks to which nothing may pass from the outer zone by a way that the site does not name.

    Networks of other zones within them are left out: what goes there is judged by what the site says of these zones.
    """
    friends = _joined_zones(site, outer)
    zones = {inner, *(name for name, zone in site.zones.items() if zone.is_ot and name not in friends)}
    others = [network for name, zone in site.zones.items() if name not in zones for network in zone.networks]
    return _collapsed(
        part for name in sorted(zones) for network in site.zones[name].networks for part in _less(network, others)
    )


def _less(network: Network, others: Sequence[Network]) -> tuple[Network, ...]:
    """Give a network without the other networks that lie within it."""
    if isinstance(network, IPv4Network):
        return _without(network, [other for other in others if isinstance(other, IPv4Network)])
    return _without(network, [other for other in others if isinstance(other, IPv6Network)])


def _without(network: Net, others: Sequence[Net]) -> tuple[Net, ...]:
    parts = [network]
    for other in others:
        for part in tuple(parts):
            if other != part and other.subnet_of(part):
                parts.remove(part)
                parts += part.address_exclude(other)
    return tuple(parts)


def _joins(site: Site) -> Iterator[tuple[str, str]]:
    return (conduit.between for conduit in site.conduits.values())


def _both(kind: WayKind, pair: tuple[str, str], other: tuple[str, str]) -> tuple[Way, ...]:
    return _pair(kind, (Side(names=(pair[0],)), pair[1]), (Side(names=(other[0],)), other[1]))


def _pair(
    kind: WayKind, side: tuple[Side, str], other: tuple[Side, str], networks: tuple[Network, ...] = ()
) -> tuple[Way, ...]:
    return (
        _way(kind, side[0], other[0], (side[1], other[1]), networks),
        _way(kind, other[0], side[0], (other[1], side[1]), networks),
    )


def _way(kind: WayKind, enters: Side, leaves: Side, zones: tuple[str, str], networks: tuple[Network, ...] = ()) -> Way:
    return Way(
        name=f"{_said(enters)} to {_said(leaves)}",
        kind=kind,
        enters=enters,
        leaves=leaves,
        zones=zones,
        networks=networks,
    )


def _said(side: Side) -> str:
    if side.is_firewall:
        return FIREWALL
    return UNNAMED if side.but and side.names else "anywhere" if side.but else ", ".join(side.names)


def _collapsed(networks: Iterable[Network]) -> tuple[Network, ...]:
    """Give networks without overlaps, IPv4 first: nft refuses a set in which one lies within another."""
    found = tuple(networks)
    fours = collapse_addresses(network for network in found if network.version == 4)
    sixes = collapse_addresses(network for network in found if network.version == 6)
    return (*fours, *sixes)


def across(ways: Sequence[Way]) -> tuple[Way, ...]:
    """Give the ways that the isolation stops: each needs a positive control of its own."""
    return tuple(way for way in ways if way.kind == "across")
