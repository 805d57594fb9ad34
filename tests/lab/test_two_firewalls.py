"""Two firewalls in series, as examples/millbrook has them: isolated one after the other, restored together, each a witness."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from tests.lab import examples
from tests.lab.drills import Drill, Ended, end, newest_run, start, wait_for
from tests.lab.rogue.bypass import in_node

pytestmark = pytest.mark.lab

PROJECT = Path(__file__).resolve().parents[2]
POINTS = {"enterprise-firewall": "enterprise-fw", "plant-firewall": "plant-fw"}
ROUND = "an unnamed interface"
SEND = """
import socket, time
for _ in range(5):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.168.99.100", 9))
    time.sleep(0.2)
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy the example, and the programs that it uses, to where runs may be written; bring its lab up."""
    with examples.up("millbrook", tmp_path_factory.mktemp("project")) as folder:
        yield folder


@pytest.fixture
def millbrook(workspace: Path) -> Lab:
    found = backends.attach("millbrook", workspace / ".lab")
    assert found is not None
    return found


def started(workspace: Path) -> Drill:
    return start(workspace, "millbrook", named="cut-off")


def is_clear(lab: Lab) -> bool:
    return not any("islandmode" in in_node(lab, node, "nft", "list", "tables") for node in POINTS.values())


def test_both_are_isolated_in_turn_and_seen_back(workspace: Path, millbrook: Lab) -> None:
    ended = end(started(workspace), workspace)
    assert (ended.code, ended.verdict["verdict"], ended.verdict["restoration"]) == (0, "held", "proven"), ended.output
    assert ended.verdict["witness"]["basis"] == "probes and firewall counters"
    assert is_clear(millbrook)
    isolated = [one["data"]["point"] for one in ended.records() if one["kind"] == "isolate.result"]
    assert isolated == list(POINTS)
    told = {one["point"] for one in ended.verdict["witness"]["counted"] if ROUND in one["way"]}
    assert told == set(POINTS)
    assert ended.directory is not None
    report = (ended.directory / "report.html").read_text(encoding="utf-8")
    assert "a sample of 17% of it was watched, and the firewall counted nothing" in report


@pytest.mark.more
def test_a_way_over_the_outer_firewalls_management_interface_is_a_leak(workspace: Path, millbrook: Lab) -> None:
    """The offices reach the management network, which lies in operations, round both isolated conduits."""
    opened = ("nft", "insert", "rule", "inet", "millbrook", "forward", "iifname", "eth1", "oifname", "eth0", "accept")
    in_node(millbrook, "enterprise-fw", *opened)
    before = newest_run(workspace)
    running = started(workspace)
    try:
        wait_for(running, workspace, "hold.started", before=before, stage="offices")
        # Nobody answers there: what counts is that packets leave.
        in_node(millbrook, "planning", sys.executable, "-c", SEND)
        ended: Ended = end(running, workspace)
    finally:
        in_node(millbrook, "enterprise-fw", "nft", "-f", "/etc/nftables.conf")
    assert (ended.code, ended.verdict["verdict"], ended.verdict["restoration"]) == (1, "breached", "proven"), (
        ended.output
    )
    leak = ended.finding("egress-leak")
    assert "enterprise-firewall counted" in leak["sentence"]
    assert f"eth1 to {ROUND}" in leak["sentence"]
    assert is_clear(millbrook)
