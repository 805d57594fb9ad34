"""Whether a device is benched: its records, read and judged for the device as it is known now. Nothing is contacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from islandmode.core.bench.counting import Standing, standing_of
from islandmode.core.bench.record import DeviceToday
from islandmode.core.rendering import RecipeUsed
from islandmode.store.bench_records import KeptRecord, kept_records
from islandmode.system.clock import Clock, MachineClock

_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Benched:
    """The record of a device that says most: one that counts, else the newest. Without any, both are None."""

    kept: KeptRecord | None = None
    standing: Standing | None = None

    @property
    def counts(self) -> bool:
        """Tell whether a record counts for the device."""
        return self.standing is not None and self.standing.counts

    @property
    def whys(self) -> tuple[str, ...]:
        """Say why no record counts; each goes on after *its record does not count:*."""
        if self.kept is None:
            return ()
        return (f"{self.kept.path} {self.kept.trouble}",) if self.standing is None else self.standing.whys


NO_BENCH = Benched()


def benched(
    workspace: Path,
    site: str,
    device: str,
    method: RecipeUsed | None,
    host_keys: Sequence[str] = (),
    *,
    firmware: str | None = None,
    serial: str | None = None,
    clock: Clock | None = None,
) -> Benched:
    """Judge the records of a device; what of it is not known here keeps none from counting."""
    now = _1970 + timedelta(microseconds=(clock or MachineClock.of_this_boot()).utc_us())
    today = DeviceToday(
        site=site, device=device, method=method, host_keys=tuple(host_keys), firmware=firmware, serial=serial, now=now
    )
    newest: Benched | None = None
    for kept in kept_records(workspace, site, device):
        standing = None if kept.record is None else standing_of(kept.record, kept.signature, today)
        found = Benched(kept, standing)
        if found.counts:
            return found
        newest = newest or found
    return newest or Benched()
