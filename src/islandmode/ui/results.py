"""The end of a run, told to a person in a table, and to a machine as the verdict itself."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from islandmode.core.drill import Mode
from islandmode.core.flows_told import seen_of
from islandmode.core.hand import back_told
from islandmode.core.judging.timeline import of_kind
from islandmode.core.plan import Plan
from islandmode.core.verdict import Interval, Restoration, Result, Row, Times, Verdict, verdict_json
from islandmode.core.what_to_do import what_to_do
from islandmode.operate.approving import approvals_told, now_of
from islandmode.operate.by_hand import lines_by_hand
from islandmode.operate.unfinished import is_only_unproven
from islandmode.store import rundir
from islandmode.store.run_request import request_in
from islandmode.store.rundir import RunDirectory
from islandmode.system.own_program import program
from islandmode.ui.name_table import NameTable
from islandmode.ui.spoken import Spoken

UNPROVEN = "UNPROVEN: {back}, yet restoration is not proven; the findings say what is not known."
RETURN_COLOURS = {Restoration.PROVEN: "green", Restoration.KEPT_CLOSED: "yellow", Restoration.UNPROVEN: "red"}
COLOURS = {Result.HELD: "green", Result.NOT_TESTED: "yellow", Result.INCONCLUSIVE: "yellow", Result.BREACHED: "red"}


def print_result(plan: Plan, verdict: Verdict, directory: RunDirectory, *, as_json: bool) -> None:
    """Print the end of a run: for machines the verdict itself, for people a table and where the report is."""
    if verdict.restoration is Restoration.UNPROVEN:
        if is_only_unproven(directory):
            print(UNPROVEN.format(back=back_told(plan.points, plan.points)), file=sys.stderr)
        else:
            Spoken().stranded(lines_by_hand(plan))
    if as_json:
        print(verdict_json(verdict), end="")
        return
    console = Console()
    console.print(_rows(verdict))
    _print_findings(console, verdict)
    held = Text("verdict ", style="bold").append(verdict.sentence, style=f"bold {COLOURS[verdict.verdict]}")
    held.append("   restoration ", style="bold default")
    held.append(verdict.restoration_told, style=f"bold {RETURN_COLOURS[verdict.restoration]}")
    if verdict.lab:
        held.append("   (LAB)", style="bold blue")
    if verdict.mode == Mode.LIVE.value:
        request = request_in(directory.root)
        broken = request.break_glass if request is not None else None
        held.append("   (LIVE)" if broken is None else f"   (LIVE, {broken.told})", style="bold")
    console.print(held)
    console.print(f"boundary     {verdict.boundary_told}", soft_wrap=True, highlight=False)
    for way in verdict.closed_by_rule:
        console.print(f"not tested   {way.told}: closed by rule (declared)", highlight=False)
    console.print(f"isolation    {times_text(verdict.isolation_s)}")
    console.print(f"restoration  {times_text(verdict.restoration_s)}")
    for drained in verdict.backlogs:
        console.print(f"production   {drained.words}", soft_wrap=True, highlight=False)
    gap = verdict.longest_ot_gap_s
    console.print(f"longest OT gap {'not known' if gap is None else f'{gap:.3f} s'}, leaks {verdict.leaks}")
    console.print(f"report {directory.root / rundir.REPORT}", soft_wrap=True)


def print_looked(plan: Plan, directory: RunDirectory) -> None:
    """Print the end of a dry run that found nothing against a run. People are not asked in it."""
    read = [name for name, point in plan.points.items() if point.by_hand is None]
    people = [name for name in plan.points if name not in read]
    console = Console(highlight=False, soft_wrap=True)
    looked = Text("dry run ", style="bold").append(
        "Nothing was found that speaks against a live run.", style="bold green"
    )
    console.print(looked)
    if read:
        console.print(f"read         {', '.join(read)}; nothing was armed or changed there")
    console.print(f"compared     {_compared(directory)}")
    if people:
        console.print(f"not asked    the people at {', '.join(people)}; a run asks them before it isolates anything")
    heard = [name for name in plan.vantages if name not in plan.kits]
    console.print(f"seen good    every probe, from {', '.join(heard)}; what must die was alive")
    if plan.kits:
        console.print(f"not seen     what is asked from {', '.join(plan.kits)}: a person carries a kit there")
    console.print("ready        the guardian hears the conductor, and a restore can log in")
    console.print(f"approvals    {approvals_told(directory.workspace, plan, now_of())}")
    console.print("not tried    the plant floor's go at T-0, which a live run waits for before it arms")
    console.print(f"record       {directory.root}")


def _compared(directory: RunDirectory) -> str:
    """Say with which dry runs the configurations were compared; a run in which one differed was refused."""
    with_runs = dict.fromkeys(
        str(record.data["dry_run"]) for record in of_kind(directory.records(), "configuration.since")
    )
    if not with_runs:
        return "with nothing: no earlier dry run of this plan came to its end"
    return f"running and saved configuration are as dry run {' and '.join(with_runs)} read them"


def _print_findings(console: Console, verdict: Verdict) -> None:
    """Print every finding, and below the last of each kind that is no note what to do."""
    codes = [finding.code for finding in verdict.findings]
    for place, finding in enumerate(verdict.findings):
        colour = COLOURS[finding.result]
        console.print(Text(f"{finding.word}: ", style=colour).append(finding.sentence, style="default"))
        if finding.result is not Result.HELD and finding.code not in codes[place + 1 :]:
            console.print(Text(f"  do: {what_to_do(finding.code, verdict.run, program())}", style="bold"))


def times_text(times: Times) -> str:
    """Write ordered to effective and ordered to verified for people."""
    verified = "not seen" if times.ordered_to_verified is None else f"{times.ordered_to_verified:.3f} s"
    return f"ordered to effective {_interval(times.ordered_to_effective)}, ordered to verified {verified}"


def _interval(interval: Interval | None) -> str:
    if interval is None or interval.latest_s is None:
        return "not seen"
    return f"between {interval.earliest_s:.3f} and {interval.latest_s:.3f} s"


def _rows(verdict: Verdict) -> NameTable:
    """Show a line per probe and a column per window: what was seen of it, coloured by whether that is as it must be."""
    windows = list(dict.fromkeys(row.stage for row in verdict.rows))
    rows: list[tuple[str | Text, ...]] = []
    for probe in dict.fromkeys(row.probe for row in verdict.rows):
        mine = {row.stage: row for row in verdict.rows if row.probe == probe}
        vantage = next(iter(mine.values())).vantage
        rows.append((probe, vantage, *(_cell(verdict, mine[window]) if window in mine else "" for window in windows)))
    return NameTable(("probe", "from", *windows), rows)


def _cell(verdict: Verdict, row: Row) -> Text:
    seen, result = seen_of(verdict, row)
    sign = "" if result is Result.HELD else " !"
    return Text(f"{seen}{sign}", style=COLOURS[result])
