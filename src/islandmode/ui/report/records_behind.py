"""The records behind a report: findings, probe tables, counters, configurations and timers, for who checks what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from islandmode.core.flows_told import seen_of
from islandmode.core.judging.timeline import Timeline, of_kind
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.text import how_many
from islandmode.core.verdict import Verdict
from islandmode.core.what_to_do import what_to_do
from islandmode.system.own_program import program_anywhere
from islandmode.ui.report.first_pages import SIGNS, when_told
from islandmode.ui.report.parts import Moments, table

SIGN_KEY = "✔ as it must be · ✖ not as it must be · ? not known · – not tested; must be dead: passed counts what came back although isolated, or before it was."
READINGS_MAX = 20
"""How many of a dead-man's readings are printed from its beginning, and as many from its end."""


def boundary(verdict: Verdict) -> str:
    """List every conduit of the boundary, and what of it stays open."""
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
    drawn = table(("conduit", "between", "in this drill", "accepted by"), rows, "stack")
    return f"<p>{escape(verdict.boundary_told)}</p>{drawn}<ul>{ways}{closed}</ul>"


def findings(verdict: Verdict, moments: Moments) -> str:
    """List all findings, notes too, each with what to do."""
    if not verdict.findings:
        return "<p>Nothing was found that speaks against the isolation, the plant or the restoration.</p>"
    items = []
    for one in verdict.findings:
        when = when_told((one,), moments)
        sentence = f"{escape(one.sentence)}{f' <em>{escape(when)}.</em>' if when else ''}"
        do = f"<br><b>Do:</b> {escape(what_to_do(one.code, verdict.run, program_anywhere()))}"
        items.append(
            f'<li class="{one.word.replace(" ", "-")}"><strong>{one.word}</strong> {sentence} <code>{escape(one.code)}</code>{do}</li>'
        )
    return f'<ul class="findings">{"".join(items)}</ul>'


def probes(verdict: Verdict) -> str:
    """List every probe in every window with the numbers that the verdict rests on."""
    rows = []
    for row in verdict.rows:
        word, result = seen_of(verdict, row)
        rows.append(
            (
                escape(row.stage),
                escape(row.probe),
                escape(row.vantage),
                row.expected,
                f'<span class="result {result.value.replace(" ", "-")}">{SIGNS[result]} {word}</span>',
                str(row.good),
                str(row.bad),
                str(row.unknown),
                str(row.passed),
                "" if row.longest_gap_s is None else f"{row.longest_gap_s:.3f}",
                ", ".join(str(number) for number in row.records),
            )
        )
    head = ("stage", "probe", "vantage", "must be", "was", "good", "bad", "unknown", "passed", "gap s", "records")
    return f"{table(head, rows, 'small')}<p class=note>{SIGN_KEY}</p>"


def counted(verdict: Verdict) -> str:
    """List what the firewalls counted."""
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
        f"{table(head, rows, 'small')}<p class=note>Packets that left the firewall, and those for itself that came in, as "
        f"it counted them. The last reading was {last or 'not made'} before the restore was ordered.</p>"
    )


def differences(plan: Plan, records: Sequence[Record], changed: Mapping[str, str]) -> str:
    """Show what differs in the devices' configuration, and name the parts that were compared and are the same."""
    told = [_the_same(name, records) for name in plan.points]
    told += [f"<h3>{escape(name)}</h3><pre>{escape(text)}</pre>" for name, text in sorted(changed.items())]
    return "".join(told)


def _the_same(point: str, records: Sequence[Record]) -> str:
    compared = list(of_kind(records, "configuration.compared", point=point))
    same = [str(record.data["part"]) for record in compared if record.data["same"]]
    if not compared:
        return f"<p>{escape(point)}: its configuration before and after could not be compared.</p>"
    return (
        f"<p>{escape(point)}: the same before and after, line by line: {escape(', '.join(same))}.</p>" if same else ""
    )


def dead_man(plan: Plan, records: Sequence[Record], timeline: Timeline) -> str:
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
                escape(str(record.data["point"])),
                record.kind.replace("dead_man.", "").replace(".result", "ed"),
                f"{min(left):.0f} s" if left else "no timer",
                escape(", ".join(isolating)) or "nothing",
            )
        )
    armed = "".join(
        f"<li>{escape(name)}: undo tier {point.capabilities.undo_tier}</li>" for name, point in plan.points.items()
    )
    head = ("at", "isolation point", "what", "left on the device", "isolating")
    hidden = len(rows) - 2 * READINGS_MAX
    if hidden <= 0:
        return f"<ul>{armed}</ul>{table(head, rows, 'small')}"
    least = "" if least_s is None else f" The least that any reading found left was {least_s:.0f} s."
    more = f"<p class=note>{how_many(hidden, 'more reading')} between these in the journal.{least}</p>"
    drawn = (table(head, part, "small") for part in (rows[:READINGS_MAX], rows[-READINGS_MAX:]))
    return f"<ul>{armed}</ul>{more.join(drawn)}"


def method(plan: Plan, records: Sequence[Record]) -> str:
    """Say how it was measured, and what that does not show."""
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
    drawn = table(("vantage", "zone", "how", "worker started by", "clock offset", "samples"), rows, "stack")
    every = plan.drill.sample_every
    return (
        f"{drawn}<ul><li>Every probe is asked every {every:g} s; a silence shorter than that can be missed.</li>"
        "<li>Severed probes open a fresh connection each time; canaries hold one that was opened before the first stage.</li>"
        "<li>Probes read only: Modbus functions 1 to 4, HTTP GET, TCP connect, ICMP echo.</li>"
        "<li>Times of day count from the start of the run by a clock that nobody sets; they are those of the operations host "
        "then.</li>"
        "<li>A drill shows what was so while it ran, over the paths that its probes cross. It certifies nothing else.</li></ul>"
        f"<p class=note>drill digest {escape(plan.drill_digest)}<br>plan digest {escape(plan.plan_digest)}</p>"
    )
