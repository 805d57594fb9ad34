"""Moments with a zone: what a person means, and nothing from which a sum could leave what can be written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from islandmode.core.moments import moment_of

FAR = timedelta(days=500 * 365)


def test_a_moment_is_read_as_of_utc() -> None:
    assert moment_of("2027-01-09T06:00:00-08:00") == datetime(2027, 1, 9, 14, tzinfo=UTC)
    assert moment_of("2027-01-09T06:00:00") is None


@pytest.mark.parametrize("year", ["0001", "1999", "3000", "9999"])
def test_a_year_that_nobody_means_is_no_moment(year: str) -> None:
    assert moment_of(f"{year}-06-01T00:00:00Z") is None


@pytest.mark.parametrize("text", ["2000-01-01T00:00:00Z", "2999-12-31T23:59:59Z"])
def test_no_duration_leads_from_a_moment_to_where_none_is(text: str) -> None:
    moment = moment_of(text)
    assert moment is not None
    assert moment - FAR < moment < moment + FAR
