"""Resume: bring a run that ended without restoration seen to a seen end. It acts first and writes afterwards.

Whoever had the run may have sent a line right before this began; the look that counts comes after that line's latest moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anyio

from islandmode.isolation.point import IsolationPoint
from islandmode.run.restore import restore_until_seen
from islandmode.store.journal import Journal
from islandmode.system.clock import Clock
from islandmode.system.disk import Disk

GIVE_UP_S = 30.0
WRITE_S = 3.0


class KeptFile:
    """An append file in memory: what restore notes is written down when the plant is back."""

    def __init__(self) -> None:
        """Start empty."""
        self.data = b""

    async def write_synced(self, data: bytes) -> None:
        """Keep."""
        self.data += data

    def write_unsynced(self, data: bytes) -> None:
        """Keep."""
        self.data += data

    async def close(self) -> None:
        """Do nothing."""


async def resume(
    points: Mapping[str, IsolationPoint],
    owed: Mapping[str, tuple[str, ...]],
    *,
    names: tuple[str, str],
    by: str,
    path: Path,
    clock: Clock,
    disk: Disk,
) -> tuple[frozenset[str], str]:
    """Restore what a run owes; `names` are its site and run. Returns what was seen restored, and why no record was kept."""
    site, run = names
    kept = KeptFile()
    journal = Journal(kept, clock, site=site, run=run, writer=path.stem)
    journal.note("resume.started", {"by": by, "points": sorted(owed)})
    try:
        seen = await restore_until_seen(
            points,
            owed,
            notes=journal,
            clock=clock,
            give_up_after_s=GIVE_UP_S,
            others_until_us=clock.monotonic_us(),
        )
        journal.note("resume.ended", {"restored": seen == set(owed), "points": sorted(seen)})
    finally:
        with anyio.CancelScope(shield=True):
            for point in points.values():
                await point.close()
    unkept = f"nothing was written within {WRITE_S:g} s"
    with anyio.move_on_after(WRITE_S):
        try:
            file = await disk.create(path)
            await file.write_synced(kept.data)
            await file.close()
            unkept = ""
        except OSError as error:
            unkept = f"{path} cannot be written ({error.strerror})"
    return seen, unkept
