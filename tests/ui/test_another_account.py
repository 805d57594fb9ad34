"""What a colleague's account is told of runs that it may not look into: never that all is well."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from islandmode.system.life import hold_life
from tests.more import first_of
from tests.ui.test_runs_commands import ARMED, SEEN, leave_run

AS_NOBODY = """
import codecs, os
from islandmode.operate import restoring, status as standing, stop
from islandmode.ui import banner, program, status
# This account may not read Python's own folder: what is imported later is imported before.
codecs.lookup("ascii"), codecs.lookup("utf-8"), codecs.lookup("idna")
os.setgroups([]); os.setgid(65534); os.setuid(65534)
program.main()
"""


def ask_as_nobody(*arguments: str, workspace: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", AS_NOBODY, *arguments, "--workspace", str(workspace)]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("verb", first_of(["restore", "abort", "status"]))
@pytest.mark.parametrize(
    "close",
    [
        pytest.param(lambda root: root.chmod(0o750), id="its folder"),
        pytest.param(lambda root: (root / "journals").chmod(0o750), id="its journals"),
        pytest.param(lambda root: (root / "lock.conductor").chmod(0o640), id="its lock"),
    ],
)
def test_a_run_that_cannot_be_looked_into_is_never_said_to_be_over(
    verb: str, close: Callable[[Path], None], open_folder: Path
) -> None:
    root = leave_run(open_folder, "2026-01-a", [*ARMED[:1]])
    held = hold_life(root / "lock.conductor")
    try:
        close(root)
        said = ask_as_nobody(verb, workspace=open_folder)
    finally:
        os.close(held)
    assert "No run" not in said.stdout
    if "is running" in said.stdout:
        # Only its journals are closed: that it lives can be seen, and what it may have isolated is all of its plan.
        assert f"(process {os.getpid()}); conduit-firewall may be isolated" in said.stdout
        return
    assert said.returncode == 5, (said.stdout, said.stderr)
    assert "2026-01-a" in said.stderr
    assert "internal error" not in said.stderr


def test_status_says_that_it_does_not_know(open_folder: Path) -> None:
    leave_run(open_folder, "2026-01-a", [*ARMED, SEEN]).chmod(0o750)
    said = ask_as_nobody("status", workspace=open_folder)
    assert said.returncode == 5
    assert f"UNKNOWN: 2026-01-a in {open_folder} cannot be read by this account (Permission denied)" in said.stderr
    assert "STRANDED" not in said.stderr


@pytest.mark.parametrize("verb", first_of(["abort", "status", "restore"]))
def test_runs_that_cannot_be_listed_may_hide_one_that_goes_on(verb: str, open_folder: Path) -> None:
    leave_run(open_folder, "2026-01-a", ARMED)
    (open_folder / "runs").chmod(0o700)
    said = ask_as_nobody(verb, workspace=open_folder)
    assert said.returncode == 5, (said.stdout, said.stderr)
    assert "a run that is not listed here may be going on" in said.stderr
    assert "No run" not in said.stdout


def test_a_run_that_can_be_looked_into_is_told_to_a_colleague_as_it_is(open_folder: Path) -> None:
    leave_run(open_folder, "2026-01-a", [*ARMED, SEEN])
    said = ask_as_nobody("abort", workspace=open_folder)
    assert (said.returncode, "No run is going on." in said.stdout) == (0, True), said.stderr


@pytest.mark.parametrize(
    "words", [("confirm", "2026-01-a"), ("note", "2026-01-a", "Line 3 is clear.")], ids=["confirm", "note"]
)
def test_what_a_run_asks_of_people_is_not_known_to_an_account_that_cannot_read_it(
    words: tuple[str, ...], open_folder: Path
) -> None:
    root = leave_run(open_folder, "2026-01-a", [*ARMED[:1]])
    held = hold_life(root / "lock.conductor")
    try:
        root.chmod(0o750)
        said = ask_as_nobody(*words, workspace=open_folder)
    finally:
        os.close(held)
    assert said.returncode == 4, (said.stdout, said.stderr)
    assert "cannot be read by this account (Permission denied)" in said.stderr
    assert "internal error" not in said.stderr
