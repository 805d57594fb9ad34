"""The host keys of a plant's devices: `inventory/known_hosts`, in the form of OpenSSH. A line is added; none is ever taken out."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from islandmode.system.disk import sync_folder

KNOWN_HOSTS = Path("inventory") / "known_hosts"
NEW_MODE = 0o644
"""Host keys are public: a colleague's account, and a guardian's, must read them."""
COMMENT, HASHED = "#", "|1|"


def names_are_hashed(path: Path) -> bool:
    """Tell whether a file names no device in the open; raises OSError."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    names = [line.split()[0] for line in lines if line.strip() and not line.lstrip().startswith(COMMENT)]
    return bool(names) and all(name.startswith(HASHED) for name in names)


def add_line(path: Path, line: str) -> None:
    """Add a line durably, beside every other that is there by then; the file is whole at every moment. Raises OSError."""
    # What a link leads to is written, and the link stays.
    path = path.resolve()
    with _alone_in(path.parent):
        before = path.read_bytes() if path.exists() else b""
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else NEW_MODE
        between = b"" if not before or before.endswith(b"\n") else b"\n"
        _replace(path, before + between + line.encode() + b"\n", mode)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep every other process from adding a line meanwhile; raises BlockingIOError where another is at it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, data: bytes, mode: int) -> None:
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        new.replace(path)
    except OSError:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
