"""The firewall node as isolation sees it: conduits, ways across them, and points that isolate them."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from islandmode.core import egress
from islandmode.core.conduit import Conduit
from islandmode.core.plan import PlanPoint
from islandmode.core.rendering import Rendering
from islandmode.core.site import Login, Management, Site, VantagePoint, Zone
from islandmode.isolation.nftables import hard, recipe
from islandmode.isolation.nftables.hard_point import NftablesHardPoint
from islandmode.isolation.nftables.point import NftablesPoint, NftAccess
from islandmode.system.clock import MachineClock
from tests.napalm_nftables.firewall_node import PASSWORD, FirewallNode, Relay

BETWEEN = {
    "corporate-line3": ("corporate", "line3"),
    "corporate-dmz": ("corporate", "dmz"),
    "dmz-line3": ("dmz", "line3"),
}
NETWORKS = {
    "corporate": ("10.10.0.0/24", "fd10:10::/64"),
    "dmz": ("10.20.0.0/24", "fd10:20::/64"),
    "line3": ("10.40.0.0/24", "fd10:40::/64"),
}
INTERFACES = {"corporate": ("eth1",), "dmz": ("eth3",), "line3": ("eth4",)}
VANTAGES = {"here": VantagePoint.model_validate({"zone": "line3", "address": "10.40.0.10"})}
OFFICE = ("corporate-line3",)
RUN = "2026-11-23T114843Z-a-drill-4cd3"
DEADLINE_S = 10.0
WAIT_S = 0.4

HOSTS = {
    "corporate": ("10.10.0.10", "fd10:10::10"),
    "dmz": ("10.20.0.10", "fd10:20::10"),
    "line3": ("10.40.0.10", "fd10:40::10"),
}
FIREWALL = {"corporate": ("10.10.0.1", "fd10:10::1"), "line3": ("10.40.0.1", "fd10:40::1")}


@dataclass(frozen=True)
class Way:
    """A way that packets may take: from a host, or from the firewall itself, to an address."""

    source: str | None
    address: str


INWARD = tuple(Way("corporate", address) for address in HOSTS["line3"])
OUTWARD = tuple(Way("line3", address) for address in HOSTS["corporate"])
ONTO_FIREWALL = tuple(Way("corporate", address) for address in (*FIREWALL["corporate"], *FIREWALL["line3"]))
FROM_FIREWALL = tuple(Way(None, address) for address in HOSTS["corporate"])
ACROSS = (*INWARD, *OUTWARD, *ONTO_FIREWALL, *FROM_FIREWALL)
BESIDE = (
    *(Way("corporate", address) for address in HOSTS["dmz"]),
    *(Way("dmz", address) for address in (*HOSTS["corporate"], *HOSTS["line3"])),
    *(Way("line3", address) for address in (*HOSTS["dmz"], *FIREWALL["line3"])),
    *(Way(None, address) for address in (*HOSTS["line3"], *HOSTS["dmz"])),
)


def passes(node: FirewallNode, way: Way, kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    """Tell whether a fresh connection, or a packet, is answered on a way."""

    def work() -> bool:
        family = socket.AF_INET6 if ":" in way.address else socket.AF_INET
        with socket.socket(family, kind) as end:
            end.settimeout(WAIT_S)
            try:
                end.connect((way.address, 7))
                end.send(b"?")
                return end.recv(1) == b"?"
            except OSError:
                return False

    return node.inside(way.source, work)


def passing(node: FirewallNode, ways: tuple[Way, ...]) -> set[Way]:
    """Find the ways that pass now."""
    with ThreadPoolExecutor(len(ways)) as pool:
        found = pool.map(lambda way: passes(node, way), ways)
        return {way for way, passed in zip(ways, found, strict=True) if passed}


WAYS = {
    f"corporate-{zone}": tuple(
        Way(*way)
        for way in (
            *(("corporate", address) for address in HOSTS[zone]),
            *((zone, address) for address in HOSTS["corporate"]),
        )
    )
    for zone in ("line3", "dmz")
}


class OnNode:
    """What is asked of the firewall node itself, however it is driven."""

    _node: FirewallNode

    def all_passes(self, conduit: str) -> bool:
        """Ask each way, from its own host."""
        return passing(self._node, WAYS[conduit]) == set(WAYS[conduit])

    def any_passes(self, conduit: str) -> bool:
        """Ask each way, from its own host."""
        return bool(passing(self._node, WAYS[conduit]))

    def type_by_hand(self, commands: tuple[str, ...]) -> None:
        """Type as root."""
        for command in commands:
            self._node.run(command)


@contextmanager
def held_open(node: FirewallNode, way: Way) -> Iterator[socket.socket]:
    """Open a connection and keep it."""
    canary = node.inside(way.source, lambda: socket.create_connection((way.address, 7), 2))
    with canary:
        canary.settimeout(WAIT_S)
        yield canary


def answers(canary: socket.socket) -> bool:
    """Tell whether an open connection still passes."""
    try:
        canary.sendall(b"?")
        return bool(canary.recv(4096))
    except TimeoutError:
        return False


def planned(conduits: tuple[str, ...] = tuple(BETWEEN)) -> PlanPoint:
    """Plan the node as an isolation point."""
    stages = {f"stage-{number}": (conduit,) for number, conduit in enumerate(conduits)}
    return PlanPoint(
        platform="nftables",
        management=Management.model_validate({"address": "127.0.0.1", "zone": "line3"}),
        login=Login(user="drill"),
        interfaces=INTERFACES,
        conduits=conduits,
        between={conduit: BETWEEN[conduit] for conduit in conduits},
        rendering=_rendering(stages),
        capabilities=recipe.CAPABILITIES,
    )


def ways(conduit: str) -> tuple[egress.Way, ...]:
    """List what the node counts for a conduit: the site is the node's three networks and these conduits."""
    zones = {
        name: Zone.model_validate({"level": level, "owner": name, "networks": list(NETWORKS[name])})
        for name, level in (("corporate", 4), ("dmz", 3.5), ("line3", 2))
    }
    conduits = {name: Conduit(between=ends, owner=name) for name, ends in BETWEEN.items()}
    site = Site(site="node", zones=zones, conduits=conduits, isolation_points={}, vantages=VANTAGES)
    return egress.ways_of(site, conduit, INTERFACES)


