"""A lab's topology: a containerlab file, read as values. Any key that this back end would not honour is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from islandmode.core.errors import InputError
from islandmode.store.yaml_tree import PathInFile, YamlTree, read_yaml

CLOCK_LABEL = "islandmode.clock-offset-s"
TOP = {"name", "mgmt", "topology"}
MGMT = {"network", "ipv4-subnet", "ipv6-subnet"}
TOPOLOGY = {"defaults", "kinds", "nodes", "links"}
NODE = {"kind", "exec", "binds", "labels", "sysctls", "network-mode", "mgmt-ipv4", "mgmt-ipv6", "env"}
# A container's own settings: in namespaces a node is no container and needs none of them, so they are honoured by
# doing nothing. `image` is one of them: every node sees the machine's own files.
CONTAINER_ONLY = {"image", "privileged", "cap-add", "security-opts", "restart-policy"}
LINK = {"endpoints"}


@dataclass(frozen=True)
class LabNode:
    """One node: how it boots, what it sees, and whether it is on the management network."""

    name: str
    exec: tuple[str, ...] = ()
    binds: tuple[tuple[str, str], ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    sysctls: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    management: tuple[str, ...] = ()

    @property
    def role(self) -> str:
        """Say what the node is."""
        return self.labels.get("islandmode.role", "")

    @property
    def clock_offset_s(self) -> int:
        """Give how far the node's monotonic clock is ahead, where the kernel allows that."""
        return int(self.labels.get(CLOCK_LABEL, "0"))


@dataclass(frozen=True)
class LabLink:
    """One link between two nodes' interfaces."""

    node_a: str
    interface_a: str
    node_b: str
    interface_b: str


@dataclass(frozen=True)
class Topology:
    """A whole lab."""

    name: str
    nodes: dict[str, LabNode]
    links: tuple[LabLink, ...]
    file: Path


def read_topology(path: Path) -> Topology:
    """Read a containerlab file; raises `InputError` with its place on anything that would not be honoured."""
    tree = read_yaml(path, str(path))
    _only(tree, (), tree.document, TOP)
    _only(tree, ("mgmt",), tree.document.get("mgmt") or {}, MGMT)
    topology = tree.document.get("topology") or {}
    _only(tree, ("topology",), topology, TOPOLOGY)
    defaults = topology.get("defaults") or {}
    kinds = topology.get("kinds") or {}
    _only(tree, ("topology", "defaults"), defaults, NODE | CONTAINER_ONLY)
    for kind in kinds:
        if kind != "linux":
            raise InputError(
                f"Kind {kind} does not run in namespaces; only linux does.", tree.place(("topology", "kinds", kind))
            )
        _only(tree, ("topology", "kinds", kind), kinds[kind], NODE | CONTAINER_ONLY)
    nodes: dict[str, LabNode] = {}
    for name, own in (topology.get("nodes") or {}).items():
        where: PathInFile = ("topology", "nodes", name)
        _only(tree, where, own or {}, NODE | CONTAINER_ONLY)
        merged = _merged(defaults, kinds.get("linux") or {}, own or {})
        nodes[name] = _node(tree, where, name, merged, path.parent)
    links = tuple(_link(tree, number, link, nodes) for number, link in enumerate(topology.get("links") or ()))
    return Topology(str(tree.document.get("name", path.stem)), nodes, links, path.resolve())


def _only(tree: YamlTree, where: PathInFile, found: dict[str, Any], known: set[str]) -> None:
    for key in found:
        if key not in known:
            sentence = f'The namespaces back end does not honour "{key}" here; it knows {", ".join(sorted(known))}.'
            raise InputError(sentence, tree.place((*where, key), of_key=True))


def _merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """Merge defaults, kind and node as containerlab does: mappings are joined, lists add up, the rest is replaced."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            if isinstance(value, dict):
                merged[key] = {**merged.get(key, {}), **value}
            elif isinstance(value, list):
                merged[key] = [*merged.get(key, []), *value]
            else:
                merged[key] = value
    return merged


def _node(tree: YamlTree, where: PathInFile, name: str, merged: dict[str, Any], folder: Path) -> LabNode:
    if merged.get("kind", "linux") != "linux":
        raise InputError(
            f"Kind {merged['kind']} does not run in namespaces; only linux does.", tree.place((*where, "kind"))
        )
    if merged.get("network-mode") not in (None, "none"):
        raise InputError('network-mode can be "none" or left out.', tree.place((*where, "network-mode")))
    binds = tuple(_bind(tree, where, str(bind), folder) for bind in merged.get("binds", ()))
    management = (
        ()
        if merged.get("network-mode") == "none"
        else tuple(str(merged[key]) for key in ("mgmt-ipv4", "mgmt-ipv6") if key in merged)
    )
    return LabNode(
        name=name,
        exec=tuple(str(line) for line in merged.get("exec", ())),
        binds=binds,
        labels={key: str(value) for key, value in merged.get("labels", {}).items()},
        sysctls={key: str(value) for key, value in merged.get("sysctls", {}).items()},
        env={key: str(value) for key, value in merged.get("env", {}).items()},
        management=management,
    )


def _bind(tree: YamlTree, where: PathInFile, bind: str, folder: Path) -> tuple[str, str]:
    source, _, rest = bind.partition(":")
    target = rest.partition(":")[0]
    if not target.startswith("/run/"):
        # A node's root is the machine's own: a mount point anywhere else would have to be made on the machine.
        raise InputError(f"The bind {bind} must have its target below /run/.", tree.place(where))
    return str((folder / source).resolve()), target


def _link(tree: YamlTree, number: int, link: dict[str, Any], nodes: dict[str, LabNode]) -> LabLink:
    where: PathInFile = ("topology", "links", number)
    _only(tree, where, link, LINK)
    ends: list[str] = []
    for end in link.get("endpoints", ()):
        node, _, interface = str(end).partition(":")
        if node not in nodes:
            raise InputError(
                f"There is no node {node}; known nodes: {', '.join(nodes)}.", tree.place((*where, "endpoints"))
            )
        if not interface or len(interface) > 15:
            raise InputError(f"{end} names no interface of at most 15 characters.", tree.place((*where, "endpoints")))
        ends += [node, interface]
    if len(ends) != 4:
        raise InputError("A link has two endpoints, NODE:INTERFACE each.", tree.place(where))
    return LabLink(*ends)
