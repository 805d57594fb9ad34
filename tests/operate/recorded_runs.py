"""Two real runs that the version before this one recorded, in the lab: one to its end, and one whose conductor and guardian died."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from islandmode.core.chain import GENESIS, digest
from islandmode.core.record import Record
from islandmode.store.journal import encode, read_journal
from islandmode.store.rundir import RunDirectory

RECORDED = Path(__file__).parent / "recorded"
FINISHED, DIED = "2026-11-27T012111Z-quarterly-isolation-165f", "2026-11-27T011815Z-quarterly-isolation-e2f6"
"""Their names; `islandmode restore` brought the second back, and wrote a journal of its own."""


def recorded(name: str, workspace: Path) -> RunDirectory:
    """Lay a recorded run into a workspace."""
    archive = RECORDED / ("finished.tar.xz" if name == FINISHED else "died.tar.xz")
    with tarfile.open(archive) as packed:
        packed.extractall(workspace / "runs", filter="data")
    return RunDirectory(workspace / "runs" / name)


def rewrite(path: Path, change: Callable[[Sequence[Record]], Sequence[Record]]) -> None:
    """Write a journal anew with other records, as its writer would have."""
    previous, lines = GENESIS, list[bytes]()
    for record in change(read_journal(path.read_bytes()).records):
        lines.append(encode(record, previous))
        previous = digest(lines[-1])
    path.write_bytes(b"".join(lines))
