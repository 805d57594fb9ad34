"""Drills whose processes run short in the hold: no memory can be mapped any more, eight descriptors are left. The limits are real."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import end
from tests.lab.guarded import (
    conductor_pid,
    end_quietly,
    guardian_pid,
    hold,
    hold_workspace,
    is_isolated,
    kinds,
    wait_restored,
)
from tests.patience import LONG_PATIENCE_S, PATIENCE_S, wait_until

pytestmark = pytest.mark.lab

EIGHT = 8


def mapped_bytes(pid: int) -> int:
    """Read how much a process has mapped, which is what RLIMIT_AS counts."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def take_memory(pid: int, limit_bytes: int) -> None:
    """Let a living process map no more than that."""
    resource.prlimit(pid, resource.RLIMIT_AS, (limit_bytes, limit_bytes))


def leave_descriptors(pid: int, count: int) -> None:
    """Leave a living process so many descriptors beyond those that it has open."""
    highest = max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())
    limit = highest + 1 + count
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))


def ends_in_a_sentence(running: subprocess.Popen[str]) -> str:
    """Wait for the end of a drill, and see that it is no traceback."""
    output, _ = running.communicate(timeout=LONG_PATIENCE_S)
    assert "Traceback" not in output, output
    return output


@pytest.mark.more
def test_a_conductor_that_gets_no_more_memory_restores(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    conductor = conductor_pid(workspace)
    take_memory(conductor, mapped_bytes(conductor))
    os.kill(conductor, signal.SIGTERM)
    wait_restored(lab)
    output = ends_in_a_sentence(running)
    assert not is_isolated(lab)
    assert "Restored: every isolation point was read back" in output, output
    # With what was held for the restore it came to its own end, too.
    assert running.returncode in (3, 1), output


@pytest.mark.more
def test_a_conductor_that_may_map_nothing_at_all_leaves_nothing_isolated(lab: Lab, tmp_path: Path) -> None:
    """Less than it has: not even what it gives back can be mapped again."""
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    conductor = conductor_pid(workspace)
    take_memory(conductor, resource.getpagesize())
    os.kill(conductor, signal.SIGTERM)
    wait_restored(lab)
    ends_in_a_sentence(running)
    assert running.returncode in (1, 3, 5, 7)
    assert not is_isolated(lab)


@pytest.mark.more
def test_a_guardian_that_gets_no_more_memory_restores(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    guardian = guardian_pid(workspace)
    take_memory(guardian, mapped_bytes(guardian))
    os.killpg(running.pid, signal.SIGKILL)
    wait_restored(lab)
    wait_until(lambda: "guardian.ended" in kinds(workspace, "guardian"), "the guardian comes to its end")
    end_quietly(running)


@pytest.mark.more
def test_eight_descriptors_are_enough_to_restore_and_to_say_so(lab: Lab, tmp_path: Path) -> None:
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    leave_descriptors(conductor_pid(workspace), EIGHT)
    leave_descriptors(guardian_pid(workspace), EIGHT)
    os.kill(conductor_pid(workspace), signal.SIGTERM)
    wait_restored(lab)
    ended = end(running, workspace)
    assert "Traceback" not in ended.output
    assert "Restored: every isolation point was read back" in ended.output
    assert ended.code == 3, ended.output
    assert ended.verdict["restoration"] == "proven", ended.output


@pytest.mark.more
def test_eight_descriptors_are_enough_for_a_guardian_whose_session_is_lost(lab: Lab, tmp_path: Path) -> None:
    """Its kept session is reset, so that it has to log in anew."""
    workspace = hold_workspace(tmp_path, lab)
    running = hold(workspace, lab)
    guardian = guardian_pid(workspace)
    leave_descriptors(guardian, EIGHT)
    subprocess.run(lab.enter("fw", ("pkill", "-f", "sshd: drill@notty")), check=False, timeout=PATIENCE_S)
    os.killpg(running.pid, signal.SIGKILL)
    wait_restored(lab)
    wait_until(lambda: not Path(f"/proc/{guardian}/exe").exists(), "the guardian ends")
    end_quietly(running)
