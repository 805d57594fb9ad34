"""A dry run on a plant: everything that comes before arming, on the real devices, which it only reads."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import newest_run, read_journal
from tests.lab.far_vantages import DRILL, FIREWALL_NODE, FarPlant, far_plant
from tests.lab.test_plant_ground import on_operations_host
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab


@pytest.fixture
def plant(lab: Lab, tmp_path: Path) -> Iterator[FarPlant]:
    with far_plant(lab, tmp_path) as made:
        yield made


def dry_run(plant: FarPlant, *more: str) -> subprocess.CompletedProcess[str]:
    return on_operations_host(
        plant.lab, "islandmode", "run", DRILL, "--mode", "dry-run", *more, "--workspace", str(plant.workspace)
    )


def test_it_says_that_a_live_run_could_begin_and_the_firewall_heard_no_change(plant: FarPlant) -> None:
    watch = subprocess.Popen(
        plant.lab.enter(FIREWALL_NODE, ("nft", "monitor")), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        done = dry_run(plant)
    finally:
        watch.send_signal(signal.SIGINT)
        changes, _ = watch.communicate(timeout=PATIENCE_S)
    assert done.returncode == 6, done.stdout + done.stderr
    assert changes == ""
    directory = newest_run(plant.workspace)
    assert directory is not None
    kinds = [record["kind"] for record in read_journal(directory)]
    assert kinds[0] == "run.started"
    assert kinds[-1] == "run.looked"
    assert not {"arm.result", "isolate.intent", "restore.ordered"} & set(kinds)
    assert (directory / "SHA256SUMS").exists()
    status = on_operations_host(plant.lab, "islandmode", "status", "--workspace", str(plant.workspace))
    assert status.returncode == 0, status.stderr
