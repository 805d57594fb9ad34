"""Probes: what to ask, from where, and what a good answer is. Values only; nothing here can write to a plant."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from islandmode.core.quantities import Name, Seconds
from islandmode.core.site import Address, Frozen

Port = Annotated[int, Field(ge=1, le=65535)]


class ProbeTarget(Frozen):
    """What every probe has: a vantage and a target address."""

    vantage: Name
    target: Address
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


class HttpProbe(ProbeTarget):
    """Fetch JSON over HTTP; good while the named value is fresh, not merely while the server says 200.

    `value` and `fresh` are dotted paths into the JSON document; path segments are separated by "/".
    """

    kind: Literal["http"]
    port: Port = 80
    path: Annotated[str, Field(pattern=r"^/")] = "/"
    value: str | None = None
    quality: str | None = None
    fresh: str | None = None
    changes_within: Seconds | None = None


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
    path: Annotated[str, Field(pattern=r"^/")] = "/"


Probe = Annotated[ModbusProbe | HttpProbe | TcpProbe | IcmpProbe | CanaryProbe, Field(discriminator="kind")]


class ProbePack(Frozen):
    """A file of probes."""

    probes: Annotated[dict[Name, Probe], Field(min_length=1)]
