"""A site: one plant with its zones, conduits, flows, isolation points and vantages. Values only.

Terms are those of IEC 62443: a *zone* is a group of assets with a level and an owner, a *conduit* the only permitted
path between two zones, and it carries *flows*, each with a documented owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    SerializerFunctionWrapHandler,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails

from islandmode.core.conduit import Conduit, is_within
from islandmode.core.frozen import Address, Frozen, Network
from islandmode.core.ledger_receiver import LedgerReceiver
from islandmode.core.live.values import AskedFor, Backups, KeepClosed
from islandmode.core.other_way import OtherWay
from islandmode.core.quantities import HandLine, Name, Seconds, SecretRef, Words, as_tuple
from islandmode.core.vantage_login import VantageLogin

Between = Mapping[str, tuple[str, str]]
"""Outer and inner zone by conduit."""
Networks = Mapping[str, tuple[Network, ...]]
"""The networks of each zone."""

LEVELS = (0.0, 1.0, 2.0, 3.0, 3.5, 4.0, 5.0)
OT_LEVEL_MAX = 3.0
"""Zones of Purdue level 3 and below are OT; level 3.5 is the DMZ, 4 and above is IT and the outside."""

Covered = Literal["forward", "to_device", "vpn"]
"""What of a conduit can stop passing on a device: what it forwards, what ends on the device itself, what comes out of its tunnels."""
IsolationLevel = Literal["deny", "hard"]
"""What becomes of the device's outer interfaces: they stay up and traffic is denied, or they go down."""
MANUAL = "manual"
"""The platform of a device that a person isolates by hand."""
ANSWER_MIN_S, ANSWER_MAX_S = 5.0, 1800.0
"""Nobody pulls a cable and says so faster; and nobody watches a plant for longer that may be isolated at any moment."""


def as_level(level: float) -> float:
    """Refuse what is no level of the Purdue model: the zone would be taken for OT, or not, by accident."""
    if level not in LEVELS:
        *first, last = (f"{level:g}" for level in LEVELS)
        raise ValueError(f"expected a Purdue level: {', '.join(first)} or {last}")
    return level


def as_inside(path: str) -> str:
    """Refuse a path that leads out of the workspace: there, another machine or account has something else."""
    if not path.strip() or path.startswith("/") or ".." in path.split("/"):
        raise ValueError("expected a path inside the workspace, such as lab/plant.clab.yml")
    return path


def as_option(given: object) -> object:
    """Take a text or a whole number for what only a platform knows the meaning of; a truth value is neither."""
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise ValueError("expected a text or a whole number")  # noqa: TRY004 - pydantic wants a ValueError
    return given


Level = Annotated[
    float,
    AfterValidator(as_level),
    WithJsonSchema({"type": "number", "enum": [0, 1, 2, 3, 3.5, 4, 5]}, mode="validation"),
]
Option = Annotated[
    str | int,
    PlainValidator(as_option),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]}, mode="validation"),
]


