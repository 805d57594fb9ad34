"""Return to service in an order: which conduits a planned restore gives back after which, and for how long a word is waited for. Pure.

Only the planned restore follows it. Whatever stops a drill restores everything at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from islandmode.core.quantities import written

if TYPE_CHECKING:
    from islandmode.core.drill import Drill
    from islandmode.core.plan import PlanPoint


@dataclass(frozen=True)
class Return:
    """One step of the return to service; `word_within_s` is how long a person's word is waited for, None where none is."""

    number: int
    conduits: tuple[str, ...]
    word_within_s: float | None = None

    @property
    def told(self) -> str:
        """Say what it gives back, and on what it waits."""
        word = (
            ""
            if self.word_within_s is None
            else f", when a person gives the word, within {written(self.word_within_s)}"
        )
        return f"{', '.join(self.conduits)}{word}"


def returns_of(drill: Drill) -> tuple[Return, ...]:
    """Give the steps of a drill's planned restore, in order; none where everything is restored at once."""
    stages = {stage.name: stage.isolate for stage in drill.stages}
    known = {conduit for conduits in stages.values() for conduit in conduits}
    return tuple(
        Return(
            number,
            tuple(
                conduit
                for name in entry.restore
                for conduit in ((name,) if name in known else stages.get(name, (name,)))
            ),
            entry.within if entry.by_word else None,
        )
        for number, entry in enumerate(drill.restore_order, 1)
    )


def returns_s(drill: Drill) -> float:
    """Bound how much longer a restore in order takes than one of everything at once."""
    steps = returns_of(drill)
    waits_s = sum(step.word_within_s or 0.0 for step in steps)
    return waits_s + max(0, len(steps) - 1) * drill.limits.restore_within


def on_points(step: Return, points: Mapping[str, PlanPoint]) -> dict[str, tuple[str, ...]]:
    """Give the conduits of a step by the point that isolates them."""
    found = {name: tuple(each for each in step.conduits if each in point.conduits) for name, point in points.items()}
    return {name: conduits for name, conduits in found.items() if conduits}
