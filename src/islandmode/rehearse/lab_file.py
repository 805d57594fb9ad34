"""The form of a containerlab file, as far as Islandmode reads it; other keys are left to containerlab."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from islandmode.core.json_schema import Part, schema_of


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
LEFT_EMPTY = ("Settings", "LabManagement")
"""Parts of a file that may be there with nothing in them."""
FORM = ConfigDict(frozen=True, extra="ignore")


class Settings(BaseModel):
    """A node's settings, or those that several nodes have in common."""

    model_config = FORM
    kind: Text = Field(
        default="",
        description="What containerlab takes the node for. Left out, it is `linux`, the only kind that network namespaces play.",
        examples=["linux"],
    )
    group: Text = Field(
        default="", description="The group whose settings it has, over those of its kind.", examples=["desks"]
    )
    image: Text = Field(
        default="",
        description="The container's image. In namespaces a node sees the machine's own files.",
        examples=["islandmode-node:dev"],
    )
    network_mode: Text = Field(
        default="",
        alias="network-mode",
        description="`none` keeps the node off the management network. Every node needs it but the operations host and isolation points.",
        examples=["none"],
    )
    mgmt_ipv4: Text = Field(
        default="", alias="mgmt-ipv4", description="IPv4 address on the management network.", examples=["172.31.255.1"]
    )
    mgmt_ipv6: Text = Field(
        default="", alias="mgmt-ipv6", description="IPv6 address on the management network.", examples=["fd10:ff::1"]
    )
    exec: Texts = Field(
        default=(),
        description="Programs that boot the node, one after the other; a program with its words, without a shell. What only a shell reads is "
        "refused: `&&`, `;`, a pipe, `>`, `$`.",
        examples=[["ip address add 10.40.0.10/24 dev eth1"]],
    )
    binds: Texts = Field(
        default=(),
        description="SOURCE:TARGET or SOURCE:TARGET:ro. A source is a path from the file, or begins with `__clabNodeDir__` or `__clabDir__`; in "
        "namespaces a target lies below /run/.",
        examples=[["./:/run/plant:ro"]],
    )
    labels: Words = Field(
        default_factory=dict,
        description="What the node is; see the labels below.",
        examples=[{"islandmode.role": "PLC"}],
    )
    sysctls: Words = Field(
        default_factory=dict,
        description="Kernel settings of the node's network.",
        examples=[{"net.ipv4.ip_forward": 1}],
    )
    env: Words = Field(default_factory=dict, description="Environment of its programs.", examples=[{"LANG": "C.UTF-8"}])

    def under(self, own: Settings) -> Settings:
        """Lay a node's own settings over these as containerlab does: mappings are joined, lists add up, the rest is replaced."""
        below, above = dict(self), dict(own)
        return own.model_copy(update={name: _laid_over(below[name], above[name]) for name in below})


def _laid_over(below: Any, above: Any) -> Any:
    if isinstance(below, dict):
        return below | above
    if isinstance(below, tuple):
        return (*below, *above)
    return above or below


Group = Annotated[Settings, BeforeValidator(_as_mapping)]


class FileLink(BaseModel):
    """A link in its short form."""

    model_config = FORM
    endpoints: Texts = Field(
        description="Its two ends, NODE:INTERFACE each. An interface has at most 15 characters and one link; eth0 is the management network.",
        examples=[["fw:eth2", "vendor:eth1"]],
    )


class Plant(BaseModel):
    """What the key `topology` holds."""

    model_config = FORM
    defaults: Group = Field(default=Settings(), description="Settings of every node.")
    kinds: Annotated[dict[str, Group], BeforeValidator(_as_mapping)] = Field(
        default_factory=dict, description="Settings of every node of a kind."
    )
    groups: Annotated[dict[str, Group], BeforeValidator(_as_mapping)] = Field(
        default_factory=dict, description="Settings of every node of a group."
    )
    nodes: Annotated[dict[str, Group], BeforeValidator(_as_mapping)] = Field(
        description="The nodes by their names. `ops` must be there: the operations host, on which the drill runs."
    )
    links: Annotated[tuple[FileLink, ...], BeforeValidator(_as_tuple)] = Field(
        default=(), description="Who is wired to whom."
    )

    def settings(self, node: str) -> Settings:
        """Give a node's settings over those of its group, its kind and of every node, in containerlab's order."""
        own, none = self.nodes[node], Settings()
        groups = (self.groups.get(own.group, none), self.groups.get(self.defaults.group, none), self.defaults)
        kind = own.kind or next((settings.kind for settings in groups if settings.kind), "linux")
        of_kind = self.kinds.get(kind, none)
        group = own.group or of_kind.group or self.defaults.group
        merged = self.defaults.under(of_kind).under(self.groups.get(group, none)).under(own)
        return merged.model_copy(update={"kind": kind, "group": group})


class LabManagement(BaseModel):
    """The management network; what is left out is as containerlab has it."""

    model_config = FORM
    network: Text = Field(
        default="",
        description="Its name in the container engine; one lab of containers stands on it at a time.",
        examples=["islandmode-plant"],
    )
    ipv4_subnet: Text = Field(
        default="172.20.20.0/24", alias="ipv4-subnet", description="Its IPv4 network.", examples=["172.31.255.0/24"]
    )
    ipv6_subnet: Text = Field(
        default="3fff:172:20:20::/64", alias="ipv6-subnet", description="Its IPv6 network.", examples=["fd10:ff::/64"]
    )


class LabFile(BaseModel):
    """A whole file."""

    model_config = FORM
    name: Text = Field(default="", description="What the picture of the lab is called.", examples=["plant"])
    mgmt: Annotated[LabManagement, BeforeValidator(_as_mapping)] = Field(
        default=LabManagement(), description="The management network, which joins operations host and isolation points."
    )
    topology: Plant = Field(description="The lab itself.")


def lab_schema() -> Part:
    """Give the JSON Schema of a file, for editors; keys of containerlab's own are free in it, as they are when it is read."""
    return schema_of(LabFile, _as_words)


def _as_words(told: Part) -> Part:
    """Say in a schema what pydantic leaves out: a plain number or truth value is the word it is, and a part may be left empty."""
    if told.get("type") == "string":
        told["type"] = ["string", "integer", "boolean", "null"]
    elif told.get("type") == "array" or "additionalProperties" in told or told.get("title") in LEFT_EMPTY:
        told["type"] = [told["type"], "null"]
    return told
