from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.recipe.device_clock import (
    ClockChange,
    ClockRead,
    TimeZone,
    clock_trouble,
    end_after,
    left_s,
    stepped_s,
)
from islandmode.core.recipe.window import EARLIEST, REST, Window, armed_window, isolating_window, meaning, owner_of
from islandmode.core.recipe.words import form_trouble, read_moment, write_moment

DAYS = st.datetimes(datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2060-12-31"))
RUNS = st.text(min_size=1, max_size=40)
AHEAD_MIN = st.integers(1, 7 * 24 * 60)
BERLIN = TimeZone(
    name="Europe/Berlin",
    ahead_s=7200,
    changes=(
        ClockChange(at=datetime.fromisoformat("2026-10-25T01:00Z"), ahead_s=3600),
        ClockChange(at=datetime.fromisoformat("2027-03-28T01:00Z"), ahead_s=7200),
    ),
)
FORMS = ("%H:%M %Y/%m/%d", "%H:%M %e %B %Y", "%b %d %H:%M:%S %Y", "%Y-%m-%d %H:%M")


@given(run=RUNS, now=DAYS, ahead=AHEAD_MIN)
def test_an_armed_window_isolates_nothing_and_tells_whose_it_is_and_until_when(
    run: str, now: datetime, ahead: int
) -> None:
    ends = now.replace(second=0, microsecond=0) + timedelta(minutes=ahead)
    window = armed_window(run, ends)
    assert window.starts < window.ends < EARLIEST < now
    found = meaning(window, now)
    assert (found.says, found.owner, found.ends) == ("armed", owner_of(run), ends)
    assert meaning(window, ends).says == "over"


@given(run=RUNS, now=DAYS, ahead=AHEAD_MIN)
def test_an_isolating_window_ends_by_itself(run: str, now: datetime, ahead: int) -> None:
    ends = now.replace(second=0, microsecond=0) + timedelta(minutes=ahead)
    window = isolating_window(run, ends)
    assert (meaning(window, now).says, meaning(window, now).owner) == ("isolating", owner_of(run))
    assert meaning(window, ends - timedelta(seconds=1)).says == "isolating"
    assert meaning(window, ends).says == "over"
    assert meaning(window, ends + timedelta(days=400)).says == "over"


@given(run=RUNS, ends=DAYS)
def test_a_window_stays_its_runs_when_the_devices_clock_falls_back(run: str, ends: datetime) -> None:
    """A dead battery: the device isolates again when its clock is put right, so a restore must not leave the window alone."""
    fallen = datetime.fromisoformat("1970-01-01T00:05")
    for window in (armed_window(run, ends), isolating_window(run, ends)):
        assert (meaning(window, fallen).says, meaning(window, fallen).owner) == ("to-come", owner_of(run))


@given(starts=DAYS, length=st.integers(1, 10**6), now=DAYS)
def test_a_window_of_somebody_else_is_never_taken_for_rest_while_it_isolates_or_will(
    starts: datetime, length: int, now: datetime
) -> None:
    window = Window(starts, starts + timedelta(minutes=length))
    says = meaning(window, now).says
    assert says == ("to-come" if now < window.starts else "isolating" if now < window.ends else "over")


@given(now=DAYS)
def test_at_rest_is_at_rest_at_any_time(now: datetime) -> None:
    assert meaning(REST, now).says == "rest"


def test_runs_have_beginnings_of_their_own_and_each_always_the_same() -> None:
    runs = [f"2026{number:04}-weekly" for number in range(1000)]
    assert [owner_of(run) for run in runs] == [owner_of(run) for run in runs]
    # One of four million minutes each.
    assert len({owner_of(run) for run in runs}) >= 999
    assert REST.starts not in {owner_of(run) for run in runs}


@given(moment=DAYS, form=st.sampled_from(FORMS))
def test_a_moment_is_read_as_it_was_written(moment: datetime, form: str) -> None:
    kept = moment.replace(microsecond=0, second=moment.second if "%S" in form else 0)
    assert form_trouble(form) == ""
    assert read_moment(form, write_moment(form, kept)) == kept


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%H:%M %Y/%m/%d", "24:10 2026/11/26"),
        ("%H:%M %Y/%m/%d", "10:10 2026/02/30"),
        ("%H:%M %Y/%m/%d", "10:10 2026/11/26 more"),
        ("%H:%M %Y/%m/%d", ""),
        ("%H:%M %e %B %Y", "10:10 3 Brumaire 2026"),
    ],
)
def test_what_is_no_moment_is_not_read(form: str, text: str) -> None:
    assert read_moment(form, text) is None


