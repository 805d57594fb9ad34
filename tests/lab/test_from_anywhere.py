"""A live drill is known on its machine from every folder, and nothing says that all is well without having looked."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from islandmode.rehearse.namespaces import backend as namespaces
from tests.lab.drills import end
from tests.lab.guarded import (
    assert_aborted,
    conductor_pid,
    end_quietly,
    guardian_pid,
    hold,
    hold_workspace,
    is_isolated,
    kill_both,
    run_of,
    see_restored,
)
from tests.patience import PATIENCE_S, wait_until
from tests.shared_lab import TOPOLOGY
from tests.standing_still import stand_still

pytestmark = pytest.mark.lab

DRILL = "quarterly-isolation"


def say(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of our commands in a folder, and name no workspace."""
    argv = [sys.executable, "-m", "islandmode", *arguments]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


@pytest.mark.more
def test_a_drill_is_seen_and_ended_from_a_folder_that_is_no_workspace(lab: Lab, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    workspace = hold_workspace(tmp_path / "plant", lab)
    assert say(nowhere, "abort").returncode == 2
    running = hold(workspace, lab)
    run = run_of(workspace).name
    seen = say(nowhere, "status")
    assert (seen.returncode, seen.stderr) == (0, "")
    assert f"{run} in {workspace} is running (process {conductor_pid(workspace)})" in seen.stdout
    assert "has left anything isolated" not in seen.stdout
    looked = say(nowhere, "status", "--devices")
    assert looked.returncode == 0, looked.stderr
    assert "remote-access IS ISOLATED, its timer ends in" in looked.stdout
    assert f"made by run {run}" in looked.stdout
    refused = say(workspace, "lab", "down", "--lab", lab.name)
    assert refused.returncode == 4
    assert f"used by {run}" in refused.stderr
    aborted = say(nowhere, "abort")
    assert_aborted(aborted, run)
    see_restored(lab)
    ended = end(running, workspace)
    assert ended.verdict["restoration"] == "proven", ended.output
    assert say(nowhere, "status").returncode == 2


@pytest.mark.more
def test_what_a_killed_drill_left_is_restored_though_its_directory_is_gone(lab: Lab, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    workspace = hold_workspace(tmp_path / "plant", lab)
    running = hold(workspace, lab)
    run = run_of(workspace).name
    kill_both(workspace, running)
    shutil.rmtree(workspace / "runs" / run)
    assert is_isolated(lab)
    seen = say(nowhere, "status", "--devices")
    assert seen.returncode == 5
    assert f"STRANDED: {run} ended" in seen.stderr
    assert "IS ISOLATED" in seen.stdout
    restored = say(nowhere, "restore")
    assert restored.returncode == 0, restored.stderr
    see_restored(lab)
    assert say(workspace, "status", "--lab", lab.name).returncode == 0
    looked = say(workspace, "status", "--devices", "--lab", lab.name)
    assert (looked.returncode, looked.stderr) == (0, "")
    assert "remote-access has no Islandmode object" in looked.stdout


@pytest.mark.more
def test_a_verdict_that_somebody_writes_ends_no_alarm(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    kill_both(workspace, running)
    (run_of(workspace) / "verdict.json").write_text('{"verdict": "held", "restoration": "proven"}', encoding="utf-8")
    assert say(workspace, "status").returncode == 5
    assert say(workspace, "restore").returncode == 0
    see_restored(lab)
    assert say(workspace, "status").returncode == 0


@pytest.mark.more
def test_files_that_a_rescue_does_not_need_do_not_stop_it(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    kill_both(workspace, running)
    inventory = workspace / "inventory"
    (inventory / "._riverside.yaml").write_bytes(b"\0\0Mac OS X")
    (inventory / "hosts.yaml").write_text("all:\n  vars:\n    password: !vault |\n      1\n", encoding="utf-8")
    shutil.copy(inventory / "riverside.yaml", inventory / "riverside (copy).yaml")
    (workspace / "probes" / "line9.yaml").write_text("probes: {x: {kind: nothing}}\n", encoding="utf-8")
    (workspace / "drills" / ".#quarterly-isolation.yaml").symlink_to("somebody@host.4711")
    shutil.rmtree(run_of(workspace))
    restored = say(workspace, "restore", "--drill", DRILL, "--lab", lab.name)
    assert restored.returncode == 0, restored.stderr
    assert "ignored, not needed for this command: inventory/hosts.yaml:3:15" in restored.stderr
    assert "inventory/riverside (copy).yaml" in restored.stderr
    see_restored(lab)
    assert say(workspace, "status", "--lab", lab.name).returncode == 0
    (inventory / "riverside (copy).yaml").unlink()
    planned = say(workspace, "plan", DRILL)
    assert planned.returncode == 0, planned.stderr


@pytest.mark.more
def test_a_lab_that_is_ended_by_force_restores_first(state_dir: Path, tmp_path: Path) -> None:
    lab = namespaces.up(TOPOLOGY, name="own", state_dir=state_dir)
    workspace = hold_workspace(tmp_path / "plant", lab)
    running = hold(workspace, lab)
    run = run_of(workspace).name
    down = say(workspace, "lab", "down", "--lab", "own", "--force")
    assert_aborted(down, run)
    assert "Lab own is down." in down.stdout
    assert "restoration" in end_quietly(running)
    assert say(workspace, "status").returncode == 0


@pytest.mark.more
def test_a_lab_whose_folder_was_deleted_is_not_taken_for_gone(state_dir: Path, tmp_path: Path) -> None:
    """Neither by the guardian, which would end, nor by status; and it is found and ended."""
    lab = namespaces.up(TOPOLOGY, name="own", state_dir=state_dir)
    workspace = hold_workspace(tmp_path / "plant", lab)
    running = hold(workspace, lab)
    guardian = guardian_pid(workspace)
    stand_still(guardian)
    shutil.rmtree(state_dir / "own")
    running.kill()
    end_quietly(running)
    assert say(workspace, "status").returncode == 5
    assert "up, but its folder is gone" in say(tmp_path, "lab", "list").stdout
    os.kill(guardian, signal.SIGCONT)
    wait_until(lambda: not Path(f"/proc/{guardian}").exists(), "the guardian restores and ends")
    assert not is_isolated(lab)
    assert say(workspace, "status").returncode == 0
    down = say(workspace, "lab", "down", "--lab", "own")
    assert (down.returncode, down.stdout) == (0, "Lab own is down.\n"), down.stderr
    assert say(workspace, "lab", "down", "--lab", "own").returncode == 2
    # One that has ended and was not waited for, as here by us who started it, has no command line any more.
    anchor = Path(f"/proc/{lab.anchor_pid}/cmdline")
    wait_until(lambda: not anchor.exists() or not anchor.read_bytes(), "the lab's first process ends")
