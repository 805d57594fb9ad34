"""Isolation points: a folder per platform, `by_recipe` for those that are data, and the edge through which a run sees each device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from islandmode.core.drill import Drill
from islandmode.core.egress import Way, ways_of
from islandmode.core.errors import InputError, NoSecret, Refused
from islandmode.core.pair import member_of
from islandmode.core.plan import PlanPoint
from islandmode.core.planning.check_level import level_problems
from islandmode.core.planning.check_names import site_name_problems
from islandmode.core.problem import Problem
from islandmode.core.recipe.loaded import Recipes
from islandmode.core.rendering import Rendering
from islandmode.core.site import MANUAL, Between, Networks, Site, SitePoint
from islandmode.isolation.manual.eye import Eye
from islandmode.isolation.manual.platform import hand_point
from islandmode.isolation.platform import Access, Asked, Platform, Transcript, problems_at
from islandmode.isolation.point import IsolationPoint
from islandmode.isolation.table import no_level, no_platform, platform_of_plan, platform_of_site
from islandmode.system.clock import Clock

NO_RECIPES = Recipes()


def problems(site: Site, recipes: Recipes = NO_RECIPES) -> tuple[Problem, ...]:
    """Find what is wrong in a site that only its points' platforms can tell; what follows from a misspelt name is not told."""
    if any(site_name_problems(site)):
        return ()
    return tuple(
        problem
        for name, point in site.isolation_points.items()
        for problem in _point_problems(name, point, site, recipes)
    )


def _point_problems(name: str, point: SitePoint, site: Site, recipes: Recipes) -> Iterator[Problem]:
    platform = platform_of_site(point.platform, recipes)
    if point.by_hand is not None and point.platform != MANUAL:
        sentence = f"{name} is not isolated by hand (platform: {point.platform}), so take by_hand out, or write platform: {MANUAL}."
        yield Problem("site", ("isolation_points", name, "by_hand"), sentence)
    if platform is None:
        yield no_platform(name, point.platform, recipes)
    else:
        member = member_of(site, name)
        if member is not None and member.own and not platform.excepts_vrrp:
            sentence = (
                f"The lines of {platform.name} can let no VRRP pass, so take vrrp out of pair {member.pair}, and permit what {name} sends to the "
                "other members in the device's own rules, before the denies."
            )
            yield Problem("site", ("pairs", member.pair, "vrrp", name), sentence)
        if member is not None and platform.role_by_addresses and not member.virtual_addresses:
            sentence = (
                f"The role of {name} ({platform.name}) is read by which of its pair's virtual addresses it has, and pair {member.pair} names none; "
                "list under virtual_addresses those that only the active member has."
            )
            yield Problem("site", ("pairs", member.pair), sentence)
        between = {conduit: site.conduits[conduit].between for conduit in point.isolates}
        at_level = platform.at(point.level)
        if at_level is None:
            yield Problem("site", ("isolation_points", name, "level"), no_level(name, platform, point.level))
        yield from problems_at(at_level or platform, name, point, between, networks_of(site))
        yield from level_problems(name, point, site)


def networks_of(site: Site) -> Networks:
    """Give the networks of every zone of a site."""
    return {name: zone.networks for name, zone in site.zones.items()}


def render(name: str, point: SitePoint, drill: Drill, site: Site, recipes: Recipes = NO_RECIPES) -> Rendering:
    """Render every device line of a point for a drill; pure. Raises `InputError` on what its platform cannot do."""
    platform = _platform(name, point.platform, recipes)
    at_level = platform.at(point.level)
    if at_level is None:
        raise InputError(f"{name}: {no_level(name, platform, point.level)}")
    platform = at_level
    stages = {
        stage.name: tuple(conduit for conduit in stage.isolate if conduit in point.isolates) for stage in drill.stages
    }
    between = {conduit: site.conduits[conduit].between for conduit in point.isolates}
    counts = platform.capabilities.witness == "egress"
    ways: dict[str, tuple[Way, ...]] = {
        conduit: ways_of(site, conduit, point.interfaces) for conduit in (point.isolates if counts else ())
    }
    return platform.render(
        Asked(name, point, between, stages, drill.limits.dead_man, ways, networks_of(site), member_of(site, name))
    )


def render_rescue(
    name: str, point: SitePoint, between: Between, networks: Networks, recipes: Recipes = NO_RECIPES
) -> Rendering:
    """Render the lines that restore some conduits on a point; pure. Raises `InputError` on what its platform cannot do."""
    platform = _platform(name, point.platform, recipes)
    # Whatever the site asks for by now, what stands there must go.
    platform = platform.at(point.level) or platform
    # A rescue arms nothing, so there is nothing to count.
    stages = {"rescue": tuple(between)}
    return platform.render(Asked(name, point, between, stages, platform.capabilities.dead_man_min_s, {}, networks))


def open_point(
    name: str,
    planned: PlanPoint,
    *,
    secrets: Callable[[str], str],
    known_hosts: Path,
    clock: Clock,
    run: str | None,
    transcript: Callable[[str], Transcript | None] | None = None,
    eye: Eye | None = None,
) -> IsolationPoint:
    """Make the edge to a planned point for one run; secrets are resolved now, nothing is contacted yet.

    Without a run the point is for restoring only, and removes the objects of every run. What is said at a console is told to `transcript`,
    by the name of the session. `eye` looks where a person acts; without it, and where nobody is named, nothing here drives the device
    and `Refused` is raised.
    """
    platform = platform_of_plan(planned)
    if platform is None:
        raise InputError(f"{name}: this version has no platform {planned.platform}, by which its plan was made.")
    login, management = planned.login, planned.management
    if login is None or management is None:
        by_hand = None if eye is None else hand_point(name, planned, eye, clock)
        if by_hand is not None:
            return by_hand
        raise Refused(f"{name} is isolated and restored by hand: {planned.place}. Nothing here logs in to it.")
    access = Access(
        host=str(management.address),
        port=management.port,
        user=login.user,
        become=login.become,
        known_hosts=known_hosts,
        password=_secret(secrets, name, "password", login.password),
        key=_secret(secrets, name, "key", login.key),
        enable=_secret(secrets, name, "enable", login.enable),
        transcript=transcript,
        options=planned.options,
    )
    return platform.open(name, planned, access, clock, run)


def _secret(secrets: Callable[[str], str], name: str, key: str, reference: str | None) -> str | None:
    """Resolve what a login needs; an error says where in the site its reference stands."""
    try:
        return secrets(reference) if reference else None
    except InputError as error:
        raise NoSecret(error.message, ("isolation_points", name, "login", key)) from None


def _platform(name: str, platform: str, recipes: Recipes) -> Platform:
    found = platform_of_site(platform, recipes)
    if found is None:
        raise InputError(f"{name}: {no_platform(name, platform, recipes).sentence}")
    return found
