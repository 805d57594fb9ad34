"""Recipes from their files: those that ship with Islandmode, and a workspace's own in `inventory/recipes/`.

Everything wrong in a file is said at once, each with file:line:column. A name stands for one recipe everywhere: a workspace's own
cannot take the place of one that ships.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from islandmode.core.errors import InputError, Place
from islandmode.core.recipe.check import recipe_problems
from islandmode.core.recipe.check_plays import playbook_trouble
from islandmode.core.recipe.loaded import LoadedRecipe, Recipes
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.plays import playbooks_of
from islandmode.core.recipe.shipped import NOT_RECIPES, SHIPPED
from islandmode.core.rendering import RecipeUsed
from islandmode.store import catalog
from islandmode.store.yaml_tree import YamlTree, read_yaml

PLAYBOOK_MAX_BYTES = 64 * 1024
SHIPPED_FOLDER = files("islandmode.recipes")


@dataclass(frozen=True)
class WrongRecipe:
    """A recipe that cannot be used, and everything that is wrong with it."""

    file: str
    errors: tuple[InputError, ...]


@dataclass(frozen=True)
class OwnRecipes:
    """A workspace's own recipes, by the names by which a site may mean them."""

    good: Mapping[str, LoadedRecipe]
    wrong: Mapping[str, WrongRecipe]

    @property
    def errors(self) -> tuple[InputError, ...]:
        """Give all that is wrong."""
        return tuple(error for recipe in self.wrong.values() for error in recipe.errors)

    def beside(self, shipped: Mapping[str, LoadedRecipe]) -> Recipes:
        """Put them beside those that ship, whose names they cannot take."""
        good = {name: recipe for name, recipe in self.good.items() if name not in self.wrong}
        wrong = {name: recipe.file for name, recipe in self.wrong.items() if name not in SHIPPED}
        return Recipes(good | dict(shipped), wrong)


def read_recipe(path: Path, shown: str) -> LoadedRecipe:
    """Read one recipe; raises `InputError` with everything that is wrong with it."""
    return _checked(read_yaml(path, shown))


def shipped_recipes() -> dict[str, LoadedRecipe]:
    """Read the recipes that ship, by name."""
    return read_shipped(SHIPPED)


def read_shipped(names: Iterable[str]) -> dict[str, LoadedRecipe]:
    """Read some of the recipes that ship, by name."""
    return {name: _read_shipped(name) for name in names}


@cache
def _read_shipped(name: str) -> LoadedRecipe:
    """Read a recipe that ships once in a process: it is a part of the program."""
    with as_file(SHIPPED_FOLDER / f"{name}.yaml") as path:
        return read_recipe(path, f"{name}.yaml")


def own_recipes(workspace: Path, *, with_plays: bool = True) -> OwnRecipes:
    """Read the recipes of a workspace, by name; whatever is wrong in a file is kept under the name that stands in it, or that it has."""
    good: dict[str, LoadedRecipe] = {}
    trees: dict[str, YamlTree] = {}
    wrong: dict[str, WrongRecipe] = {}
    for path in catalog.files(workspace, catalog.RECIPES):
        shown, name = str(path.relative_to(workspace)), path.stem
        try:
            tree = read_yaml(path, shown)
            name = str(tree.document.get("recipe", name))
            loaded = _checked(tree)
            if with_plays:
                loaded = with_playbooks(workspace, loaded, tree)
            _refuse_taken(name, tree, trees)
        except InputError as error:
            earlier = wrong[name].errors if name in wrong else ()
            wrong[name] = WrongRecipe(shown, (*earlier, *catalog.each_of(error)))
            continue
        good[name], trees[name] = loaded, tree
    return OwnRecipes(good, wrong)


def _checked(tree: YamlTree) -> LoadedRecipe:
    recipe = catalog.validate(Recipe, tree)
    problems = list(recipe_problems(recipe))
    if problems:
        raise catalog.all_of(InputError(problem.sentence, tree.place(problem.path)) for problem in problems)
    used = RecipeUsed(name=recipe.recipe, version=recipe.version, sha256=tree.sha256)
    return LoadedRecipe(tree.file, recipe, used)


def with_playbooks(workspace: Path, loaded: LoadedRecipe, tree: YamlTree) -> LoadedRecipe:
    """Read the playbooks that a recipe names into it: what runs is what was planned, whatever becomes of the files meanwhile."""
    plays = loaded.recipe.plays
    if plays is None:
        return loaded
    texts: dict[str, str] = {}
    errors: list[InputError] = []
    for name, path in playbooks_of(loaded.recipe):
        if name in texts:
            continue
        try:
            texts[name] = (workspace / name).read_bytes()[: PLAYBOOK_MAX_BYTES + 1].decode("utf-8")
        except OSError as error:
            errors.append(
                InputError(
                    f"The playbook {name} cannot be read ({error.strerror}); add it, or correct its name.",
                    tree.place(path),
                )
            )
            continue
        except UnicodeDecodeError:
            errors.append(InputError(f"The playbook {name} is not UTF-8 text; save it as such.", tree.place(path)))
            continue
        if len(texts[name]) > PLAYBOOK_MAX_BYTES:
            errors.append(
                InputError(
                    f"The playbook {name} is too long for a plan to carry; at most {PLAYBOOK_MAX_BYTES} bytes.",
                    tree.place(path),
                )
            )
        trouble = playbook_trouble(texts[name])
        if trouble is not None:
            errors.append(InputError(trouble[1], Place(name, trouble[0], 1)))
    if errors:
        raise catalog.all_of(errors)
    recipe = loaded.recipe.model_copy(update={"plays": plays.model_copy(update={"texts": texts})})
    return LoadedRecipe(loaded.file, recipe, loaded.used)


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
