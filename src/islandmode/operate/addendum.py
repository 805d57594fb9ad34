"""An addendum to a run: samples that were had, or a word that was said, after it had ended; written beside it and judged with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from islandmode.core.brought import SamplesBrought
from islandmode.core.closed_records import RunClosed
from islandmode.core.entry import Entry
from islandmode.core.errors import InputError
from islandmode.core.judging.timeline import of_kind
from islandmode.core.plan import Plan
from islandmode.core.records import CollectResult, VantageOffset, VantageStarted
from islandmode.core.spool import UNSEALED, KeptSpool, SpoolReading
from islandmode.core.verdict import Verdict
from islandmode.operate.audience import Pages
from islandmode.operate.entering import AddedToRun, enter_added
from islandmode.operate.judge import Evidence, evidence_of, judge_evidence, placed_samples
from islandmode.operate.operator_name import operator_name
from islandmode.operate.outcome import local_zone
from islandmode.operate.samples import samples_expected
from islandmode.store import rundir
from islandmode.store.addenda import NewAddendum, addenda_of, with_brought
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import Clock
from islandmode.system.machine_state import read_plain
from islandmode.system.own_program import typed_at
from islandmode.system.segments import segments_in

LOST = "lost"
PERSON = "a person"


@dataclass(frozen=True)
class Added:
    """An addendum that was written, and the run to which it belongs."""

    run: RunDirectory
    plan: Plan
    number: int
    vantage: str
    folder: RunDirectory
    verdict: Verdict
    not_entered: str = ""
    """Why the ledger does not have it; empty where it has, or where the run stands on none."""


@dataclass(frozen=True)
class Came:
    """What came of a vantage and is kept: how its worker ended, and what was read of it."""

    ended: str
    reading: SpoolReading
    by_login: bool = False


@dataclass(frozen=True)
class Compared:
    """The measurements of a vantage's clock that its run lacks, and why its times cannot be placed without them, or nothing."""

    offsets: Sequence[VantageOffset]
    why: str


def open_run(workspace: Path, run: str) -> tuple[RunDirectory, Evidence]:
    """Find a run that is closed, with what it is judged by; raises `InputError`."""
    directory = rundir.find(workspace, run)
    evidence = evidence_of(directory, len(addenda_of(directory)))
    if directory.verdict() is None:
        raise InputError(
            f"{directory.run} has no verdict yet; `{typed_at(workspace, 'restore', directory.run)}` brings it to its end."
        )
    return directory, evidence


def begin(directory: RunDirectory, vantage: str = "") -> NewAddendum:
    """Make the folder of an addendum; raises `InputError`."""
    try:
        return NewAddendum.begin(directory, vantage)
    except OSError as error:
        raise InputError(
            f"{directory.root} takes no addendum ({error.strerror}); let this account write there."
        ) from error


def has(evidence: Evidence, vantage: str) -> bool:
    """Tell whether a run, or an addendum to it, has the samples of a vantage."""
    return any(of_kind(evidence.records, "collect.result", vantage=vantage, outcome="done"))


def key_of(evidence: Evidence, vantage: str) -> str:
    """Give the key under which a late spool was sealed, as the run told it when it was closed; a kit has none."""
    if vantage in evidence.plan.kits:
        return ""
    told = [str(record.data.get("key", "")) for record in of_kind(evidence.records, "collect.result", vantage=vantage)]
    try:
        return bytes.fromhex(told[-1]).hex() if told else ""
    except ValueError:
        return ""


def read(new: NewAddendum, evidence: Evidence) -> SpoolReading:
    """Read what is kept of a spool."""
    key = bytes.fromhex(key_of(evidence, new.vantage))
    return KeptSpool(
        partial(segments_in, new.samples), samples_expected(evidence.plan, new.run.run, new.vantage), key
    ).read()


def trouble(came: Came) -> str:
    """Say why what came is not as its worker wrote it, or nothing; a worker that was killed could not seal its last segment."""
    cut = came.ended == LOST and came.reading.why == UNSEALED
    return "" if came.reading.samples and (came.reading.whole or cut) else came.reading.why


def add(new: NewAddendum, evidence: Evidence, came: Came, compared: Compared, pages: Pages, clock: Clock) -> Added:
    """Write what came as an addendum, with a verdict and a report of its own; raises OSError."""
    plan, vantage, reading = evidence.plan, new.vantage, came.reading
    entries = [
        _brought(new, evidence, compared.why, by_login=came.by_login),
        *(
            [VantageStarted(vantage=vantage, far=True, by=PERSON, outcome="done", why="")]
            if vantage in plan.kits
            else []
        ),
        *compared.offsets,
        CollectResult(
            vantage=vantage,
            chain_ok=True,
            chain_why="",
            ended=came.ended,
            samples=reading.samples,
            outcome="done",
            why="",
            length=reading.length,
            sha256=reading.sha256,
            key=key_of(evidence, vantage),
        ),
    ]
    return write(new, evidence, entries, pages, clock)


def write(new: NewAddendum, evidence: Evidence, entries: Sequence[Entry], pages: Pages, clock: Clock) -> Added:
    """Write records as an addendum, judge the run with it, and enter it in the ledger; raises OSError."""
    plan, run = evidence.plan, new.run
    added = new.write_records(entries, plan.drill.site, clock)
    records = with_brought(evidence.records, [added])
    samples, spoilt = placed_samples(run, plan, records, [*addenda_of(run), added])
    judged = judge_evidence(replace(evidence, records=records, samples=samples, spoilt=spoilt))
    report = pages.report(
        plan,
        judged.verdict,
        judged.records,
        judged.episodes,
        others=judged.others,
        configuration_diffs={},
        zone=local_zone(evidence.records),
    )
    folder, verdict = new.close(judged.verdict, report), judged.verdict
    closes = any(isinstance(entry, RunClosed) for entry in entries)
    said = AddedToRun(new.number, new.vantage, verdict.verdict.value, verdict.restoration.value, closes)
    why = enter_added(run, evidence.records, said, clock)
    return Added(run, plan, new.number, new.vantage, RunDirectory(folder), verdict, why)


def _brought(new: NewAddendum, evidence: Evidence, unplaced: str, *, by_login: bool) -> SamplesBrought:
    measured = any(of_kind(evidence.records, "vantage.offset", vantage=new.vantage, outcome="done"))
    return SamplesBrought(
        vantage=new.vantage,
        author=operator_name(),
        kit=new.vantage in evidence.plan.kits,
        plan_digest=evidence.plan.plan_digest,
        journal=_sum_of(new.run.journal),
        sums=_sum_of(new.run.root / rundir.SUMS),
        # One measurement places them, and a finding says that the other is missing.
        unplaced="" if measured else unplaced,
        by_login=by_login,
    )


def _sum_of(path: Path) -> str:
    try:
        return hashlib.sha256(read_plain(path)).hexdigest()
    except OSError:
        return ""
