"""After a run: judge from the record, and write what the run leaves."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from islandmode.core.drill import Mode
from islandmode.core.errors import Refused
from islandmode.core.judging.timeline import of_kind
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.refusal import UNTOLD, Refusal, refusal_of
from islandmode.core.verdict import Verdict, verdict_json
from islandmode.operate.audience import Pages
from islandmode.operate.judge import READ_S, WRITE_S, Evidence, Judged, judge_evidence
from islandmode.operate.watch import beside
from islandmode.run.conductor import Conducted
from islandmode.store import rundir
from islandmode.store.rundir import RunDirectory
from islandmode.system.apart import apart

SAMPLES_PER_S, BYTES_PER_S = 20_000, 10_000_000
"""What a slow machine judges, and what a slow disk gives to be summed; both several times less than was seen."""


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
    # The samples are on the disk, which may hang; a long drill has many.
    found: list[Judged] = []
    why = beside(
        lambda: found.append(judge_evidence(evidence)), READ_S + _collected(records, "samples") / SAMPLES_PER_S
    )
    if why:
        raise OSError(errno.EIO, why)
    judged, zone = found[0], local_zone(records)
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

    why = apart(write, WRITE_S + _collected(records, "length") / BYTES_PER_S)
    if why:
        raise OSError(errno.EIO, why)
    return judged.verdict


def _collected(records: Sequence[Record], what: str) -> int:
    """Add up a number of every spool that was collected."""
    return sum(int(record.data.get(what, 0)) for record in of_kind(records, "collect.result"))


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
