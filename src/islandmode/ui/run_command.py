"""Command `run`, and `conduct`, by which a lab's operations host runs a drill: what a person sees of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from islandmode.core.break_glass import BreakGlass, line
from islandmode.core.errors import InputError
from islandmode.core.plan import Plan
from islandmode.operate.audience import Audience, Follower, Unfollowed
from islandmode.operate.ledger import earlier_told
from islandmode.operate.plan import benched_of
from islandmode.operate.promoting import rungs_of
from islandmode.operate.run import DrillOrder, Ended, conduct, run_drill
from islandmode.operate.signals import ignore_signals
from islandmode.run.outermost import NOTHING_TO_JUDGE
from islandmode.store.run_request import read_request
from islandmode.ui.as_json import print_error
from islandmode.ui.live import LiveView
from islandmode.ui.pages import HtmlPages
from islandmode.ui.plan_text import print_plan
from islandmode.ui.results import print_looked, print_result
from islandmode.ui.spoken import Spoken

JSON = ("--json",)


def broken_by(person: str | None, why: str) -> BreakGlass | None:
    """Read who broke the glass and why; raises `InputError` where either is missing."""
    if person is None and not why:
        return None
    broken = BreakGlass(line(person), line(why))
    if not broken.by or not broken.why:
        raise InputError(
            "--break-glass NAME and --why TEXT belong together: who decides it, and why. Nothing was touched."
        )
    return broken


def run_command(order: DrillOrder, *, as_json: bool) -> int:
    """Run a drill and return the exit code."""
    return _tell(
        lambda audience, again: run_drill(order, audience, again=again, becomes=True), order.workspace, as_json=as_json
    )


def conduct_command(request: Path, workspace: Path, *, as_json: bool) -> int:
    """Run a drill of a workspace by its request and return the exit code."""
    asked = read_request(request)
    if asked.workspace != workspace:
        raise InputError(f"{request} asks for a run in {asked.workspace}, not in {workspace}.")

    def conducted(audience: Audience, again: tuple[str, ...]) -> Ended:
        try:
            return conduct(asked, audience, again=again)
        finally:
            # What came of the run is still to be said.
            ignore_signals()

    return _tell(conducted, workspace, as_json=as_json)


def _tell(run: Callable[[Audience, tuple[str, ...]], Ended], workspace: Path, *, as_json: bool) -> int:
    """Run, and tell what came of it, as far as this process conducted it."""

    def follow(plan: Plan) -> Follower:
        return Unfollowed() if as_json else LiveView(plan)

    audience = Audience(HtmlPages(), Spoken(only_warnings=as_json), follow)
    ended = run(audience, JSON if as_json else ())
    if ended.why:
        print(f"islandmode: {ended.why}", file=sys.stderr)
        if as_json:
            print_error(ended.exit_code, [ended.why])
    elif ended.verdict is not None and ended.directory is not None:
        print_result(ended.plan, ended.verdict, ended.directory, as_json=as_json)
    elif ended.exit_code == NOTHING_TO_JUDGE:
        if as_json:
            print(ended.plan.model_dump_json(indent=2, by_alias=True))
        else:
            earlier = earlier_told(workspace, ended.plan)
            benched = benched_of(workspace, ended.plan)
            print_plan(ended.plan, benched=benched, earlier=earlier, rungs=rungs_of(workspace, ended.plan, benched))
            if ended.directory is not None:
                print_looked(ended.plan, ended.directory)
    return ended.exit_code