def look(local: datetime, at_s: float, took_s: float = 0.2) -> ClockRead:
    utc = datetime.fromisoformat("2026-11-26T09:15Z") + timedelta(seconds=at_s)
    return ClockRead(local, round((at_s - took_s) * 1_000_000), round(at_s * 1_000_000), utc)


NOW = datetime.fromisoformat("2026-11-26T10:15")
UNTIL = datetime.fromisoformat("2026-11-26T10:00Z")


@given(second=st.integers(0, 86399), for_s=st.integers(60, 43200), took_s=st.floats(0, 5))
def test_an_end_is_a_whole_minute_and_never_earlier_than_asked(second: int, for_s: int, took_s: float) -> None:
    read = look(datetime.fromisoformat("2026-11-26") + timedelta(seconds=second), 10.0, took_s)
    ends = end_after(read, for_s, 60)
    assert (ends.second, ends.microsecond) == (0, 0)
    assert for_s <= left_s(ends, read) - took_s
    assert left_s(ends, read) < for_s + took_s + 60 + 1.001


def test_a_timer_over_midnight_ends_on_the_next_day() -> None:
    assert end_after(look(datetime.fromisoformat("2026-12-31T23:58:30"), 10.0), 180, 60) == datetime.fromisoformat(
        "2027-01-01T00:02"
    )


def test_a_clock_that_is_right_is_taken() -> None:
    assert clock_trouble(look(NOW, 0.0), BERLIN, UNTIL) == ""


@pytest.mark.parametrize(
    ("off_s", "told"),
    [(-40, "39 s behind"), (40, "40 s ahead of"), (3600, "3600 s ahead of"), (-3600, "3599 s behind")],
)
def test_a_clock_that_is_off_is_refused(off_s: int, told: str) -> None:
    said = clock_trouble(look(NOW + timedelta(seconds=off_s), 0.0), BERLIN, UNTIL)
    assert f", {told} the time of Europe/Berlin; at most 30 s are taken." in said
    assert said.endswith("Set its clock, its time zone and its summer time, or correct time_zone.")


def test_a_slow_answer_is_not_taken_for_a_clock_that_is_behind() -> None:
    assert clock_trouble(look(NOW - timedelta(seconds=50), 0.0, took_s=55.0), BERLIN, UNTIL) == ""


def test_a_clock_that_is_not_set_is_refused() -> None:
    assert "it is not set" in clock_trouble(look(datetime.fromisoformat("1993-03-01T00:05"), 0.0), BERLIN, UNTIL)


def local_of(utc: datetime) -> datetime:
    return (utc + timedelta(seconds=BERLIN.ahead_at_s(utc))).replace(tzinfo=None)


def before_the_change(minutes: int) -> ClockRead:
    utc = BERLIN.changes[0].at - timedelta(minutes=minutes)
    return ClockRead(local_of(utc), 0, 0, utc)


@pytest.mark.parametrize("minutes", [0, 1, 30, 119])
def test_a_window_that_touches_a_change_of_the_clocks_is_refused(minutes: int) -> None:
    read = before_the_change(minutes)
    said = clock_trouble(read, BERLIN, read.utc + timedelta(hours=2))
    assert said.startswith("the clocks of Europe/Berlin are changed at 2026-10-25 01:00:00 UTC, within the time")


@pytest.mark.parametrize("minutes", [-1, 130, 600])
def test_a_window_beside_a_change_of_the_clocks_is_taken(minutes: int) -> None:
    read = before_the_change(minutes)
    assert clock_trouble(read, BERLIN, read.utc + timedelta(hours=2)) == ""


def test_a_change_within_the_margin_is_refused_too() -> None:
    change = BERLIN.changes[0].at
    utc = change - timedelta(hours=1)
    read = ClockRead(local_of(utc), 0, 0, utc)
    assert "are changed" in clock_trouble(read, BERLIN, change - timedelta(seconds=20))
    assert clock_trouble(read, BERLIN, change - timedelta(seconds=31)) == ""


@given(passed_s=st.integers(0, 7200), took_s=st.floats(0.0, 5.0))
def test_a_clock_that_runs_is_not_taken_for_set(passed_s: int, took_s: float) -> None:
    first, later = look(NOW, 0.0, took_s), look(NOW + timedelta(seconds=passed_s), float(passed_s), took_s)
    assert stepped_s(first, later) == 0


@given(passed_s=st.integers(0, 7200), step_s=st.integers(15, 90000), forward=st.booleans())
def test_a_clock_that_was_set_is_seen(passed_s: int, step_s: int, *, forward: bool) -> None:
    by_s = step_s if forward else -step_s
    first, later = look(NOW, 0.0), look(NOW + timedelta(seconds=passed_s + by_s), float(passed_s))
    assert abs(stepped_s(first, later) - by_s) <= 7
    assert (stepped_s(first, later) > 0) is forward
