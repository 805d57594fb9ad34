"""A lab's topology: a containerlab file, read as values for both back ends; what Islandmode cannot bring up is refused."""

from __future__ import annotations

import difflib
import ipaddress
import re
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.core.planning.paths import HERE
from islandmode.core.quantities import NAME_PATTERN
from islandmode.rehearse.lab_file import FileLink, LabFile, LabManagement, Settings
from islandmode.rehearse.node_words import (
    CLOCK_LABEL,
    OPERATIONS_HOST,
    POINT_LABEL,
    READY_WITHIN_LABEL,
    ROLE_LABEL,
    VANTAGE_LABEL,
    WITHOUT_CONTAINER,
)
from islandmode.rehearse.topology_faults import file_faults, key_faults
from islandmode.store.catalog import all_of, each_of, validate
from islandmode.store.yaml_tree import PathInFile, YamlTree, read_yaml, show
from islandmode.system.own_program import typed

NODE_DIR, LAB_DIR = "__clabNodeDir__", "__clabDir__"
MANAGEMENT_INTERFACE = "eth0"
KEPT = "topology.clab.yml"
OUR_IMAGES = {"islandmode-node:dev": ("lab/build-image",), "islandmode-hmi:dev": ("lab/build-image", "hmi")}
"""Each with the script of a workspace that builds it, and that script's words."""
NODE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
RESERVED = {"code"}
"""A lab keeps its own code beside the nodes' folders."""
SECONDS = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True)
class LabNode:
    """One node: how it boots, what it sees, and whether it is on the management network."""

    name: str
    exec: tuple[str, ...] = ()
    binds: tuple[tuple[str, str, str], ...] = ()
    """Source, target, and "ro" or what else the mode is."""
    labels: dict[str, str] = field(default_factory=dict)
    sysctls: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    management: tuple[str, ...] = ()
    image: str = ""
    kind: str = "linux"

    def bound(self, lab_dir: Path) -> tuple[tuple[str, str, str], ...]:
        """Give binds with containerlab's own words for a lab's and a node's folder replaced by these folders."""
        words = {NODE_DIR: str(lab_dir / self.name), LAB_DIR: str(lab_dir)}
        found = []
        for source, target, mode in self.binds:
            word = source.split("/")[0]
            found.append((source.replace(word, words[word], 1) if word in words else source, target, mode))
        return tuple(found)

    @property
    def role(self) -> str:
        """Say what the node is."""
        return self.labels.get(ROLE_LABEL, "")

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
    management: LabManagement = field(default_factory=LabManagement)

    def on_management(self, address: str) -> tuple[str, int]:
        """Give an address with the length of the management network that it is on."""
        subnet = self.management.ipv6_subnet if ":" in address else self.management.ipv4_subnet
        return address, ipaddress.ip_network(subnet).prefixlen

    @property
    def points(self) -> dict[str, LabNode]:
        """Give the nodes that are isolation points, by their name in the site."""
        return {node.labels[POINT_LABEL]: node for node in self.nodes.values() if POINT_LABEL in node.labels}

    @property
    def vantages(self) -> dict[str, LabNode]:
        """Give the nodes from which probes look, by the vantage's name in the site; `here` is the operations host."""
        labelled = {node.labels[VANTAGE_LABEL]: node for node in self.nodes.values() if VANTAGE_LABEL in node.labels}
        here = {HERE: self.nodes[OPERATIONS_HOST]} if OPERATIONS_HOST in self.nodes else {}
        return labelled | here

    @property
    def workspace(self) -> Path:
        """Give the folder in which the lab's folder lies, which the operations host sees too."""
        return self.file.parent.parent


def read_topology(path: Path) -> Topology:
    """Read a containerlab file; raises `InputError` with its place when Islandmode cannot bring that lab up."""
    return read_with_places(path)[0]


