"""Time zones of this machine's zone data: how far a zone's clocks are ahead of UTC, and when that changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from islandmode.core.errors import InputError
from islandmode.core.recipe.device_clock import ClockChange, TimeZone

_LOOK_EVERY = timedelta(hours=1)
"""No zone changes its clocks twice within so short a time."""
_SECOND = timedelta(seconds=1)


def zone_between(name: str, first: datetime, last: datetime) -> TimeZone:
    """Give a zone for a stretch of time (UTC), a day more on both sides; raises `InputError` for a name that no zone has."""
    zone = _zone(name)
    at, until = first.astimezone(UTC) - timedelta(days=1), last.astimezone(UTC) + timedelta(days=1)
    begins_ahead_s = ahead_s = _ahead_s(zone, at)
    changes = []
    while at < until:
        following = at + _LOOK_EVERY
        if _ahead_s(zone, following) != ahead_s:
            change = _change_within(zone, at, following)
            ahead_s = _ahead_s(zone, change)
            changes.append(ClockChange(at=change, ahead_s=ahead_s))
        at = following
    return TimeZone(name=name, ahead_s=begins_ahead_s, changes=tuple(changes))


def zone_trouble(name: str) -> str:
    """Say why a name is no time zone's; empty where it is."""
    try:
        _zone(name)
    except InputError as error:
        return error.message
    return ""


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        sentence = (
            f'There is no time zone "{name}" on this machine; write its name as the zone data has it, such as Europe/Berlin or UTC, or install '
            "the package tzdata."
        )
        raise InputError(sentence) from None


def _ahead_s(zone: ZoneInfo, utc: datetime) -> int:
    ahead = utc.astimezone(zone).utcoffset()
    return 0 if ahead is None else round(ahead.total_seconds())


def _change_within(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Find the first second on which the clocks are as they are after a change."""
    old_s = _ahead_s(zone, before)
    while after - before > _SECOND:
        middle = before + ((after - before) // 2 // _SECOND) * _SECOND
        before, after = (middle, after) if _ahead_s(zone, middle) == old_s else (before, middle)
    return after
