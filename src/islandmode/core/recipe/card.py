"""What the card says of a device beside its lines: how a person sees that a restore by hand worked. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from islandmode.core.recipe.model import CardLook, Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.steps import Values, planned
from islandmode.core.recipe.words import filled


@dataclass(frozen=True)
class LookReady:
    """A command that a person types, and what its answer must have, and must not."""

    ask: str
    must_show: tuple[str, ...]
    must_not_show: tuple[str, ...]
    otherwise: str


def looks_of(recipe: Recipe, at: PointAt) -> tuple[LookReady, ...]:
    """Write the looks for every conduit of a point; a look that is the same for several conduits is written once."""
    found = (_look(recipe, at, conduit.name, look) for look in recipe.card.looks for conduit in at.conduits)
    return tuple(_together(found))


def _look(recipe: Recipe, at: PointAt, conduit: str, look: CardLook) -> LookReady:
    values = Values(recipe, at, planned(0), at.conduit(conduit), {}, 0)
    shows, hides = (() if words is None else (filled(words, values),) for words in (look.must_show, look.must_not_show))
    return LookReady(filled(look.ask, values), shows, hides, look.otherwise)


def _together(looks: Iterator[LookReady]) -> Iterator[LookReady]:
    by_ask: dict[tuple[str, str], list[LookReady]] = {}
    for look in looks:
        by_ask.setdefault((look.ask, look.otherwise), []).append(look)
    for (ask, otherwise), same in by_ask.items():
        shows = tuple(dict.fromkeys(words for look in same for words in look.must_show))
        hides = tuple(dict.fromkeys(words for look in same for words in look.must_not_show))
        yield LookReady(ask, shows, hides, otherwise)
