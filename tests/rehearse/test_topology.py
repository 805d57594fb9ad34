"""A lab's file read for both back ends: what both refuse, and what only namespaces cannot honour."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.rehearse.topology import keep_topology, kept_topology, read_for_namespaces, read_topology
from tests.lab.conftest import TOPOLOGY

ERP = "    erp:\n      network-mode: none\n"


def edited(folder: Path, old: str, new: str) -> Path:
    """Write the lab's file with one change."""
    text = TOPOLOGY.read_text(encoding="utf-8")
    assert old in text
    path = folder / "odd.clab.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(TOPOLOGY.parent.glob("*.clab.yml")), ids=lambda path: path.name)
def test_the_labs_own_files_are_honoured_by_both(path: Path) -> None:
    assert read_topology(path) == read_for_namespaces(path)
    assert set(read_topology(path).points) == {"conduit-firewall"}


# What no lab of ours can be, in either back end.
BOTH = [
    ("no operations host", "    ops:\n", "    ops2:\n", "Node ops2 would be on the management network"),
    ("a way round", ERP, "    erp:\n", "Node erp would be on the management network, a way round the firewall"),
    ("the machine's network", ERP, ERP.replace("none", "host"), 'network-mode can be "none" or left out'),
    ("an unknown node", '"erp:eth1"', '"nobody:eth1"', "There is no node nobody; known nodes: erp, office,"),
    ("no interface", '"erp:eth1"', '"erp"', "erp names no interface of at most 15 characters"),
    ("a long interface", '"erp:eth1"', '"erp:sixteen-letters-"', "names no interface of at most 15 characters"),
    (
        "the management interface",
        '"ops:eth1"',
        '"ops:eth0"',
        "ops:eth0 is the management interface of ops; name another",
    ),
    ("one end", '["ops:eth1", "sw-line3:eth5"]', '["ops:eth1"]', "A link has two endpoints, NODE:INTERFACE each"),
    ("half a bind", '"../:/run/workspace"', '"../"', "The bind ../ is not SOURCE:TARGET"),
]
# What containerlab does and namespaces cannot.
ONLY_NAMESPACES = [
    ("a key", ERP, ERP + "      cpu: 2\n", 'The namespaces back end does not honour "cpu" here; it knows'),
    ("a top key", "name: plant", "name: plant\nprefix: x", 'does not honour "prefix" here'),
    ("a key of a link", '- endpoints: ["erp:eth1"', '- mtu: 9000\n      endpoints: ["erp:eth1"', 'not honour "mtu"'),
    (
        "a kind",
        ERP,
        ERP + "      kind: nokia_srlinux\n",
        "Kind nokia_srlinux does not run in namespaces, only linux does; try",
    ),
    ("a kind of its own", "    linux:\n", "    ceos: {}\n    linux:\n", "Kind ceos does not run in namespaces"),
    ("a bind elsewhere", '"../:/run/workspace"', '"../:/srv"', "the bind to /srv must have its target below /run/"),
    ("a variable", "islandmode.role: PLC", "islandmode.role: $ROLE", 'Containerlab replaces what begins with "$"'),
]


@pytest.mark.parametrize(("old", "new", "sentence"), [row[1:] for row in BOTH], ids=[row[0] for row in BOTH])
def test_what_can_be_no_lab_is_refused_with_its_place(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = edited(tmp_path, old, new)
    for read in (read_topology, read_for_namespaces):
        with pytest.raises(InputError) as raised:
            read(path)
        assert sentence in str(raised.value)
        assert raised.value.place is not None
        assert raised.value.place.line > 1


@pytest.mark.parametrize(
    ("old", "new", "sentence"), [row[1:] for row in ONLY_NAMESPACES], ids=[row[0] for row in ONLY_NAMESPACES]
)
def test_what_only_containerlab_does_is_refused_in_namespaces(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path = edited(tmp_path, old, new)
    read_topology(path)
    with pytest.raises(InputError) as raised:
        read_for_namespaces(path)
    assert sentence in str(raised.value)
    assert raised.value.place is not None
    assert raised.value.place.line > 1


def test_a_missing_file_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no lab topology .*; start a workspace with `islandmode init`"):
        read_topology(tmp_path / "none.clab.yml")


def test_a_running_lab_is_read_as_it_came_up(tmp_path: Path) -> None:
    path = edited(tmp_path, "name: plant", "name: plant ")
    topology = read_topology(path)
    keep_topology(topology, tmp_path)
    path.write_text("broken: [", encoding="utf-8")
    assert kept_topology(tmp_path, path).nodes.keys() == topology.nodes.keys()
    assert kept_topology(tmp_path, path).file == path


def test_binds_get_the_folders_of_lab_and_node(tmp_path: Path) -> None:
    nodes = read_topology(TOPOLOGY).nodes
    assert (str(tmp_path / "fw"), "/run/own") in nodes["fw"].bound(tmp_path)
    assert (str(tmp_path / "code"), "/run/islandmode-code") in nodes["erp"].bound(tmp_path)
    assert (str(TOPOLOGY.parents[1]), "/run/workspace") in nodes["ops"].bound(tmp_path)
