"""From outside, OT is reachable over the conduit only: as the allow-list says, and not at all with the firewall stopped."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from islandmode.rehearse.lab import Lab
from tests.lab.rogue.bypass import in_node
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab

SITE = Path(__file__).parents[2] / "inventory" / "riverside.yaml"
OUTSIDE = ("erp", "office", "vendor")
PORTS = (22, 502, 2601, 8080, 8443)
LOOK = """
import asyncio, json, sys
async def open_one(address, port):
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 0.8)
    except (OSError, asyncio.TimeoutError):
        return None
    writer.close()
    return [address, port]
async def main():
    given = json.load(sys.stdin)
    found = await asyncio.gather(*(open_one(*one) for one in given))
    print(json.dumps([one for one in found if one]))
asyncio.run(main())
"""


def ot_addresses(lab: Lab) -> dict[str, tuple[str, ...]]:
    """Give every address of every node of line 3, the firewall's inner and management addresses included."""
    found = {}
    for name, one in lab.topology.nodes.items():
        if one.labels["islandmode.zone"] != "line3":
            continue
        rows = json.loads(in_node(lab, name, "ip", "-j", "addr"))
        infos = [info["local"] for row in rows for info in row["addr_info"] if info["scope"] == "global"]
        inner = [
            one
            for one in infos
            if not one.startswith(("10.10.", "10.15.", "10.20.", "fd10:10:", "fd10:15:", "fd10:20:"))
        ]
        found[name] = tuple(inner)
    return found


def opened(lab: Lab, node: str, targets: list[tuple[str, int]]) -> set[tuple[str, int]]:
    """Try all of these from a node at once, and give those that were accepted."""
    done = subprocess.run(
        lab.enter(node, ("python3", "-c", LOOK)),
        input=json.dumps(targets),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    return {(address, port) for address, port in json.loads(done.stdout)}


def declared(lab: Lab, node: str) -> set[tuple[str, int]]:
    """Give what the site's allow-list lets a node open in OT."""
    site = YAML(typ="safe").load(SITE.read_text(encoding="utf-8"))
    rows = json.loads(in_node(lab, node, "ip", "-j", "addr"))
    mine = {info["local"] for row in rows for info in row["addr_info"]}
    inside = {address for addresses in ot_addresses(lab).values() for address in addresses}
    return {
        (str(target), int(flow["service"].partition("/")[2]))
        for conduit in site["conduits"].values()
        for flow in conduit["flows"]
        if mine & set(flow["source"])
        for target in flow["destination"]
        if target in inside
    }


def targets(lab: Lab) -> list[tuple[str, int]]:
    """Give every OT address with every port that anything in the lab serves."""
    return [(address, port) for addresses in ot_addresses(lab).values() for address in addresses for port in PORTS]


def test_the_addresses_of_line3_are_of_both_families_and_the_management_network_has_two_members(lab: Lab) -> None:
    found = ot_addresses(lab)
    ends = [name for name in found if not name.startswith("sw-")]
    assert all(any(":" in one for one in found[name]) and any("." in one for one in found[name]) for name in ends)
    managed = [name for name, addresses in found.items() if any(one.startswith("172.31.") for one in addresses)]
    assert sorted(managed) == ["fw", "ops"]


@pytest.mark.parametrize("node", OUTSIDE)
def test_from_outside_exactly_the_declared_flows_reach_ot(lab: Lab, node: str) -> None:
    assert opened(lab, node, targets(lab)) == declared(lab, node)


def test_the_legacy_client_in_the_office_lives_on_one_open_connection(lab: Lab) -> None:
    before = json.loads(in_node(lab, "office", "cat", "/run/legacy-client.json"))
    in_node(lab, "office", "sleep", "1.5")
    after = json.loads(in_node(lab, "office", "cat", "/run/legacy-client.json"))
    assert after["answers"] > before["answers"]
    assert after["connects"] == before["connects"]


def set_switch(lab: Lab, switch: str, value: int) -> None:
    """Set a switch of the firewall's network; a container sees it read-only, except through a mount of its own."""
    script = f"mount -o remount,rw /proc/sys 2>/dev/null; sysctl -qw {switch}={value}"
    in_node(lab, "fw", "unshare", "--mount", "sh", "-c", script)


@contextmanager
def stopped_firewall(lab: Lab) -> Iterator[None]:
    """Stop the firewall from forwarding, as a dead one does."""
    switches = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")
    for switch in switches:
        set_switch(lab, switch, 0)
    try:
        yield
    finally:
        for switch in switches:
            set_switch(lab, switch, 1)


def test_with_the_firewall_stopped_nothing_outside_reaches_ot(lab: Lab) -> None:
    with stopped_firewall(lab):
        reached = {node: opened(lab, node, targets(lab)) for node in OUTSIDE}
    assert reached == {node: set() for node in OUTSIDE}


def test_far_nodes_have_another_monotonic_clock(lab: Lab) -> None:
    clock = "import time; print(time.monotonic())"
    here = float(in_node(lab, "ops", "python3", "-c", clock))
    for name in ("erp", "office", "vendor", "historian"):
        ahead_s = lab.node(name).clock_offset_s
        there = float(in_node(lab, name, "python3", "-c", clock))
        assert abs(there - here - ahead_s) < 60
