"""What a site declares for its live drills, in the words of a plan: what is cut, its services, its backups, what keeps it closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rich.console import Group, RenderableType
from rich.text import Text

from islandmode.core.live.losses import backups_told, closings_told, losses_worst_first, services_told
from islandmode.core.plan import Plan
from islandmode.core.plant_state import IDLE_SHOWS
from islandmode.ui.name_table import NameTable


def service_text(plan: Plan) -> Text:
    """Say what must go on, or that an idle drill shows nothing of it."""
    if plan.drill.is_idle:
        return Text(f"plant state idle: shows at best {IDLE_SHOWS}; service {plan.drill.service_told}")
    return Text(f"service that must keep running: {plan.drill.service.told}")


def interlocks_text(plan: Plan) -> Iterator[Text]:
    """Say what the plant must say of itself, before and while it is isolated."""
    state = plan.drill.plant_state
    for lock in plan.drill.interlocks:
        yield Text(
            f"interlock {lock.probe} must read {lock.needed_told(state)}, as plant state {state} needs; otherwise for {lock.bad_for:g} s: restored at once"
        )


def backlogs_text(plan: Plan) -> Iterator[Text]:
    """Say what must drain once the plant is restored, and who closes the run."""
    for backlog in plan.drill.backlogs:
        yield Text(f"backlog {backlog.probe} must drain after the restore: {backlog.told}")
    if plan.drill.closed_by is not None:
        yield Text(f"closed by {plan.drill.closed_by}, who confirms that the service is back")


def declared_parts(plan: Plan, on: date) -> Iterator[tuple[str, RenderableType]]:
    """Give each part with its title; `on` is the day on which backups are as old as is said."""
    cut = [
        Text(f"{flow.review_told}: {flow.flow} on {flow.conduit}, owner {flow.owner}")
        for _, flows in losses_worst_first(plan)
        for flow in flows
    ]
    if cut:
        yield "what is cut, worst first", Group(*cut)
    if plan.declared is None:
        return
    services = [
        Text(f"{service}: {told}", style="bold yellow" if is_cut else "")
        for service, told, is_cut in services_told(plan)
    ]
    yield "services asked for by name", Group(*services)
    backups = plan.declared.backups
    if backups is not None:
        head = ("backup of", "what", "where", "taken, age", "checked by")
        yield "backups that lie elsewhere", NameTable(head, list(backups_told(backups, on)))
    closings = [Text("\n".join((told, *(f"  {line}" for line in lines)))) for told, lines in closings_told(plan)]
    if closings:
        yield "if this drill turns real: what keeps each conduit closed", Group(*closings)
