"""How the operations host logs in to a vantage's host: SSH by a key, to an account that needs no rights."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from islandmode.core.frozen import Address, Frozen
from islandmode.core.quantities import SecretRef

ACCOUNT = r"^[A-Za-z_][A-Za-z0-9._-]{0,63}$"
FAR_PATH = r"^/[A-Za-z0-9._/-]{1,200}$"
FAR_PROGRAM = r"^[A-Za-z0-9._/-]{1,200}$"
Port = Annotated[int, Field(ge=1, le=65535)]


class Jump(Frozen):
    """A host on the way to another, that is logged in to first."""

    address: Address = Field(description="Where it is logged in to.", examples=["10.30.0.5"])
    port: Port = Field(default=22, description="TCP port of its SSH server.", examples=[22])
    user: str = Field(pattern=ACCOUNT, description="Account on it.", examples=["islandmode"])
    key: SecretRef = Field(
        description="Where its private SSH key is found.", examples=["file:/etc/islandmode/jump.key"]
    )


class VantageLogin(Frozen):
    """How a vantage's host is logged in to, so that its worker can be started and collected.

    The account needs no rights but to run Python. Its host key must stand in inventory/known_hosts.
    """

    user: str = Field(pattern=ACCOUNT, description="Account on the host.", examples=["witness"])
    key: SecretRef = Field(
        description="Where its private SSH key is found; one key for each vantage.",
        examples=["file:/etc/islandmode/office.key"],
    )
    address: Address | None = Field(
        default=None,
        description="Where it is logged in to, if not at the first of the vantage's addresses.",
        examples=["10.10.0.21"],
    )
    port: Port = Field(default=22, description="TCP port of its SSH server.", examples=[22])
    python: str = Field(
        default="python3",
        pattern=FAR_PROGRAM,
        description="The Python to use there, 3.9 or newer.",
        examples=["python3.11"],
    )
    installed: bool = Field(
        default=False,
        description="Whether a person installed the worker there, and the key may do nothing but start it (`islandmode vantage worker` "
        "gives the file and the line for authorized_keys). Otherwise the run puts it into the account's own folder.",
        examples=[True],
    )
    spool: str | None = Field(
        default=None,
        pattern=FAR_PATH,
        description="The folder there in which samples are kept until they are collected, if not ~/.cache/islandmode/spools; with "
        "`installed` it stands in authorized_keys.",
        examples=["/srv/islandmode"],
    )
    jump: Jump | None = Field(default=None, description="A host that must be logged in to on the way.")

    @property
    def keys(self) -> tuple[str, ...]:
        """Name every key that the login needs."""
        return (self.key,) if self.jump is None else (self.key, self.jump.key)
