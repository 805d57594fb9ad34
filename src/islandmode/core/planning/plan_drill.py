"""From a drill, a site and probes to a plan; or to every reason why there must be none.

`check` needs no device lines, so `validate` and the time before rendering can use it; `make_plan` checks again with
what is then known of the platforms. What follows from a misspelt name is not complained about: it would only bury the name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from islandmode.core.boundary import boundary_of
from islandmode.core.capabilities import Capabilities
from islandmode.core.drill import Drill, Stage
from islandmode.core.live.declared import declared_of
from islandmode.core.pair import member_of
from islandmode.core.plan import ClosedWay, Plan, PlanPoint, PlanProbe, PlanStage, PlanVantage, Step
from islandmode.core.planning.check_backlogs import as_backlog, backlog_problems
from islandmode.core.planning.check_boundary import boundary_problems
from islandmode.core.planning.check_devices import device_problems, hold_s, limit_problems, points_used, spool_problems
from islandmode.core.planning.check_interlocks import as_interlock, interlock_problems
from islandmode.core.planning.check_names import (
    address_problems,
    name_problems,
    probe_list_problems,
    site_name_problems,
    stage_problems,
)
from islandmode.core.planning.check_paths import path_problems
from islandmode.core.planning.check_return import return_problems
from islandmode.core.planning.check_site import site_problems
from islandmode.core.planning.coverage import dying_flows
from islandmode.core.planning.digest import drill_digest, plan_digest
from islandmode.core.planning.paths import DIRECTIONS, is_far, isolated_by, path_of, permitted_ways, shared_families
from islandmode.core.probe import Probe
from islandmode.core.problem import PlanRefused, Problem
from islandmode.core.rendering import Rendering
from islandmode.core.site import Site, SitePoint

if TYPE_CHECKING:
    from islandmode.core.recipe.model import Recipe

NO_RECIPES: Mapping[str, Recipe] = MappingProxyType({})

__all__ = ["PlanRefused", "Problem", "check", "check_in_part", "check_site", "make_plan"]


def check(drill: Drill, site: Site, probes: Mapping[str, Probe]) -> tuple[Problem, ...]:
    """Find everything wrong that can be found without device lines; empty means that rendering may begin."""
    return _problems(drill, site, probes, {})


def check_site(site: Site) -> tuple[Problem, ...]:
    """Find everything wrong in a site by itself, with no drill."""
    return (*site_name_problems(site), *_site_values(site))


def check_in_part(drill: Drill, site: Site | None, probes: Iterable[str]) -> tuple[Problem, ...]:
    """Find what is wrong in a drill whose site, or whose probes, cannot be read whole; `probes` are all names that there are."""
    found = [*limit_problems(drill), *probe_list_problems(drill, frozenset(probes))]
    if site is not None:
        found += [*stage_problems(drill, site), *_boundary(drill, site)]
    return tuple(found)


def make_plan(
    drill: Drill,
    site: Site,
    probes: Mapping[str, Probe],
    renderings: Mapping[str, Rendering],
    recipes: Mapping[str, Recipe] = NO_RECIPES,
) -> Plan:
    """Resolve a drill against a site; raises `PlanRefused` with every problem found. `recipes` are those of the site's points, by name."""
    problems = _problems(drill, site, probes, renderings)
    if problems:
        raise PlanRefused(problems)
    points = {
        name: _point(drill, site, name, renderings[name], recipes.get(point.platform))
        for name, point in points_used(drill, site).items()
    }
    planned = {name: _probe(drill, site, name, probes[name]) for name in drill.asked}
    seen_from = dict.fromkeys(known.probe.vantage for known in planned.values())
    plan = Plan(
        drill=drill,
        drill_digest=drill_digest(drill, site, probes),
        plan_digest="",
        stages=tuple(_stage(drill, site, index, planned, points) for index in range(len(drill.stages))),
        points=points,
        probes=planned,
        vantages={name: _vantage(site, name) for name in seen_from},
        zones={name: zone.networks for name, zone in site.zones.items()},
        conduits=isolated_by(drill),
        dead_man_s=drill.limits.dead_man,
        hold_s=hold_s(drill),
        ledger_receiver=site.ledger_receiver,
        boundary=boundary_of(drill, site, {name: point.capabilities.covers for name, point in points.items()}, probes),
        declared=declared_of(drill, site),
    )
    return plan.model_copy(update={"plan_digest": plan_digest(plan)})


def _problems(
    drill: Drill, site: Site, probes: Mapping[str, Probe], renderings: Mapping[str, Rendering]
) -> tuple[Problem, ...]:
    names = tuple(name_problems(drill, site, probes))
    found = [*names, *limit_problems(drill), *_boundary(drill, site), *_site_values(site)]
    if not any(site_name_problems(site)) and not any(stage_problems(drill, site)):
        found += device_problems(drill, site, renderings)
        found += return_problems(drill, site, renderings)
    if not names:
        found += [*interlock_problems(drill, probes), *backlog_problems(drill, probes)]
        found += [*path_problems(drill, site, probes), *spool_problems(drill, probes)]
    return tuple(found)


