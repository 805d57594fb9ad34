"""One real lab of containers for all tests that only look at it or drill in it. It needs Docker and containerlab: make containerlab."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse import backends
from islandmode.rehearse.containers import backend as containerlab
from islandmode.rehearse.containers.lab import ContainerLab
from tests.crash import launcher
from tests.lab.drills import OPERATORS_FOLDERS, PROJECT, make_workspace

NAME = "tested"


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose lab it is; the tests' own workspaces are folders in it, so that the operations host sees them."""
    folder = tmp_path_factory.mktemp("containerlab")
    for name in OPERATORS_FOLDERS:
        shutil.copytree(PROJECT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(launcher.__file__, folder / "launcher.py")
    return folder


@pytest.fixture(scope="session")
def lab(place: Path) -> Iterator[ContainerLab]:
    """A running lab, shared; tests leave it as they found it."""
    yield containerlab.up(place / "lab" / "plant.clab.yml", name=NAME, state_dir=place / ".lab")
    backends.down(NAME, place / ".lab")


@pytest.fixture
def workspace(lab: ContainerLab, place: Path, request: pytest.FixtureRequest) -> Path:
    """A workspace of a test's own that shares the running lab."""
    folder = place / "workspaces" / str(request.node.name).replace("[", "-").replace("]", "")
    folder.mkdir(parents=True)
    return make_workspace(folder, lab.state_dir)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Path]:
    """A workspace whose lab is a test's own; whatever is up in it goes down with the test."""
    for name in OPERATORS_FOLDERS:
        shutil.copytree(PROJECT / name, tmp_path / name, symlinks=True, ignore=shutil.ignore_patterns("node_modules"))
    yield tmp_path
    state = tmp_path / ".lab"
    for path in state.iterdir() if state.is_dir() else ():
        backends.down(path.name, state)
