"""A real HMI and a third-party PLC in containers: the same drill on the topology that holds them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from islandmode.rehearse import backends
from islandmode.rehearse.containers import backend as containerlab
from islandmode.rehearse.containers.lab import ContainerLab
from tests.containerlab.test_life import apart, edit
from tests.lab.drills import OPERATORS_FOLDERS, PROJECT, drill
from tests.lab.rogue.bypass import in_node

pytestmark = pytest.mark.lab

NAME = "third"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with what `lab/third-party/build` made: a container sees no folder that only a link leads to."""
    folder = tmp_path_factory.mktemp("third-party")
    for name in OPERATORS_FOLDERS:
        shutil.copytree(PROJECT / name, folder / name, symlinks=True, copy_function=link_or_copy)
    return folder


def link_or_copy(source: str, target: str) -> None:
    """Thousands of files need not be there twice where they may be linked; only what a test edits must."""
    if "node_modules" in source:
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)


@pytest.fixture(scope="module")
def third(place: Path) -> Iterator[ContainerLab]:
    """A running lab of this topology, on a management network of its own."""
    topology = apart(place, "third-party.clab.yml")
    site = place / "inventory" / "riverside.yaml"
    edit(site, "172.31.255.", "172.31.254.")
    edit(site, "fd10:ff:", "fd10:fe:")
    yield containerlab.up(topology, name=NAME, state_dir=place / ".lab")
    backends.down(NAME, place / ".lab")


def test_the_hmi_is_node_red_and_the_plc_a_program_in_c(third: ContainerLab) -> None:
    assert "node-red" in in_node(third, "hmi", "ps", "-e", "-o", "comm=").split()
    assert "plc" in in_node(third, "plc-filler", "ps", "-e", "-o", "comm=").split()


def test_the_drill_is_held_on_it_unchanged(third: ContainerLab, place: Path) -> None:
    ended = drill(place, third.name, "--topology", "lab/third-party.clab.yml")
    assert ended.code == 0, ended.output
    assert (ended.verdict["verdict"], ended.verdict["restoration"]) == ("held", "proven")
    rows = [row for row in ended.verdict["rows"] if row["probe"] in {"hmi-line3", "plc-filler"}]
    assert rows
    assert all(row["result"] == "held" and row["good"] for row in rows), json.dumps(rows)
