"""One real firewall for all tests of the driver and of isolation on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.napalm_nftables.firewall import Firewall, running_firewall


@pytest.fixture(scope="session")
def firewall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firewall]:
    """A running firewall, shared; tests leave it as they found it."""
    folder: Path = tmp_path_factory.mktemp("firewall")
    with running_firewall(folder) as one:
        yield one
