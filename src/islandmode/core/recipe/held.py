"""Whether another session has locked a device's configuration, as its answers show, and what is said of that. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from islandmode.core.recipe.model import Held, Recipe
from islandmode.core.recipe.reading import Unread, refused_by
from islandmode.core.recipe.words import compiled


@dataclass(frozen=True)
class HeldBy:
    """A session has locked the configuration; `who` is its login, and empty where the device does not say."""

    who: str


def read_held(recipe: Recipe, held: Held, answer: str) -> HeldBy | Unread | None:
    """Read whether a session has locked the configuration; None where none has. What shows neither is not seen, and never taken for *none*."""
    refused = refused_by(recipe, answer)
    if refused is not None:
        return Unread(f'it does not answer "{held.ask}"{f" ({refused})" if refused else ""}')
    text = answer.replace("\r", "")
    found = compiled(held.by).search(text)
    if found is not None:
        return HeldBy(_named(found))
    return None if compiled(held.free).search(text) else Unread(f'the answer to "{held.ask}" shows neither')


def refused_as_held(recipe: Recipe, answer: str) -> HeldBy | None:
    """Tell whether a line was refused because another session has locked the configuration."""
    found = None if recipe.held is None else compiled(recipe.held.refused).search(answer.replace("\r", ""))
    return None if found is None else HeldBy(_named(found))


def held_told(held: Held, who: str) -> str:
    """Say that a session has locked the configuration, and what to do; it goes on after *it*."""
    return f"{held.say}{f' by {who}' if who else ''}; {held.remedy}"


def _named(found: re.Match[str]) -> str:
    return " ".join(part for part in found.groups() if part)
