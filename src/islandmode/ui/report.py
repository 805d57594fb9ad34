"""The report: one HTML file that needs nothing else, for an engineer, an auditor, a printer and a phone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from islandmode.core.episodes import Episode
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.timeline import Timeline, of_kind, timeline_of
from islandmode.core.verdict import Interval, Restoration, Result, Times, Verdict
from islandmode.ui.report_plot import timeline_plot
from islandmode.ui.report_style import STYLE

SAYS = {
    Result.HELD: "Every isolated path that a severed probe crosses was dead, and what must stay alive did.",
    Result.BREACHED: "The isolation or the plant did not hold. See the findings.",
    Result.INCONCLUSIVE: "What was seen does not prove that the isolation and the plant held.",
    Result.NOT_TESTED: "At least one stage was not tested.",
}
RETURNS = {
    Restoration.PROVEN: "Every isolated path that a probe crosses was seen to pass again, and no Islandmode object is left.",
    Restoration.UNPROVEN: "NOT everything was seen back as it was. Look at the plant now, and use the card.",
}
SIGNS = {Result.HELD: "✔", Result.BREACHED: "✖", Result.INCONCLUSIVE: "?", Result.NOT_TESTED: "–"}


def verdict_json(verdict: Verdict) -> str:
    """Write a verdict as JSON, the same bytes for the same verdict."""
    return json.dumps(verdict.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def render_report(
    plan: Plan,
    verdict: Verdict,
    records: Sequence[Record],
    episodes: Mapping[str, tuple[Episode, ...]],
    *,
    configuration_diffs: Mapping[str, str],
    others: Sequence[Record] = (),
) -> str:
    """Write the whole report as one HTML document; `others` are the guardian's records."""
    timeline = timeline_of([stage.name for stage in plan.stages], records, others)
    parts = [
        _head(plan, verdict, records),
        _times(plan, verdict),
        _section("What was seen", timeline_plot(plan, verdict, timeline, episodes) + _legend()),
        _section("The boundary, and what of it stays open", _boundary(verdict)),
        _section("What was isolated, and whose flows died", _flows(plan)),
        _section("Findings", _findings(verdict)),
        _section("Probe by probe", _rows(verdict)),
        _section("What the firewalls counted", _counted(verdict)),
        _section("Device configuration, before and after", _differences(plan, configuration_diffs)),
        _section("The dead-man, as the device said it", _dead_man(plan, records, timeline)),
        _section("How this was measured, and what it does not show", _method(plan, records)),
    ]
    title = f"{verdict.drill} at {verdict.site}: {verdict.verdict.value}"
    mark = '<div class="mark" aria-hidden="true">LAB</div>' if verdict.lab else ""
    header = _running_header(verdict)
    # The table makes browsers repeat its head on every printed page; nothing else does so reliably.
    body = f'<table class="page"><thead><tr><td>{header}</td></tr></thead><tbody><tr><td>{"".join(parts)}</td></tr></tbody></table>'
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body>{mark}{body}</body></html>\n"
    )


def _running_header(verdict: Verdict) -> str:
    lab = "<strong>LAB: a rehearsal, not the plant</strong> · " if verdict.lab else ""
    return f'<p class="running">{lab}Islandmode · {escape(verdict.site)} · {escape(verdict.run)}</p>'


def _head(plan: Plan, verdict: Verdict, records: Sequence[Record]) -> str:
    service = plan.drill.service
    started = next(of_kind(records, "run.started"), None)
    by = started.data.get("operator", "") if started is not None else ""
    facts = (
        ("Site", verdict.site),
        ("Drill", verdict.drill),
        ("Run", verdict.run),
        ("Mode", f"{verdict.mode}{' in the lab' if verdict.lab else ''}"),
        ("Service", f"{service.name}, target {service.target}"),
        ("Run by", str(by)),
    )
    listed = "".join(f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in facts)
    kind = verdict.verdict.value.replace(" ", "-")
    back = verdict.restoration.value
    return (
        f"<h1>Isolation drill report</h1>"
        f'<div class="verdicts"><div class="box {kind}"><span class="what">Verdict</span>'
        f'<span class="said">{SIGNS[verdict.verdict]} {verdict.verdict.value}</span><p>{SAYS[verdict.verdict]}{_island(verdict)}</p>'
        f"{_basis(verdict)}</div>"
        f'<div class="box {back}"><span class="what">Restoration</span>'
        f'<span class="said">{"✔" if back == "proven" else "✖"} {back}</span><p>{RETURNS[verdict.restoration]}</p></div></div>'
        f'<dl class="facts">{listed}</dl>'
    )


def _island(verdict: Verdict) -> str:
    return f" {escape(verdict.island_told)}" if verdict.island_told else ""


