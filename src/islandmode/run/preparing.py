"""What is done on the devices of a stage before the first of them is ordered to isolate, so that they follow each other closely.

Where one of several devices cannot even be prepared, it is ordered first and alone: if it refuses, nothing of the stage was isolated.
"""

from __future__ import annotations

from collections.abc import Mapping

import anyio

from islandmode.core.plan import Plan, PlanStage, Step
from islandmode.isolation.point import IsolationPoint
from islandmode.isolation.table import preparing


async def in_turns(
    plan: Plan, points: Mapping[str, IsolationPoint], stage: PlanStage
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Prepare every device of a stage at once; gives the steps to order first, whose device was not prepared, and those to order then."""
    if len(stage.steps) == 1:
        # There is no other device that it could be far behind.
        return (), stage.steps
    late: list[Step] = []

    async def prepare(step: Step) -> None:
        planned = plan.points[step.point]
        able = preparing(planned, points[step.point])
        if able is not None and not (await able.prepare(step.conduits, planned.capabilities.calls_s.isolate)).done:
            late.append(step)

    async with anyio.create_task_group() as group:
        for step in stage.steps:
            group.start_soon(prepare, step)
    return tuple(late), tuple(step for step in stage.steps if step not in late)
