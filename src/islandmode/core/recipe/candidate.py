"""Whether the difference that a candidate makes is the run's own, line by line. Pure.

A device shows a difference with a mark before each line that is added or taken away. A step does one of the two: what isolates adds, and
what restores takes away. So a line of the other mark is somebody else's edit, or replaces a line of the site, and so is a mark that is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.steps import Values, planned
from islandmode.core.recipe.words import filled_pattern

ADDED, TAKEN_AWAY = "+", "-"
_HEADINGS = re.compile(r"(?:---|\+\+\+)(?: .*)?|@@ .*|\[edit.*\]")
"""What says where a difference is: of a unified difference, and of Junos'."""


def foreign_line(recipe: Recipe, at: PointAt, difference: str, mark: str) -> str | None:
    """Give the first line of a difference that a step of the recipe did not make; None where it made all of them."""
    own = tuple(_own_lines(recipe, at))
    for number, line in enumerate(difference.replace("\r", "").splitlines()):
        bare = line.strip()
        if not bare or line[0] in " \t" or _HEADINGS.fullmatch(bare) or (number == 0 and line[0] not in "+-!"):
            # The last: a difference may be told without the space before its first line, which is one of the site's around the change.
            continue
        if line[0] != mark or not any(pattern.fullmatch(line[1:].strip()) for pattern in own):
            return bare
    return None


def _own_lines(recipe: Recipe, at: PointAt) -> Iterator[re.Pattern[str]]:
    yield re.compile("")
    for changed in recipe.difference:
        for conduit in at.conduits:
            if conduit.carries(changed.family):
                for things in at.things(conduit, changed.each):
                    yield filled_pattern(changed.pattern, Values(recipe, at, planned(0), conduit, things, 0))
