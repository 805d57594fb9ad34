"""What is believed of a restart or a failover on a spare: what was seen, held against what the platform declares."""

from __future__ import annotations

from typing import Any

import pytest

from islandmode.core.bench.counting import unshown
from islandmode.core.bench.outage import outage_told, outage_trouble
from islandmode.core.bench.record import BenchOutage
from tests.core.bench_records import firing, record

NONE_FAILED = "was not seen: no login failed meanwhile"
NOT_ANOTHER = "was not seen: the same serial number answers, or none is told"
FAILOVER: dict[str, Any] = {"what": "failover", "declared": "isolates", "away_s": None}
GONE: dict[str, Any] = {"present": False, "acts": False, "timer_s": None}


def outage(**changed: Any) -> BenchOutage:
    """Give a restart that object and timer survived, as declared."""
    told: dict[str, Any] = {
        "what": "restart",
        "declared": "stays",
        "firing": firing(),
        "away_s": 40.0,
        "serial_before": "FDO1",
        "serial_after": "FDO1",
        "present": True,
        "acts": True,
        "timer_s": 75.0,
    }
    return BenchOutage(**(told | changed))


GOOD: dict[str, tuple[dict[str, Any], str]] = {
    "a restart": (
        {},
        "restart: no login was taken for 40 s; object and timer survived it, with 75 s left, and it ended by itself, at most 1.5 s late",
    ),
    "a restart of an instant": (
        {"away_s": 0.0, "firing": firing(gone_s=0.0)},
        "restart: no login was taken for 0 s; object and timer survived it, with 75 s left, and it ended by itself, at most 0.0 s late",
    ),
    "ended before its end": (
        {"firing": firing(gone_s=-2.0), "timer_s": 0.0},
        "restart: no login was taken for 40 s; object and timer survived it, with 0 s left, and it ended by itself, at most 0.0 s late",
    ),
    "a restart that clears it": (
        {"declared": "gone", **GONE, "firing": firing(gone_s=None)},
        "restart: no login was taken for 40 s; the object did not survive it, and isolates no more",
    ),
    "a restart that takes it back": (
        {"declared": "reverts", **GONE},
        "restart: no login was taken for 40 s; the object did not survive it, and isolates no more",
    ),
    "nothing declared, and it stays": (
        {"declared": "unknown"},
        "restart: no login was taken for 40 s; object and timer survived it, with 75 s left, and it ended by itself, at most 1.5 s late",
    ),
    "nothing declared, and it goes": (
        {"declared": "unknown", **GONE},
        "restart: no login was taken for 40 s; the object did not survive it, and isolates no more",
    ),
    "a failover": (
        {**FAILOVER, "serial_after": "FDO2"},
        "failover: FDO2 answers in the place of FDO1; object and timer survived it, with 75 s left, and it ended by itself, at most 1.5 s late",
    ),
    "a failover that lets pass": (
        {**FAILOVER, "serial_after": "FDO2", "declared": "passes", **GONE},
        "failover: FDO2 answers in the place of FDO1; the object did not survive it, and isolates no more",
    ),
}


@pytest.mark.parametrize(("changed", "told"), GOOD.values(), ids=GOOD)
def test_an_outage_that_is_as_declared_has_no_trouble_and_is_told(changed: dict[str, Any], told: str) -> None:
    seen = outage(**changed)
    assert outage_trouble(seen) == ""
    assert outage_told(seen) == told
    assert list(unshown(record(outages=(seen,)))) == []


LOUD = "LEFT AN OBJECT THAT ACTS WITHOUT A TIMER: nothing on the device would have ended it"
TROUBLE: dict[str, tuple[dict[str, Any], str]] = {
    "no restart": ({"away_s": None}, NONE_FAILED),
    "no restart, with a reason": ({"away_s": None, "why": "nobody came"}, "was not seen: nobody came"),
    "the same member": (FAILOVER, NOT_ANOTHER),
    "no serial before": ({**FAILOVER, "serial_before": ""}, NOT_ANOTHER),
    "no serial after": ({**FAILOVER, "serial_after": ""}, NOT_ANOTHER),
    "not looked at": ({"present": None}, "was seen, and not what it left of the object: no look showed it"),
    "not known to act": (
        {"acts": None, "why": "no answer"},
        "was seen, and not what it left of the object: no answer",
    ),
    "acts without a timer": ({"timer_s": None}, LOUD),
    "acts without a timer, whatever is declared": ({"timer_s": None, "declared": "unknown"}, LOUD),
    "should stay": ({**GONE}, "was not as declared (stays): object and timer did not survive it"),
    "should isolate": (
        {**FAILOVER, "serial_after": "FDO2", **GONE},
        "was not as declared (isolates): object and timer did not survive it",
    ),
    "should go": ({"declared": "gone"}, "was not as declared (gone): object and timer survived it"),
    "should be taken back": ({"declared": "reverts"}, "was not as declared (reverts): object and timer survived it"),
    "should pass": ({"declared": "passes"}, "was not as declared (passes): object and timer survived it"),
    "there, and at rest": (
        {"acts": False, "timer_s": None},
        "was not as declared (stays): object and timer did not survive it",
    ),
    "never ends": (
        {"firing": firing(gone_s=None)},
        "left an object that was not seen to end (no look showed it)",
    ),
    "never ends, with a reason": (
        {"firing": firing(gone_s=None, why="no answer")},
        "left an object that was not seen to end (no answer)",
    ),
}


@pytest.mark.parametrize(("changed", "why"), TROUBLE.values(), ids=TROUBLE)
def test_each_trouble_of_an_outage_keeps_a_record_from_counting_and_is_told(changed: dict[str, Any], why: str) -> None:
    seen = outage(**changed)
    assert outage_trouble(seen) == why
    assert outage_told(seen).endswith(f"; it {why}" if "; " in outage_told(seen) else f": it {why}")
    assert list(unshown(record(outages=(seen,)))) == [f"the {seen.what} {why}"]


def test_a_failover_that_was_not_seen_names_no_member_that_answers() -> None:
    assert outage_told(outage(**FAILOVER)) == f"failover: it {NOT_ANOTHER}"
    assert outage_told(outage(serial_after="FDO2")).startswith("restart: no login was taken for 40 s; object")
