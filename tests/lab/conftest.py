"""One real lab for all tests that only look at it or drill in it; a fresh one for those that take it apart."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from islandmode.rehearse.namespaces import backend as namespaces
from tests.patience import PATIENCE_S

FAR_NODES = ("erp", "office", "vendor", "historian")
TOPOLOGY = Path(__file__).parents[2] / "lab" / "plant.clab.yml"


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab, shared; tests leave it as they found it."""
    state_dir = tmp_path_factory.mktemp("lab-state")
    yield namespaces.up(TOPOLOGY, name="shared", state_dir=state_dir)
    namespaces.down("shared", state_dir)


@pytest.fixture(autouse=True)
def no_far_worker_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that killed a conductor its far workers would go on to the end of their schedule, beside the next tests."""
    yield
    if "lab" in request.fixturenames:
        lab: Lab = request.getfixturevalue("lab")
        for node in FAR_NODES:
            subprocess.run(lab.enter(node, ("pkill", "-f", "/run/islandmode/")), check=False, timeout=PATIENCE_S)


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    """A place for labs of a test's own; whatever is up in it goes down with the test."""
    folder = tmp_path / "labs"
    yield folder
    for path in folder.iterdir() if folder.is_dir() else ():
        namespaces.down(path.name, folder)
