"""A window of a device's clock: what a *clock* recipe writes, and what such a window says.

A deny that ends at a time of day has two moments and nothing else: no field for an owner, no state between at rest and isolating. So
both are in the moments, which are whole minutes of the device's own local time:

    at rest    00:00 to 00:01 on 1 January 2001: over, and nobody's
    armed      a window that is long over: its beginning stands for the run, its length for the end that the run's lines will bring
    isolating  begins where the armed one does, and ends at that end
    over       any other window that has ended

An armed window isolates nothing and says whose the deny is, so that the device is the lock between two machines; once its end
has passed it counts as at rest, so that no dead run locks for ever. Between look and write another machine may write: then both
read back what the later one wrote, and the earlier one is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

MINUTE = timedelta(minutes=1)
_ZERO = datetime.fromisoformat("2001-01-01")
_MARKS_FROM = datetime.fromisoformat("2002-01-01")
_OWNERS = 2**22
"""Eight years of minutes."""
_ENDS = 2**21
"""Four years of minutes: an end is told by its place in them."""
EARLIEST = datetime.fromisoformat("2020-01-01")
"""A clock that tells an earlier time was never set; every armed window is over before it."""


@dataclass(frozen=True)
class Window:
    """From a minute on, until a minute."""

    starts: datetime
    ends: datetime


REST = Window(_ZERO, _ZERO + MINUTE)
"""What stands on the device between drills."""


@dataclass(frozen=True)
class Meaning:
    """What a window says now. `owner` is the beginning that stands for a run; `ends` is when it lets traffic pass, or would."""

    says: Literal["rest", "armed", "isolating", "over", "to-come"]
    owner: datetime | None = None
    ends: datetime | None = None


def owner_of(run: str) -> datetime:
    """Give the beginning of every window of a run."""
    drawn = int.from_bytes(hashlib.sha256(run.encode()).digest()[:8], "big") % _OWNERS
    return _MARKS_FROM + drawn * MINUTE


def is_mark(moment: datetime) -> bool:
    """Tell whether a moment stands for a run."""
    return _MARKS_FROM <= moment < _MARKS_FROM + _OWNERS * MINUTE


def armed_window(run: str, ends: datetime) -> Window:
    """Give the window of a run that is armed until an end: over, so that it isolates nothing."""
    starts = owner_of(run)
    return Window(starts, starts + (1 + _minutes(ends) % _ENDS) * MINUTE)


def isolating_window(run: str, ends: datetime) -> Window:
    """Give the window of a run that isolates until an end."""
    return Window(owner_of(run), ends)


def meaning(window: Window, now: datetime) -> Meaning:
    """Tell what a window says at a moment of the device's clock."""
    if window == REST:
        return Meaning("rest")
    # Before anything else: a clock that fell back makes a run's own window one to come, and it is that run's all the same.
    owner = window.starts if is_mark(window.starts) else None
    if window.starts > now:
        return Meaning("to-come", owner, window.ends)
    if window.ends > now:
        return Meaning("isolating", owner, window.ends)
    length = _minutes(window.ends) - _minutes(window.starts)
    if owner is None or not 0 < length <= _ENDS:
        return Meaning("over", owner)
    ends = _nearest(length - 1, now)
    return Meaning("armed", owner, ends) if ends > now else Meaning("over", owner)


def _minutes(moment: datetime) -> int:
    return (moment - _ZERO) // MINUTE


def _nearest(place: int, now: datetime) -> datetime:
    """Give the minute with that place among four years which is nearest to now."""
    least = _minutes(now) - _ENDS // 2
    return _ZERO + (least + (place - least) % _ENDS) * MINUTE
