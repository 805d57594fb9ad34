"""The form of a containerlab file, as far as a lab of ours reads it; what else stands there is containerlab's own business."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _as_text(given: Any) -> Any:
    """Take a whole number, true and false as the words they are, as containerlab does.

    A number such as 1.10 is left to be refused: as a number it is 1.1, and the two back ends would not mean the same.
    """
    if given is None:
        return ""
    if isinstance(given, bool):
        return str(given).lower()
    return str(given) if isinstance(given, int) else given


def _as_mapping(given: Any) -> Any:
    return {} if given is None else given


def _as_tuple(given: Any) -> Any:
    return tuple(given or ()) if given is None or isinstance(given, list) else given


Text = Annotated[str, BeforeValidator(_as_text)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_as_tuple)]
Words = Annotated[dict[str, Text], BeforeValidator(_as_mapping)]
FORM = ConfigDict(frozen=True, extra="ignore")


class Settings(BaseModel):
    """A node's settings, or those that several nodes have in common."""

    model_config = FORM
    kind: Text = ""
    image: Text = ""
    network_mode: Text = Field(default="", alias="network-mode")
    mgmt_ipv4: Text = Field(default="", alias="mgmt-ipv4")
    mgmt_ipv6: Text = Field(default="", alias="mgmt-ipv6")
    exec: Texts = ()
    binds: Texts = ()
    labels: Words = Field(default_factory=dict)
    sysctls: Words = Field(default_factory=dict)
    env: Words = Field(default_factory=dict)

    def under(self, own: Settings) -> Settings:
        """Lay a node's own settings over these as containerlab does: mappings are joined, lists add up, the rest is replaced."""
        ours, theirs = dict(self), dict(own)
        return own.model_copy(update={name: _laid_over(ours[name], theirs[name]) for name in ours})


def _laid_over(below: Any, above: Any) -> Any:
    if isinstance(below, dict):
        return below | above
    if isinstance(below, tuple):
        return (*below, *above)
    return above or below


Group = Annotated[Settings, BeforeValidator(_as_mapping)]


class Link(BaseModel):
    """A link in its short form."""

    model_config = FORM
    endpoints: Texts


class Plant(BaseModel):
    """What the key `topology` holds."""

    model_config = FORM
    defaults: Group = Settings()
    kinds: Annotated[dict[str, Group], BeforeValidator(_as_mapping)] = Field(default_factory=dict)
    nodes: Annotated[dict[str, Group], BeforeValidator(_as_mapping)]
    links: Annotated[tuple[Link, ...], BeforeValidator(_as_tuple)] = ()

    def settings(self, node: str) -> Settings:
        """Give a node's settings with those of its kind and of every node."""
        own = self.nodes[node]
        kind = own.kind or self.defaults.kind or "linux"
        merged = self.defaults.under(self.kinds.get(kind, Settings())).under(own)
        return merged.model_copy(update={"kind": kind})


class Management(BaseModel):
    """The management network; what is left out is as containerlab has it."""

    model_config = FORM
    network: Text = ""
    ipv4_subnet: Text = Field(default="172.20.20.0/24", alias="ipv4-subnet")
    ipv6_subnet: Text = Field(default="3fff:172:20:20::/64", alias="ipv6-subnet")


class LabFile(BaseModel):
    """A whole file."""

    model_config = FORM
    name: Text = ""
    mgmt: Annotated[Management, BeforeValidator(_as_mapping)] = Management()
    topology: Plant
