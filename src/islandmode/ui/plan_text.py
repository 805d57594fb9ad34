"""A plan in words: every step with its undo, its timer and its exact lines, and whose flows die."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from islandmode.core.boundary import Boundary
from islandmode.core.capabilities import Capabilities
from islandmode.core.plan import Plan, PlanProbe, PlanStage
from islandmode.core.preflight import unpermitted

NEXT_COMMAND = ";\n    "
COMMAND = re.compile(r"; (?=(?:create|add|delete) )")


TAKES_BACK = {
    "own": "",
    "commit": "; its timer takes back the whole commit",
    "everything": "; its timer takes back everything that was changed since, other people's changes too",
}
NOT_COVERED = {"to_device": "what ends on the device itself", "vpn": "tunnels"}


def print_plan(plan: Plan, console: Console | None = None) -> None:
    """Print a plan for a person to read before anything happens."""
    out = console or Console()
    total = f"{plan.hold_s:g} s of hold in {len(plan.stages)} stages"
    out.print(Text(f"{plan.drill.drill} at {plan.drill.site}: {total}", style="bold"))
    out.print(Text(f"the service that must go on: {plan.drill.service.told}"))
    out.print(f"drill digest {plan.drill_digest}\nplan digest  {plan.plan_digest}")
    out.print(Panel(_boundary(plan.boundary), title="boundary", title_align="left"))
    for name, point in plan.points.items():
        able = point.capabilities
        renewed = "renewed while all is well" if able.renewable else "not renewable"
        latest = f"no line acts later than {able.latest_s:g} s after it was sent"
        late = f", up to {able.late_s:g} s late" if able.late_s else ""
        tier = f"undo tier {able.undo_tier}, dead-man {plan.dead_man_s:g} s on the device{late}, {renewed}; {latest}"
        where = f"{point.platform} at {point.management.address}, managed from zone {point.management.zone}"
        lines = Group(
            Text(f"{where}; {tier}{TAKES_BACK[able.reverts]}{_not_covered(able)}"),
            _lines("arm", point.rendering.arm),
            _lines("restore", point.rendering.restore),
        )
        out.print(Panel(lines, title=name, title_align="left"))
    for number, stage in enumerate(plan.stages, 1):
        out.print(
            Panel(
                _stage(stage, plan.probes),
                title=f"stage {number}: {stage.name}, hold {stage.hold_s:g} s",
                title_align="left",
            )
        )
    for finding in unpermitted(plan):
        out.print(Text(f"note: {finding.sentence}", style="yellow"))


def _not_covered(able: Capabilities) -> str:
    left = [told for way, told in NOT_COVERED.items() if way not in able.covers]
    return f"; it does not isolate {' and '.join(left)}" if left else ""


def _boundary(boundary: Boundary) -> Group:
    table = Table("conduit", "between", "in this drill", "accepted by", box=None, pad_edge=False)
    for one in boundary.conduits:
        isolated = one.state == "isolated"
        what = f"isolated in stage {one.stage}" if isolated else one.state
        table.add_row(one.conduit, " to ".join(one.between), what, "" if isolated else one.accepted_by or "nobody")
    ways = [Text(f"way {way.told}", style="yellow") for way in boundary.ways_round]
    return Group(table, *ways, Text(boundary.told, style="bold"))


def _lines(what: str, lines: tuple[str, ...]) -> Text:
    text = Text(f"{what}\n", style="bold")
    # On the wire a line is one line; for the eye each command of it begins a new one.
    shown = "\n".join(f"  {COMMAND.sub(NEXT_COMMAND, line)}" for line in lines)
    text.append(shown, style="not bold")
    return text


def _stage(stage: PlanStage, probes: Mapping[str, PlanProbe]) -> Group:
    parts: list[Text | Table] = [Text(f"isolates {', '.join(stage.conduits)}")]
    for step in stage.steps:
        parts.append(_lines(f"on {step.point}, undone by itself after {step.timer_s:g} s", step.isolate))
        parts.append(_lines("undo", step.undo))
    table = Table("flow that dies", "conduit", "service", "owner", "seen by severed probes", box=None, pad_edge=False)
    for flow in stage.dying_flows:
        cover = " ".join((flow.cover, ", ".join(flow.probes))).strip()
        table.add_row(flow.flow, flow.conduit, flow.service, flow.owner, cover)
    parts.append(table)
    parts += [Text(f"closed by rule (declared), not tested: {way.told}") for way in stage.closed]
    parts.append(_probes("must stay alive", stage.alive, probes))
    parts.append(_probes("must be dead", stage.dead, probes))
    return Group(*parts)


def _probes(what: str, names: Sequence[str], probes: Mapping[str, PlanProbe]) -> Text:
    """List probes with what each is for, in the words of their file."""
    purposes = ((name, probes[name].probe.purpose) for name in names)
    rows = (f"  {name}: {purpose}" if purpose else f"  {name}" for name, purpose in purposes)
    return Text("\n".join((f"{what}:", *rows)) if names else f"{what}: nothing")
