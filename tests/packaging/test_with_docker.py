"""`scripts/with-docker` with fake programs: whose exit code counts, and what is left of the engine that it started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.packaging.installed import PROJECT
from tests.patience import PATIENCE_S

ENGINE = """#!/bin/sh
echo "$@" >"$LOG"
[ -z "$BROKEN" ] || { echo no room >&2; exit 1; }
: >"$LOG.up"
trap 'rm "$LOG.up"; exit 0' TERM
while :; do sleep 0.1; done
"""
CLIENT = """#!/bin/sh
[ -e "$LOG.up" ] || exit 1
case $1 in ps) printf "$LEFT" ;; version) ;; *) echo "$@" >>"$LOG.done" ;; esac
"""


def play(folder: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command with an engine that is a fake."""
    for name, text in (("dockerd", ENGINE), ("docker", CLIENT)):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "LOG": str(folder / "log"),
        "BROKEN": "",
        "LEFT": "",
        **more,
    }
    environment |= {"XDG_CACHE_HOME": str(folder / "cache"), "TMPDIR": str(folder)}
    argv = ["bash", str(PROJECT / "scripts" / "with-docker"), *command]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE_S, env=environment)


@pytest.mark.lab
@pytest.mark.parametrize("code", [0, 3])
def test_the_commands_exit_code_counts_and_the_engine_ends_with_it(tmp_path: Path, code: int) -> None:
    ended = play(tmp_path, "sh", "-c", f"echo $DOCKER_HOST; exit {code}")
    assert (ended.returncode, ended.stderr) == (code, "")
    assert ended.stdout.startswith(f"unix://{tmp_path}/tmp.")
    assert "--bridge none --iptables=false --ip-forward=false" in (tmp_path / "log").read_text(encoding="utf-8")
    assert not (tmp_path / "log.up").exists()
    assert list(tmp_path.glob("tmp.*")) == []


@pytest.mark.lab
def test_what_a_killed_run_left_in_the_own_engine_is_taken_away(tmp_path: Path) -> None:
    assert play(tmp_path, "true", LEFT=r"one\ntwo\n").returncode == 0
    done = (tmp_path / "log.done").read_text(encoding="utf-8").splitlines()
    assert done == ["rm --force --volumes one two", "network prune --force"]


def test_an_engine_that_answers_is_used_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "log.up").touch()
    assert play(tmp_path, "true", LEFT=r"one\n").returncode == 0
    assert not (tmp_path / "log.done").exists()
    assert (tmp_path / "log.up").exists()
    assert not (tmp_path / "log").exists()


@pytest.mark.lab
def test_an_engine_that_does_not_start_says_why(tmp_path: Path) -> None:
    ended = play(tmp_path, "true", BROKEN="yes")
    assert ended.returncode == 1
    assert "Docker's engine did not start: no room" in ended.stderr
    assert list(tmp_path.glob("tmp.*")) == []
