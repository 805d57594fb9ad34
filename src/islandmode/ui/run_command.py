"""Command `run`, and `conduct`, by which a lab's operations host runs a drill: what a person sees of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from pathlib import Path

from islandmode.core.episodes import Episode
from islandmode.core.errors import InputError
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.refusal import Refusal
from islandmode.core.verdict import Verdict
from islandmode.operate.audience import Audience, Follower, Unfollowed
from islandmode.operate.ground import Ground, LabGround
from islandmode.operate.run import Ended, Wanted, conduct, run_drill
from islandmode.run.outermost import NOTHING_TO_JUDGE
from islandmode.store.run_request import read_request
from islandmode.system.own_program import program_anywhere
from islandmode.ui.as_json import print_error
from islandmode.ui.card import TypedAt, render_card
from islandmode.ui.live import LiveView
from islandmode.ui.plan_text import print_plan
from islandmode.ui.report.judged import render_report
from islandmode.ui.report.refused import render_refusal
from islandmode.ui.results import print_result
from islandmode.ui.spoken import Spoken

JSON = ("--json",)


class HtmlPages:
    """The pages of a run, as this program makes them."""

    def card(self, plan: Plan, run: str, workspace: Path, ground: Ground) -> str:
        """Make the page by which a person restores every device by hand."""
        at = TypedAt(workspace, program_anywhere(), ground.lab_name)
        return render_card(plan, run, at=at, lab=isinstance(ground, LabGround))

    def report(
        self,
        plan: Plan,
        verdict: Verdict,
        records: Sequence[Record],
        episodes: Mapping[str, tuple[Episode, ...]],
        *,
        others: Sequence[Record],
        configuration_diffs: Mapping[str, str],
        zone: tzinfo,
    ) -> str:
        """Make the report of a run that was judged."""
        return render_report(
            plan, verdict, records, episodes, others=others, configuration_diffs=configuration_diffs, zone=zone
        )

    def refusal(
        self, plan: Plan, run: str, refusal: Refusal, records: Sequence[Record], *, lab: bool, zone: tzinfo
    ) -> str:
        """Make the report of a run that was refused."""
        return render_refusal(plan, run, refusal, records, lab=lab, zone=zone)


def run_command(wanted: Wanted, *, as_json: bool) -> int:
    """Run a drill and return the exit code."""
    return _tell(lambda audience, again: run_drill(wanted, audience, again=again, becomes=True), as_json=as_json)


def conduct_command(request: Path, workspace: Path, *, as_json: bool) -> int:
    """Run a drill of a workspace by its request and return the exit code."""
    asked = read_request(request)
    if asked.workspace != workspace:
        raise InputError(f"{request} asks for a run in {asked.workspace}, not in {workspace}.")
    return _tell(lambda audience, again: conduct(asked, audience, again=again), as_json=as_json)


def _tell(run: Callable[[Audience, tuple[str, ...]], Ended], *, as_json: bool) -> int:
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
    elif ended.exit_code == NOTHING_TO_JUDGE and ended.directory is None:
        if as_json:
            print(ended.plan.model_dump_json(indent=2, by_alias=True))
        else:
            print_plan(ended.plan)
    return ended.exit_code
