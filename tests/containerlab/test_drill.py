"""The same drill in containers: the verdict, digest and probe table of the namespaces, and what happens to the process that started it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse.containers.lab import ContainerLab
from islandmode.rehearse.namespaces import backend as namespaces
from tests.lab.drills import Ended, drill, make_workspace

pytestmark = pytest.mark.lab


def table(ended: Ended) -> list[dict[str, Any]]:
    """Give the probe table without the counts and times of the one run."""
    told = ("stage", "probe", "role", "vantage", "expected", "result")
    return [{key: row[key] for key in told} for row in ended.verdict["rows"]]


def header(ended: Ended) -> dict[str, Any]:
    """Give what a run said of itself when it began."""
    found: dict[str, Any] = next(one["data"] for one in ended.records() if one["kind"] == "run.started")
    return found


def test_a_drill_ends_as_in_namespaces(lab: ContainerLab, workspace: Path, tmp_path: Path) -> None:
    there = drill(workspace, lab.name)
    assert there.code == 0, there.output
    state_dir = tmp_path / "labs"
    own = namespaces.up(workspace / "lab" / "plant.clab.yml", name="beside", state_dir=state_dir)
    try:
        here = drill(make_workspace(tmp_path / "workspace", state_dir), own.name)
    finally:
        namespaces.down("beside", state_dir)
    assert here.code == 0, here.output
    for ended in (there, here):
        assert (ended.verdict["verdict"], ended.verdict["restoration"]) == ("held", "proven")
    assert header(there)["drill_digest"] == header(here)["drill_digest"]
    assert (header(there)["lab_backend"], header(here)["lab_backend"]) == ("containerlab", "namespaces")
    assert header(there)["plan_digest"] == header(here)["plan_digest"]
    assert table(there) == table(here) != []
