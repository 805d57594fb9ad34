from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.napalm_nftables.firewall_node import FirewallNode, firewall_node

ECHO = Path(__file__).parent / "echo.py"


@pytest.fixture(scope="session")
def running_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirewallNode]:
    """A firewall on which every host, and the firewall itself, answers on port 7."""
    with firewall_node(tmp_path_factory.mktemp("firewall")) as node:
        for host in ("corporate", "dmz", "line3", None):
            server = node.start(host, [sys.executable, str(ECHO)])
            assert server.stdout is not None
            assert server.stdout.readline() == "serving\n"
            node.servers.append(server)
        yield node


@pytest.fixture
def node(running_node: FirewallNode) -> Iterator[FirewallNode]:
    running_node.reset()
    yield running_node
    running_node.reset()
