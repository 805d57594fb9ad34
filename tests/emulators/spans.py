"""A stretch of a device's local time in which something is in force, and how late a device may notice that it began or ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tests.emulators.clock import DeviceClock
from tests.emulators.faults import Faults


@dataclass(frozen=True)
class Span:
    """From a minute on, until a minute, at which it is over; either may be open."""

    starts: datetime | None
    ends: datetime | None

    def holds(self, now: datetime) -> bool:
        """Tell whether a moment is in it."""
        return (self.starts is None or self.starts <= now) and (self.ends is None or now < self.ends)


@dataclass
class Timed:
    """A span as a device keeps it. `before` is the one that was there until this was written, and may act for a while longer."""

    span: Span | None = None
    before: Span | None = None
    written_up_s: float = 0.0

    def write(self, span: Span | None, clock: DeviceClock) -> None:
        """Write another span in its place."""
        self.before, self.span, self.written_up_s = self.span, span, clock.up_s

    def in_force(self, clock: DeviceClock, faults: Faults) -> bool:
        """Tell whether the device acts by it now; without a span it always does."""
        if clock.up_s - self.written_up_s < faults.change_lag_s:
            return self.before is not None and self.before.holds(clock.local)
        if self.span is None or self.span.holds(clock.local):
            return True
        if self.span.ends is None or clock.local < self.span.ends:
            return False
        # Over: the device may be late, if this was in force when its end came.
        ended_up_s = clock.up_s - (clock.local - self.span.ends).total_seconds()
        return self.written_up_s < ended_up_s and clock.up_s - ended_up_s < faults.end_lag_s
