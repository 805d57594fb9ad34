"""`islandmode lab ...` as a person uses it: in a workspace of one's own, from outside."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse.namespaces import backend as namespaces
from islandmode.ui.workspace import start_workspace
from tests.patience import LONG_PATIENCE_S

pytestmark = pytest.mark.lab


def lab(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "islandmode", "lab", *arguments]
    return subprocess.run(argv, cwd=workspace, check=False, capture_output=True, text=True, timeout=LONG_PATIENCE_S)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("commands") / "plant"
    assert start_workspace(folder) == 0
    up = lab(folder, "up")
    assert (up.returncode, up.stderr) == (0, "")
    yield folder
    lab(folder, "down")


def test_a_lab_that_is_up_says_how_to_go_on(workspace: Path) -> None:
    again = lab(workspace, "up")
    assert again.returncode == 2
    assert "Lab plant is already up; use it, or end it with `islandmode lab down --lab" in again.stderr


def test_status_lists_every_node(workspace: Path) -> None:
    status = lab(workspace, "status")
    assert status.returncode == 0
    listed = {line.split()[0] for line in status.stdout.splitlines()[1:] if line.strip()}
    assert {"erp", "office", "vendor", "historian", "fw", "rtr", "plc-mixer", "plc-filler", "hmi", "ops"} <= listed


def test_a_command_in_a_node_keeps_its_exit_code(workspace: Path) -> None:
    address = lab(workspace, "shell", "plc-mixer", "--", "ip", "-br", "-4", "address")
    assert "10.40.0.10/24" in address.stdout
    assert lab(workspace, "shell", "plc-mixer", "--", "sh", "-c", "exit 9").returncode == 9


@pytest.mark.parametrize("words", [("shell", "plc-mixr", "--", "true"), ("restart", "plc-mixr")])
def test_an_unknown_node_lists_the_known_ones(workspace: Path, words: tuple[str, ...]) -> None:
    ended = lab(workspace, *words)
    assert ended.returncode == 2
    assert "plc-mixer" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_restarted_node_answers_again(workspace: Path) -> None:
    restart = lab(workspace, "restart", "plc-mixer")
    assert restart.returncode == 0, restart.stderr
    address = lab(workspace, "shell", "plc-mixer", "--", "ip", "-br", "-4", "address")
    assert "10.40.0.10/24" in address.stdout


def test_another_name_is_another_lab(workspace: Path) -> None:
    assert lab(workspace, "status", "--lab", "other").stdout == "Lab other is not running.\n"
    shell = lab(workspace, "shell", "ops", "--lab", "other")
    assert shell.returncode == 2
    assert "Lab other is not running; start it with `islandmode lab up --lab other" in shell.stderr
    down = lab(workspace, "down", "--lab", "other")
    assert (down.returncode, down.stdout) == (2, "")
    assert "There is no lab other in" in down.stderr


@pytest.mark.more
def test_a_lab_comes_up_from_the_topology_that_was_named(workspace: Path) -> None:
    named = Path("lab") / "second.clab.yml"
    shutil.copy(workspace / "lab" / "plant.clab.yml", workspace / named)
    up = lab(workspace, "up", "--lab", "second", "--topology", str(named))
    try:
        assert (up.returncode, up.stderr) == (0, "")
        found = namespaces.attach("second", workspace / ".lab")
        assert found is not None
        assert found.topology.file == workspace / named
    finally:
        lab(workspace, "down", "--lab", "second")


def test_a_drill_on_a_lab_of_another_topology_is_refused(workspace: Path) -> None:
    argv = ["run", "quarterly-isolation", "--mode", "rehearsal", "--topology", "lab/third-party.clab.yml"]
    ended = subprocess.run(
        [sys.executable, "-m", "islandmode", *argv],
        cwd=workspace,
        check=False,
        capture_output=True,
        text=True,
        timeout=LONG_PATIENCE_S,
    )
    assert ended.returncode == 2
    assert (
        f"Lab plant is up from {workspace / 'lab' / 'plant.clab.yml'}, not from lab/third-party.clab.yml"
        in ended.stderr
    )
    assert not (workspace / "runs").exists()


@pytest.mark.more
def test_a_lab_whose_third_party_programs_are_not_built_says_how_to_build_them(workspace: Path) -> None:
    up = lab(workspace, "up", "--lab", "third", "--topology", "lab/third-party.clab.yml")
    assert up.returncode != 0
    assert "plc is not built yet; build it with: sh lab/third-party/build" in up.stderr
    assert "Traceback" not in up.stderr
