"""A lab's file read for both back ends: what both refuse, and what only namespaces cannot honour."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from islandmode.core.errors import InputError
from islandmode.rehearse.lab_file import lab_schema
from islandmode.rehearse.namespaces.honoured import read_for_namespaces
from islandmode.rehearse.topology import Topology, keep_topology, kept_topology, read_topology
from islandmode.store.yaml_tree import read_yaml
from tests.shared_lab import TOPOLOGY

IN_CONTAINERS = "islandmode lab up --lab north --topology lab/odd.clab.yml --backend containerlab"
ERP = "    erp:\n      network-mode: none\n"


def in_namespaces(path: Path) -> Topology:
    return read_for_namespaces(path, IN_CONTAINERS)


def edited(folder: Path, old: str, new: str) -> Path:
    """Write the lab's file with one change."""
    text = TOPOLOGY.read_text(encoding="utf-8")
    assert old in text
    path = folder / "odd.clab.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(TOPOLOGY.parent.glob("*.clab.yml")), ids=lambda path: path.name)
def test_the_labs_own_files_are_honoured_by_both(path: Path) -> None:
    assert read_topology(path) == in_namespaces(path)
    assert set(read_topology(path).points) == {"conduit-firewall"}


# What no Islandmode lab can be, in either back end.
BOTH = [
    (
        "no operations host",
        "    ops:\n",
        "    ops2:\n",
        (
            "odd.clab.yml:28:5: A lab needs a node ops, the operations host, where the conductor runs; known nodes: erp, office, sw-corp, "
            "vendor, historian, fw, rtr, sw-line3, plc-mixer, plc-filler, hmi, ops2. If ops2 is it, rename that."
        ),
    ),
    (
        "a way round",
        ERP,
        "    erp:\n",
        (
            "Node erp would be on the management network, a way round the firewall; give it `network-mode: none`, or, if it is an isolation "
            "point of the site, the label `islandmode.isolation-point: NAME`."
        ),
    ),
    ("an underscore", ERP, ERP.replace("-", "_"), 'Nothing reads the key "network_mode". Did you mean "network-mode"?'),
    ("swapped letters", 'exec: ["sh /run/plant/start.sh erp"]', 'exce: ["true"]', 'key "exce". Did you mean "exec"?'),
    ("a letter less", "labels: {islandmode.role: PLC", "label: {islandmode.role: PLC", 'Did you mean "labels"?'),
    ("a letter more", "  links:\n", "  linkss: []\n  links:\n", 'key "linkss". Did you mean "links"?'),
    ("another letter", "  ipv4-gw", "  ipv4-subnat: 10.0.0.0/8\n  ipv4-gw", 'Did you mean "ipv4-subnet"?'),
    ("capitals", ERP, ERP + "      ENV: {A: b}\n", 'Nothing reads the key "ENV". Did you mean "env"?'),
    ("a capital", "name: plant", "name: plant\nMgmt: {}", 'key "Mgmt". Did you mean "mgmt"?'),
    (
        "one management address twice",
        'mgmt-ipv6: "fd10:ff::100"',
        'mgmt-ipv6: "fd10:ff:0::1"',
        "Node fw has the management address fd10:ff:0::1 too; give each node one of its own.",
    ),
    (
        "an operations host off the management network",
        "    ops:\n",
        "    ops:\n      network-mode: none\n",
        (
            "The operations host ops is not on the management network (its `network-mode: none` keeps it off), so nothing could log in to "
            "fw; give it `mgmt-ipv4` or `mgmt-ipv6`, and no network-mode."
        ),
    ),
    (
        "an operations host without an address",
        '      mgmt-ipv4: 172.31.255.100\n      mgmt-ipv6: "fd10:ff::100"\n',
        "",
        "ops is not on the management network (it has no address there)",
    ),
    ("the machine's network", ERP, ERP.replace("none", "host"), 'network-mode can be "none", or "bridge"'),
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
    ("an interface with two links", '"office:eth1"', '"erp:eth1"', "erp:eth1 is the end of another link already"),
    ("a link in the long form", '["erp:eth1", ', "[{node: erp, interface: eth1}, ", "Only the short form of a link"),
    (
        "a link out of the lab",
        '- endpoints: ["erp:eth1"',
        '- type: host\n      endpoints: ["erp:eth1"',
        "Only the short form",
    ),
    ("a node that is a path", "    erp:\n", "    ../erp:\n", 'A node cannot be named "../erp"; give it letters'),
    ("a point that is a path", "point: conduit-firewall", "point: ../../x", "must be the name of an isolation point"),
    (
        "one point on two nodes",
        "{islandmode.role: plant router,",
        "{islandmode.isolation-point: conduit-firewall, islandmode.role: plant router,",
        "Isolation point conduit-firewall is node fw already; a lab has one node for each",
    ),
    (
        "one vantage on two nodes",
        "{islandmode.role: plant router,",
        "{islandmode.vantage: office, islandmode.role: plant router,",
        "Vantage office is node office already; a lab has one node for each",
    ),
    (
        "the operations host on another node",
        "{islandmode.role: plant router,",
        "{islandmode.vantage: here, islandmode.role: plant router,",
        "Vantage here is node ops already; a lab has one node for each",
    ),
    ("a vantage that is a path", "vantage: office", "vantage: ../../x", "must be the name of a vantage of the site"),
    (
        "no number of seconds",
        'offset-s: "7200"',
        "offset-s: soon",
        '"islandmode.clock-offset-s" must be a whole number',
    ),
    (
        "no time to boot",
        "{islandmode.role: conduit firewall,",
        "{islandmode.ready-within-s: 0, islandmode.role: conduit firewall,",
        '"islandmode.ready-within-s" must be a whole number of seconds, at least 1; found "0"',
    ),
    (
        "a line for a list",
        'exec: ["sh /run/plant/start.sh erp"]',
        "exec: sh start.sh",
        '"exec" must be a list, such as',
    ),
    (
        "text for a mapping",
        "sysctls: {net.ipv6.conf.default.accept_dad: 0}",
        "sysctls: 0",
        '"sysctls" must be a mapping',
    ),
    (
        "a label that nothing reads",
        "islandmode.clock-offset-s",
        "islandmode.clock-ofset-s",
        'Nothing reads the label "islandmode.clock-ofset-s"; labels of Islandmode are islandmode.clock-offset-s,',
    ),
    (
        "a bridge of the machine's",
        ERP,
        ERP + "      kind: bridge\n",
        "Node erp is of kind bridge, which is no machine of the lab",
    ),
    (
        "a group on the management network",
        ERP + '      exec: ["sh /run/plant/start.sh erp"]',
        '    erp:\n      group: desks\n      exec: ["sh /run/plant/start.sh erp"]',
        "Node erp would be on the management network, a way round the firewall",
    ),
    ("a quote left open", "start.sh erp", "start.sh 'erp", "exec: No closing quotation"),
    ("the lab's own folder", "    erp:\n", "    code:\n", "A node cannot be named code: the lab keeps"),
    ("a number that is none", ERP, ERP + "      env: {RELEASE: 1.10}\n", '"RELEASE" must be text; put it in quotes'),
]
SHELL_WORDS = [
    ("ip link set eth1 up && ip addr add 10.0.0.1/24 dev eth1", "&&"),
    ("ip link set eth1 up; sleep 1", ";"),
    ("ip route | tee /run/routes", "|"),
    ("false || true", "||"),
    ("echo 1 > /proc/sys/net/ipv4/ip_forward", ">"),
    ("ip link show 2>/dev/null", "2>"),
    ("sh -c 'a && b' < /dev/null", "<"),
    ("sleep 9 &", "&"),
    ("echo `hostname`", "`"),
    ("echo ${HOSTNAME}", "$"),
]
NO_SHELL_WORDS = [
    'sh -c "ip link set eth1 up && ip addr add 10.0.0.1/24 dev eth1; true > /run/x"',
    "sh -c 'echo 1 | tee /run/x'",
    r"echo \; \&\&",
    "wget http://10.0.0.1/api?a=1&b=2",
    "touch /run/c;d /run/e|f",
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
        f"Kind nokia_srlinux does not run in namespaces, only linux does; try `{IN_CONTAINERS}`.",
    ),
    ("a kind of its own", "    linux:\n", "    ceos: {}\n    linux:\n", "Kind ceos does not run in namespaces"),
    ("a bind elsewhere", '"../:/run/workspace"', '"../:/srv"', "the bind to /srv must have its target below /run/"),
    (
        "a mode of a bind",
        "./:/run/plant:ro",
        "./:/run/plant:ro,z",
        "the bind to /run/plant can be ro, rw or neither; found ro,z",
    ),
    (
        "an image of their own",
        ERP,
        ERP + "      image: our-registry/erp:7\n",
        f"Image our-registry/erp:7 does not run in namespaces; try `{IN_CONTAINERS}`.",
    ),
    ("no subnet", "172.31.255.0/24", "172.31.255.0/33", "The management network must have subnets: '172.31.255.0/33'"),
    (
        "an address elsewhere",
        "mgmt-ipv4: 172.31.255.1",
        "mgmt-ipv4: 172.31.0.1",
        "172.31.0.1 of fw is not on the management",
    ),
    (
        "no address",
        "mgmt-ipv4: 172.31.255.1",
        "mgmt-ipv4: fw.plant",
        "'fw.plant' does not appear to be an IPv4 or IPv6",
    ),
    ("a variable", "islandmode.role: PLC", "islandmode.role: $ROLE", 'Containerlab replaces what begins with "$"'),
]


