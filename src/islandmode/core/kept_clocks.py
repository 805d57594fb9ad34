"""What a host said of its clocks while it sampled (observe/own_clocks.py), read as hostile, and held against the conductor's UTC. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from islandmode.core.record import Record
from islandmode.core.spool_lines import WHOLE_MAX

LINES_MAX = 10_000
BOOT_MAX = 64
KEPT = ("yes", "no", "unknown")
NUMBERS = ("at_us", "utc_us", "apart_us", "error_us")


class NoClocks(Exception):
    """What stands there is no reading of clocks, or is not bound to its spool; the text says why."""


@dataclass(frozen=True)
class ClockReading:
    """What a host's clocks said at one moment."""

    at_us: int
    utc_us: int
    apart_us: int
    boot: str
    kept: str
    error_us: int

    @property
    def ahead_us(self) -> int:
        """Give how far UTC was ahead of the monotonic clock: on a clock that nobody sets it stays."""
        return self.utc_us - self.at_us


def read_clocks(data: bytes, key: bytes, last: str) -> tuple[ClockReading, ...]:
    """Read all readings; raises `NoClocks` where they are none, or are not bound to the spool with that last seal."""
    said, newline, end = data.rpartition(b"\n")[0].rpartition(b"\n")
    said += newline
    bound = hmac.new(key, last.encode("ascii") + said, hashlib.sha256).hexdigest()
    seal = _mapping(end)
    if not last or not data.endswith(b"\n") or seal != {"spool": last, "mac": bound}:
        raise NoClocks("what its clocks said is missing, was altered, or is of another spool")
    lines = said.splitlines()
    if not lines or len(lines) > LINES_MAX:
        raise NoClocks("what its clocks said is missing, or more than can be")
    return tuple(_reading(line) for line in lines)


def _reading(line: bytes) -> ClockReading:
    told = _mapping(line)
    numbers = [told.get(name) for name in NUMBERS]
    boot, kept = told.get("boot"), told.get("kept")
    whole = [number for number in numbers if type(number) is int and 0 <= number < WHOLE_MAX]
    if len(whole) < len(NUMBERS) or not isinstance(boot, str) or len(boot) > BOOT_MAX or kept not in KEPT:
        raise NoClocks("what stands there is not what clocks say")
    at_us, utc_us, apart_us, error_us = whole
    return ClockReading(at_us, utc_us, apart_us, boot, str(kept), error_us)


def _mapping(line: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Compared:
    """A host's clock against the conductor's, as `vantage.offset` has it; or why they cannot be compared."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    why: str = ""


def compared(
    readings: Sequence[ClockReading], records: Sequence[Record], near: Sequence[Mapping[str, Any]]
) -> Compared:
    """Compare a host's clock with the conductor's by the UTC that both told.

    `near` are the measurements of a vantage on the conductor's own host, which say whether NTP keeps its clock. Two hosts of one boot are
    one machine, as the hosts of a lab are, and have one UTC, kept or not.
    """
    first, last = readings[0], readings[-1]
    if len({reading.boot for reading in readings}) > 1:
        return Compared({}, {}, "its host restarted while it sampled, so its clock began anew")
    one_machine = {record.boot_id for record in records} == {first.boot}
    why = "" if one_machine else _unkept(readings, near)
    if why:
        return Compared({}, {}, why)
    mine = [record.utc_us - record.monotonic_us for record in records]
    theirs = [reading.ahead_us for reading in readings]
    # What was set on either clock meanwhile, and what lay between two readings of one moment.
    open_us = (max(mine) - min(mine) + 1) // 2 + max(theirs) - min(theirs)
    open_us += max(reading.apart_us for reading in readings)
    if not one_machine:
        # What each host says of its own error.
        open_us += max(int(offset.get("error_us", 0)) for offset in near)
        open_us += max(reading.error_us for reading in readings)
    middle_us = (max(mine) + min(mine)) // 2

    def at(reading: ClockReading) -> Mapping[str, Any]:
        told = {"uncertainty_us": open_us, "boot_id": first.boot, "at_us": reading.at_us}
        return {
            **told,
            "monotonic_us": reading.ahead_us - middle_us,
            "kept": reading.kept,
            "error_us": reading.error_us,
        }

    return Compared(at(first), at(last))


def _unkept(readings: Sequence[ClockReading], near: Sequence[Mapping[str, Any]]) -> str:
    """Say which clock NTP does not keep, or nothing."""
    if any(reading.kept != "yes" for reading in readings):
        return "NTP did not keep the clock of its host, or that host did not tell"
    if not near or any(offset.get("kept") != "yes" for offset in near):
        return "NTP did not keep the clock of the operations host, or it did not tell"
    return ""
