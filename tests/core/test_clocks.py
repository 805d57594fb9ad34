"""Where a vantage's times lie: on the line between two measurements, never further off than is said."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.clocks import clock_line


def measured(at_us: int, shift_us: int, uncertainty_us: int = 50, **more: Any) -> dict[str, Any]:
    return {"monotonic_us": shift_us, "uncertainty_us": uncertainty_us, "at_us": at_us} | more


def test_without_a_measurement_there_is_no_line() -> None:
    assert clock_line([]) is None


def test_one_measurement_holds_everywhere() -> None:
    line = clock_line([measured(1_000, 500)])
    assert line is not None
    assert (line.at(0), line.at(10**9), line.uncertainty_us) == (500, 10**9 + 500, 50)


def test_a_record_that_does_not_say_when_counts_its_drift_as_uncertain() -> None:
    line = clock_line([{"monotonic_us": 100, "uncertainty_us": 20}, {"monotonic_us": 300, "uncertainty_us": 30}])
    assert line is not None
    assert (line.at(0), line.uncertainty_us) == (200, 230)


def test_what_ntp_changes_of_a_rate_is_uncertain_on_both_hosts() -> None:
    hour_us = 3_600_000_000
    theirs = [measured(1, 0, rate_ppb=10_000), measured(hour_us + 1, 0, rate_ppb=-10_000)]
    ours = [measured(1, 0, rate_ppb=0), measured(hour_us + 1, 0, rate_ppb=4_000)]
    alone, both = clock_line(theirs), clock_line(theirs, ours)
    assert alone is not None
    assert both is not None
    # A quarter of an hour, times 2 + 20 ppm, and 4 more.
    assert (alone.uncertainty_us, both.uncertainty_us) == (50 + 900 * 22, 50 + 900 * 26)


@given(
    drift_ppb=st.integers(-100_000, 100_000),
    ahead_us=st.integers(-(10**12), 10**12),
    lasts_us=st.integers(1_000_000, 86_400_000_000),
    errors=st.tuples(st.integers(-50, 50), st.integers(-50, 50)),
    bend_ppb=st.integers(-1_000, 1_000),
    share=st.floats(0, 1),
)
def test_a_moment_is_never_further_off_than_is_said(
    drift_ppb: int, ahead_us: int, lasts_us: int, errors: tuple[int, int], bend_ppb: int, share: float
) -> None:
    """A clock that is ahead and drifts, whose rate changes half way by as much as is allowed for."""

    def theirs(ours_us: int) -> int:
        first_us, last_us = min(ours_us, lasts_us // 2), max(ours_us - lasts_us // 2, 0)
        rates = (drift_ppb - bend_ppb, drift_ppb + bend_ppb)
        return 10**13 + ours_us + ahead_us + (first_us * rates[0] + last_us * rates[1]) // 10**9

    ends = [
        measured(theirs(at_us), at_us - theirs(at_us) + error)
        for at_us, error in zip((0, lasts_us), errors, strict=True)
    ]
    line = clock_line(ends)
    assert line is not None
    moment_us = round(lasts_us * share)
    assert abs(line.at(theirs(moment_us)) - moment_us) <= line.uncertainty_us + 2
    span_us = ends[1]["at_us"] - ends[0]["at_us"]
    assert line.uncertainty_us <= 50 + span_us // 2_000_000 + 1