class Zone(Frozen):
    """Group of assets with a Purdue level and an owner."""

    level: Level = Field(
        description="Purdue level. Level 3 and below is OT, 3.5 is the DMZ, 4 and above is IT and the outside.",
        examples=[2],
    )
    owner: Words = Field(
        description="Who answers for the zone: a function, such as a team, or a person.", examples=["Line 3 operations"]
    )
    networks: Annotated[tuple[Network, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="The networks of the zone. A network stands in one zone; where one lies within another, the more specific counts.",
        examples=[["10.40.0.0/24", "fd10:40::/64"]],
    )

    @property
    def is_ot(self) -> bool:
        """Tell whether the zone is part of OT by its Purdue level."""
        return self.level <= OT_LEVEL_MAX


class Login(Frozen):
    """How to log in on a device; secrets only by reference."""

    user: Words = Field(description="Account on the device.", examples=["islandmode"])
    password: SecretRef | None = Field(
        default=None,
        description="Where its password is found, unless it logs in by a key; in a rehearsal lab:NAME, NAME being the isolation point. "
        "Elsewhere file:PATH, systemd:NAME or command:PROGRAM; env:NAME is refused by every run that isolates, as its guardian has no variables.",
        examples=["systemd:firewall-password"],
    )
    key: SecretRef | None = Field(
        default=None, description="Where its private SSH key is found.", examples=["file:/etc/islandmode/firewall.key"]
    )
    become: Literal["sudo", "root", "enable"] = Field(
        default="sudo",
        description="How the account gets more rights. On a Linux firewall root's: by sudo without a password, or because it is root. On a "
        "device with a console of its own `enable` says that word where the prompt shows that it is needed; without it nothing is said.",
        examples=["sudo"],
    )
    enable: SecretRef | None = Field(
        default=None,
        description="With `become: enable`, where the password is found that the device then asks for; left out where it asks for none.",
        examples=["systemd:router-enable"],
    )

    @model_serializer(mode="wrap")
    def _leave_out_what_is_not_there(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `enable` out where no password is named, so that plans of an earlier version keep their digest."""
        return {name: value for name, value in write(self).items() if name != "enable" or value is not None}


class Management(Frozen):
    """The path by which a device is managed: it must survive the isolation."""

    address: Address = Field(description="Where the device is logged in to.", examples=["172.31.255.1"])
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=22, description="TCP port of its SSH server.", examples=[22]
    )
    zone: Name = Field(
        description="The zone from which it is managed, which may be a zone that the device does not border. No stage may isolate "
        "that zone from the operations host.",
        examples=["line3"],
    )


class HandLook(Frozen):
    """How a person sees whether a restore by hand worked."""

    look: HandLine = Field(
        description="What is looked at: a command that changes nothing, or something that can be seen.",
        examples=["the lamp above port 7", "show interfaces status"],
    )
    must_show: HandLine | None = Field(default=None, description="What it must show.", examples=["green"])
    must_not_show: HandLine | None = Field(default=None, description="What it must not show.", examples=["disabled"])
    otherwise: Words = Field(
        description="What to do where it is not so.", examples=["Press the plug in until it clicks."]
    )


class HandLines(Frozen):
    """What a person does to isolate one conduit, and to restore it."""

    isolate: Annotated[tuple[HandLine, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="What isolates it, in order: commands, or acts.",
        examples=[["Pull the cable labelled VENDOR out of port 7."]],
    )
    restore: Annotated[tuple[HandLine, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="What restores it, in order. It may be done twice, and by somebody who does not know whether it is isolated.",
        examples=[["Put the cable labelled VENDOR into port 7."]],
    )
    looks: Annotated[tuple[HandLook, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="How to see that it is restored."
    )


class HandPerson(Frozen):
    """Who is asked for each act by hand, and must be there during the drill."""

    name: HandLine = Field(description="Their name, as it is typed to confirm an act.", examples=["R. Ortiz"])
    position: HandLine = Field(description="Their position.", examples=["shift lead, line 1"])
    reached: HandLine = Field(description="How they are reached at the device.", examples=["radio channel 4"])


class NoTimer(Frozen):
    """Who accepted that nothing restores the device by itself: undo tier D."""

    accepted_by: Words = Field(
        description="Who accepted that: name and position.", examples=["M. Keller, plant manager"]
    )


class Hands(Frozen):
    """What a person does on a device that Islandmode does not drive."""

    where: Words = Field(
        description="Where the device stands, and how a person gets on it.",
        examples=["hall B, cabinet 4; the shift lead has the key"],
    )
    lines: dict[Name, HandLines] = Field(description="By conduit, what isolates and what restores it.")
    covers: Annotated[tuple[Covered, ...], BeforeValidator(as_tuple)] = Field(
        default=("forward",),
        description="What stops passing: what the device forwards, what ends on itself, what comes out of its tunnels. A pulled cable "
        "stops all three.",
        examples=[["forward", "to_device", "vpn"]],
    )
    last_resort: Words = Field(
        description="What to do where the lines do not help.",
        examples=["Call the network team; the spare is in cabinet 1."],
    )
    person: HandPerson | None = Field(
        default=None, description="Who is asked for each act. Without it a drill of the device can only be planned."
    )
    answers_within: Seconds | None = Field(
        default=None,
        description="How long that person has for an act and its confirmation; needed with `person`. An act that nobody confirmed in time "
        "counts as unknown: the drill is stopped and restored.",
        examples=["60 s"],
    )
    accept_no_timer: NoTimer | None = Field(
        default=None,
        description="Needed to drill the device: nothing restores it by itself if people forget it.",
    )

    @model_serializer(mode="wrap")
    def _leave_out_what_is_not_there(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out who is asked where nobody is named, so that plans of an earlier version keep their digest."""
        given = ("person", "answers_within", "accept_no_timer")
        return {name: value for name, value in write(self).items() if name not in given or value is not None}

    @model_validator(mode="after")
    def _names_both(self) -> Hands:
        """Refuse a person without a time to answer in, and a time without a person."""
        if (self.person is None) != (self.answers_within is None):
            raise ValueError("have person and answers_within together: who is asked, and how long they have")
        return self

    @field_validator("answers_within")
    @classmethod
    def _can_be_kept(cls, within_s: float | None) -> float | None:
        if within_s is not None and not ANSWER_MIN_S <= within_s <= ANSWER_MAX_S:
            raise ValueError(f"be between {ANSWER_MIN_S:g} s and {ANSWER_MAX_S / 60:g} min")
        return within_s


class LostEdits(Frozen):
    """Who accepted that a device's own timer may take back what other people change on it during a drill."""

    accepted_by: Words = Field(
        description="Who accepted that: name and position.", examples=["R. Ortiz, plant manager"]
    )


class SitePoint(Frozen):
    """A device, and a way to isolate one or more conduits on it."""

    platform: str = Field(
        description="What the device is: nftables; the name of a recipe, such as fortios-schedule; or manual, a device that a person isolates "
        "by hand.",
        examples=["nftables"],
    )
    options: dict[str, Option] = Field(
        default_factory=dict,
        description="What only this platform needs to know of the device. nftables needs nothing; a recipe says what it needs.",
        examples=[{"context": "plant"}],
    )
    management: Management | None = Field(
        default=None, description="The path by which it is managed; needed for every platform but manual."
    )
    login: Login | None = Field(default=None, description="How to log in on it; needed for every platform but manual.")
    by_hand: Hands | None = Field(
        default=None, description="What a person does on it; needed for platform manual, and for no other."
    )
    interfaces: dict[Name, Annotated[tuple[str, ...], BeforeValidator(as_tuple)]] = Field(
        default_factory=dict,
        description="By zone, the device's interfaces that lead there; not the management interface. Where a platform isolates by "
        "interface, as nftables does, a conduit is isolated between the interfaces of its two zones.",
        examples=[{"vendors": "eth2", "line3": ["eth4", "eth5"]}],
    )
    isolates: Annotated[tuple[Name, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="The conduits that pass through the device and can be isolated on it. Several devices may list the same conduit: a "
        "drill isolates it on all of them.",
        examples=[["remote-access"]],
    )
    level: IsolationLevel = Field(
        default="deny",
        description="What isolating does to the device: `deny` denies the traffic and leaves every interface up; `hard` takes the interfaces towards "
        "the outer zone down. A platform that cannot do what is asked is refused, and so is `hard` on the path by which the device is managed.",
        examples=["deny"],
    )
    renewable: bool = Field(
        default=True,
        description="Whether its timer may be set again during a drill. If not, the whole drill must fit into one timer.",
        examples=[True],
    )
    dead_man_max: Seconds | None = Field(
        default=None, description="The longest timer that the site allows on this device.", examples=["10 min"]
    )
    accept_lost_edits: LostEdits | None = Field(
        default=None,
        description="Needed where the timer of the platform takes back more than the isolation: a whole commit, or everything that was "
        "changed since. Other people's edits of that time are then lost if nobody restores the device before its timer does.",
    )

    accept_no_timer: NoTimer | None = Field(
        default=None,
        description="Needed for every device without a timer that something logs in to (undo tier D): nothing on the device restores what a drill "
        "isolates there, only the processes of the drill, a later restore, or a person do. A rehearsal only. For a device that a person isolates it stands "
        "under `by_hand`.",
    )
    accepts_tier: Literal["D"] | None = Field(
        default=None,
        description="Written by earlier versions, and refused: it names nobody. Write `accept_no_timer` in its place.",
        examples=["D"],
    )
    keep_closed: KeepClosed | None = Field(
        default=None,
        description="What keeps every conduit closed that passes through the device, on the day when a drill turns real; a conduit may have "
        "its own instead. A live drill needs one for each conduit that it isolates.",
    )
    spare: bool = Field(
        default=False,
        description="Whether it is a spare, through which nothing of the plant runs: only then does `devices bench` take `--restart` and "
        "`--failover`.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _says_how_it_is_reached(self) -> SitePoint:
        """Refuse a point without what its platform cannot do without, as any key that is missing."""
        needed = ("by_hand",) if self.platform == MANUAL else ("management", "login")
        missing = [
            InitErrorDetails(type="missing", loc=(name,), input={}) for name in needed if not getattr(self, name)
        ]
        if missing:
            raise ValidationError.from_exception_data("isolation point", missing)
        return self


class Pair(Frozen):
    """Isolation points that stand in for each other: all of them are isolated, or none."""

    members: Annotated[tuple[Name, ...], BeforeValidator(as_tuple), Field(min_length=2)] = Field(
        description="The isolation points that stand in for each other. Each has its own address, login and host key, and they isolate the "
        "same conduits.",
        examples=[["plant-firewall-a", "plant-firewall-b"]],
    )
    virtual_addresses: Annotated[tuple[Address, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="The addresses that the active member has, all of them, and the others have not. Needed for nftables, where the roles are "
        "read by these; a recipe has a question for that.",
        examples=[["192.168.20.2", "192.168.30.1"]],
    )
    vrrp: dict[Name, Annotated[tuple[Address, ...], BeforeValidator(as_tuple), Field(min_length=1)]] = Field(
        default_factory=dict,
        description="By member, the addresses from which it sends VRRP on interfaces that a drill isolates on their outer side. An isolation lets "
        "VRRP pass between these, from and to the devices themselves; left out, it stops VRRP there as it stops everything else.",
        examples=[{"plant-firewall-a": "192.168.20.3", "plant-firewall-b": "192.168.20.4"}],
    )


class VantagePoint(Frozen):
    """A place from which a probe looks."""

    zone: Name = Field(description="The zone in which it stands.", examples=["corporate"])
    address: Annotated[tuple[Address, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="The addresses from which it asks; of each address family the first is used.",
        examples=[["10.10.0.20", "fd10:10::20"]],
    )
    ssh: VantageLogin | None = Field(
        default=None,
        description="How the operations host logs in to it on a plant, to start its worker and to collect what it saw; in a rehearsal the "
        "lab does that. That login is a flow like every other: where it crosses a conduit it is declared there, with its owner.",
    )
    kit: bool = Field(
        default=False,
        description="Whether nobody logs in to it: a person carries a kit there (`islandmode vantage kit`), starts it by hand, and brings "
        "back what it saw (`islandmode collect`). A run does not contact it.",
        examples=[True],
    )


class SiteLab(Frozen):
    """The lab in which drills of the site are rehearsed."""

    topology: Annotated[str, AfterValidator(as_inside)] = Field(
        description="The lab's containerlab file, as a path from the workspace.", examples=["lab/plant.clab.yml"]
    )
    name: Name = Field(
        description="The name under which the lab runs on this machine; two labs that are up at once need two names.",
        examples=["plant"],
    )


class Site(Frozen):
    """One plant."""

    site: Name = Field(description="Name of the site; drills name it.", examples=["riverside"])
    lab: SiteLab | None = Field(default=None, description="The lab in which its drills are rehearsed.")
    zones: Annotated[dict[Name, Zone], Field(min_length=2)] = Field(
        description="Every zone, also those outside that talk to the plant."
    )
    conduits: Annotated[dict[Name, Conduit], Field(min_length=1)] = Field(
        description="Every permitted path between two zones; two zones have one at most."
    )
    other_ways: dict[Name, OtherWay] = Field(
        default_factory=dict,
        description="Every other way round a conduit: a modem, a second link, a carrier's network. A severed probe goes by one with `by`.",
    )
    isolation_points: dict[Name, SitePoint] = Field(description="The devices that can isolate conduits.")
    pairs: dict[Name, Pair] = Field(
        default_factory=dict,
        description="The isolation points that stand in for each other, as redundant firewalls do.",
    )
    asked_for: AskedFor = Field(
        default=AskedFor(),
        description="The services that nobody may forget: what carries each, asked once for the site. A live drill needs all five answers.",
    )
    backups: Backups | None = Field(
        default=None,
        description="The backups that lie elsewhere than on the devices: of isolation points, and of PLC projects. A live drill needs them.",
    )
    vantages: Annotated[dict[Name, VantagePoint], Field(min_length=1)] = Field(
        description="The places from which probes look. One of them is called `here`: the operations host, on the plant's side, from which the drill is run."
    )

    ledger_receiver: LedgerReceiver | None = Field(
        default=None, description="Who off this host acknowledges the ledger's line before a run arms."
    )

    def ends_of(self, way: str) -> tuple[str, str]:
        """Name the outer and the inner zone of an other way; the conduit that it leads round must be known."""
        known = self.other_ways[way]
        return known.between or self.conduits[known.round].between

    def zone_of(self, address: Address) -> str | None:
        """Find the zone with the most specific network that holds an address; None if no zone does."""
        return zone_holding({name: zone.networks for name, zone in self.zones.items()}, address)

    def zones_of(self, network: Network) -> frozenset[str | None]:
        """List the zones that hold some part of a network, by the most specific network; None where no zone does."""
        mine: dict[Network, str] = {}
        for name, zone in self.zones.items():
            for held in zone.networks:
                mine.setdefault(held, name)
        inside = [own for own in mine if is_within(own, network) and own != network]
        around = [own for own in mine if is_within(network, own)]
        # The largest networks inside, each with what is still more specific in it; what they leave is the surrounding zone's.
        largest = [part for part in inside if not any(is_within(part, other) for other in inside if other != part)]
        found = {zone for part in largest for zone in self.zones_of(part)}
        if sum(part.num_addresses for part in largest) < network.num_addresses:
            found.add(mine[max(around, key=_size)] if around else None)
        return frozenset(found)


def _size(network: Network) -> int:
    return network.prefixlen


def zone_holding(networks: Mapping[str, Sequence[Network]], address: Address) -> str | None:
    """Find the zone with the most specific network that holds an address, by each zone's networks; None if no zone does."""
    best: tuple[int, str] | None = None
    for name, ranges in networks.items():
        for network in ranges:
            inside = network.version == address.version and address in network
            if inside and (best is None or network.prefixlen > best[0]):
                best = (network.prefixlen, name)
    return best[1] if best else None
