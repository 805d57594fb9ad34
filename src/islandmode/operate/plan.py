"""From a workspace's files to a plan, with every complaint placed in the operator's own file."""

from __future__ import annotations

from pathlib import Path

from islandmode import isolation
from islandmode.core.plan import Plan
from islandmode.core.planning.plan_drill import PlanRefused, check, make_plan
from islandmode.store import catalog
from islandmode.store.catalog import Loaded


def plan_of(workspace: Path, drill: str) -> tuple[Loaded, Plan]:
    """Load a drill and resolve it against its site; raises `InputError` with file:line:column, nothing touched."""
    loaded = catalog.load(workspace, drill)
    return loaded, plan_loaded(loaded)


def plan_loaded(loaded: Loaded) -> Plan:
    """Resolve a drill that was loaded; raises `InputError` with file:line:column."""
    problems = (*check(loaded.drill, loaded.site, loaded.probes), *isolation.problems(loaded.site, loaded.own_recipes))
    if problems:
        raise catalog.problem_error(loaded, problems)
    used = {conduit for stage in loaded.drill.stages for conduit in stage.isolate}
    renderings = {
        name: isolation.render(name, point, loaded.drill, loaded.site)
        for name, point in loaded.site.isolation_points.items()
        if used & set(point.isolates)
    }
    try:
        return make_plan(loaded.drill, loaded.site, loaded.probes, renderings)
    except PlanRefused as refused:
        raise catalog.problem_error(loaded, refused.problems) from refused
