"""What a restore or a look needs of a site's files when no record says it. It imports nothing of planning: a restore waits for none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from islandmode import isolation
from islandmode.core.errors import InputError
from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.loaded import Recipes
from islandmode.core.rescue import Rescue
from islandmode.core.site import Between, SitePoint
from islandmode.operate.recipes import recipes_for
from islandmode.store.rescue import Needed, read_needed, read_whole


def rescue_of(workspace: Path, drill: str) -> tuple[Rescue, tuple[InputError, ...], tuple[InputError, ...]]:
    """Make what a restore by a drill's name needs; returns too why points are lost, and what else is wrong in the files."""
    return _rescue(workspace, read_needed(workspace, drill))


def rescue_of_site(workspace: Path, site: str) -> tuple[Rescue, tuple[InputError, ...], tuple[InputError, ...]]:
    """Make what a look at every point of a site needs, but for those that no run isolates, as nobody is named there who would be asked.

    Returns what `rescue_of` does. A point where somebody is named cannot be seen without a plan's probes, and is lost when it is opened.
    """
    needed = read_whole(workspace, site)
    driven = {
        name: (point, between)
        for name, (point, between) in needed.points.items()
        if point.by_hand is None or point.by_hand.person is not None
    }
    conduits = tuple(dict.fromkeys(conduit for _, between in driven.values() for conduit in between))
    return _rescue(workspace, replace(needed, points=driven, conduits=conduits))


def _rescue(workspace: Path, needed: Needed) -> tuple[Rescue, tuple[InputError, ...], tuple[InputError, ...]]:
    points: dict[str, PlanPoint] = {}
    lost = [InputError(f"{name} cannot be restored by this drill: {error}") for name, error in needed.lost.items()]
    recipes, wrong = recipes_for(workspace, (point for point, _ in needed.points.values()), restores_only=True)
    lost += wrong
    for name, (point, between) in needed.points.items():
        try:
            points[name] = _point(name, point, between, needed, recipes)
        except InputError as error:
            lost.append(InputError(error.message, error.place or needed.place_of(name)))
    reached = {conduit for planned in points.values() for conduit in planned.conduits}
    unreached = [conduit for conduit in needed.conduits if conduit not in reached]
    if not points:
        raise (
            lost[0]
            if lost
            else InputError(
                f"No isolation point of site {needed.site} isolates {', '.join(needed.conduits)}; name the points in its file."
            )
        )
    if unreached:
        lost.append(InputError(f"No isolation point that can be read isolates {', '.join(unreached)}."))
    return Rescue(site=needed.site, points=points, conduits=needed.conduits), tuple(lost), needed.left_out


def _point(name: str, point: SitePoint, between: Between, needed: Needed, recipes: Recipes) -> PlanPoint:
    loaded = recipes.good.get(point.platform)
    networks = {} if loaded is None else needed.networks_of(between)
    rendering = isolation.render_rescue(name, point, between, networks, recipes)
    return PlanPoint(
        platform=point.platform,
        management=point.management,
        login=point.login,
        interfaces=point.interfaces,
        options=point.options,
        conduits=tuple(between),
        between=dict(between),
        rendering=rendering,
        capabilities=rendering.capabilities,
        recipe=None if loaded is None else loaded.recipe,
        networks=dict(networks),
        by_hand=point.by_hand,
        level=point.level,
    )
