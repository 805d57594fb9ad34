"""A configuration is compared with what dry runs read: what moves by itself is no drift, and what is gone is never the same."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from islandmode.core.difference import Comparable
from islandmode.core.preflight_drift import Drift, EarlierReading, drift_of
from islandmode.isolation.incoming import Configurations, unkeyed
from islandmode.isolation.nftables.reading import COMPARABLE

RULES = "table inet site { # handle 4\n\tchain forward { # handle 1\n\t\tip daddr 10.40.0.10 accept # handle 7\n"
LOADED_AGAIN = RULES.replace("handle 7", "handle 19")
OPENED = RULES + "\t\tip daddr 10.40.0.11 accept # handle 8\n"


def reading(run: str, **parts: str | None) -> EarlierReading:
    return EarlierReading(run, {"east": parts})


def drift(
    parts: Mapping[str, str], *earlier: EarlierReading, comparable: Comparable = COMPARABLE, point: str = "east"
) -> Drift | None:
    return drift_of(point, parts, earlier, comparable, unkeyed)


def test_a_line_that_came_is_told_with_the_run_and_what_to_do() -> None:
    found = drift({"running": OPENED, "saved": "x"}, reading("run-1", running=RULES, saved="x"))
    assert found is not None
    assert found.finding.refuses
    assert found.finding.sentence == (
        "east: its running configuration is not what dry run run-1 read (+ ip daddr 10.40.0.11 accept). Read the difference in "
        "artifacts/east.running.drift.txt of this run; where it is meant, do the dry run again. Nothing was touched."
    )


@pytest.mark.parametrize("now", [RULES, LOADED_AGAIN])
def test_what_is_loaded_again_is_no_drift(now: str) -> None:
    found = drift({"running": now}, reading("run-1", running=RULES))
    assert found is not None
    assert not found.differences


def test_only_what_people_and_programs_write_is_compared() -> None:
    found = drift({"running": RULES, "routes": "a"}, reading("run-1", running=RULES, routes="b"))
    assert found is not None
    assert not found.differences


@pytest.mark.parametrize(("now", "was"), [("", "x"), ("x", "")])
def test_a_part_that_only_one_side_has_is_a_drift(now: str, was: str) -> None:
    found = drift({"running": RULES, **({"saved": now} if now else {})}, reading("run-1", running=RULES, saved=was))
    assert found is not None
    assert list(found.differences) == ["saved"]


def test_the_mark_of_a_secret_is_another_in_each_run_and_no_drift() -> None:
    one, other = (Configurations().taken_in({"running": "community public\nline"})["running"] for _ in range(2))
    assert one != other
    found = drift({"running": one}, reading("run-1", running=other))
    assert found is not None
    assert not found.differences


def test_what_cannot_be_read_any_more_is_never_the_same() -> None:
    found = drift({"running": RULES, "saved": "x"}, reading("run-1", running=RULES, saved=None))
    assert found is not None
    assert found.finding.sentence == (
        "east: what dry run run-1 read of its saved configuration is not there any more. Look what changed; where it is meant, do the "
        "dry run again. Nothing was touched."
    )


def test_both_are_told_in_one_sentence() -> None:
    found = drift({"running": OPENED, "saved": "x"}, reading("run-1", running=RULES, saved=None))
    assert found is not None
    assert "not what dry run run-1 read (+ ip daddr 10.40.0.11 accept), and what dry run run-1 read of its saved" in (
        found.finding.sentence
    )


def test_a_device_that_no_dry_run_has_read_is_compared_with_nothing() -> None:
    assert drift({"running": RULES}) is None
    assert drift({"running": RULES}, reading("run-1", running=RULES), point="west") is None


@pytest.mark.parametrize(("now", "as_read_by"), [(OPENED, "shown"), (RULES, "ended"), ("other", None)])
def test_what_was_shown_or_put_back_is_no_drift(now: str, as_read_by: str | None) -> None:
    found = drift({"running": now}, reading("shown", running=OPENED), reading("ended", running=RULES))
    assert found is not None
    assert (found.run, bool(found.differences)) == (as_read_by or "shown", as_read_by is None)
