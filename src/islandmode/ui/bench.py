"""`islandmode devices bench`, and what lists and checks say of its records."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from islandmode.operate.benched import Benched
from islandmode.operate.site_devices import find_device
from islandmode.store.bench_records import NAMESPACE
from islandmode.ui.spoken import Spoken

if TYPE_CHECKING:
    from islandmode.core.bench.counting import Standing
    from islandmode.operate.bench import BenchEnd
    from islandmode.system.clock import Clock

BY_CLOCK = (
    "Seen by its clock and the end that it shows: whether a deny that names such an object stops with it is not shown."
)


def bench_command(
    workspace: Path, name: str, site: str | None, key: Path, firings: int, clock: Clock | None = None
) -> int:
    """Bench a device, say what was seen, and where the record is."""
    # Only here: logging in brings all that a drill needs.
    from islandmode.operate.bench import BenchEnd, BenchOrder, bench  # noqa: PLC0415 - only where it is needed, as it is slow

    workspace = workspace.resolve()
    ended = bench(BenchOrder(workspace, find_device(workspace, name, site), key, firings), Spoken(), clock)
    if isinstance(ended, BenchEnd):
        _say(ended, key)
        return ended.exit_code
    return ended


def _say(ended: BenchEnd, key: Path) -> None:
    seen = ended.seen
    back = {
        True: "its configuration is as before",
        False: "ITS CONFIGURATION IS NOT AS BEFORE",
        None: "its configuration was not compared",
    }
    if seen.gone:
        print(f"{seen.object_name} was taken away and seen gone; {back[seen.same_configuration]}.")
    for line in seen.changed:
        print(f"  {line}")
    standing = ended.standing
    if standing is None or ended.path is None:
        print("There is no record of this bench.")
        return
    _say_shown(standing)
    print(f"Record: {ended.path}")
    if ended.trouble:
        spoken = Spoken()
        spoken.warn(f"the record is not signed ({ended.trouble.rstrip('.')}). Sign it: {_signing(ended.path, key)}")


def _say_shown(standing: Standing) -> None:
    record = standing.record
    if record.worst_lag_s is not None:
        print(
            f"Worst lag: {max(0.0, record.worst_lag_s):.1f} s at most, with a login and a look in it; {record.declared_lag_s:g} s are declared."
        )
    if record.seen_by == "clock":
        print(BY_CLOCK)
    if standing.counts:
        print(
            f"Benched by {record.person}; it counts until {standing.until:%Y-%m-%d}, or until firmware or recipe change."
        )
    else:
        print("The record does not count:")
        for why in standing.whys:
            print(f"  {why}")


def _signing(path: Path, key: Path) -> str:
    return f"ssh-keygen -Y sign -n {NAMESPACE} -f {shlex.quote(str(key))} {shlex.quote(str(path))}"


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
    }
