"""File modes: only a run's account and its group may read what the run leaves, regardless of the umask."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

FILE, FOLDER, REQUESTS = 0o640, 0o750, 0o2770
"""People of the group read a run, and put their requests into one folder of it."""


def open_file(path: str | Path, flags: int) -> int:
    """Open a file, and make it as readable as it should be; fits `open` as its opener. Raises OSError."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, FILE)
    # Another account's file was made by the same rule; this account may not change it.
    with suppress(PermissionError):
        os.fchmod(descriptor, FILE)
    return descriptor


def write_text(path: Path, text: str) -> None:
    """Write a whole file; raises OSError."""
    with open(path, "w", encoding="utf-8", opener=open_file) as file:
        file.write(text)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole file; raises OSError."""
    with open(path, "wb", opener=open_file) as file:
        file.write(data)


def make_folders(path: Path) -> None:
    """Make a folder and those above it, where they are missing; raises OSError."""
    for folder in reversed([folder for folder in (path, *path.parents) if not folder.exists()]):
        with suppress(FileExistsError):
            make_folder(folder)


def make_folder(path: Path) -> None:
    """Make one folder; raises OSError, also when it is there already."""
    path.mkdir(mode=FOLDER)
    # Keep the setgid bit of the parent folder: it gives a run the group of `runs`, not the group of its account.
    path.chmod(FOLDER | (path.stat().st_mode & stat.S_ISGID))
