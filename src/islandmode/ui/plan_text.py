"""A plan in words: every step with its undo, its timer and its exact lines, and whose flows die."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from islandmode.core.boundary import Boundary
from islandmode.core.capabilities import Capabilities
from islandmode.core.hand import no_timer_told
from islandmode.core.pair import PairMember
from islandmode.core.plan import DyingFlow, Plan, PlanPoint, PlanProbe, PlanStage
from islandmode.core.preflight import carried, unpermitted
from islandmode.core.promotion import Rung
from islandmode.core.recipe.told import bench_counts, benched_told, live_refusals_of, recipe_told
from islandmode.core.returning import returns_of
from islandmode.core.text import how_many
from islandmode.isolation.table import sync_told
from islandmode.operate.benched import NO_BENCH, Benched
from islandmode.operate.declared import today
from islandmode.ui.bench_told import bench_sentence
from islandmode.ui.declared_text import backlogs_text, declared_parts, interlocks_text, service_text
from islandmode.ui.name_table import NameTable

FRAME = 6
"""What a panel takes beside its title: corners, lines and spaces."""
NEXT_COMMAND = ";\n    "
COMMAND = re.compile(r"; (?=(?:create|add|delete) )")


NOT_COVERED = {"to_device": "what ends on the device itself", "vpn": "tunnels"}


def print_plan(
    plan: Plan,
    console: Console | None = None,
    benched: Mapping[str, Benched] | None = None,
    earlier: str = "",
    approvals: str = "",
    rungs: Sequence[Rung] = (),
    live: Sequence[str] = (),
) -> None:
    """Print a plan for a person to read before anything happens.

    `benched` has what is known of benches, by isolation point; `earlier` says how earlier attempts at the drill ended,
    `approvals` how it stands by its approvals, `rungs` what stands behind a live run of it, and `live` what that would be refused for beside
    all of these.
    """
    out = console or Console()
    total = f"{plan.hold_s:g} s of hold in {how_many(len(plan.stages), 'stage')}"
    out.print(Text(f"{plan.drill.drill} at {plan.drill.site}: {total}", style="bold"))
    for told in (service_text(plan), *interlocks_text(plan), *backlogs_text(plan)):
        out.print(told)
    out.print(f"drill digest {plan.drill_digest}\nplan digest  {plan.plan_digest}")
    for line in _looked_up(plan, earlier, approvals):
        out.print(Text(line))
    out.print(_panel(out, "boundary", _boundary(plan.boundary)))
    for name, point in plan.points.items():
        out.print(_panel(out, name, _point(plan, point, (benched or {}).get(name, NO_BENCH))))
    for number, stage in enumerate(plan.stages, 1):
        title = f"stage {number}: {stage.name}, hold {stage.hold_s:g} s"
        out.print(_panel(out, title, _stage(plan, stage, plan.stages[: number - 1])))
    if order := returns_of(plan.drill):
        steps = "; then ".join(f"{step.number}. {step.told}" for step in order)
        out.print(Text(f"return to service: {steps}. Whatever stops the drill restores everything at once."))
    for title, part in declared_parts(plan, today()):
        out.print(_panel(out, title, part))
    for finding in (*unpermitted(plan), *carried(plan)):
        out.print(Text(f"note: {finding.sentence}", style="yellow"))
    if rungs:
        out.print(_panel(out, "before it may be live", Group(*(_rung(rung) for rung in rungs))))
    if live:
        out.print(_panel(out, "a live run would be refused", Group(*(Text(why, style="yellow") for why in live))))


def _looked_up(plan: Plan, earlier: str, approvals: str) -> Iterator[str]:
    if earlier:
        yield f"attempts     {earlier}"
    if approvals:
        yield f"approvals    {approvals}"
    if plan.ledger_receiver is not None:
        yield f"receiver     {plan.ledger_receiver.demand_told}: acknowledges the ledger's line before the run arms"


def _rung(rung: Rung) -> Text:
    return Text(f"{'✔' if rung.stands else '✖'} {rung.name}: {rung.told}", style="" if rung.stands else "yellow")


def _panel(out: Console, title: str, body: RenderableType) -> Panel:
    """Frame a part; a title that the frame would cut stands within it."""
    if cell_len(title) + FRAME > out.width:
        return Panel(Group(Text(title, style="bold"), body))
    return Panel(body, title=title, title_align="left")


def _point(plan: Plan, point: PlanPoint, benched: Benched) -> Group:
    more = f"; {point.takes_back_told}" if point.takes_back_told else ""
    able, arm = point.capabilities, point.rendering.arm
    left = not_covered(point)
    more += f"; it does not isolate {left}" if left else ""
    return Group(
        Text(f"{_where(point)}; {_undone(plan, point)}{more}"),
        *((Text(f"level {point.level_told}", style="bold"),) if point.level == "hard" else ()),
        *(Text(told) for told in recipe_told(point, benched_told(benched.standing))),
        *_bench(point, benched),
        *(Text(f"not for live: it {why}", style="yellow") for why in live_refusals_of(point, benched.standing)),
        *(Text(told) for told in _of_pair(point.pair)),
        *(Text(told) for told in filter(None, (sync_told(point),))),
        *_arming(able, arm),
        _lines("restore", point.rendering.restore),
    )


def _of_pair(pair: PairMember | None) -> Iterator[str]:
    if pair is None:
        return
    yield f"member of pair {pair.pair}, with {', '.join(pair.others)}: all of them are isolated, or none"
    if pair.excepted_told:
        yield f"not isolated: {pair.excepted_told}"


def _bench(point: PlanPoint, benched: Benched) -> Iterator[Text]:
    """Say why a record does not count; and of one that counts whatever the recipe's own line has not said yet."""
    if benched.kept is not None and not benched.counts:
        yield Text(bench_sentence(benched), style="yellow")
    elif benched.standing is not None and point.recipe is None:
        yield Text(bench_counts(benched.standing))


