"""How a person types a command of this program: by its name where the shell finds this very program, else by its path.

A sentence that says what to do is read by somebody who may have no virtual environment in the shell, and no time to look for one.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

NAME = "islandmode"
VARIABLE = "ISLANDMODE_TYPED"
"""What the starter of a process in a container gives it: a person types on this machine and not in there."""


def program() -> str:
    """Give the word, or the words, by which this program is called from a shell like this one."""
    given = os.environ.get(VARIABLE)
    if given:
        return given
    own = _own_path()
    if own is None:
        return f"{shlex.quote(sys.executable)} -m {NAME}"
    found = shutil.which(NAME)
    return NAME if found is not None and _is_same(Path(found), own) else shlex.quote(str(own))


def program_anywhere() -> str:
    """Give the words by which this program is called from any shell of this machine: for paper, and for another account."""
    given = os.environ.get(VARIABLE)
    own = _own_path()
    if given and given != NAME:
        return given
    return f"{shlex.quote(sys.executable)} -m {NAME}" if own is None else shlex.quote(str(own))


def typed(*words: str) -> str:
    """Write a command as it can be typed here."""
    return " ".join((program(), *(shlex.quote(word) for word in words)))


def typed_anywhere(*words: str) -> str:
    """Write a command as it can be typed in any shell of this machine, as root too."""
    return " ".join((program_anywhere(), *(shlex.quote(word) for word in words)))


def typed_at(workspace: Path, *words: str) -> str:
    """Write a command that means a workspace; its folder is named unless it is the current one."""
    return typed(*words, *(() if _stands_in(workspace) else ("--workspace", str(workspace.absolute()))))


def _stands_in(folder: Path) -> bool:
    try:
        return folder.resolve() == Path.cwd()
    except OSError:
        # The current folder was deleted, so no command can be typed there.
        return False


def _own_path() -> Path | None:
    """Find this installation's program: it stands beside the running interpreter."""
    beside = Path(sys.executable).absolute().with_name(NAME)
    return beside if beside.is_file() and os.access(beside, os.X_OK) else None


def _is_same(found: Path, own: Path) -> bool:
    try:
        return found.samefile(own)
    except OSError:
        return False
