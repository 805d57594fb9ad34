"""What a step has to change, by what the device shows: what is so already is not written again, and what is another run's never. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.reading import Shown
from islandmode.core.recipe.steps import Ready, RunValues, step_lines
from islandmode.core.recipe.window import owner_of


def is_ours(recipe: Recipe, shown: Shown, run: str) -> bool:
    """Tell whether what stands on the device is this run's, as far as the device says whose it is.

    A pending change names the login that began it and no run, so that it cannot tell two runs of one login apart: only that none
    was pending before this run armed does.
    """
    if recipe.cycle == "clock":
        return shown.window is not None and shown.window.owner == owner_of(run)
    return recipe.cycle == "pending" or shown.owner in (None, run)


def is_anothers(recipe: Recipe, shown: Shown, run: str) -> bool:
    """Tell whether something stands on the device that this run must leave alone."""
    return not shown.at_rest and not is_ours(recipe, shown, run)


def is_already_so(recipe: Recipe, step: str, shown: Shown, run: RunValues) -> bool:
    """Tell whether a step would change nothing."""
    if step == "restore":
        return shown.at_rest and not (
            recipe.cycle == "clock" and shown.window is not None and shown.window.says == "over"
        )
    if not is_ours(recipe, shown, run.run) or recipe.cycle != "clock" or shown.window is None:
        return False
    says = {"arm": "armed", "isolate": "isolating", "renew": "isolating"}.get(step)
    return shown.window.says == says and shown.window.ends == run.ends


def due_lines(
    recipe: Recipe, step: str, at: PointAt, run: RunValues, shown: Mapping[str, Shown], only: Collection[str]
) -> tuple[Ready, ...]:
    """Write the lines of a step for the conduits of which it would change something; `shown` is what was read of each just now."""
    leave = {
        name
        for name, state in shown.items()
        if is_anothers(recipe, state, run.run) or is_already_so(recipe, step, state, run)
    }
    due = [name for name in only if name not in leave]
    return step_lines(recipe, step, at, run, due)