def read_with_places(path: Path, shown: str | None = None) -> tuple[Topology, YamlTree]:
    """Read a containerlab file, and where each part of it stands; raises `InputError` with all that is wrong in it."""
    if not path.is_file():
        raise InputError(f"There is no lab topology {path}; start a workspace with `{typed('init', 'DIR')}`.")
    tree = read_yaml(path, shown or str(path))
    wrong = list(key_faults(tree))
    try:
        file = _form(tree)
        wrong += file_faults(tree, file)
        topology = _topology(path, tree, file)
    except InputError as error:
        raise all_of((*wrong, *each_of(error))) from None
    if wrong:
        raise all_of(wrong)
    return topology, tree


def keep_topology(topology: Topology, folder: Path) -> None:
    """Keep the file as it was when the lab came up: later changes to it must not hide a running lab."""
    (folder / KEPT).write_bytes(topology.file.read_bytes())


def kept_topology(folder: Path, file: Path) -> Topology:
    """Read the file of a running lab as it was when the lab came up."""
    kept = folder / KEPT
    if not kept.is_file():
        return read_topology(file)
    tree = read_yaml(kept, str(kept))
    # What it may be written like was asked when it came up. A later version that asks for more must still find it.
    return replace(_topology(kept, tree, _form(tree)), file=file)


def _form(tree: YamlTree) -> LabFile:
    _refuse_long_links(tree)
    return validate(LabFile, tree)


def _topology(path: Path, tree: YamlTree, file: LabFile) -> Topology:
    names = file.topology.nodes
    if OPERATIONS_HOST not in names:
        close = difflib.get_close_matches(OPERATIONS_HOST, names, 1)
        hint = f" If {close[0]} is it, rename that." if close else ""
        sentence = (
            f"A lab needs a node {OPERATIONS_HOST}, the operations host, where the conductor runs; known nodes: "
            f"{', '.join(map(show, names)) or 'none'}.{hint}"
        )
        raise InputError(sentence, tree.place(("topology", "nodes")))
    nodes = {name: _node(tree, name, file.topology.settings(name), path.parent) for name in names}
    _refuse_twins(tree, nodes)
    links = tuple(_link(tree, number, link, nodes) for number, link in enumerate(file.topology.links))
    _refuse_shared_interfaces(tree, links)
    return Topology(file.name or path.stem, nodes, links, path.resolve(), file.mgmt)


def _refuse_long_links(tree: YamlTree) -> None:
    """Refuse containerlab's long form of links first: it has other keys, and kinds of link that lead out of the lab."""
    topology = tree.document.get("topology")
    links = topology.get("links") if isinstance(topology, dict) else None
    for number, link in enumerate(links if isinstance(links, list) else ()):
        ends = link.get("endpoints") if isinstance(link, dict) else None
        if isinstance(link, dict) and (
            "type" in link or (isinstance(ends, list) and any(isinstance(end, dict) for end in ends))
        ):
            sentence = "Only the short form of a link is read here: endpoints: [NODE:INTERFACE, NODE:INTERFACE]."
            raise InputError(sentence, tree.place(("topology", "links", number)))


def _refuse_name(tree: YamlTree, name: str) -> None:
    if name in RESERVED:
        sentence = f"A node cannot be named {name}: the lab keeps its own code under that name; give it another."
        raise InputError(sentence, tree.place(("topology", "nodes", name), of_key=True))
    if NODE_NAME.fullmatch(name) is None:
        sentence = f'A node cannot be named "{show(name)}"; give it letters, digits, ".", "_" and "-", at most 60.'
        raise InputError(sentence, tree.place(("topology", "nodes", name), of_key=True))


def _node(tree: YamlTree, name: str, settings: Settings, folder: Path) -> LabNode:
    where: PathInFile = ("topology", "nodes", name)
    _refuse_name(tree, name)
    if settings.kind in WITHOUT_CONTAINER:
        sentence = (
            f"Node {name} is of kind {settings.kind}, which is no machine of the lab: containerlab only joins it to what is there "
            "already. For a switch, take a linux node that makes a bridge of its ports."
        )
        raise InputError(sentence, tree.place(where))
    if settings.network_mode not in ("", "bridge", "none"):
        raise InputError(
            'network-mode can be "none", or "bridge", which is the same as left out.',
            tree.place((*where, "network-mode")),
        )
    for line in settings.exec:
        try:
            shlex.split(line)
        except ValueError as error:
            raise InputError(f"The line {show(line)} of exec: {error}.", tree.place((*where, "exec"))) from None
    for label, least in ((READY_WITHIN_LABEL, 1), (CLOCK_LABEL, 0)):
        _whole_seconds(tree, (*where, "labels", label), settings.labels.get(label), least)
    addresses = tuple(address for address in (settings.mgmt_ipv4, settings.mgmt_ipv6) if address)
    return LabNode(
        name=name,
        exec=settings.exec,
        binds=tuple(_bind(tree, where, bind, folder) for bind in settings.binds),
        labels=settings.labels,
        sysctls=settings.sysctls,
        env=settings.env,
        management=addresses if settings.network_mode != "none" else (),
        image=settings.image,
        kind=settings.kind,
    )


