"""A lab in which Node-RED is the HMI and a program on libmodbus is the filler's PLC; `make third-party` builds both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse.namespaces import backend as namespaces
from islandmode.rehearse.namespaces.backend import NamespacesLab
from tests.lab.drills import PROJECT, make_workspace

NAME = "third-party"
TOPOLOGY = Path("lab") / "third-party.clab.yml"
BUILT = Path("lab") / "third-party" / ".built"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NamespacesLab]:
    """A running lab, shared; tests leave it as they found it."""
    state_dir = tmp_path_factory.mktemp("lab-state")
    yield namespaces.up(PROJECT / TOPOLOGY, name=NAME, state_dir=state_dir)
    namespaces.down(NAME, state_dir)


@pytest.fixture
def workspace(tmp_path: Path, lab: NamespacesLab) -> Path:
    """A workspace of the test's own, sharing the running lab and what was built."""
    folder = make_workspace(tmp_path, lab.state_dir)
    (folder / BUILT).symlink_to(PROJECT / BUILT)
    return folder
