"""Where a vantage's times lie on the conductor's clock: a line through what was measured before the drill and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WANDER_PPB = 2000
"""By how much two free quartz clocks may change their rate against each other within a drill: an assumption on the safe side, for rooms
whose temperature changes by a few kelvin. What NTP changes of a rate is read, and added."""


@dataclass(frozen=True)
class ClockLine:
    """What to add to a vantage's monotonic time: `shift_us` at its time `from_us`, and `rate` us more for each us after it.

    `uncertainty_us` holds anywhere between the measurements.
    """

    from_us: int
    shift_us: int
    rate: float
    uncertainty_us: int

    def at(self, theirs_us: int) -> int:
        """Give a moment of the vantage's clock in the conductor's time."""
        return theirs_us + self.shift_us + round((theirs_us - self.from_us) * self.rate)


def clock_line(measured: Sequence[Mapping[str, Any]], beside: Sequence[Mapping[str, Any]] = ()) -> ClockLine | None:
    """Make the line of a vantage's clock from its measurements, as `vantage.offset` records them; None without a measurement.

    `beside` are those of a vantage on the conductor's own host: what bends the conductor's clock bends the line too.
    """
    shifts = [int(offset["monotonic_us"]) for offset in measured if "monotonic_us" in offset]
    if not shifts:
        # Without a measured offset the times mean nothing here; missing data never passes.
        return None
    half_us = max(int(offset.get("uncertainty_us", 0)) for offset in measured)
    drift_us, first, last = max(shifts) - min(shifts), measured[0], measured[-1]
    span_us = int(last.get("at_us", 0)) - int(first.get("at_us", 0))
    if len(measured) < 2 or span_us <= 0 or not first.get("at_us"):
        # What the clocks drifted between two measurements adds to what each measurement leaves open.
        return ClockLine(0, sum(shifts) // len(shifts), 0.0, half_us + drift_us)
    rate = (int(last["monotonic_us"]) - int(first["monotonic_us"])) / span_us
    # A rate that changes half way leads a quarter of the time away from the line.
    changed_ppb = WANDER_PPB + _rate_changed_ppb(measured) + _rate_changed_ppb(beside)
    bend_us = round(span_us * changed_ppb / 4 / 1_000_000_000)
    return ClockLine(int(first["at_us"]), int(first["monotonic_us"]), rate, half_us + bend_us)


def _rate_changed_ppb(measured: Sequence[Mapping[str, Any]]) -> int:
    """Tell by how much a host's own correction of its clock's rate differs between its measurements."""
    rates = [int(offset.get("rate_ppb", 0)) for offset in measured]
    return max(rates, default=0) - min(rates, default=0)
