"""When a bench's record counts: each reason alone keeps it from counting, and nothing takes that reason back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.bench.counting import FIRINGS_LEAST, expires, firing_trouble, standing_of, unshown
from islandmode.core.bench.record import BenchFiring, BenchRecord, LateLine, Signature
from islandmode.core.rendering import RecipeUsed
from tests.core.bench_records import AT, DECLARED_S, LOOK_S, METHOD, SIGNED, STEP_S, firing, record, today

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
LAGS = st.one_of(st.none(), st.floats(0, 500))


def test_a_whole_record_that_was_signed_counts_and_says_until_when() -> None:
    standing = standing_of(record(), SIGNED, today())
    assert standing.whys == ()
    assert standing.counts
    assert standing.until == datetime(2027, 11, 27, 10, 0, tzinfo=UTC)


SPOILT: dict[str, tuple[dict[str, Any], dict[str, Any], Signature, str]] = {
    "unsigned": ({}, {}, Signature(trouble="nobody signed it"), "nobody signed it"),
    "signed by another": ({}, {}, Signature(person="B. Ito"), "it names A. Novak, and B. Ito signed it"),
    "of an emulator": ({"ground": "emulated"}, {}, SIGNED, "it is of an emulator, which counts for no plant"),
    "of a lab": ({"ground": "lab"}, {}, SIGNED, "it is of a lab, which counts for no plant"),
    "too few": ({"firings": (firing(),) * 9}, {}, SIGNED, "it has 9 firings, and 10 are needed"),
    "none": ({"firings": ()}, {}, SIGNED, "it has 0 firings, and 10 are needed"),
    "no late line": ({"late_line": None}, {}, SIGNED, "no late line was tried"),
    "a late line that acted": (
        {"late_line": LateLine(after_s=1, acted=True)},
        {},
        SIGNED,
        "A LATE LINE ACTED: it would have isolated after its own end",
    ),
    "a late line unseen": (
        {"late_line": LateLine(after_s=1, acted=None, said="no answer")},
        {},
        SIGNED,
        "what a late line did was not seen (no answer)",
    ),
    "a late line in time": (
        {"late_line": LateLine(after_s=60, acted=False)},
        {},
        SIGNED,
        "the late line was not late: 60 s after its end, and the device may be 60 s late",
    ),
    "left": ({"gone": False}, {}, SIGNED, "islandmode_STAND_IN was not seen gone from the device"),
    "changed": (
        {"same_configuration": False, "changed": ("running: + hostname x",)},
        {},
        SIGNED,
        "the configuration was not the same before and after (running: + hostname x)",
    ),
    "not compared": (
        {"same_configuration": None},
        {},
        SIGNED,
        "the configuration is not known to be the same before and after",
    ),
    "old": ({}, {"now": AT + timedelta(days=366)}, SIGNED, "it is older than 12 months: it ended on 2027-11-27"),
    "to come": ({}, {"now": AT - timedelta(days=1)}, SIGNED, "it is of 2026-11-27, which is yet to come"),
    "other firmware": (
        {},
        {"firmware": "17.18.2"},
        SIGNED,
        'it is of firmware "17.15.1", and the device runs "17.18.2"',
    ),
    "another serial": ({}, {"serial": "FDO2"}, SIGNED, "it is of serial number FDO1, and the device tells FDO2"),
    "another host key": (
        {},
        {"host_keys": ("SHA256:other",)},
        SIGNED,
        "the device has another host key than the one that was benched",
    ),
    "a serial number where it told none": (
        {"serial": ""},
        {"serial": "FDO2"},
        SIGNED,
        "it is of serial number unknown, and the device tells FDO2",
    ),
    "no serial number any more": (
        {},
        {"serial": ""},
        SIGNED,
        "it is of serial number FDO1, and the device tells none",
    ),
    "twelve months old": (
        {},
        {"now": datetime(2027, 11, 27, 10, 0, tzinfo=UTC)},
        SIGNED,
        "it is older than 12 months: it ended on 2027-11-27",
    ),
    "an edited recipe": (
        {},
        {"method": METHOD.model_copy(update={"sha256": "b" * 64})},
        SIGNED,
        f"ios-time-range has changed since (sha256 {'a' * 12} then, {'b' * 12} now)",
    ),
    "another recipe": (
        {},
        {"method": RecipeUsed(name="ios-revert", version=1, sha256="a" * 64)},
        SIGNED,
        "it is of ios-time-range, and the site names ios-revert",
    ),
    "of another device": ({"device": "spare"}, {}, SIGNED, "it is of spare of site kirkby"),
    "of another site": ({"site": "leeds"}, {}, SIGNED, "it is of vendor-router of site leeds"),
}


@pytest.mark.parametrize(("changed", "now", "signature", "why"), SPOILT.values(), ids=SPOILT)
def test_each_reason_alone_keeps_it_from_counting_and_is_told(
    changed: dict[str, Any], now: dict[str, Any], signature: Signature, why: str
) -> None:
    assert standing_of(record(**changed), signature, today(**now)).whys == (why,)


FIRINGS: dict[str, tuple[dict[str, Any], str]] = {
    "never gone": ({"gone_s": None, "why": "no answer"}, "was not seen to end (no answer)"),
    "acted too long": (
        {"still_s": 62.0, "gone_s": 70.0},
        "was late: 62 s after its end it still acted, and 60 s are declared",
    ),
    "acts for ever": ({"still_s": 136.0, "gone_s": None}, "was late: 136 s after its end it still acted"),
    "looked at too late": ({"gone_s": 107.0}, "was looked at too late: 107 s after its end"),
    "never acted": ({"acting_at": AT + timedelta(minutes=9)}, "was not seen to act before its end"),
    "acted at its end": ({"acting_at": AT + timedelta(seconds=120)}, "was not seen to act before its end"),
    "acted before it was armed": ({"acting_at": AT - timedelta(minutes=9)}, "was not seen to act before its end"),
}


@pytest.mark.parametrize(("changed", "why"), FIRINGS.values(), ids=FIRINGS)
def test_a_firing_that_shows_nothing_is_told_with_its_number(changed: dict[str, Any], why: str) -> None:
    firings = [firing(number) for number in range(10)]
    firings[6] = firing(**changed)
    (told,) = unshown(record(firings=tuple(firings)))
    assert told.startswith(f"firing 7 {why}")


@pytest.mark.parametrize(
    "changed", [{"still_s": 61.0, "gone_s": 62.0}, {"gone_s": 106.0}, {"still_s": 0.0}, {"acting_at": AT}]
)
def test_what_is_just_within_what_is_declared_counts(changed: dict[str, Any]) -> None:
    assert standing_of(record(firings=(firing(**changed),) * 10), SIGNED, today()).counts


@given(st.lists(st.tuples(LAGS, LAGS), max_size=14))
def test_it_is_shown_exactly_where_ten_ended_in_time(lags: list[tuple[float | None, float | None]]) -> None:
    fired = tuple(firing(number, still_s=still_s, gone_s=gone_s) for number, (still_s, gone_s) in enumerate(lags))
    in_time = [
        gone_s is not None
        and gone_s <= DECLARED_S + STEP_S + LOOK_S
        and (still_s is None or still_s <= DECLARED_S + STEP_S)
        for still_s, gone_s in lags
    ]
    assert (not list(unshown(record(firings=fired)))) == (len(lags) >= FIRINGS_LEAST and all(in_time))


@given(st.sampled_from(["emulated", "lab"]), MOMENTS)
def test_what_is_of_no_device_never_counts(ground: str, now: datetime) -> None:
    assert not standing_of(record(ground=ground), SIGNED, today(now=now)).counts


@given(MOMENTS)
def test_a_record_ends_twelve_months_after_it_was_made(at: datetime) -> None:
    until = expires(at)
    assert timedelta(days=365) <= until - at <= timedelta(days=366)
    assert (until.month, until.day) == (at.month, at.day) or (at.month, at.day, until.day) == (2, 29, 28)


def test_a_record_of_29_february_ends_on_28_february_of_the_next_year() -> None:
    assert expires(datetime(2028, 2, 29, 8, 30, tzinfo=UTC)) == datetime(2029, 2, 28, 8, 30, tzinfo=UTC)


@given(MOMENTS, MOMENTS, MOMENTS)
def test_what_is_too_old_never_counts_again(at: datetime, now: datetime, later: datetime) -> None:
    kept = record(at=at)
    now, later = sorted((now, later))
    if now >= expires(at):
        assert not standing_of(kept, SIGNED, today(now=later)).counts
    assert standing_of(kept, SIGNED, today(now=now)).counts == (at <= now < expires(at))


@given(st.lists(st.builds(firing, st.integers(0, 50), still_s=LAGS, gone_s=LAGS), max_size=12), st.text(max_size=20))
def test_a_record_is_read_as_it_was_written(fired: list[BenchFiring], said: str) -> None:
    kept = record(firings=tuple(fired), late_line=LateLine(after_s=1, acted=None, said=said))
    assert BenchRecord.model_validate_json(kept.model_dump_json(indent=2)) == kept


def test_the_worst_lag_is_the_longest_that_was_seen() -> None:
    fired = (firing(gone_s=2.0), firing(gone_s=9.5), firing(gone_s=None))
    assert record(firings=fired).worst_lag_s == 9.5
    assert record(firings=()).worst_lag_s is None


def test_what_is_not_known_of_a_device_keeps_no_record_from_counting() -> None:
    unknown = today(method=None, firmware=None, serial=None, host_keys=())
    assert standing_of(record(), SIGNED, unknown).counts


def test_a_good_firing_has_no_trouble() -> None:
    assert firing_trouble(record(), firing()) == ""
