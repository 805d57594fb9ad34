"""A site by itself: what is wrong with its zones, flows and isolation points, whatever drill is run there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from islandmode.core.conduit import Conduit, Flow
from islandmode.core.frozen import Network
from islandmode.core.planning.check_pairs import pair_problems
from islandmode.core.planning.check_vantages import vantage_problems
from islandmode.core.planning.paths import conduit_between
from islandmode.core.problem import Path, Problem
from islandmode.core.site import Site, SitePoint

WIDEST = {4: 8, 6: 7}
"""The shortest prefix of a network that a plant or its company can have: 10.0.0.0/8 and fc00::/7."""
OF_LAB = "lab:"
"""How a reference to a secret of the rehearsal lab begins."""
OUTSIDE_LEVEL = 5.0
"""Only the outside may hold wider networks: what is in no other zone."""


def site_problems(site: Site) -> Iterator[Problem]:
    """Find what contradicts itself in a site; zones and conduits that are named must be known."""
    yield from _networks(site)
    yield from _flow_names(site)
    for name, conduit in site.conduits.items():
        yield from _turned_round(site, name, conduit)
        for index, flow in enumerate(conduit.flows):
            yield from _flow(site, name, conduit, flow, ("conduits", name, "flows", index))
    yield from _other_ways(site)
    for name, point in site.isolation_points.items():
        yield from _enable(name, point)
        yield from _lab_secrets(site, name, point)
    yield from pair_problems(site)
    yield from vantage_problems(site)


def _other_ways(site: Site) -> Iterator[Problem]:
    """Find other ways that lead round another conduit than they say, or into nothing that could be isolated."""
    for name, way in site.other_ways.items():
        if way.between is None:
            continue
        at: Path = ("other_ways", name, "between")
        outer, inner = way.between
        own = site.conduits[way.round].inner
        beside = conduit_between(site, outer, inner)
        if beside is not None and beside != way.round:
            sentence = (
                f"Other way {name} joins {outer} and {inner} as conduit {beside} does, and so leads round that; write round: {beside}, "
                "and leave between out."
            )
            yield Problem("site", at, sentence)
        elif inner != own and not site.zones[inner].is_ot:
            sentence = (
                f"Other way {name} leads into {inner}, which is neither {own}, the inner zone of {way.round}, nor an OT zone; write the "
                "outer zone first, or correct the zones."
            )
            yield Problem("site", at, sentence)


def _networks(site: Site) -> Iterator[Problem]:
    holders: dict[Network, str] = {}
    for name, zone in site.zones.items():
        for index, network in enumerate(zone.networks):
            at: Path = ("zones", name, "networks", index)
            first = holders.setdefault(network, name)
            if first != name:
                sentence = (
                    f"Network {network} stands in zone {first} and in zone {name}; an address is in one zone only, so take "
                    "the network out of one of them."
                )
                yield Problem("site", at, sentence)
            elif network in zone.networks[:index]:
                yield Problem("site", at, f"Network {network} is listed twice in zone {name}; list it once.")
            if "%" in str(network):
                sentence = f'Network {network} of zone {name} is valid on one interface of one machine only; write it without "%".'
                yield Problem("site", at, sentence)
            if network.is_loopback or network.is_multicast:
                kind = "loopback" if network.is_loopback else "multicast"
                sentence = f"Network {network} of zone {name} holds {kind} addresses, which no host of a plant has; take it out."
                yield Problem("site", at, sentence)
            elif network.prefixlen < WIDEST[network.version] and zone.level < OUTSIDE_LEVEL:
                sentence = (
                    f"Network {network} of zone {name} (level {zone.level:g}) holds {_share(network)}; only a zone of level "
                    f"{OUTSIDE_LEVEL:g}, the outside, may be that wide, so write the networks that this zone has."
                )
                yield Problem("site", at, sentence)


def _share(network: Network) -> str:
    every = f"IPv{network.version} address"
    return f"every {every}" if network.prefixlen == 0 else f"1/{2**network.prefixlen} of all {every}es"


def _flow_names(site: Site) -> Iterator[Problem]:
    carriers: dict[str, str] = {}
    for name, conduit in site.conduits.items():
        for index, flow in enumerate(conduit.flows):
            first = carriers.get(flow.name)
            if first is not None:
                where = f"twice under conduit {name}" if first == name else f"under conduits {first} and {name}"
                sentence = f"Flow {flow.name} stands {where}; give each flow of a site a name of its own."
                yield Problem("site", ("conduits", name, "flows", index, "name"), sentence)
            carriers.setdefault(flow.name, name)


def _turned_round(site: Site, name: str, conduit: Conduit) -> Iterator[Problem]:
    """Find a conduit whose protected side would be the DMZ or IT: its boundary and its counters would then be taken for the wrong zone."""
    outer, inner = (site.zones[zone] for zone in conduit.between)
    if outer.is_ot and not inner.is_ot:
        sentence = (
            f"Conduit {name} names zone {conduit.outer} (level {outer.level:g}) as its outer zone and "
            f"{conduit.inner} (level {inner.level:g}) as its inner zone; write the outer zone first: "
            f"between: [{conduit.inner}, {conduit.outer}]."
        )
        yield Problem("site", ("conduits", name, "between"), sentence)


def _flow(site: Site, name: str, conduit: Conduit, flow: Flow, at: Path) -> Iterator[Problem]:
    sources = _ends(site, flow.source)
    destinations = _ends(site, flow.destination)
    wrong = [
        Problem("site", (*at, key, index), sentence)
        for key, ends in (("source", sources), ("destination", destinations))
        for index, (end, zones) in enumerate(ends)
        if (sentence := _end(name, conduit, flow, f"{key} {end}", zones))
    ]
    yield from wrong
    if wrong:
        return
    sides = [{zone for _, zones in ends for zone in zones} for ends in (sources, destinations)]
    if sides[0] & sides[1]:
        both = " and ".join(zone for zone in conduit.between if zone in sides[0] & sides[1])
        sentence = (
            f"Flow {flow.name} has sources and destinations in zone {both}; all of its sources must be on one side of "
            f"conduit {name} and all of its destinations on the other, so write a flow for each direction."
        )
        yield Problem("site", at, sentence)
    elif not flow.pairs:
        sentence = (
            f"Flow {flow.name} has no source and destination of one address family, so it permits nothing; add one."
        )
        yield Problem("site", at, sentence)


def _ends(site: Site, ends: Sequence[Network]) -> list[tuple[str, frozenset[str | None]]]:
    plain = (str(end.network_address) if end.num_addresses == 1 else str(end) for end in ends)
    return [(shown, site.zones_of(end)) for shown, end in zip(plain, ends, strict=True)]


def _end(name: str, conduit: Conduit, flow: Flow, end: str, zones: frozenset[str | None]) -> str | None:
    """Say what is wrong with one end of a flow; None when it lies wholly in one of the conduit's zones."""
    known = sorted(zone for zone in zones if zone is not None)
    if not known:
        return (
            f"Flow {flow.name} has the {end}, which lies in no zone's networks; correct it, or add its network to zone "
            f"{conduit.outer} or {conduit.inner}."
        )
    if len(zones) > 1:
        parts = [f"zone {zone}" for zone in known] + ["no zone"] * (None in zones)
        return (
            f"Flow {flow.name} has the {end}, which lies partly in {' and partly in '.join(parts)}; write the networks "
            "that are meant, each in one zone."
        )
    if known[0] not in conduit.between:
        return (
            f"Flow {flow.name} is listed under conduit {name}, but its {end} lies in zone {known[0]}; list it under the "
            "conduit that carries it, or nobody can say when it dies."
        )
    return None


