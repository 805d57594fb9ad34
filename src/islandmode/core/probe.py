"""Probes: what to ask, from where, and what a good answer is. Values only; nothing here can write to a plant."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from islandmode.core.quantities import Name, Seconds
from islandmode.core.site import Address, Frozen, as_tuple

Port = Annotated[int, Field(ge=1, le=65535)]

PATH_PATTERN = r"^/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%[0-9A-Fa-f]{2}){0,999}$"
HttpPath = Annotated[str, Field(pattern=PATH_PATTERN)]
"""A path, with its query, that can stand in a request as it is: what else it holds is written with %."""

HIGHEST = {"coil": 1, "discrete": 1, "holding": 65535, "input": 65535}
NUMBERED = {1: "discrete", 3: "input", 4: "holding"}
"""The first of five digits by which devices' own lists name a table; they count from 1."""


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

    Only the four read functions exist here, so a probe cannot say "write".
    """

    kind: Literal["modbus"]
    port: Port = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    table: Literal["coil", "discrete", "holding", "input"] = "input"
    register_address: Annotated[int, Field(ge=0, le=65535, alias="address")] = 0
    changes_within: Seconds | None = None
    minimum: int | None = None
    maximum: int | None = None

    @field_validator("changes_within")
    @classmethod
    def _must_be_able_to_be_fresh(cls, within: float | None, info: ValidationInfo) -> float | None:
        if within is not None and HIGHEST.get(info.data.get("table", "")) == 1:
            raise ValueError(
                "stand beside table: holding or input only, at a register that counts; "
                "a bit that goes to and fro cannot be told from two frozen devices"
            )
        return within

    @field_validator("minimum", "maximum")
    @classmethod
    def _must_be_readable(cls, limit: int | None, info: ValidationInfo) -> int | None:
        highest = HIGHEST.get(info.data.get("table", ""), 65535)
        if limit is not None and not 0 <= limit <= highest:
            signs = "; a register is read without sign, -1 as 65535" if highest > 1 else ""
            raise ValueError(f"be a whole number from 0 to {highest}{signs}")
        lowest = info.data.get("minimum") if info.field_name == "maximum" else None
        if limit is not None and lowest is not None and limit < lowest:
            raise ValueError(f"be at least the minimum, {lowest}")
        return limit


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


def advice(probe: Probe) -> tuple[str, str] | None:
    """Give the key of a probe that may not mean what it says, and a sentence about it; None where nothing is odd."""
    if not isinstance(probe, ModbusProbe):
        return None
    address = probe.register_address
    table, place = NUMBERED.get(address // 10000), address % 10000 - 1
    if table is None or place < 0 or (HIGHEST[table] == 1) != (HIGHEST[probe.table] == 1):
        return None
    sentence = (
        f"Address {address} is asked for as it stands, counted from 0. Where a device's own list says {address}, "
        f"write table: {table} and address: {place}."
    )
    return "address", sentence
