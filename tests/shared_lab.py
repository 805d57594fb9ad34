"""A real lab for all tests that only look at it or drill in it, in each process that plays tests: a plugin of pytest's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from islandmode.rehearse.namespaces import backend as namespaces

TOPOLOGY = Path(__file__).parents[1] / "lab" / "plant.clab.yml"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab; tests leave it as they found it. Imported by two folders it would be two labs."""
    state_dir = tmp_path_factory.mktemp("lab-state")
    yield namespaces.up(TOPOLOGY, name="shared", state_dir=state_dir)
    namespaces.down("shared", state_dir)
