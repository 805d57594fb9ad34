"""Probes: what to ask, from where, and what a good answer is. Values only; nothing here can write to a plant."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from islandmode.core.quantities import AS_WRITTEN, Name, Seconds
from islandmode.core.site import Address, Frozen, as_tuple

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
    """Refuse an address that holds on one interface of one machine only, and whose interface may be any text."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise ValueError('expected an address without "%" and an interface')
    return address


def as_word(word: object) -> object:
    """Let a word for good quality be what JSON can say in one value."""
    if not isinstance(word, bool | int | str):
        raise ValueError("expected a word, a whole number, true or false")  # noqa: TRY004 - pydantic wants this one
    return word


class ProbeTarget(Frozen):
    """What every probe has: a vantage and a target address."""

    vantage: Name
    target: Annotated[Address, AfterValidator(without_scope)]
    timeout: Seconds = 0.8
    purpose: str = ""


class ModbusProbe(ProbeTarget):
    """Read one register over Modbus/TCP; good while the answer is fresh and in range.

    Only the four read functions exist here, so a probe cannot say "write". `type` says what the register holds: 16 bits,
    or 32 in two registers, of which the one with the high bits comes first unless `word_order` says otherwise. `zero_based`
    says that an address which looks like one of a device's own list (40001) is none.
    """

    kind: Literal["modbus"]
    port: Port = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    table: Literal["coil", "discrete", "holding", "input"] = "input"
    register_type: Annotated[Literal["uint16", "int16", "uint32", "int32"], Field(alias="type")] = "uint16"
    word_order: Literal["high-first", "low-first"] = "high-first"
    zero_based: bool = False
    register_address: Annotated[int, Field(ge=0, le=65535, alias="address")] = 0
    changes_within: Seconds | None = None
    minimum: int | None = None
    maximum: int | None = None

    @field_validator("register_type")
    @classmethod
    def _must_be_of_a_register(cls, register_type: str, info: ValidationInfo) -> str:
        if info.data.get("table") in BITS:
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
    """Finish a sentence that says "must" about an address as devices' own lists write it; None where it is none."""
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

    `value`, `quality` and `fresh` are paths into the JSON document; their segments are separated by "/". Without `fresh` it is
    the value that must change within `changes_within`. `good_quality` names the site's own words instead of the usual ones.
    """

    kind: Literal["http"]
    port: Port = 80
    path: HttpPath = "/"
    value: str | None = None
    quality: str | None = None
    good_quality: (
        Annotated[
            tuple[Annotated[bool | int | str, BeforeValidator(as_word)], ...],
            BeforeValidator(as_tuple),
            Field(min_length=1),
        ]
        | None
    ) = None
    fresh: str | None = None
    changes_within: Annotated[Seconds | None, Field(validate_default=True)] = None

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

    kind: Literal["tcp"]
    port: Port


class IcmpProbe(ProbeTarget):
    """Send an ICMP echo; good when the reply comes in time."""

    kind: Literal["icmp"]


class CanaryProbe(ProbeTarget):
    """Hold one TCP connection opened before the first stage and keep asking on it.

    It shows that an *already open* connection stops passing too. `ask` says in which protocol the peer answers.
    """

    kind: Literal["canary"]
    port: Port
    ask: Literal["modbus", "http"] = "modbus"
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    path: HttpPath = "/"


Probe = Annotated[ModbusProbe | HttpProbe | TcpProbe | IcmpProbe | CanaryProbe, Field(discriminator="kind")]


class ProbePack(Frozen):
    """A file of probes."""

    probes: Annotated[dict[Name, Probe], Field(min_length=1)]
