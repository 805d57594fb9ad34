"""Resume: bring a run that ended without restoration seen to a seen end. It acts first and writes afterwards.

The process that had the run may have sent a line right before this began; the look that counts comes after that line's latest
moment. An isolation that somebody saved would come back with a restart of the device, so each point that was seen restored is
asked for its saved configuration too. No restore waits for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from islandmode.core.device_records import RestoreUnseen
from islandmode.core.hand import HandAsk
from islandmode.core.records import ResumeEnded, ResumeStarted
from islandmode.isolation.point import IsolationPoint
from islandmode.run.hands import Hands
from islandmode.run.left import Left, look_and_note
from islandmode.run.restore import Waits, restore_until_seen
from islandmode.store.journal import Journal
from islandmode.system.clock import Clock
from islandmode.system.disk import Disk

WRITE_S = 3.0


@dataclass(frozen=True)
class Resumed:
    """How a resume ended: the points seen restored, what else was found on each of them, and why no record was kept.

    `unseen` says of each of the others why it was not seen.
    """

    seen: frozenset[str]
    left: Mapping[str, Left] = field(default_factory=dict)
    unkept: str = ""
    unseen: Mapping[str, str] = field(default_factory=dict)

    def is_whole(self, owed: Iterable[str]) -> bool:
        """Tell whether every point that was owed was seen restored, and would stay so after a restart."""
        return self.seen == set(owed) and all(self.left[name].saved_is_clear for name in self.seen)


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
    waits: Waits = lambda _point, _wait_s: None,
    asks: Callable[[HandAsk], object] = lambda _ask: None,
) -> Resumed:
    """Restore what a run owes, and look into the saved configuration of what was seen; `names` are its site and run.

    What is owed on a point that is not here, as nobody could log in there, keeps the restore from being whole. `asks` hears what a person
    is asked for.
    """
    kept = KeptFile()
    journal = Journal(kept, clock, site=names[0], run=names[1], writer=path.stem)
    journal.note(ResumeStarted, by=by, points=tuple(sorted(owed)))
    here = {name: conduits for name, conduits in owed.items() if name in points}
    hands = Hands(points, journal)
    hands.hears(asks)
    try:
        seen = await restore_until_seen(
            points,
            here,
            notes=journal,
            clock=clock,
            give_up_after_s=2 * max((points[name].capabilities.stranded_s for name in here), default=0.0),
            others_until_us=clock.monotonic_us(),
            waits=waits,
        )
        unseen = {
            str(record.data["point"]): str(record.data["why"])
            for record in journal.records
            if record.kind == RestoreUnseen.record_kind
        }
        left = await look_and_note({name: points[name] for name in seen}, journal)
        resumed = Resumed(seen, left, unseen=unseen)
        journal.note(ResumeEnded, restored=resumed.is_whole(owed), points=tuple(sorted(seen)))
    finally:
        await _close(points)
    return replace(resumed, unkept=await _write(kept, path, disk))


async def look_at_site(
    points: Mapping[str, IsolationPoint], *, site: str, by: str, path: Path, clock: Clock, disk: Disk
) -> Resumed:
    """Look on every point of a site whether anything of Islandmode is left, of whatever run; nothing is changed.

    Points without anything are *seen*. The record ends the alarm of a run only if these are all points.
    """
    kept = KeptFile()
    journal = Journal(kept, clock, site=site, run="", writer=path.stem)
    journal.note(ResumeStarted, by=by, points=tuple(sorted(points)))
    try:
        left = await look_and_note(points, journal)
        seen = frozenset(name for name, found in left.items() if found.is_clear)
        journal.note(ResumeEnded, restored=seen == set(points), points=tuple(sorted(seen)))
    finally:
        await _close(points)
    return Resumed(seen, left, await _write(kept, path, disk))


async def _close(points: Mapping[str, IsolationPoint]) -> None:
    with anyio.CancelScope(shield=True):
        for point in points.values():
            await point.close()


async def _write(kept: KeptFile, path: Path, disk: Disk) -> str:
    """Write down what was noted; returns why that was not seen done."""
    unkept = f"nothing was written within {WRITE_S:g} s"
    with anyio.move_on_after(WRITE_S):
        try:
            file = await disk.create(path)
            await file.write_synced(kept.data)
            await file.close()
            unkept = ""
        except OSError as error:
            unkept = f"{path} cannot be written ({error.strerror})"
    return unkept
