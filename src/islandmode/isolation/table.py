"""The platform behind a name, or behind a plan, and what is asked of it. Pure, but for what a platform's `open` does.

Platforms that are code stand in one table. Every other name is a recipe's: for a site the recipes come in as values, and a plan carries
the one that it was made by, so that what restores by a plan asks for no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from islandmode.core.difference import UNTOUCHED, Comparable
from islandmode.core.plan import PlanPoint
from islandmode.core.problem import Path, Problem, unknown
from islandmode.core.recipe.loaded import Recipes
from islandmode.core.rendering import RecipeUsed
from islandmode.core.site import MANUAL, IsolationLevel
from islandmode.isolation.by_hand import ByHand, plain
from islandmode.isolation.manual.platform import BY_HAND
from islandmode.isolation.nftables.platform import NFTABLES
from islandmode.isolation.platform import Platform
from islandmode.isolation.point import IsolationPoint, ListsSessions, Prepares, ShowsRights, TellsRole

if TYPE_CHECKING:
    from islandmode.core.recipe.model import Recipe

IN_CODE: dict[str, Platform] = {platform.name: platform for platform in (NFTABLES, BY_HAND)}


def platform_of_site(name: str, recipes: Recipes) -> Platform | None:
    """Find the platform that a site's point names; None where it cannot be used."""
    if name in IN_CODE:
        return IN_CODE[name]
    loaded = recipes.good.get(name)
    return None if loaded is None else _by_recipe(loaded.recipe, loaded.used)


def platform_of_plan(planned: PlanPoint) -> Platform | None:
    """Find the platform of a planned point, by the plan alone; None for one of which nothing is known here."""
    if planned.recipe is not None and planned.rendering.recipe is not None:
        return _by_recipe(planned.recipe, planned.rendering.recipe)
    known = IN_CODE.get(planned.platform)
    return known and (known.at(planned.level) or known)


def _by_recipe(recipe: Recipe, used: RecipeUsed) -> Platform:
    from islandmode.isolation.by_recipe.platform import platform_of  # noqa: PLC0415 - nftables needs no recipe's model

    return platform_of(recipe, used)


def no_platform(name: str, platform: str, recipes: Recipes) -> Problem:
    """Say of a point's platform why it cannot be used: nothing has that name, or its recipe's file is wrong."""
    at: Path = ("isolation_points", name, "platform")
    if platform not in recipes.wrong:
        return unknown("site", at, "platform", platform, {*IN_CODE, *recipes.names})
    file = recipes.wrong[platform]
    return Problem("site", at, f"{name} goes by the recipe {platform}, and {file} is wrong; mend that file first.")


def no_level(name: str, platform: Platform, level: IsolationLevel) -> str:
    """Say of a point that its platform does not isolate at the level that the site asks for, and what to write."""
    if platform.name == MANUAL:
        return f"{name} is isolated by a person, whose lines say what they do; take level out."
    if level == "hard":
        return f"{name} asks for level hard, and {platform.name} has only deny, which leaves every interface up; take level out, or use another platform."
    return (
        f"{platform.name} takes interfaces of {name} down, which is level hard, and the site asks for deny there, as it does where nothing is said. Write "
        "level: hard if that is meant, or use another platform."
    )


def by_hand(point: PlanPoint) -> ByHand:
    """Say how to restore a device by hand; a plan of a platform that is not known here still has its commands."""
    platform = platform_of_plan(point)
    return plain(point) if platform is None else platform.by_hand(point)


def mend_saved(point: PlanPoint, files: tuple[str, ...] = ()) -> str:
    """Give the command that takes Islandmode's objects out of saved files; empty for a platform of which none is known.

    Without files it is for the saved configuration's main file.
    """
    known = platform_of_plan(point)
    return "" if known is None else known.mend_saved(files)


def comparable(point: PlanPoint) -> Comparable:
    """Say what must be known of a device's configurations to compare two of them."""
    known = platform_of_plan(point)
    return UNTOUCHED if known is None else known.comparable


def stand_in_of(planned: PlanPoint) -> PlanPoint | None:
    """Give a planned point with the stand-in of a bench in the place of its conduits; None where its platform has none."""
    known = platform_of_plan(planned)
    return None if known is None else known.stand_in(planned)


def method_of(planned: PlanPoint) -> RecipeUsed | None:
    """Tell which lines isolate a planned point, for the record of a bench; None where nothing here does."""
    known = platform_of_plan(planned)
    return None if known is None else known.method


def after_failover_of(planned: PlanPoint) -> Literal["isolates", "passes", "unknown"]:
    """Tell what the other member of a pair does with an isolation, by the word of a planned point's platform."""
    known = platform_of_plan(planned)
    return "unknown" if known is None or known.described is None else known.described.after_failover


def stand_in_name(planned: PlanPoint) -> str:
    """Name the stand-in of a bench as a planned point's device has it; empty where its platform has none."""
    known = platform_of_plan(planned)
    return "" if known is None else known.stand_in_name


def listing_sessions(planned: PlanPoint, point: IsolationPoint) -> ListsSessions | None:
    """Give a point as one that can list the sessions that pass it, if it can."""
    known = platform_of_plan(planned)
    return cast("ListsSessions", point) if known is not None and known.lists_sessions else None


def telling_role(planned: PlanPoint, point: IsolationPoint) -> TellsRole | None:
    """Give a point as a member that can tell its role in its pair, if it is one and can."""
    known = platform_of_plan(planned) if planned.pair is not None else None
    return cast("TellsRole", point) if known is not None and known.tells_role else None


def reads_addresses(planned: PlanPoint) -> bool:
    """Tell whether a planned point's role in its pair is told by the virtual addresses that it has; its own word tells it otherwise."""
    known = platform_of_plan(planned)
    return known is None or known.role_by_addresses or not known.tells_role


def sync_told(planned: PlanPoint) -> str:
    """Say for a plan what the members of a planned point's pair keep in sync; empty where nothing is known of that, or it has no pair."""
    known = platform_of_plan(planned) if planned.pair is not None else None
    return "" if known is None else known.sync_told


def preparing(planned: PlanPoint, point: IsolationPoint) -> Prepares | None:
    """Give a planned point as one that can do beforehand what an isolate needs, if it can."""
    known = platform_of_plan(planned)
    return cast("Prepares", point) if known is not None and known.prepares else None


def showing_rights(planned: PlanPoint, point: IsolationPoint) -> ShowsRights | None:
    """Give a planned point as one that tells what its account may do, if it does."""
    known = platform_of_plan(planned)
    return cast("ShowsRights", point) if known is not None and known.shows_rights else None
