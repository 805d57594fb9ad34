"""What a drill cuts, worst first, and which services that nobody may forget are among it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from islandmode.core.live.refusals import age_days, called
from islandmode.core.live.values import Backups, KeepClosed
from islandmode.core.plan import DyingFlow, Plan

WORST_FIRST = (None, "safety", "legal", "quality", "nuisance", "nothing")
"""What nobody reviewed may be anything, and so comes first."""
NOT_REVIEWED = "not reviewed"


def rank(flow: DyingFlow) -> int:
    """Place a flow by what its loss does, the worst first."""
    return WORST_FIRST.index(flow.if_cut)


def losses_worst_first(plan: Plan) -> tuple[tuple[str, tuple[DyingFlow, ...]], ...]:
    """Give every flow that dies by what its loss does, the worst first."""
    flows = sorted((flow for stage in plan.stages for flow in stage.dying_flows), key=rank)
    found: dict[str, list[DyingFlow]] = {}
    for flow in flows:
        found.setdefault(flow.if_cut or NOT_REVIEWED, []).append(flow)
    return tuple((severity, tuple(theirs)) for severity, theirs in found.items())


def is_reviewed(plan: Plan) -> bool:
    """Tell whether anybody reviewed any flow that dies."""
    return any(flow.if_cut is not None for stage in plan.stages for flow in stage.dying_flows)


def services_told(plan: Plan) -> Iterator[tuple[str, str, bool]]:
    """Say of every service to ask for what carries it and whether that is cut; nothing where the site answers none."""
    if plan.declared is None:
        return
    dying = {flow.flow for stage in plan.stages for flow in stage.dying_flows}
    for key, answer in plan.declared.asked_for.each():
        if answer is None:
            yield called(key), "nobody said what carries it", False
            continue
        cut = [name for name in answer.carried_by if name in dying or name in plan.conduits]
        what = f"CUT: {', '.join(cut)} carries it" if cut else ", ".join(answer.carried_by)
        yield called(key), f"{what} (said by {answer.said_by} on {answer.said_on})", bool(cut)


def backups_told(backups: Backups, on: date) -> Iterator[tuple[str, str, str, str, str]]:
    """Say of every backup what it is, where it lies, how old it was on a day, and who checked it."""
    for _, name, backup in backups.each():
        days = age_days(backup, on)
        late = f", limit {backups.max_age_days}" if days > backups.max_age_days else ""
        yield name, backup.what, backup.where, f"{backup.taken_on}, {days} days{late}", backup.checked_by


def closings_told(plan: Plan) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Say what keeps each conduit closed and who may order it, with its lines; conduits that the same lines close stand together."""
    found: dict[tuple[str | None, KeepClosed], list[str]] = {}
    for closing in plan.declared.keep_closed if plan.declared is not None else ():
        found.setdefault((closing.point, closing.how), []).append(closing.conduit)
    return tuple(
        (
            f"{', '.join(conduits)}: by {how.by}{f' on {point}' if point else ''}; may be ordered by {how.ordered_by}",
            how.what,
        )
        for (point, how), conduits in found.items()
    )
