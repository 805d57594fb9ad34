"""A run on a plant is found again by what was recorded of it: a restore needs no word of a lab."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import make_workspace
from tests.lab.guarded import is_isolated
from tests.lab.leave_isolated import RUN
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab

SITE = "inventory/riverside.yaml"
SECRET = "password: lab:conduit-firewall"


def as_plant(text: str) -> str:
    """Take every word of a lab out of a site."""
    assert SECRET in text
    lab = "lab:\n  topology: lab/plant.clab.yml\n  name: plant\n"
    assert lab in text
    return text.replace(SECRET, "password: file:firewall-password").replace(lab, "")


def on_operations_host(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    argv = lab.enter("ops", (sys.executable, "-m", *words), network_only=True)
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


@pytest.fixture
def plant(lab: Lab, tmp_path: Path) -> Path:
    """A workspace whose site is a plant's; the lab's folder is not in it."""
    workspace = make_workspace(tmp_path, lab.state_dir, {SITE: as_plant})
    (workspace / ".lab").unlink()
    password = workspace / "firewall-password"
    password.write_text(lab.secret("conduit-firewall"), encoding="ascii")
    password.chmod(0o600)
    (workspace / "inventory" / "known_hosts").write_bytes(lab.known_hosts.read_bytes())
    return workspace


def test_a_run_on_a_plant_is_restored_by_its_record_alone(lab: Lab, plant: Path) -> None:
    left = on_operations_host(lab, "tests.lab.on_plant_ground", str(plant))
    assert left.returncode == 0, left.stderr
    assert is_isolated(lab)
    words = ("islandmode", "restore", RUN, "--workspace", str(plant))
    status = on_operations_host(lab, "islandmode", "status", "--workspace", str(plant))
    assert (status.returncode, f"STRANDED: {RUN}" in status.stderr) == (5, True), status.stderr
    looked = on_operations_host(lab, "islandmode", "status", "--devices", "--workspace", str(plant))
    assert looked.returncode == 5
    assert "lab" not in looked.stderr.casefold()
    assert looked.stdout.count("IS ISOLATED") == 3
    restored = on_operations_host(lab, *words)
    assert restored.returncode == 0, restored.stderr
    assert "restored by this command; conduit-firewall was read back without Islandmode objects" in restored.stdout
    assert not is_isolated(lab)
    assert on_operations_host(lab, "islandmode", "status", "--workspace", str(plant)).returncode == 0


def test_a_plant_without_known_host_keys_is_not_logged_in_to(lab: Lab, plant: Path) -> None:
    (plant / "inventory" / "known_hosts").unlink()
    left = on_operations_host(lab, "tests.lab.on_plant_ground", str(plant))
    assert "There is no inventory/known_hosts in" in left.stderr
    assert not is_isolated(lab)
    # It had a record before it may have armed: nobody may say that all is well.
    assert on_operations_host(lab, "islandmode", "restore", RUN, "--workspace", str(plant)).returncode == 5


def test_a_request_says_where_its_run_stands(lab: Lab, plant: Path) -> None:
    on_operations_host(lab, "tests.lab.on_plant_ground", str(plant))
    request = json.loads((plant / "runs" / RUN / "request.json").read_text(encoding="utf-8"))
    assert request["ground"] == {"kind": "plant", "site": "riverside"}
    assert on_operations_host(lab, "islandmode", "restore", RUN, "--workspace", str(plant)).returncode == 0
