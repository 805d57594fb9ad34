"""Who off this host acknowledges a line of the ledger: another host's folder over SSH, or a mailbox. Values only."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from islandmode.core.frozen import Address, Frozen
from islandmode.core.quantities import Seconds, SecretRef, as_tuple
from islandmode.core.vantage_login import ACCOUNT, FAR_PATH, Port

MAILBOX = r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}$"
WITHIN_MAX_S = 60.0


class FolderReceiver(Frozen):
    """A folder on another host, to which each line is appended; its host key must stand in inventory/known_hosts."""

    address: Address = Field(description="Where it is logged in to.", examples=["10.30.0.9"])
    port: Port = Field(default=22, description="TCP port of its SSH server.", examples=[22])
    user: str = Field(pattern=ACCOUNT, description="Account on it.", examples=["ledger"])
    key: SecretRef = Field(
        description="Where its private SSH key is found.", examples=["file:/etc/islandmode/ledger.key"]
    )
    folder: str = Field(
        pattern=FAR_PATH,
        description="The folder there in which a file for each ledger is kept.",
        examples=["/srv/ledger"],
    )


class MailReceiver(Frozen):
    """A mailbox, to which the checkpoint with each line is sent; its server's 250 after the message acknowledges it."""

    address: Address = Field(description="The mail server that takes it.", examples=["10.30.0.25"])
    port: Port = Field(default=25, description="TCP port of that server.", examples=[25])
    sender: str = Field(alias="from", pattern=MAILBOX, description="From which address.", examples=["ot@plant.example"])
    to: Annotated[
        tuple[Annotated[str, Field(pattern=MAILBOX)], ...],
        BeforeValidator(as_tuple),
        Field(min_length=1, max_length=5),
    ] = Field(description="To which addresses; all of them must be taken.", examples=[["audit@corp.example"]])


class LedgerReceiver(Frozen):
    """Who acknowledges the line before a run arms."""

    ssh: FolderReceiver | None = Field(default=None, description="A folder on another host, by SSH.")
    mail: MailReceiver | None = Field(default=None, description="A mailbox, by way of a mail server.")
    within: Annotated[Seconds, Field(le=WITHIN_MAX_S)] = Field(
        default=10.0, description="How long the acknowledgement is waited for.", examples=["10 s"]
    )
    demanded: bool = Field(default=False, description="Whether a live run is refused without it.", examples=[True])

    @model_validator(mode="after")
    def _is_one(self) -> LedgerReceiver:
        if (self.ssh is None) == (self.mail is None):
            raise ValueError("expected either ssh or mail")
        return self

    @property
    def via(self) -> FolderReceiver | MailReceiver:
        """Give the one that it is."""
        found = self.ssh or self.mail
        if found is None:
            raise ValueError("expected either ssh or mail")
        return found

    @property
    def told(self) -> str:
        """Name it."""
        via = self.via
        return (
            f"{via.user}@{via.address}:{via.folder}"
            if isinstance(via, FolderReceiver)
            else f"mail to {', '.join(via.to)}"
        )

    @property
    def demand_told(self) -> str:
        """Name it with what it is asked for."""
        return f"{self.told}{', demanded for a live run' if self.demanded else ''}"
