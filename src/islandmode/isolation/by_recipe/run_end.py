"""When a run's timers end on the device's own clock, and whether that clock may still be trusted.

The end is computed once, at arm, and stands in every line that isolates; a renewal computes another. Which of a run's lines may still
be under way when something is given up, nobody knows, so that the latest end that any of them brings is what counts.

What a line with an earlier end could do that lands after a renewal: it shortens the isolation, so that the device lets traffic pass
sooner. A line that arms, landing after an isolate, takes the isolation back. Neither isolates, and the next look tells both: of the
end, that a timer has less left; of the other, that a conduit is not isolated any more. What could isolate is an isolating line that lands
after a restore, and that ends with the latest end.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from islandmode.core.errors import InputError
from islandmode.core.recipe.device_clock import ClockRead, ahead_of_zone_s, clock_trouble, end_after, stepped_s
from islandmode.core.recipe.known import TIME_ZONE
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.system.time_zones import zone_between


class RunEnd:
    """The end of one run's timers on one device; for other cycles than *clock* it has none, and doubts nothing."""

    def __init__(self, recipe: Recipe, at: PointAt) -> None:
        """Know the device's time zone; nothing was read yet."""
        self._grain_s = recipe.ends_by.grain
        self._lag_s = recipe.ends_by.lag or 0.0
        self._is_clocked = recipe.cycle == "clock"
        self._zone = str(at.options.get(TIME_ZONE, "UTC"))
        self._first: ClockRead | None = None
        self._last: ClockRead | None = None
        self._doubt = ""
        self.ends: datetime | None = None
        """What every line that isolates brings from now on."""
        self._latest: datetime | None = None

    def saw(self, read: ClockRead | None) -> str:
        """Take in a look at the device's clock, and say why it must not be trusted; empty where it may.

        A clock that was once set is not trusted again in this run: its timers were set by what it told before.
        """
        if read is None or not self._is_clocked:
            return ""
        self._first = self._first or read
        self._last = read
        by_s = stepped_s(self._first, read)
        if by_s:
            way = "forward" if by_s > 0 else "back"
            self._doubt = f"its clock was set {way} by {abs(by_s):.0f} s or more during the run, and its clock is what ends an isolation"
        return self._doubt or self.trouble(read, self.ends)

    def trouble(self, read: ClockRead, ends: datetime | None) -> str:
        """Say why a timer must not rest on the device's clock until an end; empty where it may."""
        until = read.utc + max(timedelta(), (ends or read.local) - read.local) + timedelta(seconds=self._lag_s)
        try:
            zone = zone_between(self._zone, read.utc.astimezone(UTC), until)
        except InputError as error:
            return str(error).rstrip(".")
        return clock_trouble(read, zone, until).rstrip(".")

    def ahead_s(self, read: ClockRead) -> float | None:
        """Tell by how much the device's clock is ahead of this machine's, to a tenth; None where the time zone is not known here."""
        try:
            zone = zone_between(self._zone, read.utc.astimezone(UTC), read.utc)
        except InputError:
            return None
        return round(ahead_of_zone_s(read, zone), 1)

    def begin_anew(self) -> None:
        """Forget the clock of before: a run that arms rests on what the device tells now."""
        self._first, self._doubt = None, ""

    def after(self, read: ClockRead, for_s: float) -> datetime:
        """Compute the end of a timer that is set now."""
        return end_after(read, for_s, self._grain_s)

    def take(self, ends: datetime | None) -> None:
        """Let every line bring this end from now on; called before the first line that does leaves."""
        self.ends = ends
        if ends is not None:
            self._latest = ends if self._latest is None else max(self._latest, ends)

    @property
    def late_until_us(self) -> int:
        """Until when a line of this run may isolate, on this machine's monotonic clock; 0 where no line brings an end."""
        if self._latest is None or self._last is None:
            return 0
        # The device told its time before it answered, and nothing isolates past the end, which is a whole minute, but the lag of the device.
        left_s = (self._latest - self._last.local).total_seconds() + self._lag_s
        # Past the end this lies before the look that told it: or each look would ask for a later look.
        return max(1, self._last.answered_us + round(left_s * 1_000_000))
