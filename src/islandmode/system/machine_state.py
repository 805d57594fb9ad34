"""Where a machine records its runs: a place that is the same from every folder, and whose files have an owner.

It is `/var/lib/islandmode` for an account that may write there, else the account's own `~/.local/state/islandmode`
(`XDG_STATE_HOME`). `ISLANDMODE_STATE` names another place, for writing and for looking. Files there are read only if no account but
their owner can have written them.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from islandmode.system.disk import make_folder, sync_folder

VARIABLE = "ISLANDMODE_STATE"
MACHINE = Path("/var/lib/islandmode")
BELOW_HOME = Path(".local") / "state"
NAME = "islandmode"
SIZE_MAX_BYTES = 4 * 1024 * 1024
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def own_place() -> Path:
    """Return the place in which this account records."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).absolute()
    return MACHINE if _may_write(MACHINE) else _place_of_account()


def places() -> tuple[Path, ...]:
    """Return every place in which this account may look, its own first; root looks in the places of all accounts."""
    given = os.environ.get(VARIABLE)
    if given:
        return (Path(given).absolute(),)
    found = [own_place(), MACHINE, _place_of_account()]
    if os.geteuid() == 0:
        found += [Path(account.pw_dir) / BELOW_HOME / NAME for account in pwd.getpwall()]
    return tuple(dict.fromkeys(found))


def _may_write(place: Path) -> bool:
    there = place if place.exists() else place.parent
    return os.access(there, os.W_OK | os.X_OK, effective_ids=True)


def _place_of_account() -> Path:
    base = os.environ.get("XDG_STATE_HOME", "")
    if base.startswith("/"):
        return Path(base) / NAME
    home = os.environ.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir
    return Path(home) / BELOW_HOME / NAME


@dataclass(frozen=True)
class OwnedFile:
    """A file that its owner alone can have written."""

    path: Path
    account: int
    data: bytes


def read_owned(path: Path, size_max_bytes: int = SIZE_MAX_BYTES) -> OwnedFile:
    """Read a file that its owner alone can have written; raises OSError for any other. A size of -1 is all of it."""
    data, found = _read(path, size_max_bytes)
    if found.st_mode & OTHERS_WRITE:
        raise OSError(errno.EPERM, "others than its owner can write it", str(path))
    return OwnedFile(path, found.st_uid, data)


def read_plain(path: Path, size_max_bytes: int = -1) -> bytes:
    """Read a plain file, all of it or its beginning; raises OSError for a pipe or a link, which would hold up a reader, or lead elsewhere."""
    return _read(path, size_max_bytes)[0]


def _read(path: Path, size_max_bytes: int) -> tuple[bytes, os.stat_result]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink():
            raise OSError(errno.ELOOP, "it is a symbolic link, which is not followed", str(path)) from None
        raise
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EPERM, "it is no plain file", str(path))
        return file.read(size_max_bytes), found


def names_in(folder: Path, ending: str) -> Iterator[Path]:
    """List the files of a place's folder; raises OSError where it exists and cannot be read."""
    try:
        found = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from (path for path in found if path.name.endswith(ending) and not path.name.startswith("."))


def _make_place(folder: Path) -> None:
    """Make a place's folder, readable by every account and writable only by this one, regardless of the umask."""
    if not folder.exists():
        make_folder(folder)
        for made in (folder.parent, folder):
            if not made.stat().st_mode & OTHERS_WRITE or made == folder:
                made.chmod(0o755)


def keep_owned(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file, durably and whole; raises OSError, also where others could take it away again."""
    _make_place(path.parent)
    folder = path.parent.stat().st_mode
    if folder & OTHERS_WRITE and not folder & stat.S_ISVTX:
        raise OSError(errno.EPERM, "others can write this folder", str(path.parent))
    new = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        os.fchmod(descriptor, mode)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(path)
    sync_folder(path.parent)
