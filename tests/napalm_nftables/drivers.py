"""Ways for a test to log in on the firewall node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from napalm.base import get_network_driver

from napalm_nftables import NftablesDriver
from tests.napalm_nftables.firewall_node import PASSWORD, FirewallNode, Relay

SUDO, ROOT = "sudo", "root"


def make_driver(node: FirewallNode, relay: Relay, become: str = SUDO, **options: Any) -> NftablesDriver:
    """Make a driver that knows the node's host key; as root it needs the key pair, as drill the password."""
    arguments: dict[str, Any] = {"port": relay.port, "alt_key_file": str(node.known_hosts(relay)), "become": become}
    user = "drill" if become == SUDO else "root"
    if become == ROOT:
        arguments["key_file"] = str(node.folder / "key")
    driver: NftablesDriver = get_network_driver("nftables")("127.0.0.1", user, PASSWORD, 15, arguments | options)
    return driver


@contextmanager
def logged_in(node: FirewallNode, become: str = SUDO, **options: Any) -> Iterator[NftablesDriver]:
    """Log in for the length of a block."""
    with logged_in_by(node, node.relay(), become, **options) as driver:
        yield driver


@contextmanager
def logged_in_by(node: FirewallNode, relay: Relay, become: str = SUDO, **options: Any) -> Iterator[NftablesDriver]:
    """Log in by this way for the length of a block."""
    driver = make_driver(node, relay, become, **options)
    driver.open()
    try:
        yield driver
    finally:
        driver.close()