def _boundary(drill: Drill, site: Site) -> tuple[Problem, ...]:
    """Find what is wrong about the boundary; where a name is misspelt it is not known."""
    if any(site_name_problems(site)) or any(stage_problems(drill, site)):
        return ()
    return tuple(boundary_problems(drill, site))


def _site_values(site: Site) -> tuple[Problem, ...]:
    """Find what is wrong in a site beside its names; what follows from a misspelt name is not told."""
    found = tuple(address_problems(site))
    return found if any(site_name_problems(site)) else (*found, *site_problems(site))


def _point(drill: Drill, site: Site, name: str, rendering: Rendering, recipe: Recipe | None) -> PlanPoint:
    point = site.isolation_points[name]
    conduits = tuple(conduit for conduit in isolated_by(drill) if conduit in point.isolates)
    between = {conduit: site.conduits[conduit].between for conduit in conduits}
    return PlanPoint(
        platform=point.platform,
        management=point.management,
        login=point.login,
        interfaces=point.interfaces,
        options=point.options,
        conduits=conduits,
        between=between,
        rendering=rendering,
        capabilities=_capabilities(point, rendering),
        no_timer_accepted_by=point.accept_no_timer.accepted_by if point.accept_no_timer is not None else None,
        lost_edits_accepted_by=point.accept_lost_edits.accepted_by if point.accept_lost_edits is not None else None,
        recipe=recipe,
        networks={}
        if recipe is None
        else {zone: site.zones[zone].networks for ends in between.values() for zone in ends},
        by_hand=point.by_hand,
        pair=member_of(site, name),
        level=point.level,
    )


def _capabilities(point: SitePoint, rendering: Rendering) -> Capabilities:
    """Take what the platform can do, less what the site does not allow on this device."""
    able = rendering.capabilities
    longest_s = min(able.dead_man_max_s, point.dead_man_max or able.dead_man_max_s)
    return able.model_copy(update={"renewable": able.renewable and point.renewable, "dead_man_max_s": longest_s})


def _probe(drill: Drill, site: Site, name: str, probe: Probe) -> PlanProbe:
    path = path_of(site, probe)
    return PlanProbe(
        probe=as_backlog(drill, name, as_interlock(drill, name, probe)),
        zone=site.zone_of(probe.host) or "",
        role=_role(drill, name),
        crosses=path.conduit,
        direction=path.direction,
        family=path.family,
    )


def _role(drill: Drill, name: str) -> Literal["continuity", "severed", "interlock", "backlog"]:
    if name in drill.continuity:
        return "continuity"
    if name in drill.severed:
        return "severed"
    return "backlog" if any(backlog.probe == name for backlog in drill.backlogs) else "interlock"


def _vantage(site: Site, name: str) -> PlanVantage:
    vantage = site.vantages[name]
    return PlanVantage(zone=vantage.zone, address=vantage.address, far=is_far(name), ssh=vantage.ssh, kit=vantage.kit)


def _stage(
    drill: Drill, site: Site, index: int, probes: Mapping[str, PlanProbe], points: Mapping[str, PlanPoint]
) -> PlanStage:
    stage = drill.stages[index]
    isolated = tuple(conduit for earlier in drill.stages[: index + 1] for conduit in earlier.isolate)
    dead = tuple(name for name in drill.severed if probes[name].crosses in isolated)
    # A severed probe of a later stage must still be good now: losing it early means that too much was isolated.
    later = tuple(name for name in drill.severed if name not in dead)
    asked = {name: planned.probe for name, planned in probes.items()}
    return PlanStage(
        name=stage.name,
        hold_s=stage.hold,
        conduits=stage.isolate,
        isolated=isolated,
        steps=tuple(_steps(drill, stage, points)),
        dying_flows=dying_flows(site, stage.isolate, drill.severed, asked),
        closed=tuple(_closed(site, stage, probes)),
        dead=dead,
        alive=(*drill.continuity, *later),
    )


def _closed(site: Site, stage: Stage, probes: Mapping[str, PlanProbe]) -> Iterator[ClosedWay]:
    """Find the ways of a stage's conduits that the allow-list permits nothing on, and no severed probe tries."""
    severed = [probe for probe in probes.values() if probe.role == "severed" and probe.probe.by is None]
    tried = {(probe.crosses, probe.direction, probe.family) for probe in severed}
    for conduit in stage.isolate:
        permitted = permitted_ways(site, conduit)
        for direction, family in product(DIRECTIONS, shared_families(site, conduit)):
            if (direction, family) not in permitted and (conduit, direction, family) not in tried:
                yield ClosedWay(conduit=conduit, direction=direction, family=family)


def _steps(drill: Drill, stage: Stage, points: Mapping[str, PlanPoint]) -> Iterator[Step]:
    for name, point in points.items():
        conduits = tuple(conduit for conduit in stage.isolate if conduit in point.conduits)
        if conduits:
            yield Step(
                point=name,
                conduits=conduits,
                isolate=_lines(point.rendering, stage.name),
                undo=point.rendering.restore,
                timer_s=0.0 if point.capabilities.timer == "none" else drill.limits.dead_man,
            )


def _lines(rendering: Rendering, stage: str) -> tuple[str, ...]:
    return next(lines.isolate for lines in rendering.stages if lines.stage == stage)
