"""A device's clock: what moves it, and what that does to timers and to windows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.emulators.clock import DeviceClock
from tests.emulators.faults import Faults
from tests.emulators.spans import Span, Timed

NOW = datetime.fromisoformat("2026-11-26T10:15:20")
MINUTE = timedelta(minutes=1)


def test_time_passes_where_a_test_lets_it() -> None:
    clock = DeviceClock(NOW)
    clock.move(90)
    assert (clock.local, clock.up_s) == (NOW + timedelta(seconds=90), 90.0)
    with pytest.raises(ValueError, match="set the clock"):
        clock.move(-1)


def test_who_sets_a_clock_moves_no_timer() -> None:
    clock = DeviceClock(NOW)
    clock.move(30)
    clock.set(NOW - timedelta(hours=1))
    assert (clock.local, clock.up_s) == (NOW - timedelta(hours=1), 30.0)
    clock.move_to(NOW)
    assert clock.up_s == 3630.0


def test_a_clock_may_follow_another() -> None:
    passed = [1000.0]
    clock = DeviceClock(NOW, follows=lambda: passed[0])
    passed[0] += 5
    clock.move(10)
    assert (clock.local, clock.up_s) == (NOW + timedelta(seconds=15), 15.0)


def test_a_window_is_in_force_from_its_first_minute_and_no_more_at_its_end() -> None:
    clock, faults, timed = DeviceClock(NOW), Faults(), Timed()
    timed.write(Span(NOW + MINUTE, NOW + 2 * MINUTE), clock)
    found = []
    for _ in range(4):
        found.append(timed.in_force(clock, faults))
        clock.move(60)
    assert found == [False, True, False, False]


def test_a_late_end_is_late_only_for_what_was_in_force_when_it_came() -> None:
    clock, faults = DeviceClock(NOW), Faults(end_lag_s=60.0)
    early, late = Timed(), Timed()
    early.write(Span(None, NOW + MINUTE), clock)
    clock.move(80)
    late.write(Span(None, NOW + MINUTE), clock)
    assert (early.in_force(clock, faults), late.in_force(clock, faults)) == (True, False)
    clock.move(40)
    assert not early.in_force(clock, faults)


def test_a_window_that_was_written_just_now_may_act_later() -> None:
    clock, faults, timed = DeviceClock(NOW), Faults(change_lag_s=30.0), Timed()
    timed.write(Span(None, NOW + 5 * MINUTE), clock)
    assert not timed.in_force(clock, faults)
    clock.move(30)
    assert timed.in_force(clock, faults)
    timed.write(Span(None, NOW), clock)
    assert timed.in_force(clock, faults)
    clock.move(30)
    assert not timed.in_force(clock, faults)
