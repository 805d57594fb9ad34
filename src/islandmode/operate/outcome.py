"""After a run: judge from the record, and write what the run leaves."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from islandmode.core.drill import Mode
from islandmode.core.errors import Refused
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.refusal import UNTOLD, Refusal, refusal_of
from islandmode.core.verdict import Verdict, verdict_json
from islandmode.operate.audience import Pages
from islandmode.operate.judge import READ_S, WRITE_S, Evidence, judge_evidence
from islandmode.operate.watch import beside
from islandmode.run.conductor import Conducted
from islandmode.store import rundir
from islandmode.store.rundir import RunDirectory
from islandmode.system.apart import apart


def judge_and_write(
    plan: Plan,
    conducted: Conducted,
    records: Sequence[Record],
    directory: RunDirectory,
    *,
    mode: Mode,
    lab: bool,
    pages: Pages,
) -> Verdict:
    """Judge a finished run and write verdict, samples, report and check sums; raises OSError, also when the disk hangs."""
    others: list[Record] = []
    why = beside(lambda: others.extend(directory.guardian_records()), READ_S)
    if why:
        raise OSError(errno.EIO, why)
    evidence = Evidence(directory.run, plan, records, others, conducted.samples, mode, lab)
    judged, zone = judge_evidence(evidence), local_zone(records)
    report = pages.report(
        plan,
        judged.verdict,
        judged.records,
        judged.episodes,
        others=judged.others,
        configuration_diffs=conducted.differences,
        zone=zone,
    )

    def write() -> None:
        directory.write_text(rundir.VERDICT, verdict_json(judged.verdict))
        directory.write_text(rundir.REPORT, report)
        directory.seal()

    why = apart(write, WRITE_S)
    if why:
        raise OSError(errno.EIO, why)
    return judged.verdict


def write_refusal(
    plan: Plan, refused: Refused, records: Sequence[Record], directory: RunDirectory, *, lab: bool, pages: Pages
) -> str:
    """Write the report of a run that was refused; returns where it is, or why it is missing. Never raises."""
    refusal = refusal_of(records) or Refusal(str(refused), UNTOLD)
    report = pages.refusal(plan, directory.run, refusal, records, lab=lab, zone=local_zone(records))

    def write() -> None:
        directory.write_text(rundir.REPORT, report)
        directory.seal()

    why = apart(write, WRITE_S)
    return f"no report was written ({why})" if why else f"report {directory.root / rundir.REPORT}"


def local_zone(records: Sequence[Record]) -> tzinfo:
    """Give the time zone of this machine as it was when a run began."""
    begun = datetime.fromtimestamp(records[0].utc_us / 1_000_000, UTC) if records else datetime.fromtimestamp(0, UTC)
    return begun.astimezone().tzinfo or UTC
