"""When something was and how long it lasted, as the readers of a report say it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

HOUR_S, MINUTE_S = 3600, 60


@dataclass(frozen=True)
class Moments:
    """Turns seconds of a run into what a wall clock beside the operations host showed."""

    start_utc_us: int
    zone: tzinfo = UTC

    def _at(self, seconds: float) -> datetime:
        start = datetime.fromtimestamp(self.start_utc_us / 1_000_000, UTC)
        return (start + timedelta(seconds=seconds)).astimezone(self.zone)

    def clock(self, seconds: float) -> str:
        """Give the time of day, with the day where it is no longer the first."""
        moment, first = self._at(seconds), self._at(0)
        day = "" if moment.date() == first.date() else f"{moment:%Y-%m-%d} "
        return f"{day}{moment:%H:%M:%S}.{moment.microsecond // 100_000}"

    def whole(self, seconds: float) -> str:
        """Give day and time."""
        return f"{self._at(seconds):%Y-%m-%d %H:%M:%S}"

    @property
    def day(self) -> date:
        """Give the day on which the run began."""
        return self._at(0).date()

    @property
    def zone_told(self) -> str:
        """Name the time zone, and how far it is from UTC."""
        name, ahead = self._at(0).tzname() or "", self._at(0).utcoffset() or timedelta()
        minutes = round(ahead.total_seconds() / MINUTE_S)
        offset = f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        return "UTC" if name == "UTC" else f"{name} ({offset})" if name[:1].isalpha() else offset


def lasted(seconds: float) -> str:
    """Write a duration as people say it."""
    if seconds < MINUTE_S:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes, rest = whole // HOUR_S, whole % HOUR_S // MINUTE_S, whole % MINUTE_S
    return f"{hours} h {minutes:02d} min {rest:02d} s" if hours else f"{minutes} min {rest:02d} s"
