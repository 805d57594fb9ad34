"""Isolate everything of the drill on the lab's firewall, with an hour on its timer, and go: the worst that we can leave.

Run on the operations host's network as `python -m tests.lab.leave_isolated WORKSPACE LAB STATE_DIR`. With `again` at the
end it is the same run's next write, come late: it does not arm, and ends well only if the device refuses to isolate.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import anyio

from islandmode.operate.ground import LabGround
from islandmode.operate.plan import plan_of
from islandmode.rehearse import backends
from islandmode.system.clock import MachineClock

DRILL = "quarterly-isolation"
RUN = "2026-11-23T120000Z-quarterly-isolation-dead"
TIMER_S, DEADLINE_S = 3600.0, 10.0


async def leave_isolated(workspace: Path, name: str, state_dir: Path, *, again: bool) -> None:
    """Arm and isolate by the product's own edge; no conductor, no guardian, nobody to restore."""
    lab = backends.attach(name, state_dir)
    assert lab is not None
    _, plan = plan_of(workspace, DRILL)
    for point in LabGround.of(workspace, lab).open_points(plan, MachineClock.of_this_boot(), RUN).points.values():
        if not again:
            armed = await point.arm(plan.conduits, TIMER_S, DEADLINE_S)
            assert armed.done, armed.why
        isolated = await point.isolate(plan.conduits, DEADLINE_S)
        assert isolated.done is not again, isolated.why
        await point.close()


if __name__ == "__main__":
    act = partial(leave_isolated, again="again" in sys.argv[4:])
    anyio.run(act, Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