@pytest.mark.parametrize(("old", "new", "sentence"), [row[1:] for row in BOTH], ids=[row[0] for row in BOTH])
def test_what_can_be_no_lab_is_refused_with_its_place(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = edited(tmp_path, old, new)
    for read in (read_topology, in_namespaces):
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
        in_namespaces(path)
    assert sentence in str(raised.value)
    assert raised.value.place is not None
    assert raised.value.place.line > 1


def test_all_that_namespaces_would_not_honour_is_told_at_once_each_where_it_is_written(tmp_path: Path) -> None:
    text = TOPOLOGY.read_text(encoding="utf-8")
    for old, new in (
        ("./:/run/plant:ro", "./:/run/plant:ro,z"),
        (ERP, ERP + "      image: our-registry/erp:7\n      entrypoint: /bin/erp\n"),
        ("    office:\n", "    office:\n      kind: ceos\n      binds:\n        - /srv:/srv\n"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "odd.clab.yml"
    path.write_text(text + "# $HOME\n", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        in_namespaces(path)
    at, lines = text.splitlines().index, str(raised.value).splitlines()
    bind = next(line for line in text.splitlines() if "ro,z" in line)
    wanted = {
        at(bind) + 1: "can be ro, rw or neither; found ro,z.",
        at("      image: our-registry/erp:7") + 1: "does not run in namespaces",
        at("      entrypoint: /bin/erp") + 1: 'does not honour "entrypoint"',
        at("      kind: ceos") + 1: "Kind ceos does not run in namespaces",
        at("        - /srv:/srv") + 1: "must have its target below /run/.",
        len(text.splitlines()) + 1: 'Containerlab replaces what begins with "$"',
    }
    found = {int(line.split(":")[1]): line for line in lines}
    assert len(lines) == len(found)
    assert sorted(found) == sorted(wanted)
    assert [number for number, said in wanted.items() if said not in found[number]] == []


GROUPED = """
name: grouped
topology:
  defaults: {group: everybody}
  kinds:
    linux: {network-mode: none, sysctls: {a: 1, b: 1}, exec: [of the kind]}
    router: {group: routers}
  groups:
    everybody: {sysctls: {b: 2, c: 2}, exec: [of everybody]}
    points: {network-mode: bridge, labels: {islandmode.isolation-point: conduit-firewall}, exec: [of the points]}
    routers: {network-mode: none, labels: {islandmode.role: router}}
    ceiling: {kind: router}
  nodes:
    ops: {network-mode: bridge, mgmt-ipv4: 172.20.20.2}
    fw: {group: points, sysctls: {b: 3}, exec: [of its own]}
    above: {group: ceiling, network-mode: none}
    rtr: {kind: router}
"""


def test_a_group_lies_between_a_node_and_its_kind_as_in_containerlab(tmp_path: Path) -> None:
    path = tmp_path / "grouped.clab.yml"
    path.write_text(GROUPED, encoding="utf-8")
    nodes = read_topology(path).nodes
    assert nodes["ops"].sysctls == {"a": "1", "b": "2", "c": "2"}
    assert nodes["ops"].exec == ("of the kind", "of everybody")
    assert nodes["fw"].labels == {"islandmode.isolation-point": "conduit-firewall"}
    assert nodes["fw"].sysctls == {"a": "1", "b": "3"}
    assert nodes["fw"].exec == ("of the kind", "of the points", "of its own")
    # A group may name the kind, and a kind the group.
    assert nodes["above"].kind == "router"
    assert nodes["rtr"].labels == {"islandmode.role": "router"}


def with_boot(folder: Path, line: str) -> Path:
    return edited(folder, '"sh /run/plant/start.sh erp"', f'"true", {json.dumps(line)}')


@pytest.mark.parametrize(("line", "word"), SHELL_WORDS)
def test_a_line_of_exec_that_is_written_for_a_shell_is_refused_where_it_stands(
    tmp_path: Path, line: str, word: str
) -> None:
    path = with_boot(tmp_path, line)
    for read in (read_topology, in_namespaces):
        with pytest.raises(InputError) as raised:
            read(path)
        assert str(raised.value) == (
            f'{path}:30:22: A line of exec is one program with its words, and no shell reads its "{word}"; give the line to a shell, '
            'sh -c "...", or write it into a script that this line runs.'
        )


@pytest.mark.parametrize("line", NO_SHELL_WORDS)
def test_a_line_of_exec_that_needs_no_shell_or_brings_one_is_read(tmp_path: Path, line: str) -> None:
    assert read_topology(with_boot(tmp_path, line)).nodes["erp"].exec == ("true", line)


def test_every_fault_of_a_file_is_told_at_once_in_the_order_of_its_lines(tmp_path: Path) -> None:
    path = edited(tmp_path, ERP, "    erp:\n      cpus: 2\n")
    for old, new in (
        ("start.sh office", "start.sh office; true"),
        ("islandmode.role: PLC", "islandmode.rol: PLC"),
        ('"hmi:eth1"', '"hmmi:eth1"'),
    ):
        path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        read_topology(path)
    told = [line.removeprefix(f"{path}:").partition(": ")[2][:30] for line in str(raised.value).splitlines()]
    assert told == [
        "Node erp would be on the manag",
        "A line of exec is one program ",
        'Nothing reads the label "islan',
        "There is no node hmmi; known n",
    ]


def test_the_lines_and_keys_of_groups_are_asked_as_those_of_nodes_are(tmp_path: Path) -> None:
    path = tmp_path / "grouped.clab.yml"
    path.write_text(
        GROUPED.replace("[of everybody]", "[of everybody, a; b]").replace("ceiling: {", "ceiling: {bind: [], "),
        encoding="utf-8",
    )
    with pytest.raises(InputError) as raised:
        read_topology(path)
    first, second = str(raised.value).splitlines()
    assert first.startswith(f"{path}:9:61: A line of exec is one program")
    assert second == f'{path}:12:15: Nothing reads the key "bind". Did you mean "binds"?'


@pytest.mark.parametrize("kind", ["bridge", "ovs-bridge", "host", "ext-container"])
def test_what_is_no_machine_is_not_called_a_way_round(tmp_path: Path, kind: str) -> None:
    path = edited(tmp_path, ERP, f"    erp:\n      kind: {kind}\n")
    with pytest.raises(InputError) as raised:
        read_topology(path)
    assert raised.value.message.startswith(f"Node erp is of kind {kind}, which is no machine of the lab")


def test_a_misspelt_key_is_not_told_as_a_way_round_too(tmp_path: Path) -> None:
    path = edited(tmp_path, ERP, ERP.replace("network-mode", "network-mod"))
    with pytest.raises(InputError) as raised:
        read_topology(path)
    assert str(raised.value) == f'{path}:29:7: Nothing reads the key "network-mod". Did you mean "network-mode"?'


# Every key that containerlab 0.79 has beside those that are read here, by the place where it may stand.
CONTAINERLABS = {
    "name: plant": "name: plant\nprefix: x\nsettings: {}\ndebug: false",
    "mgmt:\n": "mgmt:\n  bridge: br\n  ipv4-range: 172.31.255.0/28\n  ipv6-range: x\n  mtu: 1500\n  external-access: false\n"
    "  driver-opts: {}\n",
    "  defaults:\n": "  groups: {}\n  defaults:\n",
    '    - endpoints: ["erp:eth1"': '    - mtu: 9000\n      labels: {}\n      vars: {}\n      endpoints: ["erp:eth1"',
}
OF_NODES = (
    "type group license startup-config enforce-startup-config suppress-startup-config startup-delay auto-remove image-pull-policy "
    "user entrypoint cmd restart-policy privileged cap-add security-opts devices shm-size ports env-files memory cpu cpu-set runtime "
    "network-alias aliases dns certificate healthcheck stages wait-for extras config components credentials cgroupns pid-mode tmpfs "
    "position ulimits snaps"
)


def test_keys_of_containerlab_s_own_are_let_be(tmp_path: Path) -> None:
    path = edited(tmp_path, ERP, ERP + "".join(f"      {key}: x\n" for key in OF_NODES.split()))
    for old, new in CONTAINERLABS.items():
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert read_topology(path).nodes.keys() == read_topology(TOPOLOGY).nodes.keys()


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """List every place in a document."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from paths(one, (*path, key))


PLANT = YAML(typ="safe").load(TOPOLOGY.read_text(encoding="utf-8"))
SCALARS = st.sampled_from([None, 5, -1, 1.5, True, "", "x", "a/../b", "erp:eth1", "none", "host"])
VALUES = st.recursive(
    SCALARS, lambda one: st.lists(one, max_size=2) | st.dictionaries(st.sampled_from("ab"), one), max_leaves=3
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from(sorted(paths(PLANT), key=str)), value=VALUES)
def test_whatever_stands_anywhere_is_read_or_refused_in_words(
    tmp_path: Path, where: tuple[Any, ...], value: object
) -> None:
    document = copy.deepcopy(PLANT)
    place = document
    for step in where[:-1]:
        place = place[step]
    if where:
        place[where[-1]] = value
    path = tmp_path / "odd.clab.yml"
    with path.open("w", encoding="utf-8") as opened:
        YAML(typ="safe").dump(document if where else value, opened)
    for read in (read_topology, in_namespaces):
        read_or_refused(read, path)


def read_or_refused(read: Callable[[Path], Topology], path: Path) -> None:
    """Read a file that may be none; what is read is whole, and what is refused is placed."""
    try:
        topology = read(path)
    except InputError as error:
        placed = str(path) in str(error)
    else:
        placed = all(node.ready_within_s > 0 for node in topology.nodes.values())
    assert placed


def test_what_is_true_or_a_whole_number_means_the_word_in_both(tmp_path: Path) -> None:
    path = edited(tmp_path, ERP, ERP + "      env: {DEBUG: true, COUNT: 3, NAME: }\n")
    assert read_topology(path).nodes["erp"].env == {"DEBUG": "true", "COUNT": "3", "NAME": ""}


def test_a_missing_file_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"There is no lab topology .*; start a workspace with `islandmode init DIR`"):
        read_topology(tmp_path / "none.clab.yml")


def test_a_running_lab_is_read_as_it_came_up(tmp_path: Path) -> None:
    path = edited(tmp_path, "name: plant", "name: plant ")
    topology = read_topology(path)
    keep_topology(topology, tmp_path)
    path.write_text("broken: [", encoding="utf-8")
    assert kept_topology(tmp_path, path).nodes.keys() == topology.nodes.keys()
    assert kept_topology(tmp_path, path).file == path


def test_a_running_lab_is_found_though_its_file_would_be_refused_today(tmp_path: Path) -> None:
    path = edited(tmp_path, "start.sh erp", "start.sh erp; true")
    with pytest.raises(InputError):
        read_topology(path)
    keep_topology(replace(read_topology(TOPOLOGY), file=path), tmp_path)
    assert kept_topology(tmp_path, path).nodes["erp"].exec == ("sh /run/plant/start.sh erp; true",)


def accepts(document: object) -> bool:
    return Draft202012Validator(lab_schema()).is_valid(document)


def test_the_schema_takes_what_is_read_and_keys_of_containerlab_s_own() -> None:
    Draft202012Validator.check_schema(lab_schema())
    for path in (
        *TOPOLOGY.parent.glob("*.clab.yml"),
        TOPOLOGY.parents[1] / "docs" / "minimal" / "lab" / "north.clab.yml",
    ):
        assert accepts(read_yaml(path, path.name).document)
    least: dict[str, Any] = {"mgmt": None, "topology": {"defaults": None, "nodes": {"ops": None}}}
    assert accepts(least)
    loose = {"mgmt-ipv4": None, "env": {"COUNT": 3, "DEBUG": True, "NAME": None}, "exec": None, "cpu": 2}
    assert accepts({"topology": {"nodes": {"ops": loose}}})
    for wrong in ({"exec": "sh boot.sh"}, {"env": {"RELEASE": 1.5}}, {"labels": ["PLC"]}, {"mgmt-ipv4": ["10.0.0.1"]}):
        assert not accepts({"topology": {"nodes": {"ops": wrong}}}), wrong
    for wrong_file in ({}, {"topology": None}, {"topology": {"nodes": {}, "links": [{"mtu": 9000}]}}):
        assert not accepts(wrong_file), wrong_file


def test_binds_get_the_folders_of_lab_and_node(tmp_path: Path) -> None:
    nodes = read_topology(TOPOLOGY).nodes
    assert (str(tmp_path / "fw"), "/run/own", "ro") in nodes["fw"].bound(tmp_path)
    assert (str(tmp_path / "code"), "/run/islandmode-code", "ro") in nodes["erp"].bound(tmp_path)
    assert (str(TOPOLOGY.parents[1]), "/run/workspace", "") in nodes["ops"].bound(tmp_path)