def _enable(name: str, point: SitePoint) -> Iterator[Problem]:
    """Find a password for enable that would never be typed, or that no lab makes."""
    at: Path = ("isolation_points", name, "login", "enable")
    if point.login is None:
        return
    given = point.login.enable
    if given is not None and point.login.become != "enable":
        sentence = f'{name}: "enable" names a password that is typed only with become: enable; write that too, or leave it out.'
        yield Problem("site", at, sentence)
    elif given is not None and given.startswith(OF_LAB):
        yield Problem("site", at, f"{name}: a lab makes no password for enable; name where the device's own is found.")


def _lab_secrets(site: Site, name: str, point: SitePoint) -> Iterator[Problem]:
    """Find references to secrets that no lab makes for this isolation point."""
    at: Path = ("isolation_points", name, "login")
    if point.login is None:
        return
    own = f"{OF_LAB}{name}"
    if point.login.key is not None and point.login.key.startswith(OF_LAB):
        sentence = f"A lab makes a password for each isolation point and no key; write `password: {own}` instead."
        yield Problem("site", (*at, "key"), sentence)
    given = point.login.password
    if given is not None and given.startswith(OF_LAB) and given != own:
        other = given.removeprefix(OF_LAB)
        # A word that names nothing may be a secret that somebody wrote here.
        wrong = "names a secret that no lab makes"
        if other in site.isolation_points:
            wrong = f"is {given}, the password of another isolation point"
        sentence = f'"password" {wrong}; a lab keeps the password of {name} under that name, so write {own}.'
        yield Problem("site", (*at, "password"), sentence)