def _arming(able: Capabilities, arm: tuple[str, ...]) -> tuple[Text, ...]:
    if able.timer == "none":
        nothing = Text(
            "arm: there is no timer; it is read that nothing stands there, and nothing is sent", style="bold"
        )
        return (nothing,) if able.logs_in else ()
    if able.arms == "with_isolate" and not arm:
        return (Text("arm: nothing takes effect; the command that isolates brings the timer with it", style="bold"),)
    return (_lines("arm", arm),)


def _where(point: PlanPoint) -> str:
    if point.management is None:
        return f"isolated by hand (platform: {point.platform}): {point.place}"
    return f"{point.platform} at {point.management.address}, managed from zone {point.management.zone}"


def _undone(plan: Plan, point: PlanPoint) -> str:
    able = point.capabilities
    tier = f"undo tier {able.undo_tier}"
    if able.timer == "none" and able.logs_in:
        return (
            f"{tier}, accepted by {point.no_timer_accepted_by or 'nobody'}: NOTHING ON THE DEVICE RESTORES THIS BY ITSELF. The run does, its guardian, a later restore, or a person; "
            f"no command acts later than {able.latest_s:g} s after it was sent"
        )
    if able.timer == "none":
        return f"{tier}: {no_timer_told(point) or 'nothing restores this by itself'}"
    renewed = "renewed while all is well" if able.renewable else "not renewable"
    latest = f"no command acts later than {able.latest_s:g} s after it was sent"
    late = f", up to {able.late_s:g} s late" if able.late_s else ""
    return f"{tier}, dead-man {plan.dead_man_s:g} s on the device{late}, {renewed}; {latest}"


def not_covered(point: PlanPoint) -> str:
    """Say what a point does not isolate; empty where it isolates everything."""
    left = [told for way, told in NOT_COVERED.items() if way not in point.capabilities.covers]
    said = point.recipe.not_covered if point.recipe is not None else None
    return said or " and ".join(left) if left else ""


