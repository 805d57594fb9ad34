"""A run on a plant whose conductor died: everything isolated on the lab's firewall, and nobody there to restore it.

Run on the operations host's network as `python -m tests.lab.on_plant_ground WORKSPACE`. To the product the lab is a plant: its
ground is the workspace's site, known hosts and secrets, and no word of it says that there is a lab.
"""

from __future__ import annotations

import sys
from pathlib import Path

import anyio

from islandmode.operate.ground import PlantGround
from islandmode.operate.plan import plan_of
from islandmode.store import rundir
from islandmode.store.active import record_run
from islandmode.store.run_request import REQUEST, RunRequest
from islandmode.system.clock import MachineClock
from tests.lab.leave_isolated import DEADLINE_S, DRILL, RUN, TIMER_S


async def leave_isolated(workspace: Path) -> None:
    """Begin a run's folder and its record as the product does, isolate, and go."""
    _, plan = plan_of(workspace, DRILL)
    ground = PlantGround(workspace, plan.drill.site)
    ground.refuse(plan)
    request = RunRequest(RUN, workspace, DRILL, "live", "nobody", ground.words())
    directory = rundir.create(workspace, RUN)
    directory.keep(rundir.PLAN, plan.model_dump_json(by_alias=True))
    directory.keep(REQUEST, request.text())
    record_run(RUN, workspace, plan, ground.words())
    for point in ground.open_points(plan, MachineClock.of_this_boot(), RUN).points.values():
        armed = await point.arm(plan.conduits, TIMER_S, DEADLINE_S)
        assert armed.done, armed.why
        isolated = await point.isolate(plan.conduits, DEADLINE_S)
        assert isolated.done, isolated.why
        await point.close()


if __name__ == "__main__":
    anyio.run(leave_isolated, Path(sys.argv[1]))
