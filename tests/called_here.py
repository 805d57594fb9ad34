"""The program called in a test's own process: a process of its own imports for a second what a test has long imported."""

from __future__ import annotations

import io
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess

from islandmode.ui.program import called


def called_here(*words: str, cwd: Path) -> CompletedProcess[str]:
    """Run a command in a folder, as the program's own `main` does; gives its exit code and what it said."""
    out, complaint = io.StringIO(), io.StringIO()
    with chdir(cwd), redirect_stdout(out), redirect_stderr(complaint):
        code = called(list(words))
    return CompletedProcess(words, code, out.getvalue(), complaint.getvalue())
