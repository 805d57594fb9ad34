"""The stand-in of a bench: an object of the kind that a recipe's drill writes, under a name that no conduit can have, and that nothing refers to.

Written as a drill writes its own, it begins, ends by the same timer and is read back by the same reads; and it isolates nothing, because no
deny names it. So the undo can be tried on a firewall that is in production. What it cannot show is what a deny that names such an object makes
of it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from islandmode.core.bench.stand_in import STAND_IN
from islandmode.core.recipe.derive import capabilities
from islandmode.core.recipe.place import planned_at
from islandmode.core.recipe.steps import planned as of_no_run
from islandmode.core.recipe.steps import step_lines
from islandmode.core.recipe.words import compiled

if TYPE_CHECKING:
    from islandmode.core.plan import PlanPoint
    from islandmode.core.recipe.model import Read, Recipe

TELLS = frozenset({"isolating", "starts", "ends"})
"""What a read tells of the object itself, and not of the denies that name it."""


def object_name(recipe: Recipe) -> str:
    """Name the stand-in as the device has it."""
    return recipe.names["object"].form.replace("{conduit}", STAND_IN)


def says_itself(recipe: Recipe) -> bool:
    """Tell whether the device itself says that an object acts; where it does not, only its clock tells that its end has come."""
    return any(find.gives == "isolating" for read in recipe.reads.state for find in read.finds)


def stand_in_recipe(recipe: Recipe) -> Recipe:
    """Give the recipe without everything that is about denies and open connections: only its timed object is left."""
    state = tuple(_about_the_object(recipe))
    reads = recipe.reads.model_copy(update={"state": state, "counts": ()})
    return recipe.model_copy(update={"reads": reads, "flush": (), "provision": (), "keep_closed": ()})


def _about_the_object(recipe: Recipe) -> Iterator[Read]:
    for read in recipe.reads.state:
        finds = tuple(find for find in read.finds if find.gives in TELLS)
        if finds and read.each == "conduit":
            yield read.model_copy(update={"finds": finds})


def with_stand_in(planned: PlanPoint) -> PlanPoint | None:
    """Put the stand-in in the place of a point's conduits; None where its recipe has none."""
    recipe = planned.recipe
    if recipe is None or recipe.stand_in is None or len(object_name(recipe)) > recipe.names["object"].most:
        return None
    derived = stand_in_recipe(recipe)
    changed = {
        "conduits": (STAND_IN,),
        "between": {STAND_IN: next(iter(planned.between.values()))},
        "recipe": derived,
        # No drill is asked about: a change of the clocks that no timer of a bench meets keeps from nothing.
        "capabilities": capabilities(derived, planned.capabilities.dead_man_min_s),
    }
    made = planned.model_copy(update=changed)
    at = planned_at(planned.rendering.point, made)
    by_hand = tuple(
        line.send for step in ("restore", "take_away") for line in step_lines(recipe, step, at, of_no_run(0))
    )
    rendering = made.rendering.model_copy(update={"conduits": (STAND_IN,), "restore": by_hand})
    return made.model_copy(update={"rendering": rendering})


def lasting(made: PlanPoint, for_s: float) -> PlanPoint:
    """Give a point with the stand-in for timers of such a length: a line of it that was given up may act as long as they do."""
    return made if made.recipe is None else made.model_copy(update={"capabilities": capabilities(made.recipe, for_s)})


def referring(recipe: Recipe, configuration: str, itself: str) -> tuple[str, ...]:
    """Give the lines of a configuration that name the stand-in and are not the object itself; `itself` is its filled pattern."""
    name = object_name(recipe)
    found = (line.strip() for line in configuration.splitlines() if name in line)
    return tuple(line for line in found if not compiled(itself).search(line))
