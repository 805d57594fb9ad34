"""The report of a run that was refused: nothing was isolated, and it says why, whose flows that concerns and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from html import escape

from islandmode.core.flows_told import concerned_by_probes
from islandmode.core.judging.timeline import Timeline, last_us, of_kind
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.refusal import Refusal
from islandmode.core.unfinished import armed
from islandmode.core.what_to_do import what_to_do
from islandmode.system.own_program import program_anywhere
from islandmode.ui.report.first_pages import begun_told, whose_told
from islandmode.ui.report.parts import Moments, box, card, document, facts, section, table


def render_refusal(
    plan: Plan, run: str, refusal: Refusal, records: Sequence[Record], *, lab: bool, zone: tzinfo = UTC
) -> str:
    """Write the report of a refused run as one HTML document; `zone` is that of its readers."""
    timeline = Timeline(records[0].monotonic_us if records else 0, (), None, None, {})
    moments = Moments(records[0].utc_us if records else 0, zone)
    length_s = timeline.seconds(last_us(records))
    heading = f"<h1>Isolation drill {escape(plan.drill.drill)} at {escape(plan.drill.site)}</h1>"
    boxes = box("Verdict", "– refused", "refused", "<p>The drill did not begin: no path was isolated.</p>") + _touched(
        records
    )
    listed = (
        ("What", escape(refusal.why)),
        ("When", escape(f"{moments.clock(length_s)} ({length_s:.1f} s of the run)")),
        ("Whose", whose_told(concerned_by_probes(plan, refusal.probes))),
        ("Do", escape(what_to_do(refusal.code, run, program_anywhere()))),
    )
    parts = (
        f"{heading}<p>{begun_told(records, length_s, moments)}</p>",
        f'<div class="verdicts">{boxes}</div>',
        section("What failed, when, whose flows, and what to do", card("refused", "– refused", listed)),
        facts((("Service", plan.drill.service.told), ("Run", run))),
        section("All that was found before the drill", _found(records)),
    )
    title = f"{plan.drill.drill} at {plan.drill.site}: refused"
    return document(title, f"{plan.drill.site} · {run}", parts, lab=lab)


def _touched(records: Sequence[Record]) -> str:
    """Say whether anything was armed; a run that is called refused was seen to leave nothing."""
    points = ", ".join(armed(records))
    if not points:
        return box("Devices", "✔ untouched", "proven", "<p>Nothing was armed on any device.</p>")
    about = f"<p>{escape(points)}: armed, not isolated; the Islandmode object was removed and seen gone.</p>"
    return box("Devices", "✔ restored", "proven", about)


def _found(records: Sequence[Record]) -> str:
    rows = [
        (one.data["refuses"], one.data["sentence"], one.data["code"]) for one in of_kind(records, "preflight.finding")
    ]
    for one in of_kind(records, "vantage.looked"):
        rows += [(True, what, code) for what, code in zip(one.data["what"], one.data.get("codes", ()), strict=False)]
    if not rows:
        return "<p>Nothing else is on record.</p>"
    told = [("✖ refuses" if refuses else "note", escape(str(what)), escape(str(code))) for refuses, what, code in rows]
    return table(("kind", "found", "code"), told, "stack")
