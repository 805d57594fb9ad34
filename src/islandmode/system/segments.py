"""The segments of a spool in a folder, read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from islandmode.core.spool_rows import CLOSED, OPEN
from islandmode.system.machine_state import read_plain

LINES = ".jsonl"
"""How a closed segment of format 1 ends."""


def segments_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Give each segment with the name of its file, in their order, once; none where there is no folder. Raises OSError."""
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    # A segment that was closed while it was collected may be there under both names.
    closed = {name.removesuffix(CLOSED).removesuffix(LINES) for name in names if name.endswith((CLOSED, LINES))}
    for name in names:
        if name.endswith((CLOSED, LINES)) or (name.endswith(OPEN) and name.removesuffix(OPEN) not in closed):
            yield name, read_plain(folder / name)
