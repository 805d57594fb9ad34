"""The records behind a report: findings, probe tables, counters and timers, for who checks what was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from islandmode.core.entered import LedgerEntered
from islandmode.core.flows_told import seen_of
from islandmode.core.hand import no_timer_told
from islandmode.core.judging.timeline import Timeline, of_kind
from islandmode.core.ledger import Checkpoint
from islandmode.core.people_told import people_told
from islandmode.core.plan import Plan, PlanPoint
from islandmode.core.recipe.told import recipe_told
from islandmode.core.record import Record
from islandmode.core.text import how_many
from islandmode.core.verdict import Verdict
from islandmode.core.what_to_do import what_to_do
from islandmode.system.own_program import program_anywhere
from islandmode.ui.report.first_pages import SIGNS, kind_of, when_told
from islandmode.ui.report.moments import Moments
from islandmode.ui.report.values import Judged, Table

READINGS_MAX = 20
"""How many of a dead-man's readings are printed from its beginning, and as many from its end."""


@dataclass(frozen=True)
class BoundaryTold:
    """Every conduit of the boundary, and what of it stays open."""

    told: str
    conduits: Table
    ways: tuple[str, ...]


@dataclass(frozen=True)
class FindingTold:
    """A finding, or a note, with what to do."""

    word: str
    kind: str
    sentence: str
    when: str
    code: str
    do: str


@dataclass(frozen=True)
class TimerReadings:
    """What the devices said of their timers: all readings, or the first and the last of them and what is between."""

    parts: tuple[Table, ...]
    between: str = ""


def boundary(verdict: Verdict, plan: Plan) -> BoundaryTold:
    """List every conduit of the boundary, by what it was to be isolated, and what of it stays open."""
    rows = tuple(
        (
            conduit.conduit,
            " to ".join(conduit.between),
            f"isolated in stage {conduit.stage}" if conduit.state == "isolated" else conduit.state,
            _isolated_by(plan, conduit.conduit) if conduit.state == "isolated" else "",
            "" if conduit.state == "isolated" else conduit.accepted_by or "nobody",
        )
        for conduit in verdict.boundary.conduits
    )
    ways = (f"Way {way.told}." for way in verdict.boundary.ways_round)
    others = (f"Other way {way.told}." for way in verdict.boundary.other_ways)
    closed = (f"{way.told}: closed by rule (declared), not tested by this drill." for way in verdict.closed_by_rule)
    drawn = Table(("conduit", "between", "in this drill", "by", "accepted by"), rows)
    return BoundaryTold(verdict.boundary_told, drawn, (*ways, *others, *closed))


def _isolated_by(plan: Plan, conduit: str) -> str:
    return ", ".join(
        f"{name} ({'by hand' if point.by_hand is not None else point.platform})"
        for name, point in plan.points.items()
        if conduit in point.conduits
    )


def findings(verdict: Verdict, moments: Moments) -> tuple[FindingTold, ...]:
    """List all findings, notes too, each with what to do."""
    return tuple(
        FindingTold(
            finding.word,
            finding.word.replace(" ", "-"),
            finding.sentence,
            when_told((finding,), moments),
            finding.code,
            what_to_do(finding.code, verdict.run, program_anywhere()),
        )
        for finding in verdict.findings
    )


def probes(verdict: Verdict, plan: Plan) -> Table:
    """List every probe in every window with the numbers that the verdict rests on."""
    rows = []
    hows = {name: planned.how_told for name, planned in plan.probes.items()}
    for row in verdict.rows:
        word, result = seen_of(verdict, row)
        rows.append(
            (
                row.stage,
                f"{row.probe} ({hows[row.probe]})" if hows.get(row.probe) else row.probe,
                row.vantage,
                row.expected,
                Judged(f"{SIGNS[result]} {word}", kind_of(result)),
                str(row.good),
                str(row.bad),
                str(row.unknown),
                str(row.passed),
                "" if row.longest_gap_s is None else f"{row.longest_gap_s:.3f}",
                _numbers(row.records),
            )
        )
    head = ("stage", "probe", "vantage", "must be", "was", "good", "bad", "unknown", "passed", "gap s", "records")
    return Table(head, tuple(rows), "small")


def _numbers(records: Sequence[int]) -> str:
    return ", ".join(map(str, records))


def counted(verdict: Verdict) -> Table:
    """List what the firewalls counted."""
    rows = tuple(
        (
            row.point,
            row.conduit,
            row.way,
            str(row.before),
            "not known" if row.isolated is None else str(row.isolated),
            _numbers(row.records),
        )
        for row in verdict.witness.counted
    )
    head = ("isolation point", "conduit", "way", "packets from arming until isolated", "while isolated", "records")
    return Table(head, rows, "small")


def levels_told(point: PlanPoint) -> tuple[str, ...]:
    """Say at which level a point is isolated, where that is more than a deny."""
    return (f"level {point.level_told}",) if point.level == "hard" else ()


