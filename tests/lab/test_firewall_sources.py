"""The lab's firewall binds each flow to the interfaces of its zones: a borrowed address gets through from nowhere else."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.rogue.bypass import in_node
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab

UNBOUND = Path(__file__).parent / "rogue" / "sources_unbound.nft"
# A far worker of a drill that was killed just now still asks from the vendor's own address. So packets are counted by their port too:
# it lies above those that the kernel gives to programs, and is new for each knock, so that no earlier connection counts.
OWN_PORTS = itertools.count(61000)
BORROWED = (
    # host that borrows, address that it borrows, whom it asks, on which port, and where that is counted
    ("office", "10.15.0.10", "10.40.0.20", 8080, "hmi"),
    ("office", "fd10:15::10", "fd10:40::20", 8080, "hmi"),
    ("erp", "10.15.0.10", "10.40.0.20", 8080, "hmi"),
)
KNOCK = """
import socket, sys
source, own_port, target, port = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
family = socket.AF_INET6 if ":" in target else socket.AF_INET
with socket.socket(family) as one:
    one.settimeout(1.0)
    one.bind((source, own_port))
    # No answer comes back to a borrowed address; what counts is whether the question arrived.
    one.connect_ex((target, port))
"""


@contextmanager
def borrowed(lab: Lab, node: str, address: str) -> Iterator[None]:
    """Give a host an address that belongs to another zone."""
    family, length = ("-6", 128) if ":" in address else ("-4", 32)
    options = ("nodad",) if family == "-6" else ()
    in_node(lab, node, "ip", family, "addr", "add", f"{address}/{length}", "dev", "lo", *options)
    try:
        yield
    finally:
        in_node(lab, node, "ip", family, "addr", "del", f"{address}/{length}", "dev", "lo")


@contextmanager
def counting(lab: Lab, node: str, source: str, own_port: int, port: int) -> Iterator[None]:
    """Count at a node what comes from an address and its port."""
    family = "ip6" if ":" in source else "ip"
    lines = (
        f"add table {family} came",
        f"add chain {family} came in {{ type filter hook input priority -10; }}",
        f"add rule {family} came in {family} saddr {source} tcp sport {own_port} tcp dport {port} counter",
    )
    in_node(lab, node, "/usr/sbin/nft", "; ".join(lines))
    try:
        yield
    finally:
        in_node(lab, node, "/usr/sbin/nft", f"delete table {family} came")


def came(lab: Lab, node: str, source: str) -> int:
    """Give how many packets were counted."""
    listed = in_node(lab, node, "/usr/sbin/nft", f"list table {'ip6' if ':' in source else 'ip'} came")
    return int(listed.partition("packets ")[2].split()[0])


@contextmanager
def rules_without_interfaces(lab: Lab) -> Iterator[None]:
    """Load the bad example on the firewall, and its own rules again at the end."""
    fetch = lab.enter("fw", ("/usr/sbin/nft", "-f", "-"))
    subprocess.run(fetch, input=UNBOUND.read_text(encoding="utf-8"), text=True, check=True, timeout=PATIENCE_S)
    try:
        yield
    finally:
        in_node(lab, "fw", "/usr/sbin/nft", "-f", "/etc/nftables.conf")


def knocks(lab: Lab, row: tuple[str, str, str, int, str]) -> int:
    """Ask from a borrowed address, and give how many packets arrived."""
    node, address, target, port, at = row
    own_port = next(OWN_PORTS)
    with borrowed(lab, node, address), counting(lab, at, address, own_port, port):
        in_node(lab, node, sys.executable, "-c", KNOCK, address, str(own_port), target, str(port))
        return came(lab, at, address)


@pytest.mark.parametrize(
    "row",
    [row if at == 0 else pytest.param(row, marks=pytest.mark.more) for at, row in enumerate(BORROWED)],
    ids=lambda row: f"{row[0]} as {row[1]}",
)
def test_a_borrowed_address_gets_through_from_no_other_zone(lab: Lab, row: tuple[str, str, str, int, str]) -> None:
    assert knocks(lab, row) == 0
    # The same packet passes rules that look at addresses alone: this test can fail.
    with rules_without_interfaces(lab):
        assert knocks(lab, row) > 0
