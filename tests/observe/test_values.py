"""When a value is new, on a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle, islice
from typing import Any

import pytest

from islandmode.observe.answers import Bad
from islandmode.observe.values import Fresh, shown

EVERY_US = 100_000
WITHIN_S = 1.0


def judged(values: Iterable[Any], within_s: float | None = WITHIN_S) -> list[str]:
    """Look ten times a second; returns what is said of each value, nothing where it is fresh."""
    fresh, found = Fresh(within_s), []
    for number, value in enumerate(values):
        try:
            fresh.check(value, number * EVERY_US)
            found.append("")
        except Bad as bad:
            found.append(str(bad))
    return found


def times(seconds: Iterable[int], form: str = "2026-11-26T10:{:02}:{:02}Z") -> list[str]:
    return [form.format(*divmod(one, 60)) for one in seconds]


MOVING: dict[str, list[Any]] = {
    "a counter": list(range(100)),
    "a counter that wraps": [number % 256 for number in range(200, 400)],
    "a small counter": [number % 20 for number in range(100)],
    "a counter that goes down": list(range(100, 0, -1)),
    "a counter twice a second": [number // 5 for number in range(100)],
    "a process value": [600 + number * 37 % 50 for number in range(100)],
    "a time": times(range(100)),
    "seconds since 1970": [1_795_000_000 + number for number in range(100)],
    "a time put back once by an hour": times([*range(3600, 3650), *range(50)]),
    "text": [f"batch {number}" for number in range(100)],
    "a list": [[number] for number in range(100)],
    "very long texts": ["x" * 1000 + str(number) for number in range(100)],
}
STANDING: dict[str, list[Any]] = {
    "one value": [7] * 100,
    "two frozen servers in turn": list(islice(cycle([7, 8]), 100)),
    "three frozen servers in turn": list(islice(cycle(times([1, 2, 3])), 100)),
    "two frozen servers, five looks each": [number // 5 % 2 for number in range(100)],
    "a time that goes back": times(range(100, 0, -1)),
    "a time that goes back, without a zone": times(range(100, 0, -1), "2026-11-26 10:{:02}:{:02}"),
    "seconds since 1970 that go back": [1_795_000_000 - number for number in range(100)],
    "milliseconds in text that go back": [str(1_795_000_000_000 - number) for number in range(100)],
    "a very long text": ["x" * 1000] * 100,
    "one list": [[1, {"a": 2}]] * 100,
}


@pytest.mark.parametrize("name", MOVING)
def test_what_moves_on_is_fresh(name: str) -> None:
    assert set(judged(MOVING[name])) == {""}


@pytest.mark.parametrize("name", STANDING)
def test_what_stands_still_or_goes_round_or_back_is_stale_after_the_window(name: str) -> None:
    found = judged(STANDING[name])
    assert found.index(next(filter(None, found))) * EVERY_US <= (WITHIN_S + 1) * 1_000_000
    assert all(one.startswith("stale: ") for one in found[20:])


def test_the_reason_tells_standing_from_going_round() -> None:
    assert judged([7] * 13)[-1] == "stale: it has stood at 7 for 1.2 s"
    assert judged(islice(cycle([7, 8]), 14))[-1] == (
        "stale: nothing new for 1.2 s, only values seen before or going back, now 8"
    )


def test_it_is_fresh_again_with_the_first_new_value() -> None:
    found = judged([7] * 20 + [8] * 10 + [9])
    assert found[19]
    assert set(found[20:]) == {""}


def test_where_no_window_is_given_nothing_is_stale() -> None:
    assert set(judged([7] * 100, None)) == {""}


def test_what_is_remembered_is_bounded() -> None:
    fresh = Fresh(90 * 86400.0)
    for number in range(70_000):
        fresh.check(number, number)
    assert len(fresh._seen_us) <= 65536


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (7, 7),
        (None, None),
        (True, "true"),
        (1.5, "1.5"),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        ("a" * 300, "a" * 200),
        ("\x1b" * 300, ("\\x1b" * 50)),
        ({"a": ["\ud83d"]}, '{"a": ["\\ud83d"]}'),
    ],
)
def test_a_value_is_kept_as_a_whole_number_or_a_short_clean_text(value: Any, written: Any) -> None:
    assert shown(value) == written
