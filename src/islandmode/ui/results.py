"""After a run: judge from the record, write what the run leaves, and tell the person in a table."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from rich.console import Console
from rich.text import Text

from islandmode.core.drill import Mode
from islandmode.core.episodes import fold
from islandmode.core.errors import Refused
from islandmode.core.flows_told import seen_of
from islandmode.core.judging.run import judge
from islandmode.core.judging.timeline import timeline_of
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.refusal import UNTOLD, Refusal, refusal_of
from islandmode.core.rescue import Restorable
from islandmode.core.verdict import Interval, Restoration, Result, Row, Times, Verdict
from islandmode.core.what_to_do import what_to_do
from islandmode.run.conductor import Conducted
from islandmode.store import rundir
from islandmode.store.rundir import RunDirectory
from islandmode.system.apart import apart
from islandmode.system.own_program import program
from islandmode.ui.card import card_lines
from islandmode.ui.name_table import NameTable
from islandmode.ui.report.judged import render_report, verdict_json
from islandmode.ui.report.refused import render_refusal
from islandmode.ui.silent_disk import beside
from islandmode.ui.unfinished_runs import is_only_unproven

READ_S, WRITE_S = 10.0, 20.0
UNPROVEN = (
    "UNPROVEN: every isolation point was read back without our objects, and its restoration is not proven all the same; the "
    "findings say what is not known."
)
COLOURS = {Result.HELD: "green", Result.NOT_TESTED: "yellow", Result.INCONCLUSIVE: "yellow", Result.BREACHED: "red"}


def judge_and_write(
    plan: Plan, conducted: Conducted, records: Sequence[Record], directory: RunDirectory, *, mode: Mode, lab: bool
) -> Verdict:
    """Judge a finished run and write verdict, samples, report and check sums; raises OSError, also when the disk hangs."""
    others: list[Record] = []
    why = beside(lambda: others.extend(directory.guardian_records()), READ_S)
    if why:
        raise OSError(errno.EIO, why)
    edges = timeline_of([stage.name for stage in plan.stages], records, others).edges
    episodes = {probe: fold(samples, edges) for probe, samples in conducted.samples.items()}
    verdict = judge(plan, records, episodes, mode=mode.value, lab=lab, run=directory.run, others=others)
    zone, differences = _local_zone(records), conducted.differences
    report = render_report(plan, verdict, records, episodes, others=others, configuration_diffs=differences, zone=zone)

    def write() -> None:
        for vantage, segments in conducted.segments.items():
            directory.write_spool(vantage, segments)
        directory.write_text(rundir.VERDICT, verdict_json(verdict))
        directory.write_text(rundir.REPORT, report)
        directory.seal()

    why = apart(write, WRITE_S)
    if why:
        raise OSError(errno.EIO, why)
    return verdict


def write_refusal(plan: Plan, refused: Refused, records: Sequence[Record], directory: RunDirectory) -> str:
    """Write the report of a run that was refused; returns where it is, or why there is none. Never raises."""
    refusal = refusal_of(records) or Refusal(str(refused), UNTOLD)
    report = render_refusal(plan, directory.run, refusal, records, lab=True, zone=_local_zone(records))

    def write() -> None:
        directory.write_text(rundir.REPORT, report)
        directory.seal()

    why = apart(write, WRITE_S)
    return f"no report was written ({why})" if why else f"report {directory.root / rundir.REPORT}"


def _local_zone(records: Sequence[Record]) -> tzinfo:
    """Give the time zone of this machine as it was when a run began."""
    begun = datetime.fromtimestamp(records[0].utc_us / 1_000_000, UTC) if records else datetime.fromtimestamp(0, UTC)
    return begun.astimezone().tzinfo or UTC


def print_result(plan: Plan, verdict: Verdict, directory: RunDirectory, *, as_json: bool) -> None:
    """Print the end of a run: for machines the verdict itself, for people a table and where the report is."""
    if verdict.restoration is Restoration.UNPROVEN:
        if is_only_unproven(directory):
            print(UNPROVEN, file=sys.stderr)
        else:
            print_card(plan)
    if as_json:
        print(verdict_json(verdict), end="")
        return
    console = Console()
    console.print(_rows(verdict))
    _print_findings(console, verdict)
    held = Text("verdict ", style="bold").append(verdict.sentence, style=f"bold {COLOURS[verdict.verdict]}")
    proven = verdict.restoration is Restoration.PROVEN
    held.append("   restoration ", style="bold default")
    held.append(verdict.restoration.value, style="bold green" if proven else "bold red")
    if verdict.lab:
        held.append("   (LAB)", style="bold blue")
    console.print(held)
    console.print(f"boundary     {verdict.boundary_told}", soft_wrap=True, highlight=False)
    for way in verdict.closed_by_rule:
        console.print(f"not tested   {way.told}: closed by rule (declared)", highlight=False)
    console.print(f"isolation    {times_text(verdict.isolation_s)}")
    console.print(f"restoration  {times_text(verdict.restoration_s)}")
    gap = verdict.longest_ot_gap_s
    console.print(f"longest OT gap {'not known' if gap is None else f'{gap:.3f} s'}, leaks {verdict.leaks}")
    console.print(f"report {directory.root / rundir.REPORT}", soft_wrap=True)


def _print_findings(console: Console, verdict: Verdict) -> None:
    """Print every finding, and below the last of each kind that is no note what to do."""
    codes = [one.code for one in verdict.findings]
    for place, finding in enumerate(verdict.findings):
        colour = COLOURS[finding.result]
        console.print(Text(f"{finding.word}: ", style=colour).append(finding.sentence, style="default"))
        if finding.result is not Result.HELD and finding.code not in codes[place + 1 :]:
            console.print(Text(f"  do: {what_to_do(finding.code, verdict.run, program())}", style="bold"))


def print_card(plan: Restorable) -> None:
    """Say loudly, on standard error, how to restore every device by hand; the commands need no run-time value."""
    print("STRANDED: restoration was not seen. Look at the plant, and restore by hand:", file=sys.stderr)
    for line in card_lines(plan):
        print(f"  {line}", file=sys.stderr)


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
        rows.append((probe, vantage, *(_cell(verdict, mine[one]) if one in mine else "" for one in windows)))
    return NameTable(("probe", "from", *windows), rows)


def _cell(verdict: Verdict, row: Row) -> Text:
    seen, result = seen_of(verdict, row)
    sign = "" if result is Result.HELD else " !"
    return Text(f"{seen}{sign}", style=COLOURS[result])
