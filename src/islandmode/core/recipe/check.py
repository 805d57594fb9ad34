"""Everything that is refused when a recipe is loaded, each as one sentence with its path into the file. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from islandmode.core.problem import Problem
from islandmode.core.recipe.check_candidate import candidate_problems
from islandmode.core.recipe.check_cycle import meaning_problems
from islandmode.core.recipe.check_plays import play_problems
from islandmode.core.recipe.check_text import text_problems
from islandmode.core.recipe.model import Recipe


def recipe_problems(recipe: Recipe) -> Iterator[Problem]:
    """Find everything wrong in a recipe."""
    yield from text_problems(recipe)
    yield from meaning_problems(recipe)
    yield from candidate_problems(recipe)
    yield from play_problems(recipe)
