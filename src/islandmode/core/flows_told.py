"""What became of every declared flow: died, did not die, or not seen; by what the probes and the firewalls saw. Pure.

A plan says which flows are to die. Whether they did stands in the verdict: a flow died only if every probe that asks for it
was alive before, stopped and stayed stopped, and if all of the flow was watched, by probes or by the firewall's own counters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from islandmode.core.judging.timeline import AFTER, of_kind
from islandmode.core.plan import DyingFlow, Plan
from islandmode.core.record import Record
from islandmode.core.text import how_many, share_text
from islandmode.core.verdict import Counted, Finding, Result, Row, Verdict

LEAK, TOO_MUCH, NOT_BACK = "leak", "isolated-too-much", "no-control-after"
PROVES_NOTHING = frozenset(
    {"no-control-before", "kept-closed-before", "witness-gap", "witness-sparse", "refused-by-unknown"}
)
"""Findings about a probe after which its silence shows nothing of a flow."""
OF_THE_WAY_BACK = frozenset(
    {"stranded", "ours-left", "configuration-unread", "guardian-disagrees", "restored-late", "dead-man", "locked-out"}
)
"""Findings that name no conduit and concern every flow that was isolated."""


class Fate(StrEnum):
    """What became of a flow while it was to be dead."""

    DIED = "died"
    DID_NOT_DIE = "did not die"
    NOT_SEEN = "not seen"


@dataclass(frozen=True)
class FlowTold:
    """One flow of one stage: what became of it, why that is said, and whether it was seen to pass again after.

    `as_expected` is None where that is not known. `first_s` and `last_s` say when it passed although it was isolated.
    """

    stage: str
    flow: DyingFlow
    fate: Fate
    why: str
    as_expected: bool | None
    back: bool | None
    first_s: float | None = None
    last_s: float | None = None


@dataclass(frozen=True)
class Concerned:
    """Whom a finding concerns: flows with their owners, the service that has to go on, and conduits without a flow to name."""

    flows: tuple[DyingFlow, ...] = ()
    service: str = ""
    conduits: tuple[str, ...] = ()

    @property
    def owners(self) -> dict[str, tuple[str, ...]]:
        """Give the flows by owner."""
        found: dict[str, list[str]] = {}
        for flow in self.flows:
            found.setdefault(flow.owner, []).append(flow.flow)
        return {owner: tuple(dict.fromkeys(flows)) for owner, flows in found.items()}


def flows_told(plan: Plan, verdict: Verdict, records: Sequence[Record]) -> tuple[FlowTold, ...]:
    """Say of every declared flow of every stage what became of it."""
    lost = spoilt_vantages(plan, records)
    reached = {row.stage for row in verdict.rows}
    return tuple(
        _told(plan, verdict, stage.name, flow, lost)
        if stage.name in reached
        else FlowTold(stage.name, flow, Fate.NOT_SEEN, "its stage was not reached", None, None)
        for stage in plan.stages
        for flow in stage.dying_flows
    )


def concerned_by(plan: Plan, findings: Sequence[Finding]) -> Concerned:
    """Find the flows, with their owners, or the service that some findings concern."""
    flows: list[DyingFlow] = []
    of_probes = concerned_by_probes(plan, [finding.probe for finding in findings if finding.probe is not None])
    for finding in findings:
        flows += [] if finding.probe is not None else _flows_of(plan, finding)
    every = dict.fromkeys((*of_probes.flows, *flows))
    return Concerned(tuple(every), of_probes.service, of_probes.conduits)


def concerned_by_probes(plan: Plan, probes: Iterable[str]) -> Concerned:
    """Find the flows that some probes ask for, or the service that they watch; a probe that the plan lacks concerns nobody."""
    flows: list[DyingFlow] = []
    conduits: list[str] = []
    service = ""
    for name in probes:
        planned = plan.probes.get(name)
        if planned is None:
            continue
        asked = [flow for stage in plan.stages for flow in stage.dying_flows if name in flow.probes]
        flows += asked
        if planned.role == "continuity":
            service = plan.drill.service.name
        elif not asked and planned.crosses is not None:
            conduits.append(planned.crosses)
    return Concerned(tuple(dict.fromkeys(flows)), service, tuple(dict.fromkeys(conduits)))


def _flows_of(plan: Plan, finding: Finding) -> list[DyingFlow]:
    named = [(stage.name, flow) for stage in plan.stages for flow in stage.dying_flows]
    if finding.conduit is not None:
        return [flow for _, flow in named if flow.conduit == finding.conduit]
    if finding.code in OF_THE_WAY_BACK:
        return [flow for _, flow in named]
    return [flow for stage, flow in named if stage == finding.stage]


def _told(plan: Plan, verdict: Verdict, stage: str, flow: DyingFlow, lost: frozenset[str]) -> FlowTold:
    leaks = [finding for finding in verdict.findings if finding.code == LEAK and finding.probe in flow.probes]
    back = _is_back(plan, verdict, flow)
    if leaks:
        first_s = min((leak.first_s for leak in leaks if leak.first_s is not None), default=None)
        last_s = max((leak.last_s for leak in leaks if leak.last_s is not None), default=None)
        by = ", ".join(dict.fromkeys(str(leak.probe) for leak in leaks))
        return FlowTold(stage, flow, Fate.DID_NOT_DIE, f"passed, as {by} saw", False, back, first_s, last_s)
    why = _not_seen(plan, verdict, flow, lost)
    if why:
        return FlowTold(stage, flow, Fate.NOT_SEEN, why, None, back)
    early = [finding for finding in verdict.findings if finding.code == TOO_MUCH and finding.probe in flow.probes]
    if early:
        return FlowTold(stage, flow, Fate.DIED, f"too early, in stage {early[0].stage}", False, back)
    by = (
        "all of it was watched"
        if flow.watched_whole
        else f"{_share(flow)} was watched, and the firewall counted nothing"
    )
    return FlowTold(stage, flow, Fate.DIED, by, True, back)


def _not_seen(plan: Plan, verdict: Verdict, flow: DyingFlow, lost: frozenset[str]) -> str:
    """Say why a flow that no probe saw pass is not known to have died; empty where it is."""
    if not flow.probes:
        return "no probe asks for it"
    for name in flow.probes:
        why = unproven(plan, verdict, name, lost)
        if why:
            return f"{name} {why}"
    counted = _counted(plan, verdict, flow.conduit)
    moved = sum(count.isolated or 0 for count in counted)
    if moved:
        return f"a firewall counted {how_many(moved, 'packet')} across {flow.conduit}; whose they were is not known"
    silent = bool(counted) and all(count.before > 0 and count.isolated == 0 for count in counted)
    if not flow.watched_whole and not silent:
        return f"{_share(flow)} was watched and died; nobody saw the rest"
    return ""


def _share(flow: DyingFlow) -> str:
    part = f"{share_text(flow.covered)} of it" if flow.covered < 1 else "it"
    # A probe tries only some hosts of a network, and only some ports of a range.
    return f"a sample of {part}" if flow.sampled else part


def unproven(plan: Plan, verdict: Verdict, probe: str, lost: frozenset[str]) -> str:
    """Say why a probe does not show that its flow died; empty where it does."""
    if plan.probes[probe].probe.vantage in lost:
        return "has samples that cannot be relied on"
    rows = [row for row in verdict.rows if row.probe == probe and row.expected == "dead"]
    windows = {row.stage for row in rows}
    spoilt = [finding for finding in verdict.findings if finding.probe == probe and finding.code in PROVES_NOTHING]
    if any(finding.stage in windows or finding.stage is None for finding in spoilt):
        return "does not prove it (see the findings)"
    # All that was seen may be from before an order that came too late to show anything.
    return "" if any(row.stopped for row in rows) else "was not seen to stop"


def _is_back(plan: Plan, verdict: Verdict, flow: DyingFlow) -> bool | None:
    """Tell whether a flow was seen to pass again; a connection that stayed open says nothing of that."""
    fresh = [name for name in flow.probes if plan.probes[name].probe.kind != "canary"]
    if not fresh or not any(row.stage == AFTER for row in verdict.rows):
        return None
    is_closed = any(kept.conduit == flow.conduit for kept in verdict.kept_closed)
    return not is_closed and not any(
        finding.code == NOT_BACK and finding.probe in fresh for finding in verdict.findings
    )


def _counted(plan: Plan, verdict: Verdict, conduit: str) -> list[Counted]:
    """Give what firewalls counted from one side of a conduit to the other."""
    found = []
    for counted in verdict.witness.counted:
        ways = plan.points[counted.point].rendering.ways.get(conduit, ())
        across = {way.name for way in ways if way.kind == "across"}
        if counted.conduit == conduit and counted.way in across:
            found.append(counted)
    return found


def spoilt_vantages(plan: Plan, records: Sequence[Record]) -> frozenset[str]:
    """Name the vantages whose samples were not collected whole."""
    whole = {
        collected.data["vantage"]
        for collected in of_kind(records, "collect.result", outcome="done")
        if collected.data["chain_ok"] and collected.data["ended"] != "lost"
    }
    return frozenset(plan.vantages) - whole


def is_leaking(verdict: Verdict, row: Row) -> bool:
    """Tell whether something passed in a window in which nothing might; a leak is judged once, for all its windows."""
    leaks = any(finding.code == LEAK and finding.probe == row.probe for finding in verdict.findings)
    return row.expected == "dead" and row.passed > 0 and leaks


def seen_of(verdict: Verdict, row: Row) -> tuple[str, Result]:
    """Say in a word what was seen of a probe in a window, and whether that is as it must be."""
    if is_leaking(verdict, row):
        return "passes", Result.BREACHED
    if row.good + row.bad == 0:
        return "unknown", row.result
    if row.role == "backlog":
        return ("at its level" if row.good > row.bad else "filled"), row.result
    if row.role == "interlock":
        return ("as needed" if row.good > row.bad else "otherwise"), row.result
    if row.expected == "dead":
        return ("dead" if row.stopped else "alive"), row.result
    return ("alive" if row.good > row.bad else "answers" if row.passed else "dead"), row.result
