"""The go at T-0 in a rehearsal, on the real firewall: asked for after a good baseline, answered by a code of a go sheet, and nothing armed without."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from islandmode.operate import signing
from islandmode.rehearse.lab import Lab
from tests.lab.drills import end, make_workspace, newest_run, start, wait_for
from tests.lab.guarded import ask, end_quietly, guardian_pid, is_isolated
from tests.lab.rogue.bypass import in_node
from tests.operate.approvals_given import DRILL, Plant
from tests.operate.test_go_sheet import approve, codes_on
from tests.patience import PATIENCE_S, wait_until
from tests.signing import Keys, make_people

pytestmark = pytest.mark.lab


@pytest.fixture
def plant(lab: Lab, tmp_path: Path) -> Plant:
    """Give a workspace in which the rehearsal of the next hours is approved, and its go sheet beside it."""
    workspace = make_workspace(tmp_path / "plant", lab.state_dir)
    keys, now = Keys(tmp_path / "keys"), datetime.now(UTC)
    make_people(workspace, keys)
    made = Plant(workspace, keys, now)
    window = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (now - timedelta(minutes=1), now + timedelta(hours=4)))
    signing.ask_window(made.order("engineer"), DRILL, *window)
    approve(made, tmp_path / "go.html")
    made.approve("security-lead")
    return made


def go(plant: Plant, *words: str) -> subprocess.CompletedProcess[str]:
    """Answer the run that goes on, as its operator does."""
    argv = [sys.executable, "-m", "islandmode", "go", "last", *words]
    return subprocess.run(argv, cwd=plant.workspace, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def shift() -> tuple[str, str]:
    return "--shift-ends", f"{datetime.now(UTC) + timedelta(hours=6):%H:%MZ}"


def test_a_rehearsal_waits_for_the_go_and_runs_by_a_code(plant: Plant, lab: Lab, tmp_path: Path) -> None:
    code, second = codes_on(tmp_path / "go.html")
    running = start(plant.workspace, lab.name, "--with-go")
    wait_for(running, plant.workspace, "go.asked")
    wrong = go(plant, "--code", " ".join(reversed(code.split())), *shift())
    said = go(plant, "--code", code.upper(), *shift())
    ended = end(running, plant.workspace)
    assert (wrong.returncode, said.returncode) == (4, 0), wrong.stderr + said.stderr
    assert "did not take this: that code is wrong (1 of 5)." in wrong.stderr
    assert "go by a code of approval-quarterly-isolation-" in said.stdout
    assert ended.code == 0, ended.output
    kinds = ended.kinds()
    assert (
        kinds.index("go.answered")
        < kinds.index("ledger.entered")
        < kinds.index("go.reread")
        < kinds.index("arm.intent")
    )
    assert ended.directory is not None
    kept = b"".join(path.read_bytes() for path in ended.directory.rglob("*") if path.is_file())
    assert code.encode() not in kept
    assert second.encode() not in kept
    # Its approvals are spent by the ledger's line, so that no other run goes by them.
    again = subprocess.run(
        [sys.executable, "-m", "islandmode", "run", DRILL, "--mode", "rehearsal", "--with-go", "--lab", lab.name],
        cwd=plant.workspace,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert again.returncode == 4
    assert "it was spent by the run in line" in " ".join(again.stderr.split())


@pytest.mark.more
def test_a_run_that_is_killed_while_it_waits_has_armed_nothing_and_spent_nothing(plant: Plant, lab: Lab) -> None:
    running = start(plant.workspace, lab.name, "--with-go")
    wait_for(running, plant.workspace, "go.asked")
    guardian = guardian_pid(plant.workspace)
    os.killpg(running.pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{guardian}").exists(), "the guardian ends, since nothing is owed")
    end_quietly(running)
    assert not is_isolated(lab)
    status = ask(plant.workspace, lab, "status")
    assert (status.returncode, status.stderr) == (0, "")
    late = go(plant, "--no", "--why", "Work permit open")
    assert late.returncode == 4
    assert "does not go on any more. Nothing was said to the run." in " ".join(late.stderr.split())
    # The same approvals serve the next run.
    killed = newest_run(plant.workspace)
    again = start(plant.workspace, lab.name, "--with-go")
    wait_until(lambda: newest_run(plant.workspace) != killed, "another run begins")
    wait_for(again, plant.workspace, "go.asked")
    assert go(plant, "--no", "--why", "Enough for today").returncode == 0
    assert end(again, plant.workspace).code == 4


@pytest.mark.more
def test_a_no_ends_the_rehearsal_with_nothing_armed(plant: Plant, lab: Lab) -> None:
    running = start(plant.workspace, lab.name, "--with-go")
    wait_for(running, plant.workspace, "go.asked")
    said = go(plant, "--no", "--why", "Work permit open")
    ended = end(running, plant.workspace)
    assert said.returncode == 0, said.stderr
    assert ended.code == 4
    assert "Skipped, no go: the plant floor said no: Work permit open. Nothing was armed." in " ".join(
        ended.output.split()
    )
    assert not {"arm.intent", "ledger.entered"} & set(ended.kinds())


@pytest.mark.more
def test_a_route_that_changes_while_the_go_is_waited_for_ends_it(plant: Plant, lab: Lab, tmp_path: Path) -> None:
    (code, _) = codes_on(tmp_path / "go.html")
    running = start(plant.workspace, lab.name, "--with-go")
    wait_for(running, plant.workspace, "go.asked")
    in_node(lab, "fw", "ip", "route", "add", "198.51.100.0/24", "via", "10.10.0.254")
    try:
        said = go(plant, "--code", code, *shift())
        ended = end(running, plant.workspace)
    finally:
        in_node(lab, "fw", "ip", "route", "del", "198.51.100.0/24")
    assert said.returncode == 0, said.stderr
    assert ended.code == 4
    told = " ".join(ended.output.split())
    assert "is not as preflight read it: its routes changed (+ 198.51.100.0/24 via 10.10.0.254" in told
    assert "Nothing was armed." in told
    assert "arm.intent" not in ended.kinds()


@pytest.mark.more
def test_a_key_at_the_console_says_go_and_only_where_its_role_may(plant: Plant, lab: Lab) -> None:
    running = start(plant.workspace, lab.name, "--with-go")
    wait_for(running, plant.workspace, "go.asked")
    refused = go(plant, "--key", str(plant.keys.of("security-lead")), *shift())
    said = go(plant, "--key", str(plant.keys.of("shift-lead")), *shift())
    ended = end(running, plant.workspace)
    assert refused.returncode == 4
    assert "did not take this: security-lead may not say go by the site's policy." in refused.stderr
    assert said.returncode == 0, said.stderr
    assert (
        "go by the key of shift-lead. It arms if its approvals, its guardian and its devices are still as they were."
        in said.stdout
    )
    assert ended.code == 0, ended.output
