"""What lists, checks and plans say of the records of benches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from islandmode.core.bench.outage import outage_trouble
from islandmode.operate.benched import Benched

if TYPE_CHECKING:
    from islandmode.core.bench.record import BenchOutage


def bench_word(found: Benched) -> str:
    """Say in a table whether a device is benched."""
    if found.kept is None:
        return "no"
    standing = found.standing
    if standing is not None and found.counts:
        return f"by {standing.record.person} on {standing.record.at:%Y-%m-%d}, until {standing.until:%Y-%m-%d}"
    first, *more = found.whys
    return f"does not count: {first}{f'; and {len(more)} more' if more else ''}"


def bench_sentence(found: Benched) -> str:
    """Say whether a device is benched, with every reason why a record does not count."""
    standing = found.standing
    if found.kept is None:
        return "Not benched: nobody has shown on it that an isolation ends by itself."
    if standing is None:
        return f"Not benched: {'; '.join(found.whys)}."
    record = standing.record
    by = f"by {record.person} on {record.at:%Y-%m-%d}, with firmware {record.firmware}"
    if found.counts:
        limit = " Seen by its clock alone." if record.seen_by == "clock" else ""
        return f"Benched {by}; counts until {standing.until:%Y-%m-%d}.{limit}"
    return f"Not benched: the record {by} does not count: {'; '.join(found.whys)}."


def _outage(outage: BenchOutage) -> dict[str, Any]:
    return {
        "what": outage.what,
        "seen": outage.was_seen,
        "away_s": outage.away_s,
        "survived": outage.survived,
        "timer_s": outage.timer_s,
        "declared": outage.declared,
        "why_not": outage_trouble(outage) or None,
    }


def bench_for_machines(found: Benched) -> dict[str, Any] | None:
    """Give the same for a machine; None where there is no record."""
    if found.kept is None:
        return None
    record = None if found.standing is None else found.standing.record
    return {
        "counts": found.counts,
        "why_not": list(found.whys),
        "record": str(found.kept.path),
        "person": None if record is None else record.person,
        "at": None if record is None else record.at.isoformat(),
        "until": None if found.standing is None else found.standing.until.isoformat(),
        "ground": None if record is None else record.ground,
        "firmware": None if record is None else record.firmware,
        "serial": None if record is None else record.serial,
        "firings": None if record is None else len(record.firings),
        "worst_lag_s": None if record is None else record.worst_lag_s,
        "declared_lag_s": None if record is None else record.declared_lag_s,
        "seen_by": None if record is None else record.seen_by,
        "outages": [] if record is None else [_outage(outage) for outage in record.outages],
    }
