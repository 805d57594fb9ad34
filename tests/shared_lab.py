"""A real lab for all tests that only look at it or drill in it, in each process that plays tests: a plugin of pytest's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from islandmode.rehearse.namespaces import backend as namespaces

TOPOLOGY = Path(__file__).parents[1] / "lab" / "plant.clab.yml"


@pytest.fixture(scope="session")
def first_up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab as it was brought up, once for a process. Imported by two folders it would be two labs."""
    state_dir = tmp_path_factory.mktemp("lab-state")
    yield namespaces.up(TOPOLOGY, name="shared", state_dir=state_dir)
    namespaces.down("shared", state_dir)


@pytest.fixture
def lab(first_up: Lab) -> Lab:
    """The running lab as it is now: a test before may have restarted a node. Tests leave it as they found it."""
    found = backends.attach(first_up.name, first_up.state_dir)
    assert found is not None, "a test has taken the shared lab down"
    return found