def _whole_seconds(tree: YamlTree, where: PathInFile, given: str | None, least: int) -> None:
    if given is not None and not (SECONDS.fullmatch(given) and int(given) >= least):
        sentence = f'"{where[-1]}" must be a whole number of seconds, at least {least}; found "{show(given)}".'
        raise InputError(sentence, tree.place(where))


def _refuse_twins(tree: YamlTree, nodes: dict[str, LabNode]) -> None:
    """Refuse a point or a vantage that is no name, or stands on two nodes: a drill would isolate, or look from, one of them."""
    for label, what in ((POINT_LABEL, "isolation point"), (VANTAGE_LABEL, "vantage")):
        owners: dict[str, str] = {HERE: OPERATIONS_HOST} if label == VANTAGE_LABEL else {}
        for name, node in nodes.items():
            given = node.labels.get(label)
            where: PathInFile = ("topology", "nodes", name, "labels", label)
            if given is None:
                continue
            if re.fullmatch(NAME_PATTERN, given) is None:
                article = "an" if label == POINT_LABEL else "a"
                sentence = f'"{label}" must be the name of {article} {what} of the site; found "{show(given)}".'
                raise InputError(sentence, tree.place(where))
            if owners.setdefault(given, name) != name:
                sentence = f"{what.capitalize()} {given} is node {owners[given]} already; a lab has one node for each."
                raise InputError(sentence, tree.place(where))


def _bind(tree: YamlTree, where: PathInFile, bind: str, folder: Path) -> tuple[str, str, str]:
    source, _, rest = bind.partition(":")
    target, _, mode = rest.partition(":")
    if not target:
        raise InputError(f"The bind {show(bind)} is not SOURCE:TARGET.", tree.place(where))
    if source.split("/")[0] in (NODE_DIR, LAB_DIR):
        return source, target, mode
    return str((folder / source).resolve()), target, mode


def _link(tree: YamlTree, number: int, link: FileLink, nodes: dict[str, LabNode]) -> LabLink:
    where: PathInFile = ("topology", "links", number)
    ends: list[str] = []
    for end in link.endpoints:
        node, _, interface = end.partition(":")
        if node not in nodes:
            sentence = f"There is no node {show(node)}; known nodes: {', '.join(nodes)}."
            raise InputError(sentence, tree.place((*where, "endpoints")))
        if not interface or len(interface) > 15:
            sentence = f"{show(end)} names no interface of at most 15 characters."
            raise InputError(sentence, tree.place((*where, "endpoints")))
        if interface == MANAGEMENT_INTERFACE and nodes[node].management:
            sentence = f"{end} is the management interface of {node}; name another interface, eth1 and up."
            raise InputError(sentence, tree.place((*where, "endpoints")))
        ends += [node, interface]
    if len(ends) != 4:
        raise InputError("A link has two endpoints, NODE:INTERFACE each.", tree.place(where))
    return LabLink(*ends)


def _refuse_shared_interfaces(tree: YamlTree, links: tuple[LabLink, ...]) -> None:
    used: set[tuple[str, str]] = set()
    for number, link in enumerate(links):
        for end in ((link.node_a, link.interface_a), (link.node_b, link.interface_b)):
            if end in used:
                sentence = f"{':'.join(end)} is the end of another link already; an interface has one."
                raise InputError(sentence, tree.place(("topology", "links", number)))
            used.add(end)
