"""A modem round the firewall, and an address that the firewall translates: one passes in the hold, the other does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import drill, make_workspace
from tests.lab.rogue.bypass import FAR, in_node, second_link

pytestmark = pytest.mark.lab

SITE, DRILL, PACK = "inventory/riverside.yaml", "drills/quarterly-isolation.yaml", "probes/boundary.yaml"
NAT, MIXER, FILLER = "10.10.0.99", "10.40.0.10", "10.40.0.11"
WAYS = """other_ways:
  filler-modem:
    round: corporate-line3
    what: cellular modem on the filler
    owner: Line 3 maintenance

vantages:
"""
PROBES = f"""probes:
  office-to-nat: {{kind: modbus, vantage: office, target: {NAT}, stands_for: {MIXER}}}
  modem-to-filler: {{kind: modbus, vantage: office, target: {FAR[4]}, stands_for: {FILLER}, by: filler-modem}}
"""
RULE = "nft add table ip {0} && nft add chain ip {0} pre '{{ type nat hook prerouting priority dstnat; }}' && nft add rule ip {0} pre ip daddr {1} tcp dport {3} dnat to {2}"


@contextmanager
def translating(lab: Lab, node: str, outside: str, host: str, port: int = 502) -> Iterator[None]:
    """Let a node translate an address to a host's, by a rule of its own."""
    in_node(lab, node, "sh", "-ec", RULE.format("translating", outside, host, port))
    try:
        yield
    finally:
        in_node(lab, node, "nft", "delete", "table", "ip", "translating")


@contextmanager
def with_address(lab: Lab, node: str, address: str, interface: str) -> Iterator[None]:
    """Let a node answer for one more address."""
    in_node(lab, node, "ip", "addr", "add", f"{address}/32", "dev", interface)
    try:
        yield
    finally:
        in_node(lab, node, "ip", "addr", "del", f"{address}/32", "dev", interface)


def test_what_comes_in_by_a_modem_is_a_leak_and_what_the_firewall_translates_dies(lab: Lab, tmp_path: Path) -> None:
    edits = {
        SITE: lambda text: text.replace("vantages:\n", WAYS),
        DRILL: lambda text: text.replace("severed:\n", "severed:\n  - office-to-nat\n  - modem-to-filler\n"),
        PACK: lambda text: text.replace("probes:\n", PROBES),
    }
    workspace = make_workspace(tmp_path, lab.state_dir, edits)
    with (
        with_address(lab, "fw", NAT, "eth1"),
        translating(lab, "fw", NAT, MIXER),
        second_link(lab, "office"),
        translating(lab, "rtr", FAR[4], FILLER),
    ):
        ended = drill(workspace, lab.name)
    assert ended.code == 1, ended.output
    assert ended.verdict["restoration"] == "proven"
    (leak,) = (found for found in ended.verdict["findings"] if found["code"] == "leak")
    assert leak["probe"] == "modem-to-filler"
    assert (
        "into the isolated side by filler-modem (cellular modem on the filler, owner Line 3 maintenance), round corporate-line3"
    ) in leak["sentence"]
    rows = {(row["probe"], row["stage"]): row for row in ended.verdict["rows"]}
    dead, alive = rows["office-to-nat", "corporate"], rows["office-to-nat", "vendors"]
    assert (dead["expected"], dead["result"], alive["result"]) == ("dead", "held", "held")
    assert dead["bad"] > 0
    assert ended.directory is not None
    report = " ".join((ended.directory / "report.html").read_text(encoding="utf-8").split())
    drawn = report.partition('<svg class="plot boundary"')[2].partition("</svg>")[0]
    assert re.findall('class="other-way" data-seen="([^"]*)"', drawn) == ["leak"]
    assert re.findall('class="conduit" data-seen="([^"]*)"', drawn) == ["shut", "shut", "shut"]
    assert f"office-to-nat (asks {NAT}, which stands for {MIXER})" in report
