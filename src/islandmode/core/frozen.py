"""What every value of an operator's file is made of."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from pydantic import BaseModel, ConfigDict

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Frozen(BaseModel):
    """Frozen value that refuses unknown keys: a misspelt key must never be ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)
