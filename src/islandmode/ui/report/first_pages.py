"""The first pages of a report, which are what people read: verdict, restoration, what failed, when, whose flows, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from islandmode.core.entered import LedgerAcknowledged, LedgerEntered
from islandmode.core.evidence import people_of
from islandmode.core.flows_told import Fate, FlowTold, concerned_by
from islandmode.core.go_records import GoAnswered, SessionsListed
from islandmode.core.judging.timeline import AFTER, BEFORE, Timeline, last_us, of_kind
from islandmode.core.live.losses import backups_told, is_reviewed, losses_worst_first, rank, services_told
from islandmode.core.plan import Plan
from islandmode.core.plant_state import IDLE_SHOWS
from islandmode.core.record import Record
from islandmode.core.text import how_many
from islandmode.core.verdict import Finding, Interval, Restoration, Result, Times, Verdict
from islandmode.core.what_to_do import is_urgent, urgency, what_to_do
from islandmode.system.own_program import program_anywhere
from islandmode.ui.report.moments import Moments, lasted
from islandmode.ui.report.values import Failure, Headline, Judged, Table

SAYS = {
    Result.HELD: "Every isolated path that a severed probe crosses was dead, and what must stay alive did.",
    Result.BREACHED: "The isolation or the plant did not hold.",
    Result.INCONCLUSIVE: "What was seen does not prove that the isolation and the plant held.",
    Result.NOT_TESTED: "At least one stage was not tested.",
}
RETURNS = {
    Restoration.PROVEN: "Every isolated path that a probe crosses was seen to pass again, and no Islandmode object is left.",
    Restoration.KEPT_CLOSED: "No Islandmode object is left. What stays dead is kept closed by the site itself; it is opened by those who closed it.",
    Restoration.UNPROVEN: "NOT everything was seen back as it was. Look at the plant now, and use the card.",
}
RETURN_SIGNS = {Restoration.PROVEN: "✔", Restoration.KEPT_CLOSED: "?", Restoration.UNPROVEN: "✖"}
SIGNS = {Result.HELD: "✔", Result.BREACHED: "✖", Result.INCONCLUSIVE: "?", Result.NOT_TESTED: "–"}
FATES = {Fate.DIED: "✔", Fate.DID_NOT_DIE: "✖", Fate.NOT_SEEN: "?"}
BACK = {True: "✔ passes again", False: "✖ not seen to", None: "? not seen"}
SENTENCES_MAX = 4
"""How many findings of one kind the first page quotes; all of them stand behind it."""


def kind_of(result: Result) -> str:
    """Name a result as the style does."""
    return result.value.replace(" ", "-")


def begun_told(records: Sequence[Record], length_s: float, moments: Moments) -> str:
    """Say from when until when a run was, in which time zone and mode, by whom, and with which version."""
    started = next(of_kind(records, "run.started"), None)
    said = started.data if started is not None else {}
    told = (
        f"{moments.whole(0)} to {moments.clock(length_s)[:-2]}, {moments.zone_told}",
        lasted(length_s),
        f"{said['mode']}{' in the lab' if said.get('lab') else ''}" if said.get("mode") else "",
        f"run by {said['operator']}" if said.get("operator") else "",
        f"{said['break_glass']}: nobody approved it, and nobody said go" if said.get("break_glass") else "",
        f"Islandmode {said['version']}" if said.get("version") else "",
    )
    return " · ".join(part for part in told if part)


def verdict_box(verdict: Verdict) -> Headline:
    """Say the verdict, and where it is held by whom it was seen that nothing passed."""
    kind, island = verdict.verdict, verdict.island_told
    held = kind is Result.HELD
    return Headline(
        f"{SIGNS[kind]} {kind.value}",
        kind_of(kind),
        f"{_says(verdict)} {island}" if island else _says(verdict),
        verdict.witness.basis if held else "",
        verdict.witness.not_seen if held else (),
    )


def _says(verdict: Verdict) -> str:
    """Say what a verdict means; of a plant that stood, nothing about production."""
    if verdict.verdict is Result.HELD and verdict.plant_state == "idle":
        return f"{SAYS[Result.HELD]} {IDLE_SHOWS}: this drill says nothing of production."
    return SAYS[verdict.verdict]


def restoration_box(verdict: Verdict) -> Headline:
    """Say whether the restoration is proven, which the verdict does not hide."""
    back = verdict.restoration
    return Headline(f"{RETURN_SIGNS[back]} {verdict.restoration_told}", back.value.replace(" ", "-"), RETURNS[back])


def failures(plan: Plan, verdict: Verdict, moments: Moments) -> tuple[Failure, ...]:
    """Say what failed, when, whose flows that concerns and what to do; what restores the plant comes first."""
    kinds: dict[tuple[Result, str], list[Finding]] = {}
    for finding in verdict.findings:
        if finding.result is not Result.HELD:
            kinds.setdefault((finding.result, finding.code), []).append(finding)
    return tuple(_failure(plan, verdict, moments, group) for group in sorted(kinds.values(), key=_place))


def notes_told(verdict: Verdict) -> str:
    """Count the findings that are notes, for who reads that nothing failed."""
    notes = sum(finding.result is Result.HELD for finding in verdict.findings)
    return f" {how_many(notes, 'note')} more under Findings, further below." if notes else ""


def _place(group: Sequence[Finding]) -> tuple[int, int, float]:
    worst_first = (Result.BREACHED, Result.INCONCLUSIVE, Result.NOT_TESTED)
    begun_s = min((finding.first_s for finding in group if finding.first_s is not None), default=inf)
    return urgency(group[0].code), worst_first.index(group[0].result), begun_s


def _failure(plan: Plan, verdict: Verdict, moments: Moments, group: Sequence[Finding]) -> Failure:
    first = group[0]
    word, kind = f"{SIGNS[first.result]} {first.result.value}", kind_of(first.result)
    if verdict.restoration is Restoration.UNPROVEN and is_urgent(first.code):
        word, kind = "✖ restoration unproven", "breached"
    return Failure(
        word,
        kind,
        tuple(finding.sentence for finding in group[:SENTENCES_MAX]),
        when_told(group, moments),
        concerned_by(plan, group),
        what_to_do(first.code, verdict.run, program_anywhere()),
        max(len(group) - SENTENCES_MAX, 0),
    )


def when_told(group: Sequence[Finding], moments: Moments) -> str:
    """Say when findings were first and last seen, or in which part of the run."""
    firsts = [finding.first_s for finding in group if finding.first_s is not None]
    lasts = [finding.last_s for finding in group if finding.last_s is not None]
    if not firsts or not lasts:
        return ", ".join(dict.fromkeys(_window_told(finding.stage) for finding in group if finding.stage is not None))
    first, last = min(firsts), max(lasts)
    return f"{moments.clock(first)} to {moments.clock(last)} ({first:.1f} to {last:.1f} s of the run)"


def _window_told(window: str) -> str:
    return f"{window} the isolation" if window in (BEFORE, AFTER) else f"in stage {window}"


def run_facts(
    plan: Plan, verdict: Verdict, records: Sequence[Record], timeline: Timeline, moments: Moments
) -> tuple[tuple[str, str], ...]:
    """Say when the run was, in which time zone, who ran it and with which version."""
    length_s = timeline.seconds(last_us(records))
    return (
        ("Start", moments.whole(0)),
        ("End", moments.whole(length_s)),
        ("Duration", lasted(length_s)),
        ("Isolated", _isolated(timeline, moments)),
        ("Time zone", moments.zone_told),
        ("Service", plan.drill.service_told),
        *_state(plan),
        *_losses(plan),
        ("Run", verdict.run),
        *people_of(records),
        *_attempt(records),
        *(("Backlog (production, not packets)", drained.words) for drained in verdict.backlogs),
        *_receiver(records),
        *_sessions(records),
        *_rungs(records),
    )


def _state(plan: Plan) -> Iterator[tuple[str, str]]:
    """Say in which state the plant was declared to be, and what had to show it."""
    drill = plan.drill
    if drill.is_idle or drill.interlocks:
        shown = ", ".join(
            f"{lock.probe} had to read {lock.needed_told(drill.plant_state)}" for lock in drill.interlocks
        )
        yield "Plant state", f"declared {drill.plant_state}: {shown}"


def _losses(plan: Plan) -> Iterator[tuple[str, str]]:
    """Say what was to be cut by what its loss does, the worst first; nothing where nobody reviewed anything."""
    if is_reviewed(plan):
        told = (f"{severity}: {', '.join(flow.flow for flow in flows)}" for severity, flows in losses_worst_first(plan))
        yield "Cut, worst first", "; ".join(told)
    cut = [f"{service}: {said}" for service, said, is_cut in services_told(plan) if is_cut]
    if cut:
        yield "Services cut", "; ".join(cut)


def backups(plan: Plan, moments: Moments) -> Table | None:
    """List the backups that the site declared, each as old as it was at the run's start; None where it declared none."""
    declared = plan.declared.backups if plan.declared is not None else None
    if declared is None:
        return None
    return Table(
        ("backup of", "what", "where", "taken, age at the start", "checked by"),
        tuple(backups_told(declared, moments.day)),
    )


