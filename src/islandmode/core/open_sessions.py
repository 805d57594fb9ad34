"""Sessions that pass what is about to be isolated: which they are, and which of them nobody may cut without a person's word. Pure.

What a device lists is a hint to people, and nothing is proven by it: what it does not list, nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from islandmode.core.plan import Plan

Address = IPv4Address | IPv6Address
LIST_MAX = 200
"""How many sessions of a device are written down."""
ENGINEERING: Mapping[int, str] = {
    22: "SSH",
    23: "Telnet",
    102: "S7",
    1217: "CODESYS",
    3389: "RDP",
    5985: "WinRM",
    5986: "WinRM",
    11740: "CODESYS",
    44818: "EtherNet/IP",
    48898: "ADS",
    **dict.fromkeys(range(5900, 5910), "VNC"),
}
"""TCP ports by which people manage machines and load programs into controllers."""


@dataclass(frozen=True)
class Tracked:
    """A connection that a device tracks, as it names it."""

    protocol: str
    source: str
    source_port: int
    destination: str
    port: int


@dataclass(frozen=True)
class OpenSession:
    """A session across a conduit that is about to be isolated; `engineering` names its protocol where people may work by it."""

    conduit: str
    tracked: Tracked
    engineering: str = ""

    @property
    def told(self) -> str:
        """Say it in a line."""
        seen = self.tracked
        what = f"{seen.protocol}/{seen.port}{f' ({self.engineering})' if self.engineering else ''}"
        return f"{seen.source} port {seen.source_port} to {seen.destination}, {what}, on {self.conduit}"


def read_tracked(text: str) -> Iterator[Tracked]:
    """Read what `conntrack -L` lists: TCP connections that are established, and other sessions that were answered."""
    for line in text.splitlines():
        words = line.split()
        if len(words) < 4 or (words[0] == "tcp" and "ESTABLISHED" not in words) or "[UNREPLIED]" in words:
            continue
        first: dict[str, str] = {}
        for word in words:
            key, found, value = word.partition("=")
            if found:
                # The way back follows with the same keys.
                first.setdefault(key, value)
        try:
            source, destination = (str(ip_address(first[key])) for key in ("src", "dst"))
            yield Tracked(words[0], source, int(first["sport"]), destination, int(first["dport"]))
        except (KeyError, ValueError):
            continue


def crossing(plan: Plan, point: str, tracked: Iterator[Tracked]) -> Iterator[OpenSession]:
    """Give the sessions that pass a conduit that a point isolates; those by which this run logs in to its own vantages are left out."""
    own = {
        (str(login.address or planned.address[0]), login.port)
        for planned in plan.vantages.values()
        if (login := planned.ssh) is not None and planned.address
    }
    here = {str(address) for planned in plan.vantages.values() if not planned.far for address in planned.address}
    for seen in tracked:
        if seen.source in here and (seen.destination, seen.port) in own:
            continue
        source, destination = ip_address(seen.source), ip_address(seen.destination)
        for conduit, (outer, inner) in plan.points[point].between.items():
            if conduit in plan.conduits and (
                (_in(plan, outer, source) and _in(plan, inner, destination))
                or (_in(plan, inner, source) and _in(plan, outer, destination))
            ):
                named = ENGINEERING.get(seen.port, "") if seen.protocol == "tcp" else ""
                yield OpenSession(conduit, seen, named)


def _in(plan: Plan, zone: str, address: Address) -> bool:
    return any(address.version == network.version and address in network for network in plan.zones.get(zone, ()))
