"""What a bench's record is worth: whether it shows the undo, and whether it still counts for the device as it is now. Pure.

A record counts if a person signed it whom the workspace lets sign, if it shows ten ends and a late line, each as declared, with the device left as
it was found, and if neither firmware, recipe nor a year has passed over it. An emulator's and a lab's count for no plant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from islandmode.core.bench.outage import outage_trouble
from islandmode.core.bench.record import BenchFiring, BenchRecord, DeviceToday, Signature
from islandmode.core.text import how_many

FIRINGS_LEAST = 10
MONTHS = 12


@dataclass(frozen=True)
class Standing:
    """What a device's record says of it: `whys` are all the reasons why it does not count; none where it does."""

    record: BenchRecord
    until: datetime
    """Until when it counts by its age."""
    whys: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Tell whether it counts for the device as it is now."""
        return not self.whys


def expires(at: datetime) -> datetime:
    """Tell when a record is twelve months old; one of 29 February on 28 February."""
    try:
        return at.replace(year=at.year + 1)
    except ValueError:
        return at.replace(year=at.year + 1, day=28)


def standing_of(record: BenchRecord, signature: Signature, today: DeviceToday) -> Standing:
    """Judge a record for a device as it is now; every reason is told, each as the end of a sentence."""
    until = expires(record.at)
    whys = (*_of_signature(record, signature), *unshown(record), *_outdated(record, today, until))
    return Standing(record, until, tuple(whys))


def _of_signature(record: BenchRecord, signature: Signature) -> Iterator[str]:
    if signature.trouble:
        yield signature.trouble
    elif signature.person != record.person:
        yield f"it names {record.person}, and {signature.person} signed it"
    if record.ground != "device":
        what = "an emulator" if record.ground == "emulated" else "a lab"
        yield f"it is of {what}, which counts for no plant"


def unshown(record: BenchRecord) -> Iterator[str]:
    """Say what a record does not show, whatever its signature and its age."""
    if len(record.firings) < FIRINGS_LEAST:
        yield f"it has {how_many(len(record.firings), 'firing')}, and {FIRINGS_LEAST} are needed"
    for number, firing in enumerate(record.firings, 1):
        why = firing_trouble(record, firing)
        if why:
            yield f"firing {number} {why}"
    line = record.late_line
    if line is None:
        yield "no late line was tried"
    elif line.acted is None:
        yield f"what a late line did was not seen ({line.said or 'no reason is known'})"
    elif line.acted:
        yield "A LATE LINE ACTED: it would have isolated after its own end"
    elif line.after_s <= record.declared_lag_s:
        yield f"the late line was not late: {line.after_s:.0f} s after its end, and the device may be {record.declared_lag_s:g} s late"
    for outage in record.outages:
        if outage_trouble(outage):
            yield f"the {outage.what} {outage_trouble(outage)}"
    yield from _unreturned(record)


def _unreturned(record: BenchRecord) -> Iterator[str]:
    if not record.gone:
        yield f"{record.tried_on} was not seen gone from the device"
    if record.same_configuration is not True:
        how = "is not known to be the same" if record.same_configuration is None else "was not the same"
        more = f" ({'; '.join(record.changed)})" if record.changed else ""
        yield f"the configuration {how} before and after{more}"


def firing_trouble(record: BenchRecord, firing: BenchFiring) -> str:
    """Say why one firing does not show that the device ends by itself as declared; goes on after the firing's number."""
    if not firing.armed_at <= firing.acting_at < firing.ends_at:
        return "was not seen to act before its end"
    allowed_s = record.declared_lag_s + record.step_s
    if firing.still_s is not None and firing.still_s > allowed_s:
        return f"was late: {firing.still_s:.0f} s after its end it still acted, and {record.declared_lag_s:g} s are declared"
    if firing.gone_s is None:
        return f"was not seen to end ({firing.why or 'no look showed it'})"
    if firing.gone_s > allowed_s + record.look_s:
        return f"was looked at too late: {firing.gone_s:.0f} s after its end, which says nothing of {record.declared_lag_s:g} s"
    return ""


def _outdated(record: BenchRecord, today: DeviceToday, until: datetime) -> Iterator[str]:
    if (record.site, record.device) != (today.site, today.device):
        yield f"it is of {record.device} of site {record.site}"
    if today.now >= until:
        yield f"it is older than {MONTHS} months: it ended on {until:%Y-%m-%d}"
    elif today.now < record.at:
        yield f"it is of {record.at:%Y-%m-%d}, which is yet to come"
    if today.method is not None and (today.method.name, today.method.sha256) != (
        record.method.name,
        record.method.sha256,
    ):
        yield _other_method(record, today)
    if today.host_keys and not set(today.host_keys) & set(record.host_keys):
        yield "the device has another host key than the one that was benched"
    if today.firmware is not None and today.firmware != record.firmware:
        yield f'it is of firmware "{record.firmware}", and the device runs "{today.firmware}"'
    if today.serial is not None and today.serial != record.serial:
        yield f"it is of serial number {record.serial or 'unknown'}, and the device tells {today.serial or 'none'}"


def _other_method(record: BenchRecord, today: DeviceToday) -> str:
    now, then = today.method, record.method
    if now is None or now.name != then.name:
        return f"it is of {then.name}, and the site names {'another platform' if now is None else now.name}"
    return f"{then.name} has changed since (sha256 {then.sha256[:12]} then, {now.sha256[:12]} now)"
