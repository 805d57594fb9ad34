"""A drill that isolates only the first member of Ashby's pair, which the product never plans: conducted by the product's own steps.

Run as `python -m tests.lab.on_one_member WORKSPACE LAB STATE_DIR`. The plan is the product's, less everything about the other member.
"""

from __future__ import annotations

import sys
from pathlib import Path

from islandmode.core.errors import IslandmodeError
from islandmode.core.plan import Plan
from islandmode.core.planning.digest import plan_digest
from islandmode.operate.audience import Audience, Follower, Unfollowed
from islandmode.operate.ground import LabGround
from islandmode.operate.plan import plan_of
from islandmode.operate.run import _new_name, _run_here
from islandmode.rehearse import backends
from islandmode.store.run_request import RunRequest
from islandmode.system.clock import MachineClock
from islandmode.ui.pages import HtmlPages
from islandmode.ui.spoken import Spoken
from tests.lab.on_three_platforms import wait_patiently

ONLY, OTHER = "station-firewall-a", "station-firewall-b"


def of_one_member(plan: Plan) -> Plan:
    """Leave out of a plan everything about the other member; the exception for VRRP stays, so that the pair itself goes on."""
    stages = tuple(
        stage.model_copy(update={"steps": tuple(step for step in stage.steps if step.point == ONLY)})
        for stage in plan.stages
    )
    assert OTHER in plan.points
    less = plan.model_copy(update={"points": {ONLY: plan.points[ONLY]}, "stages": stages})
    return less.model_copy(update={"plan_digest": plan_digest(less)})


def conduct(workspace: Path, name: str, state_dir: Path) -> int:
    """Run the drill; returns the exit code of the product's own command."""
    lab = backends.attach(name, state_dir)
    assert lab is not None
    _, whole = plan_of(workspace, "cut-off")
    ground = LabGround.of(workspace, lab)
    plan = of_one_member(whole)
    run = _new_name(plan, MachineClock.of_this_boot())
    request = RunRequest(run, workspace, "cut-off", "rehearsal", "nobody", ground.words())

    def follow(_plan: Plan) -> Follower:
        return Unfollowed()

    try:
        return _run_here(request, plan, ground, Audience(HtmlPages(), Spoken(only_warnings=False), follow)).exit_code
    except IslandmodeError as error:
        print(f"islandmode: {error}", flush=True)
        return error.exit_code


if __name__ == "__main__":
    wait_patiently()
    sys.exit(conduct(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
