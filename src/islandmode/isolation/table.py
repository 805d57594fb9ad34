"""The one table of platforms, and what is asked of it by a platform's name. Pure, but for what a platform's `open` does."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from islandmode.core.difference import UNTOUCHED, Comparable
from islandmode.core.plan import PlanPoint
from islandmode.core.problem import Path, Problem, listed, unknown
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.site import SitePoint
from islandmode.isolation.by_hand import ByHand, plain
from islandmode.isolation.nftables.platform import NFTABLES
from islandmode.isolation.platform import Between, Platform, problems_at

PLATFORMS: dict[str, Platform] = {platform.name: platform for platform in (NFTABLES,)}


def point_problems(name: str, point: SitePoint, between: Between, own_recipes: Collection[str]) -> Iterator[Problem]:
    """Find what is wrong about a point of a site that only its platform can tell, and a platform that nothing has."""
    platform = PLATFORMS.get(point.platform)
    if platform is not None:
        yield from problems_at(platform, name, point, between)
    else:
        yield no_platform(name, point.platform, own_recipes)


def no_platform(name: str, platform: str, own_recipes: Collection[str] = ()) -> Problem:
    """Say of a name why no platform stands behind it: it is a recipe's, by which nothing here drives a device, or nobody's."""
    at: Path = ("isolation_points", name, "platform")
    if platform not in {*SHIPPED, *own_recipes}:
        return unknown("site", at, "platform", platform, PLATFORMS)
    sentence = (
        f"{platform} is a recipe, and this version reads and checks recipes but cannot drive a device by one, so that {name} could be neither "
        f"isolated nor restored; use a platform that it drives: {listed(PLATFORMS)}."
    )
    return Problem("site", at, sentence)


def by_hand(point: PlanPoint) -> ByHand:
    """Say how to restore a device by hand; a plan of a platform that is not known here still has its commands."""
    platform = PLATFORMS.get(point.platform)
    return plain(point) if platform is None else platform.by_hand(point)


def mend_saved(platform: str, files: tuple[str, ...] = ()) -> str:
    """Give the command that takes Islandmode's objects out of saved files; empty for a platform of which none is known.

    Without files it is for the saved configuration's main file.
    """
    known = PLATFORMS.get(platform)
    return "" if known is None else known.mend_saved(files)


def comparable(platform: str) -> Comparable:
    """Say what must be known of a platform's configurations to compare two of them."""
    known = PLATFORMS.get(platform)
    return UNTOUCHED if known is None else known.comparable
