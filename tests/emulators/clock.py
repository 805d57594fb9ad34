"""A device's clock, which a test sets and moves. Nothing sleeps; a device looks at it whenever it is asked something."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta


class DeviceClock:
    """Local time, as the device tells it, and the time since it started, by which its timers count.

    `move` lets time pass. `set` is what somebody does who sets the clock, or what a change to summer time does: the local time jumps, the
    timers that count from now do not. With `follows`, a clock of this machine, time passes by itself too.
    """

    def __init__(self, local: datetime, *, follows: Callable[[], float] | None = None) -> None:
        self._start = local
        self._moved_s = 0.0
        self._follows = follows
        self._began_s = follows() if follows else 0.0
        self.is_kept = True
        """Whether NTP keeps it, which both families show."""

    @property
    def up_s(self) -> float:
        """The seconds since the device started, whatever was done to its local time."""
        return self._moved_s + (self._follows() - self._began_s if self._follows else 0.0)

    @property
    def local(self) -> datetime:
        """What the device tells."""
        return self._start + timedelta(seconds=self.up_s)

    def move(self, seconds: float) -> None:
        """Let time pass."""
        if seconds < 0:
            raise ValueError("time does not go back; set the clock")
        self._moved_s += seconds

    def move_to(self, local: datetime) -> None:
        """Let time pass until the device tells a moment."""
        self.move((local - self.local).total_seconds())

    def set(self, local: datetime) -> None:
        """Set the local time."""
        self._start += local - self.local