def tiers(plan: Plan, records: Sequence[Record]) -> tuple[tuple[str, str, str], ...]:
    """Say of every point how strong its undo is, what that takes back, by which recipe it goes, and by whom it was benched when the run began."""
    benched: Mapping[str, str] = next(
        (record.data.get("benched", {}) for record in of_kind(records, "run.started")), {}
    )
    return tuple(
        (
            name,
            point.capabilities.undo_tier,
            "; ".join((*levels_told(point), *_of_undo(point, benched.get(name, "")))),
        )
        for name, point in plan.points.items()
    )


def _of_undo(point: PlanPoint, benched: str) -> Iterator[str]:
    yield from filter(None, (point.takes_back_told, no_timer_told(point)))
    yield from recipe_told(point, benched)
    if point.recipe is None and benched:
        yield benched


def last_read(verdict: Verdict) -> str:
    """Say how long before the order to restore the counters were last read."""
    last_s = verdict.witness.last_read_s
    return "not made" if last_s is None else f"{last_s:.2f} s"


def unchanged(plan: Plan, records: Sequence[Record]) -> Iterator[str]:
    """Name the parts of the devices' configuration that were compared and are the same."""
    for name in plan.points:
        compared = list(of_kind(records, "configuration.compared", point=name))
        same = [str(record.data["part"]) for record in compared if record.data["same"]]
        if plan.points[name].capabilities.asks_person:
            yield f"{name}: restored by a person, so there is no configuration to compare; probes saw what passes."
        elif not compared:
            yield f"{name}: its configuration before and after could not be compared."
        elif same:
            yield f"{name}: the same before and after, line by line: {', '.join(same)}."


def dead_man(records: Sequence[Record], timeline: Timeline) -> TimerReadings:
    """List the timers as the devices said them."""
    rows, least_s = [], None
    for record in records:
        if record.kind not in {"arm.result", "dead_man.read", "dead_man.renew"}:
            continue
        left = [value for value in record.data.get("armed_s", {}).values() if value is not None]
        least_s = min([*left, *([] if least_s is None else [least_s])], default=None)
        isolating = [name for name, on in record.data.get("isolating", {}).items() if on]
        rows.append(
            (
                f"{timeline.seconds(record.monotonic_us):.1f} s",
                str(record.data["point"]),
                record.kind.replace("dead_man.", "").replace(".result", "ed"),
                f"{min(left):.0f} s" if left else "no timer",
                ", ".join(isolating) or "nothing",
            )
        )
    hidden = len(rows) - 2 * READINGS_MAX
    if hidden <= 0:
        return TimerReadings((_readings(rows),))
    least = "" if least_s is None else f" The least that any reading found left was {least_s:.0f} s."
    between = f"{how_many(hidden, 'more reading')} between these in the journal.{least}"
    return TimerReadings((_readings(rows[:READINGS_MAX]), _readings(rows[-READINGS_MAX:])), between)


def _readings(rows: Sequence[tuple[str, ...]]) -> Table:
    return Table(("at", "isolation point", "what", "left on the device", "isolating"), tuple(rows), "small")


def vantages(plan: Plan, records: Sequence[Record]) -> Table:
    """Say of each vantage how it was measured from there."""
    rows = []
    for name, vantage in plan.vantages.items():
        started = next(of_kind(records, "vantage.started", vantage=name), None)
        offsets = [record.data for record in of_kind(records, "vantage.offset", vantage=name, outcome="done")]
        spool = next(of_kind(records, "collect.result", vantage=name), None)
        measured = "; ".join(
            f"{offset['when']}: {offset['monotonic_us'] / 1e6:+.6f} s ± {offset['uncertainty_us']} µs"
            for offset in offsets
        )
        rows.append(
            (
                name,
                vantage.zone,
                "a kit that a person carries"
                if vantage.kit
                else "samples alone, collected after restore"
                if vantage.far
                else "heard live",
                str(started.data["by"]) if started is not None else "not started",
                f"{measured}{_kept_by_ntp(offsets)}" if measured else "not measured",
                str(spool.data["samples"]) if spool is not None else "not collected",
            )
        )
    return Table(("vantage", "zone", "how", "worker started by", "clock offset", "samples"), tuple(rows))


def _kept_by_ntp(offsets: Sequence[Mapping[str, Any]]) -> str:
    """Say whether NTP kept a clock at every measurement, where its host told."""
    told = {str(offset.get("kept")) for offset in offsets}
    if told == {"yes"}:
        error_ms = max(int(offset.get("error_us", 0)) for offset in offsets) / 1000
        return f"; kept by NTP, by its own account to {error_ms:.0f} ms"
    return "; not kept by NTP" if "no" in told else ""


def people(records: Sequence[Record], others: Sequence[Record], moments: Moments) -> Table | None:
    """Say what people were asked, what they confirmed and what they noted; None where there was nothing of it."""
    told = people_told(records, others)
    rows = tuple((moments.clock((said.at_us - moments.start_utc_us) / 1_000_000), said.who, said.what) for said in told)
    return Table(("at", "who", "what"), rows, "small") if rows else None


def checkpoint(records: Sequence[Record]) -> str:
    """Say how the ledger stood when the run was entered; empty for a run of a version without one."""
    for entered in of_kind(records, LedgerEntered.record_kind):
        said = LedgerEntered.model_construct(**entered.data)
        return Checkpoint(said.ledger, said.size, said.root, said.sha256).told()
    return ""
