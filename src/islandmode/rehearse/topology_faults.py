"""What a person wrote into a lab's file and did not mean, all of it at once; a lab that runs already is not asked again."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from islandmode.core.errors import InputError
from islandmode.rehearse.lab_file import FileLink, LabFile, LabManagement, Plant, Settings
from islandmode.rehearse.node_words import LABELS, OPERATIONS_HOST, OUR_LABELS, POINT_LABEL, WITHOUT_CONTAINER
from islandmode.store.complaints import near, slip_of
from islandmode.store.yaml_tree import PathInFile, YamlTree, show

_QUOTED = re.compile(r"""\\.|"(?:\\.|[^"\\])*"|'[^']*'""")
_SHELLS = re.compile(r"(?<!\S)(?:&&|\|\|?|[0-9&]?[<>])|(?:&&|\|\|?|&|;)(?!\S)|[$`]")
"""Words of a shell, in a line from which quoted words were taken; within a word, as in `c;d`, a letter is a letter."""


def key_faults(tree: YamlTree) -> Iterator[InputError]:
    """Find keys that differ by one letter from a key that is read; any other key is left to containerlab."""
    for where, group, model in _parts(tree.document):
        known = [field.alias or name for name, field in model.model_fields.items()]
        for key in group:
            meant = slip_of(key, known)
            if meant is not None:
                sentence = f'Nothing reads the key "{show(key)}".{near(meant, [meant])}'
                yield InputError(sentence, tree.place((*where, key), of_key=True))


def file_faults(tree: YamlTree, file: LabFile) -> Iterator[InputError]:
    """Find faults in a file that has the form of a topology."""
    yield from _labels(tree)
    yield from _shell_words(tree)
    nodes = {name: file.topology.settings(name) for name in file.topology.nodes}
    if OPERATIONS_HOST in nodes:
        yield from _ways_round(tree, nodes)
        yield from _unreachable(tree, nodes)
    yield from _twin_addresses(tree, nodes)


def _parts(document: dict[str, Any]) -> Iterator[tuple[PathInFile, dict[str, Any], type[BaseModel]]]:
    yield (), document, LabFile
    yield ("mgmt",), _mapping(document.get("mgmt")), LabManagement
    topology = _mapping(document.get("topology"))
    yield ("topology",), topology, Plant
    for where, group in _groups(document):
        yield where, group, Settings
    links = topology.get("links")
    for number, link in enumerate(links if isinstance(links, list) else ()):
        yield ("topology", "links", number), _mapping(link), FileLink


def _groups(document: dict[str, Any]) -> Iterator[tuple[PathInFile, dict[str, Any]]]:
    """Give every place where settings of nodes stand."""
    topology = _mapping(document.get("topology"))
    yield ("topology", "defaults"), _mapping(topology.get("defaults"))
    for part in ("kinds", "groups", "nodes"):
        for name, group in _mapping(topology.get(part)).items():
            yield ("topology", part, name), _mapping(group)


def _mapping(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _labels(tree: YamlTree) -> Iterator[InputError]:
    for where, group in _groups(tree.document):
        for label in _mapping(group.get("labels")):
            if label.startswith(OUR_LABELS) and label not in LABELS:
                sentence = (
                    f'Nothing reads the label "{show(label)}"; labels of Islandmode are {", ".join(sorted(LABELS))}.'
                )
                yield InputError(sentence, tree.place((*where, "labels", label), of_key=True))


def _shell_words(tree: YamlTree) -> Iterator[InputError]:
    """Find lines that are written for a shell: without a shell, all of their words would go to the first program."""
    for where, group in _groups(tree.document):
        for number, line in enumerate(group.get("exec") or ()):
            found = _SHELLS.search(_QUOTED.sub("x", line)) if isinstance(line, str) else None
            if found is not None:
                sentence = (
                    f'A line of exec is one program with its words, and no shell reads its "{found.group()}"; give the line to a '
                    'shell, sh -c "...", or write it into a script that this line runs.'
                )
                yield InputError(sentence, tree.place((*where, "exec", number)))


def _ways_round(tree: YamlTree, nodes: dict[str, Settings]) -> Iterator[InputError]:
    # A node's key that is not read may be the very one that keeps it off the network.
    slips = {where for where, group, model in _parts(tree.document) if model is Settings and _has_slip(group)}
    shared = any(where[1] != "nodes" for where in slips)
    for name, settings in nodes.items():
        where: PathInFile = ("topology", "nodes", name)
        is_managed = settings.network_mode in ("", "bridge") and settings.kind not in WITHOUT_CONTAINER
        if (
            is_managed
            and name != OPERATIONS_HOST
            and POINT_LABEL not in settings.labels
            and not shared
            and where not in slips
        ):
            sentence = (
                f"Node {name} would be on the management network, a way round the firewall; give it `network-mode: none`, or, if it "
                f"is an isolation point of the site, the label `{POINT_LABEL}: NAME`."
            )
            yield InputError(sentence, tree.place(where))


def _has_slip(group: dict[str, Any]) -> bool:
    known = [field.alias or name for name, field in Settings.model_fields.items()]
    return any(slip_of(key, known) is not None for key in group)


def _managed(nodes: dict[str, Settings]) -> dict[str, tuple[str, ...]]:
    """Give the nodes on the management network, with the addresses that the file gives them there."""
    return {
        name: tuple(address for address in (node.mgmt_ipv4, node.mgmt_ipv6) if address)
        for name, node in nodes.items()
        if node.network_mode != "none"
    }


def _unreachable(tree: YamlTree, nodes: dict[str, Settings]) -> Iterator[InputError]:
    """Find an operations host from which nothing could log in to the isolation points."""
    points = [name for name, node in nodes.items() if POINT_LABEL in node.labels]
    managed = _managed(nodes)
    if points and not managed.get(OPERATIONS_HOST):
        off = "its `network-mode: none` keeps it off" if OPERATIONS_HOST not in managed else "it has no address there"
        sentence = (
            f"The operations host {OPERATIONS_HOST} is not on the management network ({off}), so nothing could log in to "
            f"{', '.join(points)}; give it `mgmt-ipv4` or `mgmt-ipv6`, and no network-mode."
        )
        yield InputError(sentence, tree.place(("topology", "nodes", OPERATIONS_HOST), of_key=True))


def _twin_addresses(tree: YamlTree, nodes: dict[str, Settings]) -> Iterator[InputError]:
    owners: dict[str, str] = {}
    for name, addresses in _managed(nodes).items():
        for address in addresses:
            first = owners.setdefault(same_address(address), name)
            if first != name:
                key = "mgmt-ipv6" if ":" in address else "mgmt-ipv4"
                sentence = f"Node {first} has the management address {address} too; give each node one of its own."
                yield InputError(sentence, tree.place(("topology", "nodes", name, key)))


def same_address(text: str) -> str:
    """Write an address in one form; text that is no address stays as it is."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text
