"""The index of a workspace's runs that were read and owe nothing: how each ended, and what its files looked like then.

Reading the journals of some years takes seconds, and those of a finished run do not change. What is remembered is believed
only while every file that speaks of a run is the very one that was read, by marks that the kernel sets and no account can: a
journal that grows, is replaced or gets other rights is read again. The index only saves time: an index that was deleted, edited,
cut off or copied from elsewhere counts for nothing, since it is signed with a key from another file; and a run of which the
machine has a record, which every run has until its restoration was seen, is never looked up in it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from islandmode import __version__
from islandmode.system.apart import apart
from islandmode.system.life import FAULTS, within
from islandmode.system.machine_state import keep_owned, own_place, read_owned

FORMAT = f"4 of {__version__}"
"""To be raised with every change of what a run owes by the same files: an older version's word for it does not count."""
WITHIN_S = 1.0
KEY_BYTES = 32
End = tuple[str, str]
"""How a run ended, as `runs` tells it: its verdict, and its restoration."""
_Entry = tuple[str, *End]
_UNTOLD: End = ("", "")


class Settled:
    """What this account remembers of a workspace's runs; read at the first question, kept when it is told to."""

    def __init__(self, workspace: Path) -> None:
        """Know the workspace; nothing is read yet."""
        self._workspace = str(workspace.absolute())
        self._before: dict[str, _Entry] | None = None
        self._now: dict[str, _Entry] = {}

    def holds(self, run: str, marks: str) -> bool:
        """Tell whether a run was read with these very marks and owed nothing."""
        if self._before is None:
            self._before = self._read()
        if self._has(self._now, run, marks):
            return True
        if not self._has(self._before, run, marks):
            return False
        self._now[run] = self._before[run]
        return True

    def learn(self, run: str, marks: str, end: End = _UNTOLD) -> None:
        """Remember that a run, whose files had these marks before they were read, owes nothing, and how it ended."""
        if marks:
            self._now[run] = (marks, *end)

    def end(self, run: str) -> End | None:
        """Give how a run ended for which `holds` is true; None where nobody asked that before."""
        _, *told = self._now.get(run, ("", *_UNTOLD))
        return (told[0], told[1]) if told[0] else None

    def keep(self) -> None:
        """Write what was learned, once every run has been asked about; bounded, and never raises."""
        if self._before is not None and self._now != self._before:
            apart(self._write, WITHIN_S)

    @staticmethod
    def _has(entries: dict[str, _Entry], run: str, marks: str) -> bool:
        return bool(marks) and run in entries and entries[run][0] == marks

    @property
    def _path(self) -> Path:
        key = hashlib.sha256(self._workspace.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return own_place() / "settled" / f"{key}.json"

    def _read(self) -> dict[str, _Entry]:
        try:
            signature, _, body = within(WITHIN_S, lambda: _read_own(self._path)).partition(b"\n")
            if not hmac.compare_digest(signature, _sign(within(WITHIN_S, _key), body)):
                return {}
            document = json.loads(body)
            found = document["runs"] if (document["v"], document["workspace"]) == (FORMAT, self._workspace) else {}
            return {str(run): (str(marks), str(verdict), str(seen)) for run, (marks, verdict, seen) in found.items()}
        except (*FAULTS, RecursionError):
            # Then every journal is read, as if nothing had ever been remembered.
            return {}

    def _write(self) -> None:
        document = {"v": FORMAT, "workspace": self._workspace, "runs": self._now}
        body = json.dumps(document).encode()
        try:
            key = _key()
        except OSError:
            key = secrets.token_bytes(KEY_BYTES)
            keep_owned(_key_path(), key, 0o600)
        keep_owned(self._path, _sign(key, body) + b"\n" + body, 0o600)


def _read_own(path: Path) -> bytes:
    """Read a file that only this account, or root, can have written; raises OSError for any other."""
    kept = read_owned(path)
    if kept.account not in {os.geteuid(), 0}:
        raise PermissionError(1, "another account wrote it", str(path))
    return kept.data


def _key_path() -> Path:
    return own_place() / "settled" / "key"


def _key() -> bytes:
    key = _read_own(_key_path())
    if len(key) != KEY_BYTES:
        raise OSError(22, "it is no key", str(_key_path()))
    return key


def _sign(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode()


def marks_of(root: Path, files: Sequence[str], folder: str) -> str:
    """Give the marks of some files of a run, there or not, and of all files in one of its folders; empty where they cannot be had."""
    found: list[object] = []
    try:
        found.append(root.stat().st_uid)
        with os.scandir(root / folder) as entries:
            found += sorted((entry.name, _stamps(entry.stat(follow_symlinks=False))) for entry in entries)
        for name in files:
            try:
                found.append((name, _stamps(os.lstat(root / name))))
            except FileNotFoundError:
                found.append(name)
    except OSError:
        return ""
    return hashlib.sha256(repr(found).encode("utf-8", "surrogateescape")).hexdigest()


def _stamps(file: os.stat_result) -> tuple[int, ...]:
    return (file.st_ino, file.st_mode, file.st_uid, file.st_gid, file.st_size, file.st_mtime_ns, file.st_ctime_ns)
