"""What is left of Islandmode on a device: what stands there now, and what its saved configuration would bring back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import anyio

from islandmode.core.device_records import SavedLooked
from islandmode.core.outcome import Outcome, Reading
from islandmode.isolation.point import Facts, IsolationPoint
from islandmode.run.restore import Notes
from islandmode.system.life import FAULTS


@dataclass(frozen=True)
class Left:
    """What one look found of Islandmode on a device: saved files with an object in them, what was not read, and what stands.

    `standing` counts objects of every conduit and run: an object of another run may stand beside what was restored.
    """

    saved: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    standing: tuple[str, ...] | None = None

    @property
    def saved_is_clear(self) -> bool:
        """Tell whether all of the saved configuration was read, and no object is in it."""
        return not self.saved and not self.unread

    @property
    def is_clear(self) -> bool:
        """Tell whether nothing is saved, and nothing stands, for whatever conduit and run."""
        return self.saved_is_clear and self.standing == ()


async def look_and_note(points: Mapping[str, IsolationPoint], notes: Notes) -> dict[str, Left]:
    """Look as `look_for_left` does, and note what each point showed."""
    left = await look_for_left(points)
    for name, found in sorted(left.items()):
        notes.note(SavedLooked, point=name, ours=found.saved, unread=found.unread, standing=found.standing)
    return left


async def look_for_left(points: Mapping[str, IsolationPoint]) -> dict[str, Left]:
    """Look on every point, all at the same time, for what is saved and what stands there; nothing is changed."""
    found: dict[str, Left] = {}

    async def look_at(name: str) -> None:
        found[name] = left_in(await _facts(points[name]))

    async with anyio.create_task_group() as group:
        for name in points:
            group.start_soon(look_at, name)
    return found


async def _facts(point: IsolationPoint) -> Reading[Facts]:
    try:
        return await point.facts(point.capabilities.facts_s)
    except FAULTS as error:
        # A failure of this machine, not of the device: it neither unsays what was seen restored nor ends the look at another point.
        return Reading(Outcome.UNKNOWN, None, f"this machine failed: {type(error).__name__} {error}".strip())


def left_in(reading: Reading[Facts]) -> Left:
    """Say what facts show of Islandmode; a device that gave none was not read."""
    facts = reading.value
    if not reading.done or facts is None or facts.trouble:
        why = (facts.trouble if facts is not None else "") or reading.why or reading.outcome.value
        return Left(unread=(why,))
    unread = tuple(f"{part.what}: {part.why}" for part in facts.saved_unread)
    return Left(facts.saved_ours, unread, facts.standing)
