"""Isolation points: one file per way of isolating, and the one table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from islandmode.core.drill import Drill
from islandmode.core.egress import ways_of
from islandmode.core.errors import InputError
from islandmode.core.plan import PlanPoint
from islandmode.core.rendering import Rendering
from islandmode.core.site import Site, SitePoint
from islandmode.isolation.nftables import recipe as nftables
from islandmode.isolation.point import IsolationPoint
from islandmode.system.clock import Clock

PLATFORMS = ("nftables",)


def render(name: str, point: SitePoint, drill: Drill, site: Site) -> Rendering:
    """Render every device line of a point for a drill; pure. Raises `InputError` on what this platform cannot do."""
    if point.platform not in PLATFORMS:
        raise InputError(f"{name}: platform {point.platform} is not known; known platforms: {', '.join(PLATFORMS)}.")
    stages = {stage.name: tuple(one for one in stage.isolate if one in point.isolates) for stage in drill.stages}
    between = {conduit: site.conduits[conduit].between for conduit in point.isolates}
    ways = {conduit: ways_of(site, conduit, point.interfaces) for conduit in point.isolates}
    return nftables.render(name, stages, between, point.interfaces, drill.limits.dead_man, ways)


def render_rescue(name: str, point: SitePoint, between: Mapping[str, tuple[str, str]]) -> Rendering:
    """Render the lines that restore some conduits on a point; pure. Raises `InputError` on what this platform cannot do."""
    if point.platform not in PLATFORMS:
        raise InputError(f"{name}: platform {point.platform} is not known; known platforms: {', '.join(PLATFORMS)}.")
    stages = {"rescue": tuple(between)}
    # A rescue arms nothing, so there is nothing to count.
    return nftables.render(name, stages, between, point.interfaces, nftables.CAPABILITIES.dead_man_min_s, {})


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

    Without a run the point is for restoring only, and restores whatever stands there.
    """
    # Imported late: NAPALM takes most of a second, and only a run needs it.
    from islandmode.isolation.nftables.point import Access, NftablesPoint  # noqa: PLC0415 - only where it is needed, as it is slow

    login = planned.login
    access = Access(
        host=str(planned.management.address),
        port=planned.management.port,
        user=login.user,
        become=login.become,
        known_hosts=known_hosts,
        password=secrets(login.password) if login.password else None,
        key=secrets(login.key) if login.key else None,
    )
    return NftablesPoint(name, planned, access, clock, run)
