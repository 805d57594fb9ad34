"""Who runs where in a lab of containers, and what happens to a drill when the process that started it is told to end, or dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from islandmode.rehearse import backends
from islandmode.rehearse.containers.lab import ContainerLab
from tests.lab.drills import drill, end, make_workspace, start, wait_for
from tests.lab.guarded import ask, conductor_pid, guardian_pid, held, hold, is_isolated, wait_restored
from tests.patience import PATIENCE_S, wait_until
from tests.standing_still import stand_still

pytestmark = pytest.mark.lab


def hold_still(workspace: Path) -> Path:
    """Make the drill stand in its first hold."""
    path = workspace / "drills" / "quarterly-isolation.yaml"
    path.write_text(held(path.read_text(encoding="utf-8")), encoding="utf-8")
    return workspace


def test_conductor_and_guardian_run_in_the_operations_hosts_container(lab: ContainerLab, workspace: Path) -> None:
    running = hold(hold_still(workspace), lab)
    inside = Path(f"/proc/{lab.network_pid('ops')}/ns/mnt").readlink()
    for pid in (conductor_in(workspace), guardian_pid(workspace)):
        assert Path(f"/proc/{pid}/ns/mnt").readlink() == inside
    assert Path(f"/proc/{running.pid}/ns/mnt").readlink() != inside
    assert ask(workspace, lab, "abort").returncode == 0
    end(running, workspace)


def conductor_in(workspace: Path) -> int:
    """Find the conductor as this machine numbers it: the lock's text has the container's number."""
    mark = f"run\0drills/quarterly-isolation.yaml\0--mode\0rehearsal\0--workspace\0{workspace}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if mark in words and words.startswith(b"python3\0-m\0islandmode"):
                return int(folder.name)
    raise AssertionError("no conductor runs")


def test_the_locks_text_has_another_number_than_this_machine(lab: ContainerLab, workspace: Path) -> None:
    """Why the kernel is asked who holds a lock: without that, `abort` would signal a stranger."""
    running = hold(hold_still(workspace), lab)
    assert conductor_pid(workspace) != conductor_in(workspace)
    said = ask(workspace, lab, "status").stdout
    assert f"is running (process {conductor_in(workspace)})" in said
    assert ask(workspace, lab, "abort").returncode == 0
    ended = end(running, workspace)
    assert ended.verdict["restoration"] == "proven"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_whoever_started_it_restores_and_is_named(
    lab: ContainerLab, workspace: Path, number: signal.Signals
) -> None:
    running = hold(hold_still(workspace), lab)
    running.send_signal(number)
    ended = end(running, workspace)
    assert (ended.code, ended.verdict["restoration"]) == (3, "proven"), ended.output
    assert number.name in json.dumps(ended.records())
    assert not is_isolated(lab)


def test_a_drill_whose_starter_is_killed_restores_by_itself(lab: ContainerLab, workspace: Path) -> None:
    running = hold(hold_still(workspace), lab)
    running.kill()
    wait_restored(lab)
    running.communicate(timeout=PATIENCE_S)
    wait_until(lambda: "run.finished" in text(workspace), "the run ends its record by itself")
    assert "The command that started this drill is gone" in text(workspace)


def text(workspace: Path) -> str:
    """Read the conductor's journal."""
    (path,) = workspace.glob("runs/*/journals/conductor.jsonl")
    return path.read_text(encoding="utf-8")


def test_a_drill_whose_starter_is_killed_before_it_is_heard_of_isolates_nothing(
    lab: ContainerLab, workspace: Path
) -> None:
    running = start(workspace, lab.name, stdout=subprocess.DEVNULL)
    wait_until((lab.folder / f"errands-{running.pid}").exists, "it listens")
    running.kill()
    running.wait(timeout=PATIENCE_S)
    # The conductor was on its way, or is: it finds nobody at the other end, or hears that one go.
    wait_until(lambda: not any_conductor(workspace), "the conductor ends")
    assert not is_isolated(lab)
    assert not [path for path in workspace.glob("runs/*/journals/*.jsonl") if '"isolate.' in path.read_text("utf-8")]


def any_conductor(workspace: Path) -> bool:
    """Tell whether a conductor of this workspace lives, or Docker's client for one."""
    mark = f"--workspace\0{workspace}\0".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                if mark in (folder / "cmdline").read_bytes():
                    return True
    return False


def test_a_killed_conductor_is_not_called_restored_by_whoever_started_it(lab: ContainerLab, workspace: Path) -> None:
    running = hold(hold_still(workspace), lab)
    os.kill(conductor_in(workspace), signal.SIGKILL)
    ended = end(running, workspace)
    assert ended.code == 5
    assert "The conductor ended without reporting a result" in ended.output
    wait_restored(lab)


