"""After a drill in the shared lab, no worker of it is left; labs of a test's own go down with the test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from islandmode.rehearse.namespaces import backend as namespaces
from tests.patience import PATIENCE_S

FAR_NODES = ("erp", "office", "vendor", "historian")


@pytest.fixture(autouse=True)
def no_far_worker_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that killed a conductor its far workers would go on to the end of their schedule, beside the next tests."""
    lab: Lab | None = request.getfixturevalue("lab") if "lab" in request.fixturenames else None
    yield
    if lab is None:
        return
    for node in FAR_NODES:
        subprocess.run(lab.enter(node, ("pkill", "-f", "/run/islandmode/")), check=False, timeout=PATIENCE_S)


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    """A place for labs of a test's own; whatever is up in it goes down with the test."""
    folder = tmp_path / "labs"
    yield folder
    for path in folder.iterdir() if folder.is_dir() else ():
        namespaces.down(path.name, folder)
