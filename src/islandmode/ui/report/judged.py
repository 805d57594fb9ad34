"""The report: one HTML file that needs nothing else, for an engineer, an auditor, a printer and a phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo

from islandmode.core.episodes import Episode
from islandmode.core.flows_told import flows_told
from islandmode.core.judging.timeline import timeline_of
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.verdict import Verdict
from islandmode.ui.report import first_pages as first
from islandmode.ui.report import records_behind as behind
from islandmode.ui.report.parts import Moments, document, section
from islandmode.ui.report.plot import legend, timeline_plot


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
    plot = timeline_plot(plan, verdict, timeline, episodes, moments)
    parts = (
        first.head(plan, verdict, records, timeline, moments),
        section("What failed, when, whose flows, and what to do", first.failures(plan, verdict, moments)),
        first.run_facts(plan, verdict, records, timeline, moments),
        first.limits(plan, verdict),
        section("What became of each flow", first.flows(flows_told(plan, verdict, records), moments)),
        section("What was seen", plot + legend()),
        section("The boundary, and what of it stays open", behind.boundary(verdict)),
        '<h1 class="behind">The records behind this report</h1>',
        section("Findings", behind.findings(verdict, moments)),
        section("Probe by probe", behind.probes(verdict)),
        section("What the firewalls counted", behind.counted(verdict)),
        section("Device configuration, before and after", behind.differences(plan, records, configuration_diffs)),
        section("The dead-man, as the device said it", behind.dead_man(plan, records, timeline)),
        section("How this was measured, and what it does not show", behind.method(plan, records)),
    )
    title = f"{verdict.drill} at {verdict.site}: {verdict.verdict.value}"
    return document(title, f"{verdict.site} · {verdict.run}", parts, lab=verdict.lab)
