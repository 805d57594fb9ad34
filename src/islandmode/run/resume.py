"""Resume: bring a run that ended without restoration seen to a seen end. It acts first and writes afterwards.

Whoever had the run may have sent a line right before this began; the look that counts comes after that line's latest moment.
An isolation that somebody saved would come back with a restart of the device, so each point that was seen restored is asked for
its saved configuration too. No restore waits for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from islandmode.core.outcome import Outcome, Reading
from islandmode.isolation.point import Facts, IsolationPoint
from islandmode.run.preflight import FACTS_DEADLINE_S
from islandmode.run.restore import restore_until_seen
from islandmode.store.journal import Journal
from islandmode.system.clock import Clock
from islandmode.system.disk import Disk
from islandmode.system.life import FAULTS

GIVE_UP_S = 30.0
WRITE_S = 3.0


@dataclass(frozen=True)
class Left:
    """What one look found of Islandmode on a device: saved files with an object in them, what was not read, and what stands.

    `standing` counts objects of every conduit and run: one of another run may stand beside what was restored.
    """

    saved: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    standing: tuple[str, ...] | None = None

    @property
    def none_saved(self) -> bool:
        """Tell whether all of the saved configuration was read, and no object is in it."""
        return not self.saved and not self.unread

    @property
    def none_at_all(self) -> bool:
        """Tell whether nothing is saved, and nothing stands, for whatever conduit and run."""
        return self.none_saved and self.standing == ()


@dataclass(frozen=True)
class Resumed:
    """How a resume ended: the points seen restored, what else was found on each of them, and why no record was kept."""

    seen: frozenset[str]
    left: Mapping[str, Left] = field(default_factory=dict)
    unkept: str = ""

    def is_whole(self, owed: Iterable[str]) -> bool:
        """Tell whether every point that was owed was seen restored, and would stay so after a restart."""
        return self.seen == set(owed) and all(self.left[name].none_saved for name in self.seen)


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
) -> Resumed:
    """Restore what a run owes, and look into the saved configuration of what was seen; `names` are its site and run."""
    kept = KeptFile()
    journal = Journal(kept, clock, site=names[0], run=names[1], writer=path.stem)
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
        resumed = Resumed(seen, await _look({name: points[name] for name in seen}, journal))
        journal.note("resume.ended", {"restored": resumed.is_whole(owed), "points": sorted(seen)})
    finally:
        await _close(points)
    return replace(resumed, unkept=await _write(kept, path, disk))


async def look_at_site(
    points: Mapping[str, IsolationPoint], *, site: str, by: str, path: Path, clock: Clock, disk: Disk
) -> Resumed:
    """Look on every point of a site whether anything of Islandmode is left, of whatever run; nothing is changed.

    Points without anything are *seen*. The record ends the alarm of a run only if that is all of them.
    """
    kept = KeptFile()
    journal = Journal(kept, clock, site=site, run="", writer=path.stem)
    journal.note("resume.started", {"by": by, "points": sorted(points)})
    try:
        left = await _look(points, journal)
        seen = frozenset(name for name, one in left.items() if one.none_at_all)
        journal.note("resume.ended", {"restored": seen == set(points), "points": sorted(seen)})
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


async def _look(points: Mapping[str, IsolationPoint], journal: Journal) -> dict[str, Left]:
    left = await look_for_left(points)
    for name, one in sorted(left.items()):
        standing = None if one.standing is None else list(one.standing)
        data = {"point": name, "ours": list(one.saved), "unread": list(one.unread), "standing": standing}
        journal.note("saved.looked", data)
    return left


async def look_for_left(points: Mapping[str, IsolationPoint]) -> dict[str, Left]:
    """Look on every point, all at the same time, for what is saved and what stands there; nothing is changed."""
    found: dict[str, Left] = {}

    async def one(name: str) -> None:
        found[name] = left_in(await _facts(points[name]))

    async with anyio.create_task_group() as group:
        for name in points:
            group.start_soon(one, name)
    return found


async def _facts(point: IsolationPoint) -> Reading[Facts]:
    try:
        return await point.facts(FACTS_DEADLINE_S)
    except FAULTS as error:
        # Of this machine, not of the device: it neither unsays what was seen restored nor ends the look at another point.
        return Reading(Outcome.UNKNOWN, None, f"this machine failed: {type(error).__name__} {error}".strip())


def left_in(reading: Reading[Facts]) -> Left:
    """Say what facts show of Islandmode; a device that gave none was not read."""
    facts = reading.value
    if not reading.done or facts is None or facts.trouble:
        why = (facts.trouble if facts is not None else "") or reading.why or reading.outcome.value
        return Left(unread=(why,))
    unread = tuple(f"{one.what}: {one.why}" for one in facts.saved_unread)
    return Left(facts.saved_ours, unread, facts.standing)
