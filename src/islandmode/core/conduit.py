"""A conduit, the only permitted path between two zones, and the flows that it carries, each with a documented owner. Values only."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema, model_validator

from islandmode.core.frozen import Frozen, Network
from islandmode.core.live.values import IfCut, KeepClosed
from islandmode.core.quantities import Day, Name, Words, as_tuple

_PORT = r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
SERVICE_PATTERN = rf"^(?:(?:tcp|udp|sctp)(?:/{_PORT}(?:-{_PORT})?)?|icmp|esp|ah|gre|any)$"
"""A protocol, with a port or a range of ports where it has ports; without them every port of it. Ports are 1 to 65535."""

FLOW_END_TITLE = "address or network"
FLOW_END = 'expected an address or a network, such as 10.10.0.10, 10.10.0.0/24 or "fd10:10::/64"'


def as_flow_end(given: object) -> object:
    """Read one end of a flow: an address is a network of one host."""
    try:
        # "%" names an interface of one machine, which is no end of a flow.
        found = ip_network(given) if isinstance(given, str) and "%" not in given else given
    except ValueError:
        found = None
    if not isinstance(found, IPv4Network | IPv6Network):
        raise ValueError(FLOW_END)  # noqa: TRY004 - pydantic wants a ValueError
    return found


def as_range(service: str) -> str:
    """Refuse a range of ports that is written from the higher to the lower port: no packet would be in it."""
    lowest, is_range, highest = service.partition("/")[2].partition("-")
    if is_range and int(lowest) > int(highest):
        raise ValueError("expected a range of ports from the lower to the higher one")
    return service


FlowEnd = Annotated[
    Network,
    PlainValidator(as_flow_end),
    WithJsonSchema({"type": "string", "title": FLOW_END_TITLE}, mode="validation"),
]
Service = Annotated[str, Field(pattern=SERVICE_PATTERN), AfterValidator(as_range)]


class Flow(Frozen):
    """One line of the allow-list: who talks to whom across a conduit, by which services, and who owns that."""

    name: Name = Field(description="Name of the flow; a site has it once.", examples=["vendor-to-hmi"])
    source: Annotated[tuple[FlowEnd, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="Who opens the connection: hosts or networks of one of the conduit's zones.",
        examples=["10.15.0.10"],
    )
    destination: Annotated[tuple[FlowEnd, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="Who is connected to: hosts or networks of the conduit's other zone.",
        examples=[["10.40.0.20", "fd10:40::20"]],
    )
    service: Annotated[tuple[Service, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="What is permitted, with ports where the protocol has ports; without a port, every port is permitted.",
        examples=[["tcp/88", "udp/88", "tcp/49152-65535"]],
    )
    owner: Words = Field(
        description="Who needs the flow, is told before a drill, and stands on the card.",
        examples=["Line 3 maintenance"],
    )
    purpose: str = Field(
        default="",
        description="What it is for, in a few words; it stands in the plan and on the card.",
        examples=["Remote service"],
    )
    never_cut: Literal["safety", "fire", "emergency-voice"] | None = Field(
        default=None,
        description="Why the flow must never be stopped; a drill that would isolate its conduit is refused.",
        examples=["safety"],
    )
    if_cut: IfCut | None = Field(
        default=None,
        description="What its loss does at worst, as somebody reviewed it. A live drill needs that for every flow that dies in it; it never cuts "
        "`safety`, and cuts `legal` only with `cut_accepted_by`.",
        examples=["quality"],
    )
    reviewed_by: Words | None = Field(
        default=None, description="Who reviewed that: name or position.", examples=["R. Ortiz, plant manager"]
    )
    reviewed_on: Day | None = Field(default=None, description="The day of that review.", examples=["2026-10-01"])
    cut_accepted_by: Words | None = Field(
        default=None,
        description="With `if_cut: legal`: who accepts that a live drill cuts the flow, by name and position.",
        examples=["R. Ortiz, plant manager"],
    )

    @model_validator(mode="after")
    def _is_reviewed_whole(self) -> Flow:
        """Refuse a part of a review, and an acceptance of what needs none."""
        given = (self.if_cut, self.reviewed_by, self.reviewed_on)
        if any(part is None for part in given) and any(part is not None for part in given):
            raise ValueError(
                "have if_cut, reviewed_by and reviewed_on together: what its loss does, who says so, and since when"
            )
        if self.cut_accepted_by is not None and self.if_cut != "legal":
            raise ValueError("have cut_accepted_by with if_cut: legal only; take it out")
        return self

    @property
    def pairs(self) -> tuple[tuple[Network, Network], ...]:
        """List the (source, destination) pairs that can talk at all: both ends of one family."""
        return tuple(
            (source, destination)
            for source in self.source
            for destination in self.destination
            if source.version == destination.version
        )


def serves(service: str, protocol: str, port: int | None) -> bool:
    """Tell whether a service of a flow takes in a protocol, and one of its ports where it has ports."""
    named, _, ports = service.partition("/")
    if named not in ("any", protocol):
        return False
    if not ports or port is None:
        return True
    lowest, _, highest = ports.partition("-")
    return int(lowest) <= port <= int(highest or lowest)


def is_part(service: str, wider: str) -> bool:
    """Tell whether everything that a service permits is permitted by another service too."""
    (outer, _, outer_ports), (inner, _, inner_ports) = wider.partition("/"), service.partition("/")
    if outer == "any" or wider == service:
        return True
    if outer != inner or not inner_ports:
        return outer == inner and not outer_ports
    lowest, _, highest = inner_ports.partition("-")
    return serves(wider, inner, int(lowest)) and serves(wider, inner, int(highest or lowest))


class Conduit(Frozen):
    """The only permitted path between two zones; the outer zone is written first."""

    between: Annotated[tuple[Name, Name], BeforeValidator(as_tuple)] = Field(
        description="The two zones that it joins, the outer, less trusted zone first.", examples=[["vendors", "line3"]]
    )
    owner: Words = Field(description="Who answers for the conduit.", examples=["OT security"])
    flows: Annotated[tuple[Flow, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="What is permitted across it: the firewall's allow-list, an owner for each flow."
    )
    keep_closed: KeepClosed | None = Field(
        default=None, description="What keeps it closed on the day when a drill turns real, and who may order that."
    )

    @property
    def outer(self) -> str:
        """Name the less trusted zone."""
        return self.between[0]

    @property
    def inner(self) -> str:
        """Name the more trusted zone."""
        return self.between[1]


def is_within(inner: Network, outer: Network) -> bool:
    """Tell whether a network is part of another network, or the same."""
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)
