"""The logins to vantages: each is a flow like every other, which somebody owns and which the drill may stop."""

from __future__ import annotations

from collections.abc import Iterator

from islandmode.core.conduit import Flow
from islandmode.core.frozen import Address
from islandmode.core.planning.paths import HERE, conduit_between
from islandmode.core.problem import Problem
from islandmode.core.site import Site
from islandmode.core.vantage_login import VantageLogin


def vantage_problems(site: Site) -> Iterator[Problem]:
    """Find logins that the site's allow-list does not permit; zones that are named must be known."""
    for name, vantage in site.vantages.items():
        if vantage.kit and name == HERE:
            sentence = f'Vantage "{HERE}" is the operations host itself, to which nothing is carried; take kit out.'
            yield Problem("site", ("vantages", name, "kit"), sentence)
        if vantage.kit and vantage.ssh is not None:
            sentence = f"Vantage {name} has both ssh and kit; a run logs in to it, or a person carries a kit there: take one out."
            yield Problem("site", ("vantages", name, "kit"), sentence)
        if vantage.ssh is None:
            continue
        if name == HERE:
            sentence = f'Vantage "{HERE}" is the operations host itself, which logs in to nothing to watch from there; take its ssh out.'
            yield Problem("site", ("vantages", name, "ssh"), sentence)
        elif HERE in site.vantages:
            yield from _login(site, name, vantage.ssh)


def _login(site: Site, name: str, login: VantageLogin) -> Iterator[Problem]:
    host = login_address(site, name, login)
    jump = login.jump
    sources = site.vantages[HERE].address
    if jump is not None:
        yield from _hop(site, name, sources, (jump.address, jump.port), ("jump", "address"))
        sources = (jump.address,)
    yield from _hop(site, name, sources, (host, login.port), ("address",) if login.address is not None else ())


def login_address(site: Site, name: str, login: VantageLogin) -> Address:
    """Give the address at which a vantage's host is logged in to."""
    return login.address or site.vantages[name].address[0]


def _hop(
    site: Site, name: str, sources: tuple[Address, ...], to: tuple[Address, int], at: tuple[str, ...]
) -> Iterator[Problem]:
    """Find what is wrong about one login on the way."""
    address, port = to
    path = ("vantages", name, "ssh", *at)
    zone = site.zone_of(address)
    mine = [source for source in sources if source.version == address.version]
    if zone is None:
        sentence = (
            f"Vantage {name} is logged in to at {address}, which lies in no zone's networks; correct the address, or the "
            "networks of its zone."
        )
        yield Problem("site", path, sentence)
        return
    if not mine:
        sentence = (
            f"Vantage {name} is logged in to at {address}, but {', '.join(map(str, sources))}, from where that is done, has no "
            f"IPv{address.version} address; name an address of the other family under address."
        )
        yield Problem("site", path, sentence)
        return
    from_zone = site.zone_of(mine[0])
    if from_zone is None or from_zone == zone:
        return
    conduit = conduit_between(site, from_zone, zone)
    flows = () if conduit is None else site.conduits[conduit].flows
    if not any(_permits(flow, mine[0], address, port) for flow in flows):
        where = f"conduit {conduit}" if conduit is not None else f"a conduit between {from_zone} and {zone}"
        sentence = (
            f"Vantage {name} is logged in to at {address} by tcp/{port} from {mine[0]} in zone {from_zone}, and no flow permits "
            f"that; declare it under {where} with its owner, or log in another way."
        )
        yield Problem("site", path, sentence)


def _permits(flow: Flow, source: Address, destination: Address, port: int) -> bool:
    """Tell whether a flow lets a connection begin."""
    ends = any(source in sources and destination in destinations for sources, destinations in flow.pairs)
    return ends and any(_is_service(service, port) for service in flow.service)


def _is_service(service: str, port: int) -> bool:
    protocol, _, ports = service.partition("/")
    if protocol != "tcp":
        return protocol == "any"
    lowest, _, highest = ports.partition("-")
    return not ports or int(lowest) <= port <= int(highest or lowest)
