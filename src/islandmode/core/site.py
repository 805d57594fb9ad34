"""A site: one plant with its zones, conduits, flows, isolation points and vantages. Values only.

Terms are those of IEC 62443: a *zone* is a group of assets with a level and an owner, a *conduit* the only permitted
path between two zones, and it carries *flows*, each with a documented owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from islandmode.core.quantities import Name, Seconds, SecretRef

SERVICE_PATTERN = (
    r"^(?:(?:tcp|udp)/(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])|icmp)$"
)
"""A protocol with a port from 1 to 65535, or icmp."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

OT_LEVEL_MAX = 3.0
"""Zones of Purdue level 3 and below are OT; level 3.5 is the DMZ, 4 and above is IT and the outside."""


def as_tuple(value: object) -> object:
    """Let operators write one item where a list is meant."""
    if isinstance(value, list):
        return tuple(value)
    return value if isinstance(value, tuple) else (value,)


class Frozen(BaseModel):
    """Frozen value that refuses unknown keys: a misspelt key must never be ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Zone(Frozen):
    """Group of assets with a Purdue level and an owner."""

    level: Annotated[float, Field(ge=0, le=5)]
    owner: str
    networks: Annotated[tuple[Network, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    criticality: Literal["low", "medium", "high"] = "medium"
    trust: Literal["low", "medium", "high"] = "medium"

    @property
    def is_ot(self) -> bool:
        """Tell whether the zone is part of OT by its Purdue level."""
        return self.level <= OT_LEVEL_MAX


class Flow(Frozen):
    """One line of the allow-list: who talks to whom across a conduit, and who owns that."""

    name: Name
    source: Annotated[tuple[Address, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    destination: Annotated[tuple[Address, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    service: Annotated[str, Field(pattern=SERVICE_PATTERN)]
    owner: str
    purpose: str = ""
    never_cut: Literal["safety", "fire", "emergency-voice"] | None = None


class Conduit(Frozen):
    """The only permitted path between two zones; the outer zone is written first."""

    between: Annotated[tuple[Name, Name], BeforeValidator(as_tuple)]
    owner: str
    flows: Annotated[tuple[Flow, ...], BeforeValidator(as_tuple)] = ()

    @property
    def outer(self) -> str:
        """Name the less trusted zone."""
        return self.between[0]

    @property
    def inner(self) -> str:
        """Name the more trusted zone."""
        return self.between[1]


class Login(Frozen):
    """How to log in on a device; secrets only by reference."""

    user: str
    password: SecretRef | None = None
    key: SecretRef | None = None
    become: Literal["sudo", "root"] = "sudo"


class Management(Frozen):
    """The path by which a device is managed: it must survive the isolation."""

    address: Address
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    zone: Name


class IsolationPoint(Frozen):
    """A device, and a way to isolate one or more conduits on it."""

    platform: str
    management: Management
    login: Login
    interfaces: dict[Name, Annotated[tuple[str, ...], BeforeValidator(as_tuple)]]
    isolates: Annotated[tuple[Name, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    renewable: bool = True
    dead_man_max: Seconds | None = None


class VantagePoint(Frozen):
    """A place from which a probe looks."""

    zone: Name
    address: Annotated[tuple[Address, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    node: str | None = None


class Site(Frozen):
    """One plant."""

    site: Name
    zones: Annotated[dict[Name, Zone], Field(min_length=2)]
    conduits: Annotated[dict[Name, Conduit], Field(min_length=1)]
    isolation_points: dict[Name, IsolationPoint]
    vantages: Annotated[dict[Name, VantagePoint], Field(min_length=1)]

    def zone_of(self, address: Address) -> str | None:
        """Find the zone with the most specific network that holds an address; None if no zone does."""
        return zone_holding({name: zone.networks for name, zone in self.zones.items()}, address)


def zone_holding(networks: Mapping[str, Sequence[Network]], address: Address) -> str | None:
    """Find the zone with the most specific network that holds an address, by each zone's networks; None if no zone does."""
    best: tuple[int, str] | None = None
    for name, ranges in networks.items():
        for network in ranges:
            inside = network.version == address.version and address in network
            if inside and (best is None or network.prefixlen > best[0]):
                best = (network.prefixlen, name)
    return best[1] if best else None
