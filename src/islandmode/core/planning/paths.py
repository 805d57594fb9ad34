"""The path of a probe: from which zone to which, and what conduit it crosses.

A conduit is the only permitted path between two zones, so a path crosses the one conduit between the zone of its
vantage and the zone of its target. Where no conduit lies between two different zones the path is not known, and a
plan must not guess it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from islandmode.core.drill import Drill
from islandmode.core.frozen import Address, Network
from islandmode.core.probe import Probe
from islandmode.core.site import Site, VantagePoint

HERE = "here"
"""The vantage on the operations host, beside the conductor."""

Direction = Literal["inward", "outward", "inside"]
Family = Literal[4, 6]
Crossing = tuple[str | None, Direction, Family]
"""A conduit, crossed in one direction and one address family."""
DIRECTIONS: tuple[Direction, ...] = ("inward", "outward")
FAMILIES: tuple[Family, ...] = (4, 6)


@dataclass(frozen=True)
class ProbePath:
    """Where a probe goes. Zones are None where no zone holds the address; `conduit` is None inside one zone or if unknown.

    `direction` is "inward" from the conduit's outer to its inner zone, and "inside" when no conduit is crossed. By an other way,
    `conduit` is the one that the way leads round, and None where the probe's zones are not the way's; the direction is the way's.
    """

    source: Address | None
    source_zone: str | None
    target_zone: str | None
    conduit: str | None
    direction: Direction
    family: Family
    by: str | None = None

    @property
    def crossing(self) -> Crossing:
        """Give the way that it goes."""
        return self.conduit, self.direction, self.family

    @property
    def known(self) -> bool:
        """Tell whether both ends lie in zones, and a conduit joins them if they differ."""
        if self.source_zone is None or self.target_zone is None:
            return False
        return self.source_zone == self.target_zone or self.conduit is not None


def is_far(vantage: str) -> bool:
    """Tell whether a vantage is not listened to during the holds: every vantage but `here`.

    A vantage is cut off when the conduit between it and the operations host is isolated. Others could still be heard,
    but a link to them is one more thing that may break in a hold; in this version only `here` is near, and all others
    sample alone and are collected after restore.
    """
    return vantage != HERE


def family_of(address: Address) -> Family:
    """Give an address's family, 4 or 6."""
    return 4 if address.version == 4 else 6


def source_address(vantage: VantagePoint, family: Family) -> Address | None:
    """Find the address from which a vantage asks in one family: the first that is written."""
    return next((address for address in vantage.address if family_of(address) == family), None)


def conduit_between(site: Site, zone: str, other: str) -> str | None:
    """Name the conduit between two zones, whichever is written first; None if no conduit joins them."""
    ends = {zone, other}
    return next((name for name, conduit in site.conduits.items() if set(conduit.between) == ends), None)


def separating(site: Site, zone: str, isolated: Sequence[str]) -> str | None:
    """Name the isolated conduit that stands between a zone and the operations host; None if no conduit does."""
    here = site.vantages[HERE].zone
    if zone == here:
        return None
    direct = conduit_between(site, zone, here)
    if direct is not None:
        return direct if direct in isolated else None
    # No direct path is declared: being on the outer side of an isolation is being out of reach.
    return next((name for name in isolated if site.conduits[name].outer == zone), None)


def path_of(site: Site, probe: Probe) -> ProbePath:
    """Find the path of a probe; its vantage must be known."""
    family = family_of(probe.host)
    source = source_address(site.vantages[probe.vantage], family)
    source_zone = site.zone_of(source) if source is not None else None
    target_zone = site.zone_of(probe.host)
    if probe.by is not None:
        ends = site.ends_of(probe.by)
        joined = {source_zone, target_zone} == set(ends)
        way: Direction = "inside" if not joined else "inward" if target_zone == ends[1] else "outward"
        around = site.other_ways[probe.by].round if joined else None
        return ProbePath(source, source_zone, target_zone, around, way, family, probe.by)
    conduit = None
    if source_zone is not None and target_zone is not None and source_zone != target_zone:
        conduit = conduit_between(site, source_zone, target_zone)
    direction: Direction = "inside"
    if conduit is not None:
        direction = "inward" if target_zone == site.conduits[conduit].inner else "outward"
    return ProbePath(source, source_zone, target_zone, conduit, direction, family)


def shared_families(site: Site, conduit: str) -> tuple[Family, ...]:
    """List the address families in which both ends of a conduit have networks."""
    ends = [{network.version for network in site.zones[zone].networks} for zone in site.conduits[conduit].between]
    return tuple(family for family in FAMILIES if all(family in versions for versions in ends))


def isolated_by(drill: Drill) -> tuple[str, ...]:
    """List every conduit that some stage isolates, in order, each once."""
    return tuple(dict.fromkeys(conduit for stage in drill.stages for conduit in stage.isolate))


def permitted_ways(site: Site, conduit: str) -> frozenset[tuple[Direction, Family]]:
    """List the ways of a conduit for which the allow-list permits something.

    A flow with an end in no zone may be any way in its family: what is not known is never taken for closed.
    """
    found: set[tuple[Direction, Family]] = set()
    outer, inner = site.conduits[conduit].between
    for flow in site.conduits[conduit].flows:
        for source, destination in flow.pairs:
            ends = (_only_zone(site, source), _only_zone(site, destination))
            ways = (
                DIRECTIONS[:1] if ends == (outer, inner) else DIRECTIONS[1:] if ends == (inner, outer) else DIRECTIONS
            )
            found |= {(direction, 4 if source.version == 4 else 6) for direction in ways}
    return frozenset(found)


def _only_zone(site: Site, network: Network) -> str | None:
    """Name the zone that holds a whole network; None where it lies in several, or partly in none."""
    zones = site.zones_of(network)
    return next(iter(zones)) if len(zones) == 1 else None
