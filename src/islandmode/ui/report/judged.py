"""The report: one HTML file that needs nothing else, for an engineer, an auditor, a printer and a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo

from islandmode.core.episodes import Episode
from islandmode.core.flows_told import flows_told
from islandmode.core.judging.timeline import last_us, timeline_of
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.verdict import Verdict
from islandmode.ui.report import first_pages as first
from islandmode.ui.report import records_behind as behind
from islandmode.ui.report.boundary_plot import boundary_plot
from islandmode.ui.report.moments import Moments
from islandmode.ui.report.plot import legend, timeline_plot
from islandmode.ui.templates import page


def render_report(
    plan: Plan,
    verdict: Verdict,
    records: Sequence[Record],
    episodes: Mapping[str, tuple[Episode, ...]],
    *,
    configuration_diffs: Mapping[str, str],
    others: Sequence[Record] = (),
    zone: tzinfo = UTC,
) -> str:
    """Write the whole report as one HTML document; `others` are the guardian's records, `zone` is that of its readers."""
    timeline = timeline_of([stage.name for stage in plan.stages], records, others)
    moments = Moments(records[0].utc_us if records else 0, zone)
    return page(
        "report.html",
        title=f"{verdict.drill} at {verdict.site}: {verdict.verdict.value}",
        lab=verdict.lab,
        site=verdict.site,
        run=verdict.run,
        drill=plan.drill.drill,
        begun=first.begun_told(records, timeline.seconds(last_us(records)), moments),
        verdict=first.verdict_box(verdict),
        restoration=first.restoration_box(verdict),
        failures=first.failures(plan, verdict, moments),
        notes=first.notes_told(verdict),
        backups=first.backups(plan, moments),
        run_facts=first.run_facts(plan, verdict, records, timeline, moments),
        limits=first.limits(plan, verdict),
        flows=first.flows(flows_told(plan, verdict, records), moments),
        plot=timeline_plot(plan, verdict, timeline, episodes, moments),
        legend=legend(),
        boundary=behind.boundary(verdict, plan),
        drawn=boundary_plot(plan, verdict, records),
        findings=behind.findings(verdict, moments),
        probes=behind.probes(verdict, plan),
        counted=behind.counted(verdict),
        last_read=behind.last_read(verdict),
        unchanged=tuple(behind.unchanged(plan, records)),
        differences=sorted(configuration_diffs.items()),
        tiers=behind.tiers(plan, records),
        dead_man=behind.dead_man(records, timeline),
        people=behind.people(records, others, moments),
        vantages=behind.vantages(plan, records),
        sample_every=f"{plan.drill.sample_every:g} s",
        checkpoint=behind.checkpoint(records),
        drill_digest=plan.drill_digest,
        plan_digest=plan.plan_digest,
    )
