"""`devices bench` in the lab: on its firewall as on a plant's, and as the lab's own device, of which a record counts for no plant."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse.lab import Lab
from tests.emulators.benching import PERSON, allow, new_key
from tests.lab.drills import make_workspace
from tests.lab.rogue.bypass import in_node
from tests.lab.test_devices import DEVICE, check, devices
from tests.lab.test_plant_ground import SITE, plant
from tests.patience import LONG_PATIENCE_S

__all__ = ["plant"]
pytestmark = pytest.mark.lab
TABLE = "islandmode_STAND_IN"


def rules(lab: Lab) -> str:
    return in_node(lab, "fw", "nft", "-a", "-s", "list", "ruleset")


def kept(workspace: Path) -> dict[str, Any]:
    (path,) = (workspace / "inventory" / "benched").rglob("record.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_a_firewall_is_benched_as_a_plant_s_and_its_check_says_so(lab: Lab, plant: Path) -> None:
    key, before = new_key(plant), rules(lab)
    allow(plant, key)
    done = devices(lab, plant, "bench", DEVICE, "--key", str(key), "--firings", "1")
    assert done.returncode == 3, done.stderr
    assert rules(lab) == before
    assert "nothing came of it." in done.stdout
    assert f"{TABLE} was taken away and seen gone; its configuration is as before." in done.stdout
    assert "The record does not count:\n  it has 1 firing, and 10 are needed\n" in done.stdout
    found = kept(plant)
    assert (found["person"], found["ground"], found["seen_by"], found["gone"]) == (PERSON, "device", "device", True)
    assert "nftables" in found["firmware"]
    code, told = check(lab, plant)
    assert (code, told["bench"]["why_not"]) == (0, ["it has 1 firing, and 10 are needed"])
    in_node(lab, "fw", "nft", f"add table inet {TABLE}")
    try:
        code, told = check(lab, plant)
    finally:
        in_node(lab, "fw", "nft", f"delete table inet {TABLE}")
    findings = {finding["code"] for finding in told["findings"]}
    assert (code, findings & {"point-bench-left", "point-other-objects"}) == (0, {"point-bench-left"})


@pytest.mark.more
def test_a_lab_s_own_firewall_gives_a_record_that_counts_for_no_plant(lab: Lab, tmp_path: Path) -> None:
    workspace = make_workspace(
        tmp_path, lab.state_dir, {SITE: lambda text: text.replace("name: plant\n", f"name: {lab.name}\n")}
    )
    key, before = new_key(workspace), rules(lab)
    allow(workspace, key)
    words = ("devices", "bench", DEVICE, "--key", str(key), "--firings", "1", "--workspace", str(workspace))
    done = subprocess.run(
        [sys.executable, "-m", "islandmode", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG_PATIENCE_S,
    )
    assert done.returncode == 3, done.stderr
    assert rules(lab) == before
    assert "it is of a lab, which counts for no plant" in done.stdout
    assert kept(workspace)["ground"] == "lab"