def _rendering(stages: Mapping[str, tuple[str, ...]]) -> Rendering:
    counted = {conduit: ways(conduit) for conduit in BETWEEN}
    return recipe.render("fw", stages, BETWEEN, INTERFACES, 60.0, counted)


@dataclass
class PointOnNode:
    """A point, and the way it takes to the node."""

    point: NftablesPoint
    relay: Relay


def planned_hard(conduits: tuple[str, ...] = tuple(BETWEEN)) -> PlanPoint:
    """Plan the node as an isolation point whose outer interfaces go down."""
    denied = planned(conduits)
    lines = hard.rendering(denied.rendering, INTERFACES, BETWEEN)
    return denied.model_copy(update={"level": "hard", "rendering": lines, "capabilities": hard.CAPABILITIES})


def make_point(
    node: FirewallNode, relay: Relay | None = None, run: str | None = RUN, plan: Any = None, **access: Any
) -> PointOnNode:
    """Make the edge to the node; nothing is contacted yet."""
    plan = plan or planned()
    relay = relay or node.relay()
    arguments: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": relay.port,
        "user": "drill",
        "become": "sudo",
        "known_hosts": node.known_hosts(relay),
        "password": PASSWORD,
    }
    kind = NftablesPoint if plan.level == "deny" else NftablesHardPoint
    return PointOnNode(kind("fw", plan, NftAccess(**arguments | access), MachineClock.of_this_boot(), run), relay)
