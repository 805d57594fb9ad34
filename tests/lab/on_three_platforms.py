"""A drill on a plant's ground, conducted by the product's own steps in this process, which may kill itself at a moment.

Run on the operations host's network as `python -m tests.lab.on_three_platforms WORKSPACE LAB STATE_DIR [MOMENT]`. This version
reaches no far vantage of a plant, so that the lab's back end starts their workers; all else of the ground is the product's.
MOMENT: `armed` (all are, nothing isolates), `isolating` or `restoring` (the first device has done so, the others hear their lines),
or `holding`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from islandmode.core import limits
from islandmode.core.break_glass import BreakGlass
from islandmode.core.errors import IslandmodeError
from islandmode.core.lifecycle import Phase
from islandmode.core.plan import Plan
from islandmode.core.rescue import Restorable
from islandmode.isolation.point import IsolationPoint
from islandmode.observe.vantage import Vantage
from islandmode.operate.audience import Audience, Follower, Unfollowed
from islandmode.operate.ground import LabGround, Opened, PlantGround
from islandmode.operate.plan import plan_of
from islandmode.operate.run import _new_name, _run_here
from islandmode.operate.transcripts import Transcripts
from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from islandmode.run.progress import Progress
from islandmode.store.run_request import RunRequest
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import Clock, MachineClock
from islandmode.ui.pages import HtmlPages
from islandmode.ui.results import print_result
from islandmode.ui.spoken import Spoken
from tests.patience import PATIENCE_S

DRILL = "three-platforms"
PHASES = {"armed": Phase.ISOLATING, "holding": Phase.HOLDING}
CALLS = {"isolating": "isolate", "restoring": "restore"}


def die() -> None:
    """Die as of a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


class DiesAt(Unfollowed):
    """Follows a drill up to a phase."""

    def __init__(self, phase: Phase) -> None:
        self._phase = phase

    def show(self, progress: Progress) -> None:
        """Die when the phase begins."""
        if progress.phase is self._phase:
            die()


class DiesAfter:
    """An isolation point after one of whose calls this process dies; all else is the point's own."""

    def __init__(self, point: IsolationPoint, call: str) -> None:
        self._point, self._call = point, call

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._point, name)
        return self._deadly(inner) if name == self._call else inner

    @staticmethod
    def _deadly(inner: Any) -> Any:
        async def call(*arguments: Any) -> None:
            await inner(*arguments)
            die()

        return call


@dataclass(frozen=True, kw_only=True)
class PlantInLab(PlantGround):
    """A plant whose far vantages are the nodes of a lab."""

    lab: Lab
    dies_after: str | None = None

    def open_points(
        self,
        plan: Restorable,
        clock: Clock,
        run: str | None,
        only: Collection[str] | None = None,
        transcripts: Transcripts | None = None,
    ) -> Opened:
        """Make the points as a plant does."""
        made = super().open_points(plan, clock, run, only, transcripts)
        if self.dies_after is None:
            return made
        points: dict[str, Any] = {name: DiesAfter(point, self.dies_after) for name, point in made.points.items()}
        return replace(made, points=points)

    def open_vantages(self, plan: Plan, clock: Clock, run: RunDirectory) -> Mapping[str, Vantage]:
        """Make the vantages as the lab does."""
        return LabGround.of(self.workspace, self.lab).open_vantages(plan, clock, run)


def wait_patiently() -> None:
    """Let the guardian take its time to be ready: that is before anything is armed, and the machine may be busy."""
    vars(limits)["ready_s"] = lambda _plan: PATIENCE_S


def conduct(workspace: Path, name: str, state_dir: Path, moment: str = "", drill: str = DRILL) -> int:
    """Run the drill; returns the exit code of the product's own command."""
    lab = backends.attach(name, state_dir)
    assert lab is not None
    _, plan = plan_of(workspace, drill)
    ground = PlantInLab(workspace, plan.drill.site, lab=lab, dies_after=CALLS.get(moment))
    return conduct_on(ground, plan, drill, moment)


def conduct_on(ground: PlantGround, plan: Plan, drill: str, moment: str = "") -> int:
    """Run the drill on a plant's ground."""
    workspace = ground.workspace
    run = _new_name(plan, MachineClock.of_this_boot())
    # What is shown here is the ground: nobody approved the run, and nobody says go.
    broken = BreakGlass("A person of the lab", "for a test of three platforms")
    request = RunRequest(run, workspace, drill, "live", "nobody", ground.words(), break_glass=broken)

    def follow(_plan: Plan) -> Follower:
        return DiesAt(PHASES[moment]) if moment in PHASES else Unfollowed()

    try:
        ended = _run_here(request, plan, ground, Audience(HtmlPages(), Spoken(only_warnings=False), follow))
    except IslandmodeError as error:
        print(f"islandmode: {error}", flush=True)
        return error.exit_code
    if ended.verdict is not None and ended.directory is not None:
        print_result(plan, ended.verdict, ended.directory, as_json=False)
    return ended.exit_code


if __name__ == "__main__":
    wait_patiently()
    sys.exit(conduct(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), *sys.argv[4:]))
