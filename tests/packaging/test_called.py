"""What `make setup` and `make drill` say last is how the program is called, and it can be typed as it stands."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from islandmode import __version__
from tests.packaging.installed import PROJECT

MAKE = shutil.which("make") or "make"
SHELL = ("env", "-i", "PATH=/usr/bin:/bin", "sh", "-c")


def said_last(target: str) -> str:
    """Have a target's own last line said, without what it does before."""
    planned = subprocess.run(
        [MAKE, "--no-print-directory", "--dry-run", "--always-make", target],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    last = re.findall(r"echo \"[^\"\n]*\"", planned.stdout)[-1]
    return subprocess.run([*SHELL, last], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("target", ["setup", "drill"])
def test_the_last_line_says_how_the_program_is_called(target: str) -> None:
    by_path, by_name = re.fullmatch(r"To call it: (.+), or by its name after: (.+)\n", said_last(target)).groups()  # type: ignore[union-attr]
    for typed in (f"{by_path} --version", f"{by_name}; islandmode --version"):
        ended = subprocess.run([*SHELL, typed], cwd="/", check=True, capture_output=True, text=True)
        assert ended.stdout == f"islandmode {__version__}\n"


def test_a_drill_ends_with_its_own_exit_code() -> None:
    ended = subprocess.run(
        [MAKE, "--no-print-directory", "drill", "DRILL=no-such-drill"],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "There is no drill no-such-drill" in ended.stderr
    assert "Error 2" in ended.stderr
    assert ended.stdout.count("To call it: ") == 1
