"""What the namespaces back end honours of a containerlab file; every other key is refused, with its place.

Containerlab itself checks what it is given. So the same file means the same plant in both.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from islandmode.core.errors import InputError, Place
from islandmode.rehearse.topology import OUR_IMAGES, LabNode, Topology, read_with_places
from islandmode.store.catalog import all_of
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
    """Read a containerlab file, and refuse everything that the namespaces back end would not honour, each with its place.

    `in_containers` is the command that brings the same lab up in containers.
    """
    topology, tree = read_with_places(path)
    found = [
        *_unhonoured(tree, in_containers),
        *_without_management(tree, topology),
        *(error for node in topology.nodes.values() for error in _foreign(tree, node, in_containers)),
        *_variables(path),
    ]
    if found:
        raise all_of(found)
    return topology


def _variables(path: Path) -> Iterator[InputError]:
    """Find what containerlab would replace before it reads the file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if "$" in line:
            sentence = 'Containerlab replaces what begins with "$" by variables, the namespaces back end does not; spell it out.'
            yield InputError(sentence, Place(str(path), number, line.index("$") + 1))


def _foreign(tree: YamlTree, node: LabNode, in_containers: str) -> Iterator[InputError]:
    """Find an image that would be left out, and binds that cannot be made: the plant would not be the one in the file."""
    if node.image not in ("", *OUR_IMAGES):
        place = _place_of(tree, node, "image", node.image)
        yield InputError(f"Image {show(node.image)} does not run in namespaces; try `{in_containers}`.", place)
    for _, target, mode in node.binds:
        place = _place_of(tree, node, "binds", f":{target}:{mode}" if mode else f":{target}")
        if not target.startswith("/run/"):
            # A node's root is the machine's own: a mount point anywhere else would have to be made on the machine.
            yield InputError(f"In namespaces the bind to {target} must have its target below /run/.", place)
        elif mode not in BIND_MODES:
            sentence = f"In namespaces the bind to {target} can be ro, rw or neither; found {show(mode)}."
            yield InputError(sentence, place)


def _place_of(tree: YamlTree, node: LabNode, key: str, ending: str) -> Place:
    """Find where a setting of a node is written: with the node, or with what it has in common with others."""
    topology = tree.document["topology"]
    shared = [(part, name) for part in ("groups", "kinds") for name in topology.get(part) or {}]
    for part in (("nodes", node.name), *shared, ("defaults",)):
        settings = topology
        for name in part:
            settings = settings.get(name) or {}
        given = settings.get(key)
        for number, item in enumerate(given if isinstance(given, list) else ()):
            if str(item).endswith(ending):
                return tree.place(("topology", *part, key, number))
        if str(given) == ending:
            return tree.place(("topology", *part, key))
    return tree.place(("topology", "nodes", node.name))


def _without_management(tree: YamlTree, topology: Topology) -> Iterator[InputError]:
    """Find an invalid management network, and addresses outside it: no login would ever get there."""
    try:
        subnets = {
            version: ipaddress.ip_network(text)
            for version, text in ((4, topology.management.ipv4_subnet), (6, topology.management.ipv6_subnet))
        }
    except ValueError as error:
        yield InputError(f"The management network must have subnets: {error}.", tree.place(("mgmt",)))
        return
    for name, node in topology.nodes.items():
        for address in node.management:
            try:
                found = ipaddress.ip_address(address)
            except ValueError as error:
                yield InputError(f"{error}.", tree.place(("topology", "nodes", name)))
                continue
            if found not in subnets[found.version]:
                sentence = f"{address} of {name} is not on the management network {subnets[found.version]}."
                yield InputError(sentence, tree.place(("topology", "nodes", name)))


def _unhonoured(tree: YamlTree, in_containers: str) -> Iterator[InputError]:
    """Find keys and kinds that namespaces do not play."""
    yield from _only(tree, (), tree.document, TOP)
    yield from _only(tree, ("mgmt",), tree.document.get("mgmt") or {}, MGMT)
    topology = tree.document["topology"]
    yield from _only(tree, ("topology",), topology, TOPOLOGY)
    groups: dict[PathInFile, dict[str, Any]] = {("topology", "defaults"): topology.get("defaults") or {}}
    for kind, settings in (topology.get("kinds") or {}).items():
        yield from _only_linux(tree, kind, ("topology", "kinds", kind), in_containers)
        groups["topology", "kinds", kind] = settings or {}
    for name, settings in (topology.get("groups") or {}).items():
        groups["topology", "groups", name] = settings or {}
    for name, own in topology["nodes"].items():
        groups["topology", "nodes", name] = own or {}
    for where, group in groups.items():
        yield from _only(tree, where, group, NODE | CONTAINER_ONLY)
        yield from _only_linux(tree, group.get("kind") or "linux", (*where, "kind"), in_containers)
    for number, link in enumerate(topology.get("links") or ()):
        yield from _only(tree, ("topology", "links", number), link, LINK)


def _only_linux(tree: YamlTree, kind: object, where: PathInFile, in_containers: str) -> Iterator[InputError]:
    if kind != "linux":
        sentence = f"Kind {kind} does not run in namespaces, only linux does; try `{in_containers}`."
        yield InputError(sentence, tree.place(where))


def _only(tree: YamlTree, where: PathInFile, found: dict[str, Any], known: set[str]) -> Iterator[InputError]:
    for key in found:
        if key not in known:
            sentence = f'The namespaces back end does not honour "{key}" here; it knows {", ".join(sorted(known))}.'
            yield InputError(sentence, tree.place((*where, key), of_key=True))
