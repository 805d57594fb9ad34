"""The recipes that sites name: read only where a platform is not code, so that everybody else waits for none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.core.recipe.loaded import Recipes
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.site import SitePoint
from islandmode.isolation import NO_RECIPES
from islandmode.isolation.table import IN_CODE


def recipes_for(
    workspace: Path, points: Iterable[SitePoint], *, restores_only: bool = False
) -> tuple[Recipes, tuple[InputError, ...]]:
    """Read the recipes that these points name, and say what is wrong in the files of those among them that cannot be used.

    What only restores, or looks, needs none of the playbooks that a recipe names, and must not fail for one.
    """
    named = {point.platform for point in points} - IN_CODE.keys()
    if not named:
        return NO_RECIPES, ()
    from islandmode.store.recipes import own_recipes, read_shipped  # noqa: PLC0415 - only where a site names a recipe

    shipped = read_shipped(named & set(SHIPPED))
    others = named - shipped.keys()
    if not others:
        return Recipes(shipped), ()
    own = own_recipes(workspace, with_plays=not restores_only)
    errors = tuple(error for name in sorted(others & own.wrong.keys()) for error in own.wrong[name].errors)
    return own.beside(shipped), errors
