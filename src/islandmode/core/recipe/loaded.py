"""Recipes that were read from their files, as values: what a site's points may name. Nothing here needs the recipe's model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from islandmode.core.recipe.shipped import SHIPPED

if TYPE_CHECKING:
    from islandmode.core.recipe.model import Recipe
    from islandmode.core.rendering import RecipeUsed


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe, and what a plan says of it: its name, its version, and the digest of its file."""

    file: str
    recipe: Recipe
    used: RecipeUsed


@dataclass(frozen=True)
class Recipes:
    """The recipes that the points of a site may name: those that were read, by name, and the files of those that are wrong."""

    good: Mapping[str, LoadedRecipe] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """Name every recipe that there is; those that ship are there whether they were read or not."""
        return frozenset((*SHIPPED, *self.good, *self.wrong))
