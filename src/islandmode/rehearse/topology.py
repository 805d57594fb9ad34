"""A lab's topology: a containerlab file, read as values for both back ends.

Containerlab itself checks what it is given. The namespaces back end refuses any key that it would not honour, so that the
same file means the same plant in both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from islandmode.core.errors import InputError, Place
from islandmode.store.yaml_tree import PathInFile, YamlTree, read_yaml

CLOCK_LABEL = "islandmode.clock-offset-s"
READY_LABEL = "islandmode.ready-check"
POINT_LABEL = "islandmode.isolation-point"
OPERATIONS_HOST = "ops"
NODE_DIR, LAB_DIR = "__clabNodeDir__", "__clabDir__"
READY_WITHIN_LABEL = "islandmode.ready-within-s"
MANAGEMENT_INTERFACE = "eth0"
KEPT = "topology.clab.yml"
TOP = {"name", "mgmt", "topology"}
# In namespaces the machine itself is not on the management network, so there is no gateway to place.
MGMT = {"network", "ipv4-subnet", "ipv6-subnet", "ipv4-gw", "ipv6-gw"}
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
    image: str = ""
    kind: str = "linux"

    def bound(self, lab_dir: Path) -> tuple[tuple[str, str], ...]:
        """Give binds with containerlab's own words for a lab's and a node's folder replaced by these folders."""
        words = {NODE_DIR: str(lab_dir / self.name), LAB_DIR: str(lab_dir)}
        found = []
        for source, target in self.binds:
            word = source.split("/")[0]
            found.append((source.replace(word, words[word], 1) if word in words else source, target))
        return tuple(found)

    @property
    def role(self) -> str:
        """Say what the node is."""
        return self.labels.get("islandmode.role", "")

    @property
    def ready_within_s(self) -> int:
        """Give how long a node may take until it can be logged in to: a vendor's image may boot for minutes."""
        return int(self.labels.get(READY_WITHIN_LABEL, "15"))

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
    network: str = ""

    @property
    def points(self) -> dict[str, LabNode]:
        """Give the nodes that are isolation points, by their name in the site."""
        return {node.labels[POINT_LABEL]: node for node in self.nodes.values() if POINT_LABEL in node.labels}

    @property
    def workspace(self) -> Path:
        """Give the folder in which the lab's folder lies, which the operations host sees too."""
        return self.file.parent.parent


def read_topology(path: Path) -> Topology:
    """Read a containerlab file; raises `InputError` with its place on what no lab of ours can be."""
    if not path.is_file():
        raise InputError(f"There is no lab topology {path}; start a workspace with `islandmode init`.")
    return _topology(path, read_yaml(path, str(path)))


def read_for_namespaces(path: Path) -> Topology:
    """Read a containerlab file, and refuse with its place whatever the namespaces back end would not honour."""
    topology = read_topology(path)
    tree = read_yaml(path, str(path))
    _refuse_unhonoured(tree)
    for name, node in topology.nodes.items():
        for _, target in node.binds:
            if not target.startswith("/run/"):
                # A node's root is the machine's own: a mount point anywhere else would have to be made on the machine.
                sentence = f"In namespaces the bind to {target} must have its target below /run/."
                raise InputError(sentence, tree.place(("topology", "nodes", name)))
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if "$" in line:
            sentence = 'Containerlab replaces what begins with "$" by variables, the namespaces back end does not; spell it out.'
            raise InputError(sentence, Place(str(path), number, line.index("$") + 1))
    return topology


def keep_topology(topology: Topology, folder: Path) -> None:
    """Keep the file as it was when the lab came up: whatever is written into it later, a running lab must be found."""
    (folder / KEPT).write_bytes(topology.file.read_bytes())


def kept_topology(folder: Path, file: Path) -> Topology:
    """Read the file of a running lab as it was when the lab came up."""
    kept = folder / KEPT
    return replace(read_topology(kept if kept.is_file() else file), file=file)


def _refuse_unhonoured(tree: YamlTree) -> None:
    _only(tree, (), tree.document, TOP)
    _only(tree, ("mgmt",), tree.document.get("mgmt") or {}, MGMT)
    topology = tree.document.get("topology") or {}
    _only(tree, ("topology",), topology, TOPOLOGY)
    groups: dict[PathInFile, dict[str, Any]] = {("topology", "defaults"): topology.get("defaults") or {}}
    for kind, settings in (topology.get("kinds") or {}).items():
        _only_linux(tree, kind, ("topology", "kinds", kind))
        groups["topology", "kinds", kind] = settings or {}
    for name, own in (topology.get("nodes") or {}).items():
        groups["topology", "nodes", name] = own or {}
    for where, group in groups.items():
        _only(tree, where, group, NODE | CONTAINER_ONLY)
        _only_linux(tree, group.get("kind", "linux"), (*where, "kind"))
    for number, link in enumerate(topology.get("links") or ()):
        _only(tree, ("topology", "links", number), link, LINK)


