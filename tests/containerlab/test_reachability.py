"""From outside, OT is reachable over the conduit only, in containers too; containerlab's own management network is no way round."""

from __future__ import annotations

import json
import subprocess

import pytest

from islandmode.rehearse.containers import docker
from islandmode.rehearse.containers.lab import ContainerLab
from tests.lab.rogue.bypass import in_node
from tests.lab.test_reachability import OUTSIDE, declared, opened, stopped_firewall, targets
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab


def test_only_operations_host_and_firewall_are_on_the_management_network(lab: ContainerLab) -> None:
    joined = {name: sorted(one["NetworkSettings"]["Networks"]) for name, one in docker.containers_of(lab.name).items()}
    assert {name for name, networks in joined.items() if networks != ["none"]} == {"fw", "ops"}
    assert joined["fw"] == joined["ops"] == ["islandmode-plant"]
    links = {name: json.loads(in_node(lab, name, "ip", "-j", "link")) for name in lab.topology.nodes}
    assert {name for name, rows in links.items() if any(row["ifname"] == "eth0" for row in rows)} == {"fw", "ops"}


def test_the_engine_gives_no_node_a_way_out(lab: ContainerLab) -> None:
    for name in ("fw", "ops"):
        routes = in_node(lab, name, "ip", "route") + in_node(lab, name, "ip", "-6", "route")
        assert [line for line in routes.splitlines() if line.startswith("default") and "eth0" in line] == []


def test_no_node_is_privileged_and_none_has_more_than_it_needs(lab: ContainerLab) -> None:
    for name, one in docker.containers_of(lab.name).items():
        assert one["HostConfig"]["Privileged"] is False, name
        more = ["CAP_SYS_ADMIN"] if name in {"fw", "ops", "rtr"} else []
        assert sorted(one["HostConfig"]["CapAdd"]) == ["CAP_NET_ADMIN", "CAP_NET_RAW", *more], name
        assert ("seccomp=unconfined" in (one["HostConfig"]["SecurityOpt"] or [])) is (name in {"fw", "ops"}), name
        assert not [bind for bind in one["HostConfig"]["Binds"] if "docker.sock" in bind], name


def test_outside_reaches_what_the_allow_list_says_and_nothing_else(lab: ContainerLab) -> None:
    for node in OUTSIDE:
        assert opened(lab, node, targets(lab)) == declared(lab, node), node


def test_with_the_firewall_stopped_nothing_outside_reaches_ot(lab: ContainerLab) -> None:
    with stopped_firewall(lab):
        reached = {node: opened(lab, node, targets(lab)) for node in OUTSIDE}
    assert reached == {node: set() for node in OUTSIDE}


def test_the_firewalls_secrets_are_on_the_firewall_and_nowhere_else_outside(lab: ContainerLab) -> None:
    for name in lab.topology.nodes:
        argv = lab.enter(name, ("sh", "-c", "ls /run/own /etc/ssh/lab_host_key 2>/dev/null"))
        found = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE_S).stdout.split()
        assert (found != []) is (name == "fw"), name
