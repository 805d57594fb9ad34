"""Probes: what to ask, from where, and what a good answer is. Values only; nothing here can write to a plant."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
)

from islandmode.core.frozen import Address, Frozen
from islandmode.core.quantities import AS_WRITTEN, Name, Seconds, as_tuple

HIGHEST_ADDRESS = 65535
Port = Annotated[int, Field(ge=1, le=65535)]

PATH_PATTERN = r"^/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%[0-9A-Fa-f]{2}){0,999}$"
HttpPath = Annotated[str, Field(pattern=PATH_PATTERN)]
"""A path, with its query, that can stand in a request as it is: what else it holds is written with %."""

BITS = frozenset({"coil", "discrete"})
REACH = {"uint16": (0, 65535), "int16": (-32768, 32767), "uint32": (0, 2**32 - 1), "int32": (-(2**31), 2**31 - 1)}
"""The lowest and the highest number of each type of register."""
WIDE = frozenset({"uint32", "int32"})
NUMBERED = {0: "coil", 1: "discrete", 3: "input", 4: "holding"}
"""The first of five or six digits by which devices' own lists name a table; they count from 1."""
TABLE_WORDS = {
    "coil": "the coils",
    "discrete": "the discrete inputs",
    "input": "the input registers",
    "holding": "the holding registers",
}


def without_scope(address: Address) -> Address:
    """Refuse an address that is valid on one interface of one machine only, and whose interface may be any text."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise ValueError('expected an address without "%" and an interface')
    return address


def as_word(word: object) -> object:
    """Take as a word for good quality what JSON can say in one value."""
    if not isinstance(word, bool | int | str):
        raise ValueError("expected a word, a whole number, true or false")  # noqa: TRY004 - pydantic wants a ValueError
    return word


class ProbeTarget(Frozen):
    """What every probe has: a vantage and a target address."""

    vantage: Name = Field(description="The vantage of the site from which it asks.", examples=["office"])
    target: Annotated[Address, AfterValidator(without_scope)] = Field(
        description="The address that is asked; no names are looked up.", examples=["10.40.0.10"]
    )
    stands_for: Annotated[Address, AfterValidator(without_scope)] | None = Field(
        default=None,
        description="The host's own address, where target is one that a device translates to it. The path is that to this address; the "
        "packets go to target.",
        examples=["10.40.0.20"],
    )
    by: Name | None = Field(
        default=None,
        description="The other way of the site by which it goes; left out, it goes by the conduit between the zones.",
        examples=["filler-modem"],
    )
    timeout: Seconds = Field(
        default=0.8, description="How long an answer may take; after that the sample is bad.", examples=["800 ms"]
    )
    purpose: str = Field(
        default="",
        description="What a good answer shows, in a few words; it stands in the plan.",
        examples=["The filler runs"],
    )

    @property
    def host(self) -> Address:
        """Give the address of the host that is asked: its own, also where target is translated to it."""
        return self.stands_for or self.target

    @property
    def asked_told(self) -> str:
        """Name the address that is asked, and the one that it stands for."""
        return f"{self.target}, which stands for {self.stands_for}" if self.stands_for else str(self.target)

    @field_validator("stands_for")
    @classmethod
    def _must_be_another_of_the_family(cls, host: Address | None, info: ValidationInfo) -> Address | None:
        target = info.data.get("target")
        if host is None or target is None:
            return host
        if host == target:
            raise ValueError("differ from target; where no device translates the address, leave it out")
        if host.version != target.version:
            raise ValueError(f"be an IPv{target.version} address, as target is")
        return host

    @model_serializer(mode="wrap")
    def _leave_out_what_is_not_there(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `stands_for` and `by` out where nothing is said, so that plans of an earlier version keep their digest."""
        return {
            name: value for name, value in write(self).items() if name not in ("stands_for", "by") or value is not None
        }