def _attempt(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Say which attempt at the drill the run was, and how those before it ended: a drill can be run until it holds."""
    for entered in of_kind(records, LedgerEntered.record_kind):
        yield "Attempt", f"{entered.data.get('attempt')} at this drill (before it: {entered.data.get('earlier')})"


def _sessions(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Say what was listed of sessions across what was isolated before the go, and who released any of them."""
    newest = {str(record.data.get("point")): record.data for record in of_kind(records, SessionsListed.record_kind)}
    for point, said in newest.items():
        count, why = how_many(int(said.get("count", 0)), "session"), said.get("why")
        yield "Open before the go", f"{point}: {count}" if said.get("listed") else f"{point}: not listed ({why})"
    for answered in of_kind(records, GoAnswered.record_kind, outcome="released"):
        yield "Released", str(answered.data.get("why"))


def _receiver(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Say who off this host acknowledged the run's line in the ledger before it armed, or did not."""
    for said in of_kind(records, LedgerAcknowledged.record_kind):
        data = said.data
        did = "acknowledged" if data.get("acknowledged") else "NOT acknowledged"
        yield "Ledger's receiver", f"line {data.get('line')} {did} by {data.get('receiver')} ({data.get('said')})"


def _rungs(records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    """Say what stood behind the drill as the run began: earlier runs, a tabletop, benches."""
    for started in of_kind(records, "run.started"):
        for rung in started.data.get("rungs", ()):
            yield "Before it", str(rung)


def _isolated(timeline: Timeline, moments: Moments) -> str:
    """Say from the first order to isolate until the last device was seen restored."""
    first = next((window for window in timeline.windows if window.name not in (BEFORE, AFTER)), None)
    if first is None:
        return "no stage was ordered"
    from_s = timeline.seconds(first.start_us)
    if timeline.restore_seen_us is None:
        return f"{moments.clock(from_s)}, and not seen restored"
    to_s = timeline.seconds(timeline.restore_seen_us)
    return f"{moments.clock(from_s)} to {moments.clock(to_s)} ({lasted(to_s - from_s)})"


def limits(plan: Plan, verdict: Verdict) -> Table:
    """Set the times that were seen against the limits."""
    wanted, longest_s = plan.drill.limits, verdict.longest_ot_gap_s
    gap = "not known" if longest_s is None else f"{longest_s:.3f} s"
    rows = (
        ("Isolation, slowest stage", _seen(verdict.isolation_s), f"{wanted.isolate_within:g} s"),
        ("Restoration", _seen(verdict.restoration_s), f"{wanted.restore_within:g} s"),
        ("Longest OT gap", gap, f"{wanted.longest_ot_gap:g} s"),
        ("Leaks", str(verdict.leaks), "none"),
    )
    return Table(("measured", "was", "limit"), rows)


def _seen(times: Times) -> str:
    verified = times.ordered_to_verified
    told = "not seen" if verified is None else f"{verified:.3f} s"
    return f"ordered to effective {_interval(times.ordered_to_effective)}, ordered to verified {told}"


def _interval(interval: Interval | None) -> str:
    if interval is None or interval.latest_s is None:
        return "not seen"
    return f"between {interval.earliest_s:.3f} and {interval.latest_s:.3f} s"


def flows(told: Sequence[FlowTold], moments: Moments) -> Table:
    """Say of each flow whether it died, whose it is, and whether it passes again; what failed comes first."""
    order = (False, None, True)
    ranked = sorted(told, key=lambda outcome: (order.index(outcome.as_expected), rank(outcome.flow)))
    reviewed = any(outcome.flow.if_cut is not None for outcome in told)
    rows = tuple(
        (
            outcome.flow.flow,
            outcome.flow.owner,
            _fate(outcome),
            f"{outcome.why}{_passed(outcome, moments)}",
            BACK[outcome.back],
            f"{outcome.stage}: {outcome.flow.conduit}",
            str(outcome.flow.service),
            *((outcome.flow.review_told,) if reviewed else ()),
        )
        for outcome in ranked
    )
    head = ("flow", "owner", "outcome", "seen", "after restore", "stage and conduit", "service")
    return Table((*head, "if cut") if reviewed else head, rows)


def _fate(outcome: FlowTold) -> Judged:
    sign = "✖" if outcome.as_expected is False else FATES[outcome.fate]
    return Judged(
        f"{sign} {outcome.fate.value}", {True: "held", False: "breached", None: "inconclusive"}[outcome.as_expected]
    )


def _passed(outcome: FlowTold, moments: Moments) -> str:
    if outcome.first_s is None or outcome.last_s is None:
        return ""
    return f", {moments.clock(outcome.first_s)} to {moments.clock(outcome.last_s)}"
