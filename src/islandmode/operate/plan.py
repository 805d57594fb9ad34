"""From a workspace's files to a plan, with every complaint placed in the operator's own file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from islandmode import isolation
from islandmode.core.break_glass import BreakGlass
from islandmode.core.errors import InputError
from islandmode.core.hand import hand_problems
from islandmode.core.plan import Plan
from islandmode.core.planning.digest import drill_intent
from islandmode.core.planning.plan_drill import PlanRefused, check, make_plan
from islandmode.core.promotion import SKIPPED_RUNGS, is_within
from islandmode.core.quantities import written
from islandmode.core.recipe.loaded import Recipes
from islandmode.core.recipe.told import live_refusals_of
from islandmode.isolation.table import method_of
from islandmode.operate.approving import (
    now_of,
    policy_behind_glass,
    policy_of,
    refused_by_approvals,
    refused_by_faulty_people,
)
from islandmode.operate.benched import NO_BENCH, Benched, benched
from islandmode.operate.declared import refused_by_declared
from islandmode.operate.earlier_readings import newest_dry_run
from islandmode.operate.ledger import refused_by_ledger
from islandmode.operate.promoting import missing_of, rungs_of
from islandmode.operate.recipes import recipes_for
from islandmode.store import catalog
from islandmode.store.bench_records import BENCHED
from islandmode.store.catalog import Loaded
from islandmode.system.clock import MachineClock, iso_utc
from islandmode.system.own_program import typed_at


def plan_of(workspace: Path, drill: str) -> tuple[Loaded, Plan]:
    """Load a drill and resolve it against its site; raises `InputError` with file:line:column, nothing touched."""
    loaded = catalog.load(workspace, drill)
    recipes, wrong = recipes_for(workspace, loaded.site.isolation_points.values())
    return loaded, plan_loaded(loaded, recipes, wrong)


def intent_of(loaded: Loaded) -> bytes:
    """Give the bytes behind the drill digest of what was loaded."""
    return drill_intent(loaded.drill, loaded.site, loaded.probes)


def plan_loaded(loaded: Loaded, recipes: Recipes, wrong: tuple[InputError, ...] = ()) -> Plan:
    """Resolve a drill that was loaded; raises `InputError` with file:line:column, `wrong` among them: what is wrong in recipes of its site."""
    problems = (*check(loaded.drill, loaded.site, loaded.probes), *isolation.problems(loaded.site, recipes))
    if problems:
        raise catalog.all_of((*wrong, *catalog.each_of(catalog.problem_error(loaded, problems))))
    used = {conduit for stage in loaded.drill.stages for conduit in stage.isolate}
    renderings = {
        name: isolation.render(name, point, loaded.drill, loaded.site, recipes)
        for name, point in loaded.site.isolation_points.items()
        if used & set(point.isolates)
    }
    try:
        carried = {name: recipe.recipe for name, recipe in recipes.good.items()}
        return make_plan(loaded.drill, loaded.site, loaded.probes, renderings, carried)
    except PlanRefused as refused:
        raise catalog.problem_error(loaded, refused.problems) from refused


def benched_of(workspace: Path, plan: Plan) -> dict[str, Benched]:
    """Judge the records of benches of a plan's points, by name. No device is asked: of its firmware only the record's word is known."""
    if not (workspace / BENCHED).is_dir():
        return {}
    # What reads host keys is slow, and most plans have nothing to say of a bench.
    from islandmode.operate.site_devices import known_hosts  # noqa: PLC0415 - only where a device was benched

    known = known_hosts(workspace)
    return {
        name: benched(
            workspace,
            plan.drill.site,
            name,
            method_of(point),
            [key.fingerprint for key in known.of(str(point.management.address), point.management.port)],
        )
        for name, point in plan.points.items()
        if point.management is not None
    }


def refused_for_live(
    workspace: Path, loaded: Loaded, plan: Plan, *, ahead: bool = False, broken: BreakGlass | None = None
) -> tuple[str, ...]:
    """Say why the plan could not be run live: by its recipes, by what must stand behind it, beside its points, and by its approvals.

    `ahead` takes a window that is approved and still to come as one that has begun. Where the glass is `broken`, neither approvals nor
    the rungs of rehearsals and tabletops are asked for.
    """
    found = benched_of(workspace, plan)
    points = (
        f"{name} ({point.platform}) {why}."
        for name, point in plan.points.items()
        for why in live_refusals_of(point, found.get(name, NO_BENCH).standing)
    )
    if broken is not None:
        rungs = rungs_of(workspace, plan, found, policy_behind_glass(workspace))
        return (
            *points,
            *missing_of(rung for rung in rungs if rung.name not in SKIPPED_RUNGS),
            *refused_beside_points(workspace, loaded),
            *refused_by_faulty_people(workspace),
        )
    return (
        *points,
        *missing_of(rungs_of(workspace, plan, found)),
        *refused_beside_points(workspace, loaded),
        *refused_by_approvals(workspace, plan, now_of(), ahead=ahead),
        # A dry run asks for no dry run.
        *(() if ahead else _refused_by_dry_run(workspace, plan)),
    )


def _refused_by_dry_run(workspace: Path, plan: Plan) -> Iterator[str]:
    """Say where no dry run of this very plan is as young as the site's policy asks."""
    age_s = policy_of(workspace).ages.dry_run
    found = newest_dry_run(workspace, plan)
    if found is None or not is_within(found, now_of(), age_s):
        command = typed_at(workspace, "run", plan.drill.drill, "--mode", "dry-run")
        yield f"No dry run of this plan came to its end in the last {written(age_s)}; do one: `{command}`."


def refused_beside_points(workspace: Path, loaded: Loaded) -> tuple[str, ...]:
    """Say what a live run would be refused for whatever its points are: by the ledger, and by what the site declares."""
    return (
        *refused_by_ledger(workspace, iso_utc(MachineClock.of_this_boot().utc_us())),
        *refused_by_declared(workspace, loaded),
    )


def refuse_by_hand(loaded: Loaded, plan: Plan) -> None:
    """Raise `InputError` for a drill with a device that a person isolates, and that lacks what it takes to conduct a person."""
    problems = tuple(hand_problems(plan))
    if problems:
        raise catalog.problem_error(loaded, problems)
