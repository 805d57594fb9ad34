"""Runs of a workspace that were read and owe nothing, remembered by what their files looked like then.

Reading the journals of some years takes seconds, and those of a finished run do not change. What is remembered is believed
only while every file that speaks of a run is the very one that was read, by marks that the kernel sets and no account can: a
journal that grows, is replaced or gets other rights is read again. Forgetting costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from islandmode import __version__
from islandmode.system.apart import apart
from islandmode.system.life import FAULTS, within
from islandmode.system.machine_state import keep_owned, own_place, read_owned

FORMAT = f"2 of {__version__}"
"""To be raised with every change of what a run owes by the same files: an older version's word for it does not count."""
WITHIN_S = 1.0


class Settled:
    """What this account remembers of a workspace's runs; read at the first question, kept when it is told to."""

    def __init__(self, workspace: Path) -> None:
        """Know the workspace; nothing is read yet."""
        self._workspace = str(workspace.absolute())
        self._before: dict[str, str] | None = None
        self._now: dict[str, str] = {}

    def holds(self, run: str, marks: str) -> bool:
        """Tell whether a run was read with these very marks and owed nothing."""
        if self._before is None:
            self._before = self._read()
        held = bool(marks) and self._before.get(run) == marks
        if held:
            self._now[run] = marks
        return held

    def learn(self, run: str, marks: str) -> None:
        """Take in that a run whose files had these marks before they were read owes nothing."""
        if marks:
            self._now[run] = marks

    def keep(self) -> None:
        """Write what was learned, once every run has been asked about; bounded, and never raises."""
        if self._before is not None and self._now != self._before:
            apart(self._write, WITHIN_S)

    @property
    def _path(self) -> Path:
        key = hashlib.sha256(self._workspace.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return own_place() / "settled" / f"{key}.json"

    def _read(self) -> dict[str, str]:
        try:
            kept = within(WITHIN_S, lambda: read_owned(self._path))
            document = json.loads(kept.data)
            ours = kept.account in {os.geteuid(), 0} and document["v"] == FORMAT
            found = document["runs"] if ours and document["workspace"] == self._workspace else {}
            return {str(run): str(marks) for run, marks in found.items()}
        except (*FAULTS, RecursionError):
            # Then every journal is read, as if nothing had ever been remembered.
            return {}

    def _write(self) -> None:
        document = {"v": FORMAT, "workspace": self._workspace, "runs": self._now}
        keep_owned(self._path, json.dumps(document).encode() + b"\n", 0o600)


def marks_of(root: Path, files: Sequence[str], folder: str) -> str:
    """Give the marks of files of a run, there or not, and of all in one of its folders; empty where they cannot be had."""
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