def _only_linux(tree: YamlTree, kind: object, where: PathInFile) -> None:
    if kind != "linux":
        sentence = (
            f"Kind {kind} does not run in namespaces, only linux does; try `islandmode lab up --backend containerlab`."
        )
        raise InputError(sentence, tree.place(where))


def _topology(path: Path, tree: YamlTree) -> Topology:
    topology = tree.document.get("topology") or {}
    defaults, kinds = topology.get("defaults") or {}, topology.get("kinds") or {}
    nodes: dict[str, LabNode] = {}
    for name, own in (topology.get("nodes") or {}).items():
        kind = (own or {}).get("kind", defaults.get("kind", "linux"))
        merged = _merged(defaults, kinds.get(kind) or {}, own or {})
        nodes[name] = _node(tree, ("topology", "nodes", name), name, merged, path.parent)
    if OPERATIONS_HOST not in nodes:
        sentence = f"A lab needs a node {OPERATIONS_HOST}, the operations host, where the conductor runs."
        raise InputError(sentence, tree.place(("topology", "nodes")))
    links = tuple(_link(tree, number, link, nodes) for number, link in enumerate(topology.get("links") or ()))
    network = str((tree.document.get("mgmt") or {}).get("network", ""))
    return Topology(str(tree.document.get("name", path.stem)), nodes, links, path.resolve(), network)


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
    if merged.get("network-mode") not in (None, "none"):
        raise InputError('network-mode can be "none" or left out.', tree.place((*where, "network-mode")))
    labels = {key: str(value) for key, value in (merged.get("labels") or {}).items()}
    managed = merged.get("network-mode") != "none"
    if managed and name != OPERATIONS_HOST and POINT_LABEL not in labels:
        sentence = (
            f"Node {name} would be on the management network, a way round the firewall; give it `network-mode: none`."
        )
        raise InputError(sentence, tree.place(where))
    addresses = tuple(str(merged[key]) for key in ("mgmt-ipv4", "mgmt-ipv6") if key in merged)
    return LabNode(
        name=name,
        exec=tuple(str(line) for line in merged.get("exec", ())),
        binds=tuple(_bind(tree, where, str(bind), folder) for bind in merged.get("binds", ())),
        labels=labels,
        sysctls={key: str(value) for key, value in merged.get("sysctls", {}).items()},
        env={key: str(value) for key, value in merged.get("env", {}).items()},
        management=addresses if managed else (),
        image=str(merged.get("image", "")),
        kind=str(merged.get("kind", "linux")),
    )


def _bind(tree: YamlTree, where: PathInFile, bind: str, folder: Path) -> tuple[str, str]:
    source, _, rest = bind.partition(":")
    target = rest.partition(":")[0]
    if not target:
        raise InputError(f"The bind {bind} is not SOURCE:TARGET.", tree.place(where))
    if source.split("/")[0] in (NODE_DIR, LAB_DIR):
        return source, target
    return str((folder / source).resolve()), target


def _link(tree: YamlTree, number: int, link: dict[str, Any], nodes: dict[str, LabNode]) -> LabLink:
    where: PathInFile = ("topology", "links", number)
    ends: list[str] = []
    for end in link.get("endpoints", ()):
        node, _, interface = str(end).partition(":")
        if node not in nodes:
            raise InputError(
                f"There is no node {node}; known nodes: {', '.join(nodes)}.", tree.place((*where, "endpoints"))
            )
        if not interface or len(interface) > 15:
            raise InputError(f"{end} names no interface of at most 15 characters.", tree.place((*where, "endpoints")))
        if interface == MANAGEMENT_INTERFACE and nodes[node].management:
            sentence = f"{end} is the management interface of {node}; name another one, eth1 and up."
            raise InputError(sentence, tree.place((*where, "endpoints")))
        ends += [node, interface]
    if len(ends) != 4:
        raise InputError("A link has two endpoints, NODE:INTERFACE each.", tree.place(where))
    return LabLink(*ends)
