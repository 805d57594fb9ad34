"""What preflight looks at on a device by its recipe: its version, and whether what the recipe needs is so. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from islandmode.core.recipe.model import Need, Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.reading import Unread
from islandmode.core.recipe.steps import Values, planned
from islandmode.core.recipe.words import compiled, filled, filled_pattern


@dataclass(frozen=True)
class VersionShown:
    """A device's version. `refused` says why it must not be used; `is_proved` whether the recipe was tried on it."""

    version: str
    refused: str = ""
    is_proved: bool = False


@dataclass(frozen=True)
class Unmet:
    """A need that is not met, or of which nothing is known; the sentence begins with the point's name."""

    code: str
    sentence: str


def read_version(recipe: Recipe, answer: str) -> VersionShown | Unread:
    """Read a device's version, and whether the recipe may be used on it."""
    found = compiled(recipe.versions.pattern).search(answer)
    if found is None or not found[1]:
        return Unread(f'the answer to "{recipe.versions.ask}" shows no version')
    version = found[1]
    why = next((fault.why for fault in recipe.versions.refused if compiled(fault.match).search(version)), "")
    proved = any(version == known or version.startswith(f"{known}.") for known in recipe.versions.proved)
    return VersionShown(version, why, proved and not why)


def asks_of_needs(recipe: Recipe, at: PointAt) -> tuple[str, ...]:
    """List the commands that tell whether every need is met, each once."""
    return tuple(dict.fromkeys(filled(need.ask, values) for need, values in _each_need(recipe, at)))


def unmet_needs(recipe: Recipe, at: PointAt, answers: Mapping[str, str]) -> Iterator[Unmet]:
    """Find the needs that the answers do not show to be met: what is not answered, or refused, is not met."""
    for need, values in _each_need(recipe, at):
        answer = answers.get(filled(need.ask, values), "")
        must = need.must is None or filled_pattern(need.must, values).search(answer)
        must_not = need.must_not is not None and filled_pattern(need.must_not, values).search(answer)
        refused = any(compiled(pattern).search(answer) for pattern in recipe.errors)
        if not answer.strip() or refused:
            sentence = f'{at.name} does not say whether it is ready: "{filled(need.ask, values)}" was not answered ({need.code}).'
            yield Unmet(need.code, sentence)
        elif not must or must_not:
            yield Unmet(need.code, f"{at.name} {need.say}.")


def _each_need(recipe: Recipe, at: PointAt) -> Iterator[tuple[Need, Values]]:
    for need in recipe.needs:
        for conduit in at.conduits if "{" in need.ask else (None,):
            yield need, Values(recipe, at, planned(0), conduit, {}, 0)
