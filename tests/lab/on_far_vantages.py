"""A drill on a plant's ground, of which no word says that there is a lab: its far vantages are logged in to.

Run on the operations host's network as `python -m tests.lab.on_far_vantages WORKSPACE DRILL`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from islandmode.operate.ground import PlantGround
from islandmode.operate.plan import plan_of
from tests.lab.on_three_platforms import conduct_on


def conduct(workspace: Path, drill: str) -> int:
    """Run the drill; returns the exit code of the product's own command."""
    _, plan = plan_of(workspace, drill)
    return conduct_on(PlantGround(workspace, plan.drill.site), plan, drill)


if __name__ == "__main__":
    sys.exit(conduct(Path(sys.argv[1]), sys.argv[2]))
