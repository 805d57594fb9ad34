"""Tells a verdict in lines, and writes `verdicts.txt`: what each spoilt story changes in the verdict of the perfect drill.

python -m tests.core.verdicts     writes it anew; read the difference before it is committed
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from islandmode.core.plan import Plan
from islandmode.core.verdict import Finding, Row, Times, Verdict
from tests.core.given import given as given_files
from tests.core.spoilt_stories import STORIES
from tests.core.story import Story
from tests.pages import write

PAGE = Path(__file__).with_suffix(".txt")
PERFECT = "nothing"


@cache
def perfect_plan() -> Plan:
    return given_files().plan()


def verdict_of(name: str) -> Verdict:
    """Judge a story by its name."""
    story = Story(perfect_plan())
    STORIES[name](story)
    return story.judge()


@cache
def _perfect() -> tuple[str, ...]:
    return tuple(told(verdict_of(PERFECT)))


def told(verdict: Verdict) -> list[str]:
    """Tell everything that a verdict says, in lines."""
    one = verdict
    return [
        (
            f"verdict: {one.sentence}; restoration {one.restoration.value}; {one.leaks} leaks; island {one.island}; "
            f"longest gap {one.longest_ot_gap_s}; isolated {_times(one.isolation_s)}; back {_times(one.restoration_s)}"
        ),
        (
            f"run: {one.mode}, lab {one.lab}, {one.site}, {one.drill}, {one.run}, format {one.format}, "
            f"{len(one.closed_by_rule)} closed by rule"
        ),
        *(
            f"stage {each.name}: {each.result.value}; held {each.held_s}; {_times(each.isolation_s)}"
            for each in one.stages
        ),
        *(f"finding: {_finding(each)}" for each in one.findings),
        f"witness: {one.witness.basis}; last read {one.witness.last_read_s}",
        *(
            f"counted: {each.point} {each.conduit} ({each.way}): {each.before}, isolated {each.isolated}; "
            f"records {_numbers(each.records)}"
            for each in one.witness.counted
        ),
        *(f"row: {_row(each)}" for each in one.rows),
    ]


def _times(times: Times) -> str:
    between = times.ordered_to_effective
    interval = "never" if between is None else f"{between.earliest_s} to {between.latest_s}"
    return f"{interval}, verified {times.ordered_to_verified}"


def _finding(one: Finding) -> str:
    about = ", ".join(str(each) for each in (one.stage, one.probe, one.conduit, one.first_s, one.last_s))
    return f"{one.code} ({one.result.value}) {about}; records {_numbers(one.records)}; {one.sentence}"


def _row(one: Row) -> str:
    return (
        f"{one.stage} {one.probe} ({one.role} at {one.vantage}) expected {one.expected}: {one.result.value}; "
        f"{one.good} good {one.bad} bad {one.unknown} unknown, {one.passed} passed; gap {one.longest_gap_s}; "
        f"records {_numbers(one.records)}"
    )


def _numbers(records: tuple[int, ...]) -> str:
    """Write rising numbers in a row as one span."""
    spans: list[list[int]] = []
    for one in records:
        if spans and one == spans[-1][-1] + 1:
            spans[-1][1:] = [one]
        else:
            spans.append([one])
    return " ".join("-".join(str(edge) for edge in span) for span in spans) or "none"


def difference(name: str) -> list[str]:
    """Tell what the verdict of a story says that the perfect drill's does not, and what is gone; for that itself, all of it."""
    if name == PERFECT:
        return list(_perfect())
    before, lines = _perfect(), told(verdict_of(name))
    known, left = {_but_records(line) for line in before}, {_about(line) for line in lines}
    gone = dict.fromkeys(_about(line) for line in before if _about(line) not in left)
    return [*(f"no more: {about}" for about in gone), *(line for line in lines if _but_records(line) not in known)]


def _but_records(line: str) -> str:
    # A record more or less moves the numbers of all that follow; the perfect drill says on which records each row rests.
    return line.partition("; records ")[0] if line.startswith(("row", "counted")) else line


def _about(line: str) -> str:
    """Name what a line is about: up to its first value."""
    ends = {"row": " expected ", "counted": "): ", "finding": "; records "}.get(line.partition(":")[0], ": ")
    return line.partition(ends)[0]


if __name__ == "__main__":
    write(PAGE, {name: difference(name) for name in STORIES})
