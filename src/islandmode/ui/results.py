"""After a run: judge from the record, write what the run leaves, and tell the person in a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from islandmode.core.drill import Mode
from islandmode.core.episodes import fold
from islandmode.core.judge import judge
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.verdict import Interval, Restoration, Result, Times, Verdict
from islandmode.run.conductor import Conducted
from islandmode.store import rundir
from islandmode.store.rundir import RunDirectory
from islandmode.ui.report import render_report, verdict_json

COLOURS = {Result.HELD: "green", Result.NOT_TESTED: "yellow", Result.INCONCLUSIVE: "yellow", Result.BREACHED: "red"}


def judge_and_write(
    plan: Plan, conducted: Conducted, records: Sequence[Record], directory: RunDirectory, *, mode: Mode, lab: bool
) -> Verdict:
    """Judge a finished run and write verdict, samples, report and check sums into its directory."""
    episodes = {probe: fold(samples) for probe, samples in conducted.samples.items()}
    verdict = judge(plan, records, episodes, mode=mode.value, lab=lab, run=directory.run)
    for vantage, segments in conducted.segments.items():
        directory.write_spool(vantage, segments)
    directory.write_text(rundir.VERDICT, verdict_json(verdict))
    report = render_report(plan, verdict, records, episodes, configuration_diffs=conducted.differences)
    directory.write_text(rundir.REPORT, report)
    directory.seal()
    return verdict


def print_result(verdict: Verdict, directory: RunDirectory, *, as_json: bool) -> None:
    """Print the end of a run: for machines the verdict itself, for people a table and where the report is."""
    if as_json:
        print(verdict_json(verdict))
        return
    console = Console()
    console.print(_rows(verdict))
    for finding in verdict.findings:
        colour = COLOURS[finding.result]
        console.print(Text(f"{finding.result.value}: ", style=colour).append(finding.sentence, style="default"))
    held = Text("verdict ", style="bold").append(verdict.verdict.value, style=f"bold {COLOURS[verdict.verdict]}")
    proven = verdict.restoration is Restoration.PROVEN
    held.append("   restoration ", style="bold default")
    held.append(verdict.restoration.value, style="bold green" if proven else "bold red")
    if verdict.lab:
        held.append("   (LAB)", style="bold blue")
    console.print(held)
    console.print(f"isolation    {times_text(verdict.isolation_s)}")
    console.print(f"restoration  {times_text(verdict.restoration_s)}")
    gap = verdict.longest_ot_gap_s
    console.print(f"longest OT gap {'not known' if gap is None else f'{gap:.3f} s'}, leaks {verdict.leaks}")
    console.print(f"report {directory.root / rundir.REPORT}", soft_wrap=True)


def times_text(times: Times) -> str:
    """Write ordered to effective and ordered to verified for people."""
    verified = "not seen" if times.ordered_to_verified is None else f"{times.ordered_to_verified:.3f} s"
    return f"ordered to effective {_interval(times.ordered_to_effective)}, ordered to verified {verified}"


def _interval(interval: Interval | None) -> str:
    if interval is None or interval.latest_s is None:
        return "not seen"
    return f"between {interval.earliest_s:.3f} and {interval.latest_s:.3f} s"


def _rows(verdict: Verdict) -> Table:
    table = Table("stage", "probe", "vantage", "expected", "good", "bad", "unknown", "longest gap", "result", box=None)
    for row in verdict.rows:
        gap = "" if row.longest_gap_s is None else f"{row.longest_gap_s:.3f} s"
        result = Text(row.result.value, style=COLOURS[row.result])
        counts = (str(row.good), str(row.bad), str(row.unknown))
        table.add_row(row.stage, row.probe, row.vantage, row.expected, *counts, gap, result)
    return table
