"""A dry run on a plant: everything that comes before arming, on the real devices, which it only reads."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import newest_run, read_journal
from tests.lab.far_vantages import DRILL, FIREWALL_NODE, HOSTS, FarPlant, far_plant
from tests.patience import wait_until

pytestmark = pytest.mark.lab


@pytest.fixture
def plant(lab: Lab, tmp_path: Path) -> Iterator[FarPlant]:
    with far_plant(lab, tmp_path) as made:
        yield made


def dry_run(plant: FarPlant) -> subprocess.CompletedProcess[str]:
    return plant.asked("run", DRILL, "--mode", "dry-run")


MONITOR = "nft monitor >/run/changes 2>&1 & echo $! >/run/monitor"
CHANGE = "nft add table inet seen && nft delete table inet seen"


def test_it_says_that_a_live_run_could_begin_and_the_firewall_heard_no_change(plant: FarPlant) -> None:
    plant.on(FIREWALL_NODE, "sh", "-ec", MONITOR)
    try:
        done = dry_run(plant)
        heard = plant.on(FIREWALL_NODE, "cat", "/run/changes")
        # What changes is heard, so that silence means something.
        plant.on(FIREWALL_NODE, "sh", "-ec", CHANGE)
        wait_until(lambda: "add table inet seen" in plant.on(FIREWALL_NODE, "cat", "/run/changes"), "a change is heard")
    finally:
        plant.on(FIREWALL_NODE, "sh", "-c", "kill $(cat /run/monitor); rm -f /run/monitor /run/changes")
    assert (done.returncode, heard) == (6, ""), done.stdout + done.stderr
    assert "Nothing was found that speaks against a live run." in done.stdout
    assert not re.search(r"\b(held|passed|completed|proven)\b", done.stdout), done.stdout
    directory = newest_run(plant.workspace)
    assert directory is not None
    kinds = [record["kind"] for record in read_journal(directory)]
    assert (kinds[0], kinds[-1]) == ("run.started", "run.looked")
    assert not {"arm.intent", "isolate.intent", "restore.ordered"} & set(kinds)
    assert (directory / "SHA256SUMS").exists()
    assert plant.asked("status").returncode == 0
    assert "dry run, nothing found against a live run" in plant.asked("runs").stdout
    # No worker and no spool stays on a host.
    for node in HOSTS:
        assert plant.on(node, "sh", "-c", "ls /run/witness/.cache/islandmode/spools").split() == []


@pytest.mark.more
def test_what_would_refuse_a_live_run_refuses_a_dry_run_in_the_same_words(plant: FarPlant) -> None:
    key = plant.workspace / "office-key"
    key.write_text((plant.workspace / "erp-key").read_text())
    done = dry_run(plant)
    assert done.returncode == 4
    assert "The worker on vantage office did not start (witness@10.10.0.20 port 22 does not take the key)." in " ".join(
        done.stderr.split()
    )
    assert done.stderr.rstrip().endswith("Nothing was touched.")
    assert "refused (worker-not-started), nothing is left of it on a device" in plant.asked("runs").stdout


@pytest.mark.more
def test_each_host_is_tried_before_any_drill(plant: FarPlant) -> None:
    tried = plant.asked("vantage", "check", "vendor")
    assert tried.returncode == 0, tried.stderr
    assert "outlived the login that had started it" in tried.stdout
    assert plant.on("vendor", "sh", "-c", "ls /run/witness/.cache/islandmode/spools").split() == []
    refused = plant.asked("vantage", "check", "here")
    assert (refused.returncode, "does not say how to log in to vantage here" in refused.stderr) == (2, True)