def _boundary(verdict: Verdict) -> str:
    rows = [
        (
            escape(one.conduit),
            escape(" to ".join(one.between)),
            escape(f"isolated in stage {one.stage}" if one.state == "isolated" else one.state),
            "" if one.state == "isolated" else escape(one.accepted_by or "nobody"),
        )
        for one in verdict.boundary.conduits
    ]
    ways = "".join(f"<li>Way {escape(way.told)}.</li>" for way in verdict.boundary.ways_round)
    closed = "".join(
        f"<li>{escape(way.told)}: closed by rule (declared), not tested by this drill.</li>"
        for way in verdict.closed_by_rule
    )
    table = _table(("conduit", "between", "in this drill", "accepted by"), rows, "stack")
    return f"<p>{escape(verdict.boundary.told)}</p>{table}<ul>{ways}{closed}</ul>"


def _basis(verdict: Verdict) -> str:
    """Say by whom it was seen that nothing passed, where that is what the verdict says."""
    if verdict.verdict is not Result.HELD:
        return ""
    missing = "".join(f"<li>{escape(one)}</li>" for one in verdict.witness.not_seen)
    not_seen = f"<p>Not seen by any firewall's counter:</p><ul>{missing}</ul>" if missing else ""
    return f"<p>Seen by {escape(verdict.witness.basis)}.</p>{not_seen}"


def _times(plan: Plan, verdict: Verdict) -> str:
    limits = plan.drill.limits
    rows = [
        ("Isolation", verdict.isolation_s, f"{limits.isolate_within:g} s"),
        ("Restoration", verdict.restoration_s, f"{limits.restore_within:g} s"),
    ]
    body = "".join(
        f"<tr><th scope=row>{name}</th><td>{_interval(times.ordered_to_effective)}</td><td>{_verified(times)}</td><td>{limit}</td></tr>"
        for name, times, limit in rows
    )
    gap = "not known" if verdict.longest_ot_gap_s is None else f"{verdict.longest_ot_gap_s:.3f} s"
    return (
        '<div class="wide"><table class="data"><thead><tr><th>Slowest stage</th><th>ordered to effective</th>'
        f"<th>ordered to verified</th><th>limit</th></tr></thead><tbody>{body}"
        f"<tr><th scope=row>Longest OT gap</th><td colspan=2>{gap}</td><td>{limits.longest_ot_gap:g} s</td></tr>"
        f"<tr><th scope=row>Leaks</th><td colspan=2>{verdict.leaks}</td><td>none</td></tr></tbody></table></div>"
        "<p class=note>Effective lies between the last packet that passed and the first that did not, as the probes saw "
        "it; never when a call returned.</p>"
    )


def _interval(interval: Interval | None) -> str:
    if interval is None or interval.latest_s is None:
        return "not seen"
    return f"between {interval.earliest_s:.3f} and {interval.latest_s:.3f} s"


def _verified(times: Times) -> str:
    return "not seen" if times.ordered_to_verified is None else f"{times.ordered_to_verified:.3f} s"


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{body}</section>"


