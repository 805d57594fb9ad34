"""Far vantages that are logged in to, through the very conduits that the drill isolates; `here` is the operations host of a plant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import end
from tests.lab.far_vantages import HOSTS, FarPlant, far_plant

pytestmark = pytest.mark.lab


@pytest.fixture
def plant(lab: Lab, tmp_path: Path) -> Iterator[FarPlant]:
    with far_plant(lab, tmp_path) as made:
        yield made


def test_they_sample_alone_while_nobody_can_reach_them_and_are_collected(plant: FarPlant) -> None:
    ended = end(plant.drill(), plant.workspace)
    assert (ended.code, ended.verdict.get("verdict"), ended.verdict.get("restoration")) == (0, "held", "proven"), (
        ended.output
    )
    started = {
        record["data"]["vantage"]: record["data"] for record in ended.records() if record["kind"] == "vantage.started"
    }
    collected = {
        record["data"]["vantage"]: record["data"] for record in ended.records() if record["kind"] == "collect.result"
    }
    used = set(started) - {"here"}
    assert used <= set(HOSTS)
    assert len(used) >= 3
    for name in used:
        assert started[name]["far"]
        assert collected[name]["outcome"] == "done"
        assert collected[name]["chain_ok"]
        assert collected[name]["ended"] == "asked"
        assert collected[name]["samples"] > 0
