"""The edge to a device that goes by a recipe."""

from __future__ import annotations

from islandmode.core.errors import Refused
from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.isolation.platform import Access
from islandmode.isolation.point import IsolationPoint
from islandmode.system.clock import Clock


def RecipePoint(  # noqa: N802 - a class of that name takes its place
    name: str,
    planned: PlanPoint,  # noqa: ARG001 - as the class that takes its place
    recipe: Recipe,
    at: PointAt,  # noqa: ARG001
    access: Access,  # noqa: ARG001
    clock: Clock,  # noqa: ARG001
    run: str | None,  # noqa: ARG001
) -> IsolationPoint:
    """Raise: nothing sends the lines of a recipe yet."""
    raise Refused(
        f"{name} goes by the recipe {recipe.recipe}, and this version sends no line of a recipe. Nothing was touched."
    )
