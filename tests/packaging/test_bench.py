"""Every program of bench/ says how it is called, and takes no word that it does not know: argparse reads all of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = sorted(path.relative_to(PROJECT).as_posix() for path in (PROJECT / "bench").glob("*.py"))


def said(program: str, word: str) -> tuple[int, str, str]:
    argv = [sys.executable, program, word]
    done = subprocess.run(argv, cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_tells_how_it_is_called(program: str) -> None:
    code, out, err = said(program, "--help")
    first = (PROJECT / program).read_text(encoding="utf-8").removeprefix('"""').partition("\n")[0]
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: {Path(program).name} [-h]")
    assert first in out


def test_a_word_that_it_does_not_know_is_refused_in_a_sentence() -> None:
    code, out, err = said("bench/thousand_plcs.py", "--nonsense")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == "thousand_plcs.py: error: unrecognized arguments: --nonsense"
