"""What the namespaces back end honours of a containerlab file; every other key is refused, with its place.

Containerlab itself checks what it is given. So the same file means the same plant in both.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

from islandmode.core.errors import InputError, Place
from islandmode.rehearse.topology import OUR_IMAGES, LabNode, Topology, read_with_places
from islandmode.store.yaml_tree import PathInFile, YamlTree, show

TOP = {"name", "mgmt", "topology"}
# In namespaces the machine itself is not on the management network, so there is no gateway to place.
MGMT = {"network", "ipv4-subnet", "ipv6-subnet", "ipv4-gw", "ipv6-gw"}
TOPOLOGY = {"defaults", "kinds", "groups", "nodes", "links"}
NODE = {"kind", "group", "exec", "binds", "labels", "sysctls", "network-mode", "mgmt-ipv4", "mgmt-ipv6", "env"}
# A container's own settings: in namespaces a node is no container and needs none of them, so they are honoured by
# doing nothing. `image` is one of them, if it is Islandmode's own: every node sees the machine's own files.
CONTAINER_ONLY = {"image", "privileged", "cap-add", "security-opts", "restart-policy"}
LINK = {"endpoints"}
BIND_MODES = {"", "ro", "rw"}


def read_for_namespaces(path: Path, in_containers: str) -> Topology:
    """Read a containerlab file, and refuse, with its place, every key that the namespaces back end would not honour.

    `in_containers` is the command that brings the same lab up in containers.
    """
    topology, tree = read_with_places(path)
    _refuse_unhonoured(tree, in_containers)
    _refuse_no_management(tree, topology)
    for node in topology.nodes.values():
        _refuse_foreign(tree, node, in_containers)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if "$" in line:
            sentence = 'Containerlab replaces what begins with "$" by variables, the namespaces back end does not; spell it out.'
            raise InputError(sentence, Place(str(path), number, line.index("$") + 1))
    return topology


def _refuse_foreign(tree: YamlTree, node: LabNode, in_containers: str) -> None:
    """Refuse an image that would be left out, and a bind that cannot be made: the plant would not be the one in the file."""
    sentence = ""
    if node.image not in ("", *OUR_IMAGES):
        sentence = f"Image {show(node.image)} does not run in namespaces; try `{in_containers}`."
    for _, target, mode in node.binds:
        if not target.startswith("/run/"):
            # A node's root is the machine's own: a mount point anywhere else would have to be made on the machine.
            sentence = f"In namespaces the bind to {target} must have its target below /run/."
        elif mode not in BIND_MODES:
            sentence = f"In namespaces the bind to {target} can be ro, rw or neither; found {show(mode)}."
    if sentence:
        raise InputError(sentence, tree.place(("topology", "nodes", node.name)))


def _refuse_no_management(tree: YamlTree, topology: Topology) -> None:
    """Refuse an invalid management network, and an address outside it: no login would ever get there."""
    try:
        subnets = {
            version: ipaddress.ip_network(text)
            for version, text in ((4, topology.management.ipv4_subnet), (6, topology.management.ipv6_subnet))
        }
    except ValueError as error:
        raise InputError(f"The management network must have subnets: {error}.", tree.place(("mgmt",))) from None
    for name, node in topology.nodes.items():
        for address in node.management:
            try:
                found = ipaddress.ip_address(address)
            except ValueError as error:
                raise InputError(f"{error}.", tree.place(("topology", "nodes", name))) from None
            if found not in subnets[found.version]:
                sentence = f"{address} of {name} is not on the management network {subnets[found.version]}."
                raise InputError(sentence, tree.place(("topology", "nodes", name)))


def _refuse_unhonoured(tree: YamlTree, in_containers: str) -> None:
    _only(tree, (), tree.document, TOP)
    _only(tree, ("mgmt",), tree.document.get("mgmt") or {}, MGMT)
    topology = tree.document["topology"]
    _only(tree, ("topology",), topology, TOPOLOGY)
    groups: dict[PathInFile, dict[str, Any]] = {("topology", "defaults"): topology.get("defaults") or {}}
    for kind, settings in (topology.get("kinds") or {}).items():
        _only_linux(tree, kind, ("topology", "kinds", kind), in_containers)
        groups["topology", "kinds", kind] = settings or {}
    for name, settings in (topology.get("groups") or {}).items():
        groups["topology", "groups", name] = settings or {}
    for name, own in topology["nodes"].items():
        groups["topology", "nodes", name] = own or {}
    for where, group in groups.items():
        _only(tree, where, group, NODE | CONTAINER_ONLY)
        _only_linux(tree, group.get("kind") or "linux", (*where, "kind"), in_containers)
    for number, link in enumerate(topology.get("links") or ()):
        _only(tree, ("topology", "links", number), link, LINK)


def _only_linux(tree: YamlTree, kind: object, where: PathInFile, in_containers: str) -> None:
    if kind != "linux":
        sentence = f"Kind {kind} does not run in namespaces, only linux does; try `{in_containers}`."
        raise InputError(sentence, tree.place(where))


def _only(tree: YamlTree, where: PathInFile, found: dict[str, Any], known: set[str]) -> None:
    for key in found:
        if key not in known:
            sentence = f'The namespaces back end does not honour "{key}" here; it knows {", ".join(sorted(known))}.'
            raise InputError(sentence, tree.place((*where, key), of_key=True))
