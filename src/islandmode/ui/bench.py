"""`islandmode devices bench`: what a person sees of it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from islandmode.core.bench.outage import outage_told
from islandmode.core.errors import Refused
from islandmode.operate.benched import Benched
from islandmode.operate.site_devices import Device, find_device
from islandmode.store.bench_records import NAMESPACE, KeptRecord
from islandmode.system.output import ask
from islandmode.ui.as_json import print_json
from islandmode.ui.bench_told import bench_for_machines
from islandmode.ui.spoken import Spoken

if TYPE_CHECKING:
    from islandmode.core.bench.counting import Standing
    from islandmode.core.bench.record import What
    from islandmode.operate.bench import BenchEnd
    from islandmode.system.clock import Clock

BY_CLOCK = (
    "Seen by its clock and the end that it shows: whether a deny that names such an object stops with it is not shown."
)


def bench_command(
    workspace: Path,
    name: str,
    site: str | None,
    key: Path,
    firings: int,
    clock: Clock | None = None,
    *,
    restart: bool = False,
    failover: bool = False,
    as_json: bool = False,
) -> int:
    """Bench a device, say what was seen, and where the record is."""
    # Only here: logging in brings all that a drill needs.
    from islandmode.operate.bench import BenchEnd, BenchOrder, bench  # noqa: PLC0415 - only where it is needed, as it is slow
    from islandmode.operate.bench_outage import refuse_outages  # noqa: PLC0415 - as above

    workspace = workspace.resolve()
    device = find_device(workspace, name, site)
    asked: dict[What, bool] = {"restart": restart, "failover": failover}
    outages = tuple(what for what, wanted in asked.items() if wanted)
    refuse_outages(device, outages)
    words = ("--json",) if as_json else ()
    order = BenchOrder(workspace, device, key, firings, outages, _confirmed(device, outages), words)
    ended = bench(order, Spoken(only_warnings=as_json), clock)
    if not isinstance(ended, BenchEnd):
        return ended
    if as_json:
        print_json(_for_machines(device, ended))
    else:
        _say(ended, key)
    return ended.exit_code


def _confirmed(device: Device, outages: tuple[What, ...]) -> str:
    """Have a person type the device's name before it is restarted or its pair fails over; raises `Refused` where nobody is there."""
    if not outages:
        return ""
    if not sys.stdin.isatty():
        raise Refused("Nobody is at a terminal to confirm that, and to do it to the device. Nothing was touched.")
    told = f"While {device.name} holds a timer, you will be told when to do it to the device: {' and '.join(outages)}."
    return ask(f"{told} All that it carries stops meanwhile.\nType its name to confirm: ").strip()


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
    for outage in record.outages:
        print(f"{outage_told(outage)}.")
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


def _for_machines(device: Device, ended: BenchEnd) -> dict[str, Any]:
    """Give what was seen and what it is worth, as `devices` and `devices check` give a record."""
    seen, standing = ended.seen, ended.standing
    found = (
        Benched()
        if ended.path is None
        else Benched(KeptRecord(ended.path, None if standing is None else standing.record), standing)
    )
    return {
        "exit_code": ended.exit_code,
        "device": device.name,
        "site": device.site.site,
        "stopped": seen.stopped or None,
        "object": seen.object_name,
        "gone": seen.gone,
        "same_configuration": seen.same_configuration,
        "changed": list(seen.changed),
        "unsigned": ended.trouble or None,
        "bench": bench_for_machines(found),
    }


def _signing(path: Path, key: Path) -> str:
    return f"ssh-keygen -Y sign -n {NAMESPACE} -f {shlex.quote(str(key))} {shlex.quote(str(path))}"
