"""The device's own clock: when a timer ends by it, and what keeps it from being trusted. Pure: what was read comes in as a value.

The end of a *clock* recipe is computed once, at arm, from the time that the device itself told, and stands in every line that isolates.
So a line that comes late isolates until that end and no longer. What could still move the end is the clock: a change between summer
and winter time, or somebody who sets it. The first is refused, the second seen by comparing two looks with this machine's own clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from islandmode.core.frozen import Frozen
from islandmode.core.recipe.window import EARLIEST

MARGIN_S = 30.0
"""By how much a device's clock may differ from this machine's."""
STEP_S = 5.0
"""By how much two looks at a clock may differ from the time between them, beside how long each look took."""


class ClockChange(Frozen):
    """A moment (UTC) at which a zone's clocks are set, and by how many seconds they are ahead of UTC from then on."""

    at: AwareDatetime
    ahead_s: int


class TimeZone(Frozen):
    """A zone's clocks round the time of a drill: how far they are ahead of UTC before the first change, and each change."""

    name: str
    ahead_s: int
    changes: tuple[ClockChange, ...] = ()

    def ahead_at_s(self, utc: datetime) -> int:
        """Tell by how many seconds the clocks are ahead at a moment."""
        ahead_s = self.ahead_s
        for change in self.changes:
            if change.at <= utc:
                ahead_s = change.ahead_s
        return ahead_s

    def change_between(self, first: datetime, last: datetime) -> ClockChange | None:
        """Give a change within a stretch of time, its ends included."""
        return next((change for change in self.changes if first <= change.at <= last), None)


@dataclass(frozen=True)
class ClockRead:
    """One look at a device's clock: what it told (local time), and when this machine sent the question and had the answer."""

    local: datetime
    asked_us: int
    answered_us: int
    utc: datetime
    """This machine's own time when the answer came."""

    @property
    def took_s(self) -> float:
        """Tell how long the look took."""
        return (self.answered_us - self.asked_us) / 1_000_000

    def local_at(self, now_us: int) -> datetime:
        """Tell what the device's clock shows at a moment of this machine's monotonic clock, at the latest."""
        # A device may have told its time as soon as it was asked; whole seconds are rounded down.
        return self.local + timedelta(microseconds=now_us - self.asked_us, seconds=1)


def end_after(read: ClockRead, for_s: float, grain_s: float) -> datetime:
    """Give the end of a timer on the device's clock: a whole step, and never earlier than what was asked."""
    begin = read.local.replace(hour=0, minute=0, second=0, microsecond=0)
    until_s = (read.local_at(read.answered_us) - begin).total_seconds() + for_s
    return begin + timedelta(seconds=-(-until_s // grain_s) * grain_s)


def left_s(ends: datetime, read: ClockRead) -> float:
    """Tell how long it is until an end, by a look at the device's clock; at the most."""
    return (ends - read.local).total_seconds()


def ahead_of_zone_s(read: ClockRead, zone: TimeZone) -> float:
    """Tell by how many seconds a device's clock is ahead of the time of a zone; behind it, where negative."""
    return (read.local - read.utc.replace(tzinfo=None)).total_seconds() - zone.ahead_at_s(read.utc)


def clock_trouble(read: ClockRead, zone: TimeZone, until: datetime, margin_s: float = MARGIN_S) -> str:
    """Say why a drill must not rest on a device's clock; empty where it may. `until` (UTC) is the latest end of any timer of it."""
    if read.local < EARLIEST:
        return f"its clock tells {_told(read.local)}, so it is not set; set it, and let NTP keep it."
    margin = timedelta(seconds=margin_s)
    change = zone.change_between(read.utc - margin, until + margin)
    if change is not None:
        return (
            f"the clocks of {zone.name} are changed at {_told(change.at)} UTC, within the time that the drill may take; a timer that ends at a "
            "time of day would end off by that change, so choose another time."
        )
    ahead_s = ahead_of_zone_s(read, zone)
    # It was told at some moment between question and answer, in whole seconds.
    off_s = max(0.0, ahead_s, -(ahead_s + read.took_s + 1))
    if off_s <= margin_s:
        return ""
    way = "ahead of" if ahead_s > 0 else "behind"
    return (
        f"its clock tells {_told(read.local)}, {off_s:.0f} s {way} the time of {zone.name}; at most {margin_s:g} s are taken. Set its clock, its "
        "time zone and its summer time, or correct time_zone."
    )


def stepped_s(first: ClockRead, later: ClockRead) -> float:
    """Tell by how many seconds a device's clock was set between two looks, at the least; 0 where it may have run on by itself."""
    passed_s = (later.local - first.local).total_seconds()
    # The true time between the two tellings lies between these; each is told in whole seconds.
    least_s = (later.asked_us - first.answered_us) / 1_000_000 - 1 - STEP_S
    most_s = (later.answered_us - first.asked_us) / 1_000_000 + 1 + STEP_S
    return passed_s - most_s if passed_s > most_s else min(0.0, passed_s - least_s)


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
