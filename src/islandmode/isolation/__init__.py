"""Isolation points: a folder per platform, the one table of them, and the edge through which a run sees each device."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from islandmode.core.drill import Drill
from islandmode.core.egress import Way, ways_of
from islandmode.core.errors import InputError, NoSecret
from islandmode.core.plan import PlanPoint
from islandmode.core.planning.check_names import site_name_problems
from islandmode.core.problem import Problem
from islandmode.core.rendering import Rendering
from islandmode.core.site import Site, SitePoint
from islandmode.isolation.platform import Access, Asked, Platform
from islandmode.isolation.point import IsolationPoint
from islandmode.isolation.table import PLATFORMS, no_platform, point_problems
from islandmode.system.clock import Clock


def problems(site: Site, own_recipes: Collection[str] = ()) -> tuple[Problem, ...]:
    """Find what is wrong in a site that only its points' platforms can tell; what follows from a misspelt name is not told.

    `own_recipes` names the recipes of the site's workspace.
    """
    if any(site_name_problems(site)):
        return ()
    between = {name: conduit.between for name, conduit in site.conduits.items()}
    return tuple(
        problem
        for name, point in site.isolation_points.items()
        for problem in point_problems(
            name, point, {conduit: between[conduit] for conduit in point.isolates}, own_recipes
        )
    )


def render(name: str, point: SitePoint, drill: Drill, site: Site) -> Rendering:
    """Render every device line of a point for a drill; pure. Raises `InputError` on what its platform cannot do."""
    platform = _platform(name, point.platform)
    stages = {
        stage.name: tuple(conduit for conduit in stage.isolate if conduit in point.isolates) for stage in drill.stages
    }
    between = {conduit: site.conduits[conduit].between for conduit in point.isolates}
    counts = platform.capabilities.witness == "egress"
    ways: dict[str, tuple[Way, ...]] = {
        conduit: ways_of(site, conduit, point.interfaces) for conduit in (point.isolates if counts else ())
    }
    return platform.render(Asked(name, point, between, stages, drill.limits.dead_man, ways))


def render_rescue(name: str, point: SitePoint, between: Mapping[str, tuple[str, str]]) -> Rendering:
    """Render the lines that restore some conduits on a point; pure. Raises `InputError` on what its platform cannot do."""
    platform = _platform(name, point.platform)
    # A rescue arms nothing, so there is nothing to count.
    stages = {"rescue": tuple(between)}
    return platform.render(Asked(name, point, between, stages, platform.capabilities.dead_man_min_s, {}))


def open_point(
    name: str,
    planned: PlanPoint,
    *,
    secrets: Callable[[str], str],
    known_hosts: Path,
    clock: Clock,
    run: str | None,
) -> IsolationPoint:
    """Make the edge to a planned point for one run; secrets are resolved now, nothing is contacted yet.

    Without a run the point is for restoring only, and removes the objects of every run.
    """
    login = planned.login
    access = Access(
        host=str(planned.management.address),
        port=planned.management.port,
        user=login.user,
        become=login.become,
        known_hosts=known_hosts,
        password=_secret(secrets, name, "password", login.password),
        key=_secret(secrets, name, "key", login.key),
    )
    return _platform(name, planned.platform).open(name, planned, access, clock, run)


def _secret(secrets: Callable[[str], str], name: str, key: str, reference: str | None) -> str | None:
    """Resolve what a login needs; an error says where in the site its reference stands."""
    try:
        return secrets(reference) if reference else None
    except InputError as error:
        raise NoSecret(error.message, ("isolation_points", name, "login", key)) from None


def _platform(name: str, platform: str) -> Platform:
    if platform not in PLATFORMS:
        raise InputError(f"{name}: {no_platform(name, platform).sentence}")
    return PLATFORMS[platform]
