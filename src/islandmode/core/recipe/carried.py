"""A recipe as a plan carries it, whole, so that a guardian or a rescue years later needs no file to restore by it.

The recipe's model takes as long to make as all else of a plan, and most plans have no recipe: it is made when there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import PlainSerializer, PlainValidator

if TYPE_CHECKING:
    from islandmode.core.recipe.model import Recipe

    CarriedRecipe = Recipe
else:

    def _read(given: object) -> object:
        """Read a recipe of a plan."""
        from islandmode.core.recipe.model import Recipe  # noqa: PLC0415 - a plan without a recipe needs no model of it

        return Recipe.model_validate(given)

    def _write(recipe: Recipe) -> Mapping[str, Any]:
        """Write what a recipe says itself: a field that a later version adds must change no plan that is there."""
        return recipe.model_dump(mode="json", exclude_defaults=True)

    CarriedRecipe = Annotated[Any, PlainValidator(_read), PlainSerializer(_write)]
