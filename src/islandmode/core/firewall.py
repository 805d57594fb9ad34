"""What a firewall says of itself: links, addresses, routes, redirects, sockets. Values only, and how links are stacked.

A rule that isolates names interfaces, so all depends on which name a packet carries there: the name of the bridge and not
of its port, of the VLAN and not of its parent. What could not be read is in `unread`: nobody looked at it, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from typing import Literal

STACKED = frozenset({"vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec"})
"""Kinds of link that stand on a parent and carry its packets under their own name."""
TUNNELS = frozenset(
    {"wireguard", "tun", "ppp", "ipip", "sit", "gre", "gretap", "ip6gre", "ip6gretap", "ip6tnl", "erspan", "ip6erspan"}
    | {"vti", "vti6", "xfrm", "vxlan", "geneve", "l2tp", "gtp", "bareudp", "fou"}
)
"""Kinds of link whose other end may be anywhere."""


@dataclass(frozen=True)
class Link:
    """One interface. `member_kind` says what it is a member of ("bridge", "bond", "vrf" ...), and `master` which."""

    name: str
    kind: str = ""
    master: str | None = None
    member_kind: str = ""
    parent: str | None = None
    altnames: tuple[str, ...] = ()
    up: bool = True
    program: bool = False
    """An XDP program is attached, which sees packets before every rule."""


@dataclass(frozen=True)
class LinkAddress:
    """One address of an interface; `leased` when its lifetime runs down."""

    link: str
    address: IPv4Interface | IPv6Interface
    leased: bool = False


@dataclass(frozen=True)
class Route:
    """One way out: a network and the interface."""

    network: IPv4Network | IPv6Network
    link: str


@dataclass(frozen=True)
class Redirect:
    """Something that moves packets, or copies of them, past the rules that isolate. `target` None: not known."""

    by: str
    what: Literal["moves", "copies", "program"]
    target: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Socket:
    """One open socket. For kind "raw", `port` is the IP protocol's number."""

    kind: Literal["tcp", "udp", "raw"]
    port: int
    address: str = "*"
    link: str | None = None
    remote_port: int | None = None


@dataclass(frozen=True)
class Unread:
    """Something that the firewall could not be asked, and its own words for it."""

    what: str
    why: str


@dataclass(frozen=True)
class Firewall:
    """All that preflight knows of one firewall."""

    links: tuple[Link, ...] = ()
    addresses: tuple[LinkAddress, ...] = ()
    routes: tuple[Route, ...] = ()
    redirects: tuple[Redirect, ...] = ()
    offloaded: tuple[str, ...] = ()
    """Interfaces that stand in a flowtable."""
    sockets: tuple[Socket, ...] = ()
    unread: tuple[Unread, ...] = field(default=())

    def link(self, name: str) -> Link | None:
        """Find an interface by the name that packets carry; alternative names do not count."""
        return next((link for link in self.links if link.name == name), None)

    def beneath(self, names: Iterable[str]) -> frozenset[str]:
        """Name everything that these interfaces stand on: parents, and members of bridges and bonds."""
        return self._reach(names, down=True)

    def above(self, names: Iterable[str]) -> frozenset[str]:
        """Name everything that stands on these interfaces."""
        return self._reach(names, down=False)

    def _reach(self, names: Iterable[str], *, down: bool) -> frozenset[str]:
        steps = [(upper, lower) if down else (lower, upper) for upper, lower in self._stacks()]
        start = frozenset(names)
        found, new = start, start
        while new:
            new = frozenset(end for begin, end in steps if begin in new) - found
            found |= new
        return found - start

    def _stacks(self) -> list[tuple[str, str]]:
        """Pair every upper interface with each interface that it stands on."""
        members = [(link.master, link.name) for link in self.links if link.master is not None]
        children = [(link.name, link.parent) for link in self.links if link.parent is not None and link.kind in STACKED]
        return [*members, *children]


def related(firewall: Firewall, names: Iterable[str]) -> frozenset[str]:
    """Name interfaces with all that they stand on and all that stands on them: where their packets can be met."""
    named = frozenset(names)
    return named | firewall.beneath(named) | firewall.above(named)
