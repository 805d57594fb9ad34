"""A device's configuration, and the lines of it that a drill wrote. Pure.

What a person provisioned stands there before and after every drill, so that a name alone makes no line Islandmode's: of a deny at rest
only a window that is not at rest does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import reduce

from islandmode.core.difference import Comparable
from islandmode.core.recipe.drivers import by_candidate
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.parts import lines_of
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.steps import planned, step_lines
from islandmode.core.recipe.window import REST, is_mark, owner_of
from islandmode.core.recipe.words import compiled, moments_in, placeholders

SAVED = "saved"
_NUMBER = re.compile(r"^(?:sequence )?\d+ ")


def comparable_of(recipe: Recipe) -> Comparable:
    """Say what the device changes by itself."""
    own = tuple(compiled(pattern) for pattern in recipe.comparable)
    moving = tuple(compiled(pattern) for pattern in recipe.moving)

    def kept(_part: str, line: str) -> str | None:
        if any(found.search(line) for found in own):
            return None
        return reduce(lambda left, found: found.sub("", left), moving, line)

    return Comparable(kept=kept)


def islandmode_lines(recipe: Recipe, at: PointAt, text: str, run: str | None) -> str:
    """Give the lines that a run wrote, or any run; what is at rest is no run's."""
    lines = text.splitlines()
    if recipe.cycle == "clock":
        return "\n".join(_windows(recipe, lines, run))
    if recipe.provision:
        # Beside what was provisioned only the run's name tells a line of a drill; without one none is told.
        return "\n".join(line for line in lines if run is not None and run in line)
    if by_candidate(recipe.driver) or recipe.plays is not None:
        return "\n".join(line for line in lines if any(name in line for name in _named(recipe, at)))
    return "\n".join(line for line in lines if any(written in _plain(line) for written in _written(recipe, at)))


def _windows(recipe: Recipe, lines: Iterable[str], run: str | None) -> Iterator[str]:
    """Give the lines of windows that are not at rest: from a beginning that stands for a run, the lines that tell moments."""
    forms = {found.form for sent in lines_of(recipe, "isolate") for found in placeholders(sent.line.send) if found.form}
    within = False
    for line in lines:
        told = [moment for form in forms for moment in moments_in(form, line)]
        marks = [moment for moment in told if is_mark(moment) and (run is None or moment == owner_of(run))]
        within = bool(told) and (within or bool(marks)) and REST.starts not in told
        if within:
            yield line


def _written(recipe: Recipe, at: PointAt) -> tuple[str, ...]:
    """Give what `restore` takes away, line by line, as a configuration has it."""
    sent = (_plain(line.send) for line in step_lines(recipe, "restore", at, planned(0)))
    return tuple(line.removeprefix("no ") for line in sent if line.startswith("no "))


def _named(recipe: Recipe, at: PointAt) -> Iterator[str]:
    """Give the names of what a candidate makes."""
    for name in recipe.names.values():
        yield from (name.form.replace("{conduit}", conduit.name) for conduit in at.conduits)


def _plain(line: str) -> str:
    # Devices write addresses in capitals where they like.
    return _NUMBER.sub("", " ".join(line.split()).casefold())
