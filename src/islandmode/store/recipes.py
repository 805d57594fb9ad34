"""Recipes from their files: those that ship with Islandmode, and a workspace's own in `inventory/recipes/`.

Everything wrong in a file is said at once, each with file:line:column. A name stands for one recipe everywhere: a workspace's own
cannot take the place of one that ships.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.core.recipe.check import recipe_problems
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.shipped import NOT_RECIPES, SHIPPED
from islandmode.core.rendering import RecipeUsed
from islandmode.store import catalog
from islandmode.store.yaml_tree import YamlTree, read_yaml

SHIPPED_FOLDER = Path(__file__).resolve().parents[1] / "isolation" / "recipes"


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe, and what a plan says of it: its name, its version, and the digest of its file."""

    file: str
    recipe: Recipe
    used: RecipeUsed


def read_recipe(path: Path, shown: str) -> LoadedRecipe:
    """Read one recipe; raises `InputError` with everything that is wrong with it."""
    return _read(path, shown)[0]


def shipped_recipes() -> dict[str, LoadedRecipe]:
    """Read the recipes that ship, by name."""
    return {name: read_recipe(SHIPPED_FOLDER / f"{name}.yaml", f"{name}.yaml") for name in SHIPPED}


def own_recipes(workspace: Path) -> tuple[dict[str, LoadedRecipe], tuple[InputError, ...]]:
    """Read the recipes of a workspace, by name, and say what is wrong in those that cannot be used."""
    found: dict[str, LoadedRecipe] = {}
    trees: dict[str, YamlTree] = {}
    wrong: list[InputError] = []
    for path in catalog.files(workspace, catalog.RECIPES):
        shown = str(path.relative_to(workspace))
        try:
            loaded, tree = _read(path, shown)
            _refuse_taken(loaded.recipe.recipe, tree, trees)
        except InputError as error:
            wrong += catalog.each_of(error)
            continue
        found[loaded.recipe.recipe], trees[loaded.recipe.recipe] = loaded, tree
    return found, tuple(wrong)


def _read(path: Path, shown: str) -> tuple[LoadedRecipe, YamlTree]:
    tree = read_yaml(path, shown)
    recipe = catalog.validate(Recipe, tree)
    problems = list(recipe_problems(recipe))
    if problems:
        raise catalog.all_of(InputError(problem.sentence, tree.place(problem.path)) for problem in problems)
    return LoadedRecipe(shown, recipe, RecipeUsed(name=recipe.recipe, version=recipe.version, sha256=tree.sha256)), tree


def _refuse_taken(name: str, tree: YamlTree, own: Mapping[str, YamlTree]) -> None:
    """Refuse a name that means something already."""
    taken = _taken_by(name, own)
    if taken:
        sentence = (
            f'The name "{name}" is {taken}; a site that names it would not know which is meant, so choose another name.'
        )
        raise InputError(sentence, tree.place(("recipe",)))


def _taken_by(name: str, own: Mapping[str, YamlTree]) -> str:
    kinds: Iterable[tuple[Iterable[str], str]] = (
        (SHIPPED, "that of a recipe that ships with Islandmode"),
        (NOT_RECIPES, "that of a platform that is no recipe"),
    )
    taken = next((what for names, what in kinds if name in names), "")
    return f"already used in {own[name].file}" if name in own else taken
