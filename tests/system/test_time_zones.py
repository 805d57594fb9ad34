from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.errors import InputError
from islandmode.system.time_zones import zone_between

DAY = timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "at", "before_s", "after_s"),
    [
        ("Europe/Berlin", "2026-10-25T01:00", 7200, 3600),
        ("Europe/Berlin", "2027-03-28T01:00", 3600, 7200),
        ("America/New_York", "2026-11-01T06:00", -14400, -18000),
        ("Australia/Lord_Howe", "2026-10-03T15:30", 37800, 39600),
    ],
)
def test_a_change_is_found_to_the_second(name: str, at: str, before_s: int, after_s: int) -> None:
    change = utc(at)
    zone = zone_between(name, change - timedelta(hours=5), change + timedelta(minutes=17))
    assert (zone.ahead_s, [(found.at, found.ahead_s) for found in zone.changes]) == (before_s, [(change, after_s)])
    assert zone.ahead_at_s(change - timedelta(seconds=1)) == before_s
    assert zone.ahead_at_s(change) == after_s


@pytest.mark.parametrize("name", ["UTC", "Asia/Kolkata", "Etc/GMT+5"])
def test_a_zone_without_changes(name: str) -> None:
    assert zone_between(name, utc("2026-01-01"), utc("2026-03-31")).changes == ()


@given(at=st.datetimes(datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2035-12-31")))
def test_between_and_beside_changes_it_is_as_the_zone_data_says(at: datetime) -> None:
    moment = at.replace(tzinfo=UTC, microsecond=0)
    zone = zone_between("Europe/Berlin", moment - DAY, moment + DAY)
    ahead = moment.astimezone(ZoneInfo("Europe/Berlin")).utcoffset()
    assert ahead is not None
    assert zone.ahead_at_s(moment) == ahead.total_seconds()


@pytest.mark.parametrize("name", ["Europe/Berlim", "", "../etc/passwd", "/etc/localtime", "Europe"])
def test_a_name_that_no_zone_has_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(InputError, match="There is no time zone") as error:
        zone_between(name, utc("2026-01-01"), utc("2026-01-02"))
    assert "such as Europe/Berlin or UTC" in str(error.value)
