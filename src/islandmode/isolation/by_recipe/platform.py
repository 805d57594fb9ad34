"""A recipe as a platform: how a site's point is checked, rendered and opened by it, and what a person types on the device.

Pure but for `open`, and for the time zone of a device: whether there is one of that name is looked up on this machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from islandmode.core.bench.stand_in import is_stand_in
from islandmode.core.plan import PlanPoint
from islandmode.core.problem import Problem
from islandmode.core.recipe.card import looks_of
from islandmode.core.recipe.derive import capabilities
from islandmode.core.recipe.described import described
from islandmode.core.recipe.drivers import SHELL, by_candidate
from islandmode.core.recipe.known import TIME_ZONE
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import at_point, place_problems, planned_at
from islandmode.core.recipe.rendered import rendering, typed
from islandmode.core.recipe.stand_in import object_name, with_stand_in
from islandmode.core.rendering import RecipeUsed, Rendering
from islandmode.core.site import Between, Networks, SitePoint
from islandmode.isolation.by_hand import ByHand, Look, ssh_to
from islandmode.isolation.by_recipe.configured import comparable_of
from islandmode.isolation.platform import Access, Asked, Platform
from islandmode.isolation.point import IsolationPoint
from islandmode.system.clock import Clock
from islandmode.system.time_zones import zone_trouble

if TYPE_CHECKING:
    from islandmode.isolation.by_recipe.point import MakeConsole

ZONE_MEANS = "the time zone of the device's clock, as Europe/Berlin"


SYNC_TOLD = {
    "configuration": "its members have their configuration in common, so that one object of the run stands on all of them; that they are in sync is "
    "read before the drill, and again when a role changes",
    "nothing": "its members have nothing in common, and keep nothing in sync: each takes its own lines, and shows by itself whether it isolates",
}
"""By what members of a pair share, what a plan says of that."""


def platform_of(recipe: Recipe, used: RecipeUsed) -> Platform:
    """Make the platform that goes by a recipe."""
    means = {key: option.means for key, option in recipe.options.items()}
    return Platform(
        name=recipe.recipe,
        capabilities=capabilities(recipe),
        check=partial(_check, recipe),
        render=partial(_render, recipe, used),
        open=partial(_open, recipe),
        options=means | ({TIME_ZONE: ZONE_MEANS} if recipe.cycle == "clock" else {}),
        by_hand=partial(_by_hand, recipe),
        mend_saved=lambda _files: recipe.card.mend_saved or "",
        comparable=comparable_of(recipe),
        stand_in=with_stand_in,
        stand_in_name="" if recipe.stand_in is None else object_name(recipe),
        method=used,
        tells_role=recipe.pair is not None,
        sync_told="" if recipe.pair is None else SYNC_TOLD[recipe.pair.shares],
        described=described(recipe),
        level=recipe.level,
    )


def _check(recipe: Recipe, name: str, point: SitePoint, between: Between, networks: Networks) -> Iterator[Problem]:
    yield from place_problems(recipe, name, point, between, networks)
    zone = point.options.get(TIME_ZONE)
    trouble = zone_trouble(str(zone)) if recipe.cycle == "clock" and zone is not None else ""
    if trouble:
        yield Problem("site", ("isolation_points", name, "options", TIME_ZONE), trouble)


def _render(recipe: Recipe, used: RecipeUsed, asked: Asked) -> Rendering:
    """Render the lines for what a drill isolates, in its order: of a recipe whose lines are numbered the order tells the numbers."""
    between = {conduit: asked.between[conduit] for group in asked.stages.values() for conduit in group}
    at = at_point(asked.name, asked.point, between, asked.networks)
    return rendering(recipe, used, at, asked.stages, asked.dead_man_s)


def _open(
    recipe: Recipe, name: str, planned: PlanPoint, access: Access, clock: Clock, run: str | None
) -> IsolationPoint:
    if recipe.plays is not None and not is_stand_in(planned):
        from islandmode.isolation.by_play.point import PlayPoint  # noqa: PLC0415 - only where there are plays

        return PlayPoint(name, planned, recipe, planned_at(name, planned), access, clock, run, _session_of(recipe))
    from islandmode.isolation.by_recipe.point import RecipePoint  # noqa: PLC0415 - a plan opens no session, and waits for no asyncio

    if is_stand_in(planned):
        from islandmode.isolation.by_recipe.stand_in import RecipeStandIn  # noqa: PLC0415 - only a bench needs it

        return RecipeStandIn(name, planned, recipe, planned_at(name, planned), access, clock, run, _session_of(recipe))
    return RecipePoint(name, planned, recipe, planned_at(name, planned), access, clock, run, _session_of(recipe))


def _session_of(recipe: Recipe) -> MakeConsole:
    """Give what makes a session at a device of a recipe."""
    if by_candidate(recipe.driver):
        from islandmode.isolation.by_recipe.napalm_session import NapalmSession  # noqa: PLC0415 - it loads NAPALM

        return NapalmSession
    if recipe.driver == SHELL:
        from islandmode.isolation.by_recipe.shell import ShellSession  # noqa: PLC0415 - it loads paramiko

        return ShellSession
    from islandmode.isolation.by_recipe.console import Console  # noqa: PLC0415 - it loads netmiko

    return Console


def _by_hand(recipe: Recipe, planned: PlanPoint) -> ByHand:
    at = planned_at(planned.rendering.point, planned)
    return ByHand(
        become=recipe.card.become,
        commands=typed(recipe, at) or planned.rendering.restore,
        answer="",
        looks=tuple(
            Look(look.ask, look.must_not_show, look.otherwise, must_show=look.must_show)
            for look in looks_of(recipe, at)
        ),
        last_resort=recipe.card.last_resort,
        locked="" if recipe.held is None else recipe.held.remedy,
        console=ssh_to(planned.management),
        in_order=True,
    )