def _legend() -> str:
    items = (
        ("good", "good"),
        ("bad", "no answer"),
        ("answered", "answered, and not good"),
        ("unknown", "unknown: the probe's own trouble"),
    )
    keys = "".join(f'<li><span class="key {name}"></span>{escape(text)}</li>' for name, text in items)
    more = '<li><span class="key band"></span>isolated</li><li><span class="key frame"></span>must be dead here</li>'
    return f'<ul class="legend">{keys}{more}<li>∣ ordered</li><li>▼ effective</li><li>▲ verified</li></ul>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>"
        + "".join(f'<td data-h="{escape(name)}">{cell}</td>' for name, cell in zip(head, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table class="data {kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _flows(plan: Plan) -> str:
    parts = []
    for number, stage in enumerate(plan.stages, 1):
        points = ", ".join(step.point for step in stage.steps)
        parts.append(
            f"<h3>Stage {number}: {escape(stage.name)}</h3><p>{escape(', '.join(stage.conduits))} on {escape(points)}, "
            f"held {stage.hold_s:g} s.</p>"
        )
        rows = [
            (
                escape(flow.flow),
                escape(flow.conduit),
                escape(flow.service),
                escape(flow.owner),
                f"{flow.covered:.0%}",
                escape(", ".join(flow.probes)) or "not watched",
            )
            for flow in stage.dying_flows
        ]
        parts.append(_table(("flow", "conduit", "service", "owner", "covered", "by severed probes"), rows, "stack"))
    return "".join(parts)


def _findings(verdict: Verdict) -> str:
    if not verdict.findings:
        return "<p>Nothing was found that speaks against the isolation, the plant or the restoration.</p>"
    items = []
    for one in verdict.findings:
        seen = (
            ""
            if one.first_s is None or one.last_s is None
            else f" First seen at {one.first_s:.1f} s, last at {one.last_s:.1f} s."
        )
        kind = one.word
        sentence = f"{escape(one.sentence)}{seen}"
        items.append(
            f'<li class="{kind.replace(" ", "-")}"><strong>{kind}</strong> {sentence} <code>{escape(one.code)}</code></li>'
        )
    return f'<ul class="findings">{"".join(items)}</ul>'


def _rows(verdict: Verdict) -> str:
    rows = [
        (
            escape(row.stage),
            escape(row.probe),
            escape(row.vantage),
            row.expected,
            str(row.good),
            str(row.bad),
            str(row.unknown),
            str(row.passed),
            "" if row.longest_gap_s is None else f"{row.longest_gap_s:.3f}",
            f'<span class="result {row.result.value.replace(" ", "-")}">{SIGNS[row.result]} {row.result.value}</span>',
            ", ".join(str(number) for number in row.records),
        )
        for row in verdict.rows
    ]
    head = ("stage", "probe", "vantage", "must be", "good", "bad", "unknown", "passed", "gap s", "result", "records")
    return _table(head, rows, "small")


def _counted(verdict: Verdict) -> str:
    witness = verdict.witness
    if not witness.counted:
        return "<p>No firewall counted what left it; what no probe asks was not seen.</p>"
    rows = [
        (
            escape(row.point),
            escape(row.conduit),
            escape(row.way),
            str(row.before),
            "not known" if row.isolated is None else str(row.isolated),
            ", ".join(str(number) for number in row.records),
        )
        for row in witness.counted
    ]
    head = ("isolation point", "conduit", "way", "packets from arming until isolated", "while isolated", "records")
    last = "" if witness.last_read_s is None else f"{witness.last_read_s:.2f} s"
    return (
        f"{_table(head, rows, 'small')}<p class=note>Packets that left the firewall, and those for itself that came in, as "
        f"it counted them. The last reading was {last or 'not made'} before the restore was ordered.</p>"
    )


def _differences(plan: Plan, differences: Mapping[str, str]) -> str:
    if not differences:
        points = ", ".join(plan.points)
        return f"<p>{escape(points)}: running and saved ruleset, routes, addresses and interfaces are the same, line by line.</p>"
    return "".join(f"<h3>{escape(name)}</h3><pre>{escape(text)}</pre>" for name, text in sorted(differences.items()))


def _dead_man(plan: Plan, records: Sequence[Record], timeline: Timeline) -> str:
    rows = []
    for record in records:
        if record.kind not in {"arm.result", "dead_man.read", "dead_man.renew"}:
            continue
        left = [value for value in record.data.get("armed_s", {}).values() if value is not None]
        isolating = [name for name, on in record.data.get("isolating", {}).items() if on]
        rows.append(
            (
                f"{timeline.seconds(record.monotonic_us):.1f} s",
                escape(str(record.data["point"])),
                record.kind.replace("dead_man.", "").replace(".result", "ed"),
                f"{min(left):.0f} s" if left else "no timer",
                escape(", ".join(isolating)) or "nothing",
            )
        )
    armed = "".join(
        f"<li>{escape(name)}: undo tier {point.capabilities.undo_tier}</li>" for name, point in plan.points.items()
    )
    table = _table(("at", "isolation point", "what", "left on the device", "isolating"), rows[:40], "small")
    more = f"<p class=note>{len(rows) - 40} more readings are in the journal.</p>" if len(rows) > 40 else ""
    return f"<ul>{armed}</ul>{table}{more}"


def _method(plan: Plan, records: Sequence[Record]) -> str:
    rows = []
    for name, vantage in plan.vantages.items():
        started = next(of_kind(records, "vantage.started", vantage=name), None)
        offsets = [one.data for one in of_kind(records, "vantage.offset", vantage=name, outcome="done")]
        spool = next(of_kind(records, "collect.result", vantage=name), None)
        measured = "; ".join(
            f"{one['when']}: {one['monotonic_us'] / 1e6:+.6f} s ± {one['uncertainty_us']} µs" for one in offsets
        )
        rows.append(
            (
                escape(name),
                escape(vantage.zone),
                "samples alone, collected after restore" if vantage.far else "heard live",
                escape(str(started.data["by"])) if started is not None else "not started",
                escape(measured) or "not measured",
                str(spool.data["samples"]) if spool is not None else "not collected",
            )
        )
    table = _table(("vantage", "zone", "how", "worker started by", "clock offset", "samples"), rows, "stack")
    every = plan.drill.sample_every
    return (
        f"{table}<ul><li>Every probe is asked every {every:g} s; a silence shorter than that can be missed.</li>"
        "<li>Severed probes open a fresh connection each time; canaries hold one that was opened before the first stage.</li>"
        "<li>Probes read only: Modbus functions 1 to 4, HTTP GET, TCP connect, ICMP echo.</li>"
        "<li>A drill shows what was so while it ran, over the paths that its probes cross. It certifies nothing else.</li></ul>"
        f"<p class=note>drill digest {escape(plan.drill_digest)}<br>plan digest {escape(plan.plan_digest)}</p>"
    )
