"""A password that a program prints: every process that restores asks for it anew, and none says restored where it got none."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.guarded import (
    ask,
    conductor_pid,
    end_quietly,
    held,
    hold,
    hold_workspace,
    is_isolated,
    kill_both,
    kinds,
    see_restored,
    wait_restored,
)
from tests.patience import wait_until
from tests.system.hanging_disk import unanswered_mount

pytestmark = pytest.mark.lab

SITE = "inventory/riverside.yaml"


@pytest.fixture
def program(lab: Lab, tmp_path: Path) -> Path:
    """Make a program that prints the lab's password and nothing else."""
    (tmp_path / "vault").mkdir()
    found = tmp_path / "vault" / "print-password"
    found.write_text(f"#!/bin/sh\nprintf '%s\\n' '{lab.secret('conduit-firewall')}'\n", encoding="utf-8")
    found.chmod(0o700)
    return found


@pytest.fixture
def workspace(lab: Lab, tmp_path: Path, program: Path) -> Path:
    """Make a workspace whose firewall's password that program prints."""
    (tmp_path / "plant").mkdir()
    printed = {SITE: lambda text: text.replace("password: lab:conduit-firewall", f"password: command:{program}")}
    return hold_workspace(tmp_path / "plant", lab, held, printed)


@pytest.mark.more
def test_the_guardian_of_a_killed_conductor_has_the_password_though_the_program_is_gone(
    lab: Lab, workspace: Path, program: Path
) -> None:
    running = hold(workspace, lab)
    program.unlink()
    os.kill(conductor_pid(workspace), signal.SIGKILL)
    wait_restored(lab)
    end_quietly(running)
    wait_until(lambda: "guardian.ended" in kinds(workspace, "guardian"), "the guardian ends")
    see_restored(lab)


@pytest.mark.more
def test_a_restore_without_the_password_says_that_nothing_is_restored_and_keeps_the_alarm(
    lab: Lab, workspace: Path, program: Path
) -> None:
    running = hold(workspace, lab)
    kept = program.rename(program.with_suffix(".away"))
    kill_both(workspace, running)
    failed = ask(workspace, lab, "restore")
    assert failed.returncode != 0
    assert f"The program {program}, which prints a secret, cannot be started" in failed.stderr
    assert "restored by" not in failed.stdout
    assert is_isolated(lab)
    assert ask(workspace, lab, "status").returncode == 5
    kept.rename(program)
    restored = ask(workspace, lab, "restore")
    assert restored.returncode == 0, restored.stderr
    see_restored(lab)
    assert ask(workspace, lab, "status").returncode == 0


@pytest.mark.more
def test_a_secret_on_a_disk_that_hangs_ends_a_restore_and_is_named(lab: Lab, workspace: Path, program: Path) -> None:
    """It once waited for that disk, for every device, without a word."""
    running = hold(workspace, lab)
    kill_both(workspace, running)
    with unanswered_mount(program.parent):
        failed = ask(workspace, lab, "restore")
    assert failed.returncode == 5, failed.stderr
    assert "conduit-firewall cannot be logged in to, and is not restored by this command" in failed.stderr
    assert "did not come within" in failed.stderr
    assert is_isolated(lab)
    assert ask(workspace, lab, "restore").returncode == 0
    see_restored(lab)
