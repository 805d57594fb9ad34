"""The networks round a device, and the packets that a test asks about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Family = Literal[4, 6]


@dataclass(frozen=True)
class Zone:
    """Where a zone is: the device's interfaces that lead to it, and its networks."""

    interfaces: tuple[str, ...]
    networks: tuple[Network, ...]

    def hosts(self, family: Family) -> Iterator[Address]:
        """Give a host of each network of a family: not its first, which may be the device's own."""
        for network in self.networks:
            if network.version == family:
                yield network[min(9, network.num_addresses - 1)]


@dataclass(frozen=True)
class Packet:
    """A packet that wants to go through a device, or to the device itself (`outward` is then None)."""

    inward: str
    outward: str | None
    source: Address
    target: Address
    protocol: str = "tcp"
    port: int = 443
    source_port: int = 40000

    @property
    def family(self) -> Family:
        """IPv4 or IPv6."""
        return 4 if self.source.version == 4 else 6

    def __str__(self) -> str:
        """Name it by its way."""
        return f"{self.inward} {self.source} > {self.outward or 'device'} {self.target}"


def packets(zones: Mapping[str, Zone], source: str, target: str, family: Family) -> list[Packet]:
    """Give a packet for each way from a zone to another: each interface and each network of both."""
    found = [
        Packet(inward, outward, sender, receiver)
        for inward in zones[source].interfaces
        for outward in zones[target].interfaces
        for sender in zones[source].hosts(family)
        for receiver in zones[target].hosts(family)
    ]
    if not found:
        raise ValueError(f"{source} and {target} have no IPv{family} networks on both sides")
    return found