def test_an_abort_from_inside_works_as_well(lab: ContainerLab, workspace: Path) -> None:
    running = hold(hold_still(workspace), lab)
    inside = lab.enter("ops", ("python3", "-m", "islandmode", "abort", "--workspace", str(workspace)))
    assert subprocess.run(inside, check=False, timeout=PATIENCE_S, stdin=subprocess.DEVNULL).returncode == 0
    assert end(running, workspace).verdict["restoration"] == "proven"


def test_a_workspace_that_is_not_the_labs_is_refused(lab: ContainerLab, tmp_path: Path) -> None:
    ended = drill(make_workspace(tmp_path / "elsewhere", lab.state_dir), lab.name)
    assert ended.code == 2
    assert "belongs to the workspace" in ended.output
    assert "Traceback" not in ended.output


def test_a_lab_of_another_version_drills_no_more_but_still_restores(lab: ContainerLab, workspace: Path) -> None:
    state = lab.folder / "state.json"
    kept = state.read_text(encoding="utf-8")
    state.write_text(kept.replace(lab.code, "0" * 64), encoding="utf-8")
    try:
        ended = drill(workspace, lab.name)
        assert ended.code == 4
        assert "another version of islandmode" in ended.output
        assert ask(workspace, lab, "restore", "--drill", "quarterly-isolation").returncode == 0
    finally:
        state.write_text(kept, encoding="utf-8")


def strand(workspace: Path, lab: ContainerLab) -> int:
    """Leave the plant isolated with nobody at it: the conductor is dead, its guardian is stopped; returns the guardian."""
    running = hold(hold_still(workspace), lab)
    guardian = guardian_pid(workspace)
    stand_still(guardian)
    os.kill(conductor_in(workspace), signal.SIGKILL)
    end(running, workspace)
    return guardian


def test_a_docker_that_does_not_answer_makes_no_lab_gone(lab: ContainerLab, workspace: Path) -> None:
    """A run whose lab stands must stay loud, whatever Docker says, or another engine at whose socket we happen to ask."""
    guardian = strand(workspace, lab)
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    said = command(workspace, lab, "status", **nowhere)
    assert said.returncode == 5
    assert "STRANDED" in said.stderr
    assert "gone" not in said.stdout + said.stderr
    # A restore that cannot get there says so, with what to do by hand.
    tried = command(workspace, lab, "restore", **nowhere)
    assert tried.returncode == 5
    assert "Traceback" not in tried.stderr
    down = command(workspace, lab, "lab", "down", **nowhere)
    assert down.returncode == 4
    assert is_isolated(lab)
    os.kill(guardian, signal.SIGCONT)
    wait_restored(lab)


def command(workspace: Path, lab: ContainerLab, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one of our commands in another environment."""
    named = () if words[0] == "restore" else ("--lab", lab.name)
    argv = [sys.executable, "-m", "islandmode", *words, "--workspace", str(workspace), *named]
    environment = {**os.environ, **more}
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE_S, env=environment)


def test_only_its_starter_may_send_errands(lab: ContainerLab, workspace: Path) -> None:
    running = hold(hold_still(workspace), lab)
    path = lab.folder / f"errands-{running.pid}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    running.send_signal(signal.SIGTERM)
    end(running, workspace)
    # Nor are those left of starters that were killed.
    assert not list(lab.folder.glob("errands-*"))


def test_a_restore_whose_docker_client_is_killed_says_that_nothing_was_seen(lab: ContainerLab, workspace: Path) -> None:
    guardian = strand(workspace, lab)
    folder = workspace / "bin"
    folder.mkdir()
    # The engine's client as it is when the engine goes away under it.
    (folder / "docker").write_text(
        f'#!/bin/sh\ncase "$*" in *islandmode\\ restore*) exit 1 ;; esac\nexec {shutil.which("docker")} "$@"\n',
        encoding="utf-8",
    )
    (folder / "docker").chmod(0o755)
    tried = command(workspace, lab, "restore", PATH=f"{folder}:{os.environ['PATH']}")
    assert tried.returncode == 5, tried.stderr
    assert "ended without reporting a result; restoration was not seen" in tried.stderr
    assert "nft" in tried.stdout + tried.stderr
    assert command(workspace, lab, "restore").returncode == 0
    os.kill(guardian, signal.SIGCONT)


def test_what_a_drill_prints_comes_out_where_it_was_started(lab: ContainerLab, workspace: Path) -> None:
    running = start(workspace, lab.name, "--json", stderr=subprocess.DEVNULL)
    wait_for(running, workspace, "hold.started")
    output, _ = running.communicate(timeout=PATIENCE_S)
    assert json.loads(output)["verdict"] == "held"


def test_a_firewall_that_is_restarted_in_the_hold_breaches_and_is_seen_back(lab: ContainerLab, workspace: Path) -> None:
    running = hold(hold_still(workspace), lab)
    assert is_isolated(lab)
    backends.restart(lab, "fw")
    ended = end(running, workspace)
    assert (ended.code, ended.verdict["verdict"], ended.verdict["restoration"]) == (1, "breached", "proven"), (
        ended.output
    )
    assert ask(workspace, lab, "status").returncode == 0