def _boundary(boundary: Boundary) -> Group:
    rows = []
    for conduit in boundary.conduits:
        isolated = conduit.state == "isolated"
        what = f"isolated in stage {conduit.stage}" if isolated else conduit.state
        rows.append(
            (conduit.conduit, " to ".join(conduit.between), what, "" if isolated else conduit.accepted_by or "nobody")
        )
    table = NameTable(("conduit", "between", "in this drill", "accepted by"), rows)
    ways = [Text(f"way {way.told}", style="yellow") for way in boundary.ways_round]
    others = [Text(f"other way {way.told}", style="" if way.probes else "yellow") for way in boundary.other_ways]
    return Group(table, *ways, *others, Text(boundary.told, style="bold"))


def _lines(what: str, lines: tuple[str, ...]) -> Text:
    text = Text(f"{what}\n", style="bold")
    # On the wire a line is one line; for the eye each command of it begins a new one.
    shown = "\n".join(f"  {COMMAND.sub(NEXT_COMMAND, line)}" for line in lines)
    text.append(shown, style="not bold")
    return text


def _stage(plan: Plan, stage: PlanStage, earlier: Sequence[PlanStage]) -> Group:
    parts: list[RenderableType] = [Text(f"isolates {', '.join(stage.conduits)}")]
    parts += [
        Text(f"still isolated since stage {before.name}: {', '.join(before.conduits)}")
        for before in earlier
        if before.conduits
    ]
    for step in stage.steps:
        parts.append(_lines(f"on {step.point}{_at_the_latest(plan.points[step.point], step.timer_s)}", step.isolate))
    parts += _undo(stage, earlier)
    parts.append(Text("flows that die:" if stage.dying_flows else "flows that die: none declared"))
    parts += [_flow(flow) for flow in stage.dying_flows]
    parts += [Text(f"closed by rule (declared), not tested: {way.told}") for way in stage.closed]
    continuity = [name for name in stage.alive if plan.probes[name].role == "continuity"]
    later = [name for name in stage.alive if name not in continuity]
    parts.append(_probes("must stay alive", continuity, plan.probes))
    if later:
        parts.append(_probes("not isolated yet, so must still pass", later, plan.probes))
    parts.append(_probes("must be dead", stage.dead, plan.probes))
    return Group(*parts)


def _at_the_latest(point: PlanPoint, timer_s: float) -> str:
    able = point.capabilities
    if able.timer == "none":
        return ", undone by nothing on the device" if able.logs_in else ", by hand, and undone by hand only"
    armed = "it was armed" if able.arms == "before" else "it was isolated"
    since = "its timer was last set" if able.renewable else armed
    return f", undone by the device itself at most {timer_s + able.late_s:g} s after {since}"


def _undo(stage: PlanStage, earlier: Sequence[PlanStage]) -> list[Text]:
    """Give the undo of every point that is isolated by then; the lines of a point undo all of its conduits."""
    mine = {step.point for step in stage.steps}
    undos = {step.point: step.undo for shown in (*earlier, stage) for step in shown.steps}
    since = {step.point: before.name for before in reversed(earlier) for step in before.steps}
    return [
        _lines(f"undo on {point}{'' if point in mine else f', isolated since stage {since[point]}'}", lines)
        for point, lines in undos.items()
    ]


def _flow(flow: DyingFlow) -> Group:
    name = f"{flow.flow} on {flow.conduit}{': ' * bool(flow.purpose)}{flow.purpose}"
    seen = f"severed probes try {flow.cover}: {', '.join(flow.probes)}" if flow.probes else "no severed probe tries it"
    more = (flow.service, f"owner {flow.owner}; {seen}")
    return Group(Padding(Text(name), (0, 0, 0, 2)), *(Padding(Text(line), (0, 0, 0, 4)) for line in more))


def _probes(what: str, names: Sequence[str], probes: Mapping[str, PlanProbe]) -> Text:
    """List probes with what each is for, in the words of their file."""
    rows = (f"  {_named(name, probes[name])}" for name in names)
    return Text("\n".join((f"{what}:", *rows)) if names else f"{what}: nothing")


def _named(name: str, planned: PlanProbe) -> str:
    """Name a probe with how it goes and what it is for."""
    how, purpose = planned.how_told, planned.probe.purpose
    return f"{name}{f' ({how})' if how else ''}{f': {purpose}' if purpose else ''}"
