"""What a host said of its clocks, read as hostile, and held against the conductor's UTC."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.clocks import clock_line
from islandmode.core.kept_clocks import ClockReading, NoClocks, compared, read_clocks
from islandmode.core.record import Record
from islandmode.observe.own_clocks import OwnClocks, bound

HOUR_US, UTC_US = 3_600_000_000, 1_790_000_000_000_000
LAST = "a" * 64
NEAR = [{"kept": "yes", "error_us": 3_000}, {"kept": "yes", "error_us": 2_000}]


def reading(hour: int, utc_us: int = 0, **more: Any) -> ClockReading:
    """Say what a host's clocks said that booted when UTC was `UTC_US`, which it takes for `utc_us` later."""
    told: dict[str, Any] = {"apart_us": 2, "boot": "box", "kept": "yes", "error_us": 4_000} | more
    return ClockReading(hour * HOUR_US, UTC_US + utc_us + hour * HOUR_US, **told)


def records(*ahead_us: int) -> list[Record]:
    """Give the conductor's records: its clock began 5 s after the host's."""
    return [
        Record(seq, "site", "run", "conductor", "ops", UTC_US + 5_000_000 + at + more, at, "note", {})
        for seq, more in enumerate(ahead_us)
        for at in (seq * HOUR_US,)
    ]


def test_two_clocks_that_ntp_keeps_are_compared_by_their_utc() -> None:
    found = compared([reading(1), reading(2), reading(3)], records(0, 0), NEAR)
    assert found.why == ""
    line = clock_line([found.before, found.after])
    assert line is not None
    # The conductor's clock shows 5 s less, and both hosts may be as far off as they say.
    assert line.at(2 * HOUR_US) == 2 * HOUR_US - 5_000_000
    assert 7_000 <= line.uncertainty_us < 7_000 + 10_000
    assert (found.before["at_us"], found.after["at_us"]) == (HOUR_US, 3 * HOUR_US)


def test_what_was_set_on_a_clock_meanwhile_counts_as_uncertain() -> None:
    stepped = compared([reading(1), reading(2, 700_000), reading(3)], records(0, 0), NEAR)
    assert stepped.before["uncertainty_us"] >= 700_000
    assert compared([reading(1), reading(3)], records(0, 900_000), NEAR).before["uncertainty_us"] >= 450_000
    slow = compared([reading(1), reading(3, apart_us=50_000)], records(0), NEAR)
    assert slow.before["uncertainty_us"] >= 50_000


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_true_moment_lies_within_what_is_told(theirs_us: int, mine_us: int, error_us: int, near_us: int) -> None:
    # Each host's UTC is off by no more than it says.
    theirs_us, mine_us = max(-error_us, min(theirs_us, error_us)), max(-near_us, min(mine_us, near_us))
    ends = [reading(hour, theirs_us, error_us=error_us) for hour in (1, 3)]
    found = compared(ends, records(mine_us, mine_us), [{"kept": "yes", "error_us": near_us}])
    line = clock_line([found.before, found.after])
    assert line is not None
    assert abs(line.at(2 * HOUR_US) - (2 * HOUR_US - 5_000_000)) <= line.uncertainty_us


NOT_COMPARED: tuple[tuple[list[ClockReading], list[dict[str, Any]], str], ...] = (
    ([reading(1), reading(2, kept="no"), reading(3)], NEAR, "NTP did not keep the clock of its host"),
    ([reading(1, kept="unknown"), reading(3)], NEAR, "NTP did not keep the clock of its host"),
    ([reading(1), reading(3, boot="another")], NEAR, "its host restarted while it sampled"),
    ([reading(1), reading(3)], [], "NTP did not keep the clock of the operations host"),
    ([reading(1), reading(3)], [*NEAR, {"kept": "no"}], "NTP did not keep the clock of the operations host"),
    ([reading(1), reading(3)], [{}], "NTP did not keep the clock of the operations host"),
)


@pytest.mark.parametrize(("readings", "near", "why"), NOT_COMPARED)
def test_clocks_that_nobody_keeps_are_not_compared(
    readings: list[ClockReading], near: list[dict[str, Any]], why: str
) -> None:
    found = compared(readings, records(0), near)
    assert found.why.startswith(why)
    assert (found.before, found.after) == ({}, {})


def test_hosts_of_one_machine_have_one_utc_kept_or_not() -> None:
    mine = [replace(record, boot_id="box") for record in records(0, 0)]
    found = compared([reading(1, kept="no", error_us=16_000_000), reading(3, kept="no")], mine, [])
    line = clock_line([found.before, found.after])
    assert line is not None
    assert line.at(2 * HOUR_US) == 2 * HOUR_US - 5_000_000
    assert found.before["uncertainty_us"] < 10


def test_what_a_worker_writes_down_is_read_back(tmp_path: Any) -> None:
    clocks = OwnClocks(str(tmp_path), {"key": "00ff"})
    clocks.read()
    clocks.close(LAST)
    data = (tmp_path / "clocks").read_bytes()
    found = read_clocks(data, bytes.fromhex("00ff"), LAST)
    assert len(found) == 3
    assert len({one.boot for one in found}) == 1
    assert [one.at_us for one in found] == sorted(one.at_us for one in found)
    for other, last in ((b"", LAST), (bytes.fromhex("00ff"), "b" * 64), (bytes.fromhex("00ff"), "")):
        with pytest.raises(NoClocks, match="altered, or is of another spool"):
            read_clocks(data, other, last)


def sealed(lines: bytes) -> bytes:
    """Bind lines, as a holder of the key could."""
    return lines + json.dumps({"spool": LAST, "mac": bound(b"", LAST, lines)}).encode() + b"\n"


GOOD = {"at_us": 1, "utc_us": 2, "apart_us": 3, "boot": "b", "kept": "yes", "error_us": 4}
ODD = (
    {"at_us": "1"},
    {"at_us": True},
    {"utc_us": -1},
    {"utc_us": 2**63},
    {"apart_us": 1.5},
    {"boot": 3},
    {"boot": "b" * 65},
    {"kept": "perhaps"},
    {"kept": ["yes"]},
    {"error_us": None},
)


@pytest.mark.parametrize("odd", ODD)
def test_a_line_that_is_not_what_clocks_say_is_none(odd: dict[str, Any]) -> None:
    assert read_clocks(sealed(json.dumps(GOOD).encode() + b"\n"), b"", LAST)
    with pytest.raises(NoClocks, match="not what clocks say"):
        read_clocks(sealed(json.dumps({**GOOD, **odd}).encode() + b"\n"), b"", LAST)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"[" * 100_000 + b"\n", b"\xff\n", b"{}\n", sealed(b""), sealed(b"[1]\n")]
)
def test_what_is_no_reading_at_all_raises_nothing_else(data: bytes) -> None:
    with pytest.raises(NoClocks):
        read_clocks(data, b"", LAST)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for text in (data, sealed(data), sealed(data + b"\n")):
        try:
            read_clocks(text, b"", LAST)
        except NoClocks:
            continue