class ModbusProbe(ProbeTarget):
    """Read one register over Modbus/TCP; good while the answer is fresh and in range.

    Only the four read functions exist here, so a probe cannot say "write". `type` says what the register holds: 16 bits,
    or 32 in two registers, the one with the high bits first unless `word_order` says otherwise. `zero_based` says that an
    address such as 40001 is meant as it stands, and is no number from a device's own list.
    """

    kind: Literal["modbus"] = Field(description="Modbus/TCP, reading one value.", examples=["modbus"])
    port: Port = Field(default=502, description="TCP port that is asked.", examples=[502])
    unit: Annotated[int, Field(ge=0, le=255)] = Field(
        default=1,
        description="Unit identifier: the device behind a gateway, or what the device itself answers to.",
        examples=[1],
    )
    table: Literal["coil", "discrete", "holding", "input"] = Field(
        default="input", description="Which of the device's four tables is read.", examples=["holding"]
    )
    register_type: Annotated[
        Literal["uint16", "int16", "uint32", "int32"],
        Field(
            alias="type",
            description="What the register holds; with 32 bits, two registers. Not for bits.",
            examples=["int16"],
        ),
    ] = "uint16"
    word_order: Literal["high-first", "low-first"] = Field(
        default="high-first",
        description="Which of the two registers of a 32-bit value comes first.",
        examples=["low-first"],
    )
    zero_based: bool = Field(
        default=False,
        description="Says that an address that looks like a number of a device's own list (40001) is meant as it stands.",
        examples=[True],
    )
    register_address: Annotated[
        int,
        Field(
            ge=0,
            le=65535,
            alias="address",
            description="Register or bit, counted from 0 as Modbus asks for it: 40001 of a device's list is table holding, address 0.",
            examples=[0],
        ),
    ] = 0
    changes_within: Seconds | None = Field(
        default=None,
        description="The value must have changed within this time; for a register that counts.",
        examples=["1 s"],
    )
    minimum: int | None = Field(
        default=None, description="The least value that is good, in the register's type.", examples=[-40]
    )
    maximum: int | None = Field(
        default=None, description="The greatest value that is good, in the register's type.", examples=[120]
    )

    @field_validator("register_type")
    @classmethod
    def _must_be_of_a_register(cls, register_type: str, info: ValidationInfo) -> str:
        # A plan says of a bit too what a register would be; it is read as it is: a restore needs it.
        if info.context == AS_WRITTEN and info.data.get("table") in BITS:
            raise ValueError("stand beside table: holding or input only; a coil and a discrete input are one bit")
        return register_type

    @field_validator("register_address", mode="before")
    @classmethod
    def _must_say_what_is_meant(cls, address: object, info: ValidationInfo) -> object:
        # A plan of an earlier version is read as it is: a restore needs it.
        if info.context == AS_WRITTEN and isinstance(address, int):
            why = _as_in_a_list(address, info.data.get("table", ""), is_zero_based=info.data.get("zero_based", False))
            if why is not None:
                raise ValueError(why)
        return address

    @field_validator("register_address")
    @classmethod
    def _must_leave_room(cls, address: int, info: ValidationInfo) -> int:
        if address == HIGHEST_ADDRESS and info.data.get("register_type") in WIDE:
            raise ValueError(f"be at most {HIGHEST_ADDRESS - 1}, because a number of 32 bits takes two registers")
        return address

    @field_validator("changes_within")
    @classmethod
    def _must_be_able_to_be_fresh(cls, within: float | None, info: ValidationInfo) -> float | None:
        if within is not None and info.data.get("table", "") in BITS:
            raise ValueError(
                "stand beside table: holding or input only, at a register that counts; "
                "a bit that goes to and fro cannot be told from two frozen devices"
            )
        return within

    @field_validator("minimum", "maximum")
    @classmethod
    def _must_be_readable(cls, limit: int | None, info: ValidationInfo) -> int | None:
        is_bit, kind = info.data.get("table", "") in BITS, info.data.get("register_type", "int32")
        lowest, highest = (0, 1) if is_bit else REACH[kind]
        if limit is not None and not lowest <= limit <= highest:
            signs = "" if is_bit else f", the reach of type {kind}"
            if limit < 0 == lowest and not is_bit:
                signs += '; a number with a sign has "type: int16", or "type: int32" where it takes two registers'
            raise ValueError(f"be a whole number from {lowest} to {highest}{signs}")
        least = info.data.get("minimum") if info.field_name == "maximum" else None
        if limit is not None and least is not None and limit < least:
            raise ValueError(f"be at least the minimum, {least}")
        return limit


