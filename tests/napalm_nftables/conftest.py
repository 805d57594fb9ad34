from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from napalm.base.test import conftest as napalm_conftest

from tests.napalm_nftables.firewall_node import FirewallNode, firewall_node


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let NAPALM's shared getter tests find their recorded cases."""
    napalm_conftest.pytest_generate_tests(metafunc, __file__)


@pytest.fixture(scope="session")
def running_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirewallNode]:
    folder: Path = tmp_path_factory.mktemp("firewall")
    with firewall_node(folder) as node:
        yield node


@pytest.fixture
def node(running_node: FirewallNode) -> Iterator[FirewallNode]:
    running_node.reset()
    yield running_node
    running_node.reset()
