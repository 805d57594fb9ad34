"""The report of a run that was refused: nothing was isolated, and it says why, whose flows that concerns and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo

from islandmode.core.flows_told import concerned_by_probes
from islandmode.core.judging.timeline import Timeline, last_us, of_kind
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.refusal import Refusal
from islandmode.core.unfinished import armed
from islandmode.core.what_to_do import what_to_do
from islandmode.system.own_program import program_anywhere
from islandmode.ui.report.first_pages import begun_told
from islandmode.ui.report.moments import Moments
from islandmode.ui.report.values import Failure, Table
from islandmode.ui.templates import page


def render_refusal(
    plan: Plan, run: str, refusal: Refusal, records: Sequence[Record], *, lab: bool, zone: tzinfo = UTC
) -> str:
    """Write the report of a refused run as one HTML document; `zone` is that of its readers."""
    timeline = Timeline(records[0].monotonic_us if records else 0, (), None, None, {})
    moments = Moments(records[0].utc_us if records else 0, zone)
    length_s = timeline.seconds(last_us(records))
    failure = Failure(
        "– refused",
        "refused",
        (refusal.why,),
        f"{moments.clock(length_s)} ({length_s:.1f} s of the run)",
        concerned_by_probes(plan, refusal.probes),
        what_to_do(refusal.code, run, program_anywhere()),
    )
    return page(
        "refused.html",
        title=f"{plan.drill.drill} at {plan.drill.site}: refused",
        lab=lab,
        site=plan.drill.site,
        run=run,
        drill=plan.drill.drill,
        begun=begun_told(records, length_s, moments),
        # Whether anything was armed: a run that is called refused was seen to leave nothing.
        armed=tuple(armed(records)),
        refusal=failure,
        service=plan.drill.service_told,
        found=_found(records),
    )


def _found(records: Sequence[Record]) -> Table:
    rows = [
        (record.data["refuses"], record.data["sentence"], record.data["code"])
        for record in of_kind(records, "preflight.finding")
    ]
    for looked in of_kind(records, "vantage.looked"):
        rows += [
            (True, what, code) for what, code in zip(looked.data["what"], looked.data.get("codes", ()), strict=False)
        ]
    told = tuple(("✖ refuses" if refuses else "note", str(what), str(code)) for refuses, what, code in rows)
    return Table(("kind", "found", "code"), told)