def _as_in_a_list(address: int, table: str, *, is_zero_based: bool) -> str | None:
    """Finish a sentence that says "must" about an address written as in a device's own list; None for any other address."""
    size = 100_000 if address > HIGHEST_ADDRESS else 10_000
    named, place = NUMBERED.get(address // size), address % size - 1
    if named is None or address < 10_000 or not 0 <= place <= HIGHEST_ADDRESS:
        return None
    if size == 10_000 and (is_zero_based or (named in BITS) != (table in BITS)):
        return None
    write = f'write "address: {place}"' if named == table else f'write "table: {named}" and "address: {place}"'
    really = "" if size > 10_000 else f'; if the device is really asked for {address}, add "zero_based: true"'
    return (
        f"be counted from 0, as Modbus asks for it: {address} in a device's own list is number {place + 1} of "
        f"{TABLE_WORDS[named]}, so {write}{really}"
    )


class HttpProbe(ProbeTarget):
    """Fetch JSON over HTTP; good while the named value is fresh, not merely while the server says 200.

    `value`, `quality` and `fresh` are paths into the JSON document; their segments are separated by "/". Without `fresh`
    the value itself must change within `changes_within`. `good_quality` names the site's own words instead of the usual words.
    """

    kind: Literal["http"] = Field(description="HTTP, one GET without a body; no TLS.", examples=["http"])
    port: Port = Field(default=80, description="TCP port that is asked.", examples=[8080])
    path: HttpPath = Field(default="/", description="Path, with its query.", examples=["/api/tags"])
    value: str | None = Field(
        default=None,
        description="Where in the JSON answer the value is: keys and list places, separated by `/`. It must be there, and be a value.",
        examples=["tags/filler.speed/value"],
    )
    quality: str | None = Field(
        default=None,
        description="Where its quality is. Good are `good`, `ok`, `true` and 192, unless good_quality says otherwise.",
        examples=["tags/filler.speed/quality"],
    )
    good_quality: (
        Annotated[
            tuple[Annotated[bool | int | str, BeforeValidator(as_word)], ...],
            BeforeValidator(as_tuple),
            Field(min_length=1),
        ]
        | None
    ) = Field(
        default=None,
        description="The site's own words for good quality, instead of the usual words.",
        examples=[["GOOD", 0]],
    )
    fresh: str | None = Field(
        default=None,
        description="Where in the answer the counter or time is that must change; without it, the value must change.",
        examples=["tags/filler.speed/source_time"],
    )
    changes_within: Annotated[Seconds | None, Field(validate_default=True)] = Field(
        default=None, description="How soon that must change; needed beside fresh.", examples=["2 s"]
    )

    @field_validator("good_quality")
    @classmethod
    def _must_have_a_quality(cls, words: tuple[object, ...] | None, info: ValidationInfo) -> tuple[object, ...] | None:
        if words is not None and info.data.get("quality") is None:
            raise ValueError("stand beside quality, which says where in the answer the quality is")
        return words

    @field_validator("changes_within")
    @classmethod
    def _must_have_what_changes(cls, within: float | None, info: ValidationInfo) -> float | None:
        if within is not None and info.data.get("fresh") is None and info.data.get("value") is None:
            raise ValueError("stand beside fresh or value, which says what in the answer must change")
        if within is None and info.data.get("fresh") is not None:
            raise ValueError('be given beside fresh, such as "2 s": how soon it must change')
        return within


class TcpProbe(ProbeTarget):
    """Open a fresh TCP connection; good when it is accepted."""

    kind: Literal["tcp"] = Field(description="TCP, a new connection each time.", examples=["tcp"])
    port: Port = Field(description="TCP port that is asked.", examples=[443])


class IcmpProbe(ProbeTarget):
    """Send an ICMP echo; good when the reply comes in time."""

    kind: Literal["icmp"] = Field(description="ICMP echo (ping).", examples=["icmp"])


class CanaryProbe(ProbeTarget):
    """Hold one TCP connection opened before the first stage and keep asking on it.

    It shows that an *already open* connection stops passing too. `ask` says in which protocol the peer answers.
    """

    kind: Literal["canary"] = Field(
        description="One TCP connection, opened before the first stage and held.", examples=["canary"]
    )
    port: Port = Field(description="TCP port that is asked.", examples=[502])
    ask: Literal["modbus", "http"] = Field(
        default="modbus",
        description="The protocol of the questions that are asked on it, over and over.",
        examples=["http"],
    )
    unit: Annotated[int, Field(ge=0, le=255)] = Field(
        default=1, description="With modbus: the unit identifier.", examples=[1]
    )
    path: HttpPath = Field(default="/", description="With http: the path.", examples=["/api/tags"])


Probe = Annotated[ModbusProbe | HttpProbe | TcpProbe | IcmpProbe | CanaryProbe, Field(discriminator="kind")]


class ProbePack(Frozen):
    """A file of probes."""

    probes: Annotated[dict[Name, Probe], Field(min_length=1)] = Field(
        description="Probes by their names; a name stands in one file of the workspace only."
    )
