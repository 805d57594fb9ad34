"""Every program of bench/ says how it is called, and takes no word that it does not know: argparse reads all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = sorted(path.relative_to(PROJECT).as_posix() for path in (PROJECT / "bench").glob("*.py"))


CALLS = """
import contextlib, io, json, runpy, sys
for program in sys.argv[2:]:
    out, err = io.StringIO(), io.StringIO()
    # As Python calls a program: with its folder first among those that are searched.
    sys.argv, sys.path[0] = [program, sys.argv[1]], program.rpartition("/")[0]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_path(program, run_name="__main__")
            code = None
        except SystemExit as ended:
            code = ended.code
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


def said(word: str, *programs: str) -> list[tuple[int, str, str]]:
    """Call each program with a word, in a process of their own, which imports once what they share."""
    argv = [sys.executable, "-c", CALLS, word, *programs]
    done = subprocess.run(argv, cwd=PROJECT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return [(code, out, err) for code, out, err in map(json.loads, done.stdout.splitlines())]


def test_a_program_tells_how_it_is_called() -> None:
    for program, (code, out, err) in zip(PROGRAMS, said("--help", *PROGRAMS), strict=True):
        first = (PROJECT / program).read_text(encoding="utf-8").removeprefix('"""').partition("\n")[0]
        assert (code, err) == (0, ""), program
        assert out.startswith(f"usage: {Path(program).name} [-h]"), program
        assert first in out, program


def test_a_word_that_it_does_not_know_is_refused_in_a_sentence() -> None:
    ((code, out, err),) = said("--nonsense", "bench/thousand_plcs.py")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == "thousand_plcs.py: error: unrecognized arguments: --nonsense"
