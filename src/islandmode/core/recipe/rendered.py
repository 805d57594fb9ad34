"""A point's lines as a plan and the card carry them, from its recipe. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from islandmode.core.recipe.derive import capabilities
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.steps import Ready, planned, step_lines
from islandmode.core.rendering import RecipeUsed, Rendering, StageLines


def rendering(
    recipe: Recipe, used: RecipeUsed, at: PointAt, stages: Mapping[str, tuple[str, ...]], dead_man_s: float
) -> Rendering:
    """Write every line of a point: `stages` gives the conduits that each stage isolates on it, in order.

    What ends open connections belongs to the isolation, and to its deadline.
    """
    run = planned(dead_man_s)
    conduits = tuple(conduit.name for conduit in at.conduits)
    return Rendering(
        point=at.name,
        platform=recipe.recipe,
        conduits=conduits,
        arm=_sent(step_lines(recipe, "arm", at, run)),
        stages=tuple(
            StageLines(
                stage=stage,
                conduits=group,
                isolate=_sent(step_lines(recipe, "isolate", at, run, group))
                + _sent(step_lines(recipe, "flush", at, run, group)),
            )
            for stage, group in stages.items()
            if group
        ),
        renew=_sent(step_lines(recipe, "renew", at, run)),
        restore=_sent(step_lines(recipe, "restore", at, run)),
        capabilities=capabilities(recipe, dead_man_s),
        recipe=used,
    )


def typed(recipe: Recipe, at: PointAt) -> tuple[str, ...]:
    """Write what a person types to restore, where that is not the lines of `restore`."""
    return _sent(step_lines(recipe, "by_hand", at, planned(0)))


def _sent(lines: tuple[Ready, ...]) -> tuple[str, ...]:
    return tuple(f"ansible-playbook {line.send}" if line.is_play else line.send for line in lines)
