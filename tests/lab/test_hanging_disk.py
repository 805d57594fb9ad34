"""Drills whose record hangs: the disk below `runs/` is frozen in the hold, or answers nothing at all.

A write to a frozen disk cannot even be killed. A restore must not wait for such a disk, and every command must end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from islandmode.store.active import record_run
from tests.lab.drills import start, wait_for
from tests.lab.guarded import (
    DRILL,
    ask,
    conductor_pid,
    end_quietly,
    guardian_pid,
    hold,
    hold_workspace,
    is_isolated,
    kinds,
    see_restored,
    settling,
    wait_restored,
)
from tests.more import one_in
from tests.patience import LONG_PATIENCE_S, wait_until
from tests.run import simulated_drill
from tests.standing_still import stand_still
from tests.system.hanging_disk import FreezingDisk, freezing_disk, unanswered_mount
from tests.ui.test_runs_commands import ARMED, forget_locks, leave_run

pytestmark = [pytest.mark.lab, pytest.mark.longest]


@pytest.fixture
def workspace(lab: Lab, tmp_path: Path) -> Path:
    """A workspace whose drill stands in a hold of two minutes."""
    (tmp_path / "plant").mkdir()
    return hold_workspace(tmp_path / "plant", lab)


@pytest.fixture
def disk(workspace: Path, tmp_path: Path) -> Iterator[FreezingDisk]:
    """The disk below the runs of that workspace."""
    with freezing_disk(tmp_path / "disk.img", workspace / "runs") as made:
        yield made


def told(running: subprocess.Popen[str]) -> str:
    """Wait for the end of a drill, and return what it printed."""
    output, _ = running.communicate(timeout=LONG_PATIENCE_S)
    return output or ""


def test_a_conductor_restores_and_ends_with_its_disk_frozen(lab: Lab, workspace: Path, disk: FreezingDisk) -> None:
    """Its near witness hangs too, so that it flies blind; what it saw restored it says, and that it proves nothing."""
    running = hold(workspace, lab)
    guardian = guardian_pid(workspace)
    disk.freeze()
    wait_restored(lab)
    output = told(running)
    assert running.returncode == 3, output
    assert "could not be finished" in output
    assert "did not answer within" in output
    assert "it proves nothing. The plant is back" in output
    assert "Traceback" not in output
    wait_until(lambda: not alive(guardian), "the guardian ends, with its own journal on the frozen disk")
    disk.thaw()
    # Nothing was proven in time, and status says so until a restore has looked.
    assert ask(workspace, lab, "restore").returncode == 0
    assert ask(workspace, lab, "status").returncode == 0


@pytest.mark.more
def test_a_stopped_conductor_and_a_frozen_disk_leave_it_to_the_guardian(
    lab: Lab, workspace: Path, disk: FreezingDisk
) -> None:
    running = hold(workspace, lab)
    disk.freeze()
    try:
        stand_still(conductor_pid(workspace))
        wait_restored(lab)
    finally:
        disk.thaw()
        end_quietly(running)
    wait_until(lambda: "guardian.claimed" in kinds(workspace, "guardian"), "the claim is taken when the disk answers")
    assert not is_isolated(lab)


@pytest.mark.more
def test_a_killed_conductor_and_a_frozen_disk_leave_it_to_the_guardian(
    lab: Lab, workspace: Path, disk: FreezingDisk
) -> None:
    running = hold(workspace, lab)
    guardian = guardian_pid(workspace)
    disk.freeze()
    os.killpg(running.pid, signal.SIGKILL)
    wait_restored(lab)
    wait_until(lambda: not alive(guardian), "the guardian ends")
    end_quietly(running)
    disk.thaw()
    # What it noted meanwhile is written when the disk answers.
    wait_until(lambda: "guardian.ended" in kinds(workspace, "guardian"), "its record is whole")
    assert ask(workspace, lab, "status").returncode == 0


@pytest.mark.more
def test_an_abort_restores_by_itself_with_the_disk_frozen_and_both_stopped(
    lab: Lab, workspace: Path, disk: FreezingDisk
) -> None:
    running = hold(workspace, lab)
    guardian, conductor = guardian_pid(workspace), conductor_pid(workspace)
    for pid in (guardian, conductor):
        stand_still(pid)
    disk.freeze()
    try:
        # It comes back: its own file work is left behind.
        aborted = ask(workspace, lab, "abort")
        assert aborted.returncode == 0, aborted.stderr
        assert "restored by this command" in aborted.stdout
        assert "what was done could not be recorded" in aborted.stderr
        see_restored(lab)
    finally:
        disk.thaw()
        for pid in (guardian, conductor):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        end_quietly(running)
    assert not is_isolated(lab)


@pytest.mark.more
def test_an_abort_signals_where_the_runs_cannot_even_be_read(lab: Lab, workspace: Path) -> None:
    running = hold(workspace, lab)
    conductor = conductor_pid(workspace)
    with unanswered_mount(workspace / "runs"):
        aborted = ask(workspace, lab, "abort")
        wait_restored(lab)
        assert aborted.returncode == 5
        assert "the record of a run was not read within 2 s; told to restore by signal: conductor of" in aborted.stderr
        assert f"(process {conductor})" in aborted.stderr
        assert "STRANDED: this command has seen nothing restored" in aborted.stderr
    end_quietly(running)


@pytest.mark.parametrize(
    ("command", "hangs"),
    one_in(
        3,
        [
            (("status",), "runs"),
            (("status",), ".lab"),
            (("status", "--devices"), "runs"),
            (("runs",), "runs"),
            (("show",), "runs"),
            (("lab", "list"), "runs"),
            (("lab", "status"), ".lab"),
            (("lab", "down"), "runs"),
            (("lab", "down"), ".lab"),
            (("lab", "shell", "fw"), ".lab"),
            (("lab", "restart", "fw"), ".lab"),
        ],
    ),
    ids=lambda part: part if isinstance(part, str) else " ".join(part),
)
def test_a_command_that_looks_ends_and_names_the_machines_runs(
    tmp_path: Path, command: tuple[str, ...], hangs: str
) -> None:
    """Beside a mount on which not even reading ends; this process stands for the conductor of a run."""
    leave_run(tmp_path, "2026-01-a", ARMED)
    (tmp_path / ".lab").mkdir()
    record_run("2026-01-a", tmp_path, simulated_drill.make(), {})
    argv = [sys.executable, "-m", "islandmode", *command, "--workspace", str(tmp_path)]
    try:
        with unanswered_mount(tmp_path / hangs):
            ended = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LONG_PATIENCE_S)
    finally:
        forget_locks()
    assert ended.returncode == 5, ended
    assert f"{tmp_path / hangs} could not be read: the disk did not answer within" in ended.stderr
    assert f"2026-01-a in {tmp_path} is running (process {os.getpid()})" in ended.stdout
    assert "Traceback" not in ended.stderr
    assert "No run" not in ended.stdout


@pytest.mark.more
def test_a_restore_by_the_drill_needs_no_runs_that_can_be_read(lab: Lab, workspace: Path) -> None:
    running = hold(workspace, lab)
    guardian, conductor = guardian_pid(workspace), conductor_pid(workspace)
    for pid in (guardian, conductor):
        stand_still(pid)
    try:
        with unanswered_mount(workspace / "runs"):
            restored = ask(workspace, lab, "restore", "--drill", "quarterly-isolation")
            assert restored.returncode == 0, restored.stderr
            see_restored(lab)
    finally:
        for pid in (guardian, conductor):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        end_quietly(running)


@pytest.mark.more
def test_a_disk_that_is_frozen_before_anything_is_armed_refuses_the_drill(
    lab: Lab, workspace: Path, disk: FreezingDisk
) -> None:
    (workspace / DRILL).write_text(settling((workspace / DRILL).read_text(encoding="utf-8")), encoding="utf-8")
    running = start(workspace, lab.name, again=0)
    wait_for(running, workspace, "baseline.started")
    disk.freeze()
    output = told(running)
    assert running.returncode == 4, output
    assert not is_isolated(lab)
    assert "Nothing was touched" in output


def alive(pid: int) -> bool:
    """Tell whether a process still does anything."""
    with suppress(OSError):
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    return False
