"""A second link round the firewall, laid between two nodes of a lab, as a forgotten cable or a cellular modem would be."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from islandmode.rehearse.lab import Lab
from tests.patience import PATIENCE_S

NEAR = {4: "10.99.0.1", 6: "fd10:99::1"}
FAR = {4: "10.99.0.2", 6: "fd10:99::2"}
LENGTH = {4: 30, 6: 64}


def in_node(lab: Lab, node: str, *argv: str, check: bool = True) -> str:
    """Run a command in a node and return what it printed."""
    done = subprocess.run(lab.enter(node, argv), capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert done.returncode == 0 or not check, f"{argv} in {node}: {done.stderr or done.stdout}"
    return done.stdout


def lay(lab: Lab, outer: str, routes: tuple[tuple[int, str, str], ...]) -> None:
    """Lay a link from an outer node to the plant's router and route (family, outer host, OT host) pairs over it."""
    far = str(lab.network_pid("rtr"))
    link = ("ip", "link", "add", "bypass", "type", "veth", "peer", "name", "bypass", "netns", far)
    subprocess.run(lab.enter(outer, link, network_only=True), check=True, timeout=PATIENCE_S)
    for node, mine in ((outer, NEAR), ("rtr", FAR)):
        for family in (4, 6):
            more = ("nodad",) if family == 6 else ()
            in_node(lab, node, "ip", "addr", "add", f"{mine[family]}/{LENGTH[family]}", "dev", "bypass", *more)
        in_node(lab, node, "ip", "link", "set", "bypass", "up")
    for family, outer_host, ot_host in routes:
        in_node(lab, outer, "ip", f"-{family}", "route", "add", ot_host, "via", FAR[family])
        in_node(lab, "rtr", "ip", f"-{family}", "route", "add", outer_host, "via", NEAR[family])


def lift(lab: Lab, outer: str) -> None:
    """Take the link away again, with its routes."""
    in_node(lab, outer, "ip", "link", "del", "bypass", check=False)


@contextmanager
def second_link(lab: Lab, outer: str, *routes: tuple[int, str, str]) -> Iterator[None]:
    """Have a second link for the length of a test."""
    lay(lab, outer, routes)
    try:
        yield
    finally:
        lift(lab, outer)
