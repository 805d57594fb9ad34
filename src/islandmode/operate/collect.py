"""Samples that a person brings after a run was closed: taken as hostile, written beside the run as an addendum, and judged with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from islandmode.core.brought import SamplesBrought
from islandmode.core.errors import InputError
from islandmode.core.judging.timeline import of_kind
from islandmode.core.kept_clocks import ClockReading, Compared, NoClocks, compared, read_clocks
from islandmode.core.plan import Plan
from islandmode.core.records import CollectResult, VantageOffset, VantageStarted
from islandmode.core.spool import SEGMENT_MAX_BYTES, UNSEALED, KeptSpool, SpoolReading, named_in
from islandmode.core.spool_rows import SPOOL_MAX_BYTES
from islandmode.core.text import cleaned
from islandmode.core.verdict import Verdict
from islandmode.observe.kept_spool import ENDINGS, SEGMENT
from islandmode.observe.kit import SPOOL
from islandmode.observe.own_clocks import CLOCKS
from islandmode.operate.audience import Pages
from islandmode.operate.judge import Evidence, evidence_of, judge_evidence, placed_samples
from islandmode.operate.operator_name import operator_name
from islandmode.operate.outcome import local_zone
from islandmode.operate.samples import samples_expected
from islandmode.store import rundir
from islandmode.store.addenda import WRITER, NewAddendum, addenda_of, with_brought
from islandmode.store.rundir import RunDirectory
from islandmode.system import modes
from islandmode.system.clock import Clock, MachineClock
from islandmode.system.machine_state import read_plain
from islandmode.system.own_program import typed_at
from islandmode.system.segments import segments_in

CLOCKS_MAX_BYTES, ENDED_MAX_BYTES = 1 << 20, 20
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


def collect_from(workspace: Path, run: str, folder: Path, pages: Pages) -> Added:
    """Take what a person brought in a folder, and judge its run anew; raises `InputError`, with nothing written, where it does not fit."""
    directory = rundir.find(workspace, run)
    before = len(addenda_of(directory))
    evidence = evidence_of(directory, before)
    if directory.verdict() is None:
        raise InputError(
            f"{directory.run} has no verdict yet; `{typed_at(workspace, 'restore', directory.run)}` brings it to its end."
        )
    spool = folder / SPOOL if (folder / SPOOL).is_dir() else folder
    vantage = _whose(spool, evidence)
    try:
        new = NewAddendum.begin(directory, vantage)
    except OSError as error:
        raise InputError(
            f"{directory.root} takes no addendum ({error.strerror}); let this account write there."
        ) from error
    try:
        _copy(spool, new.samples)
        return _add(new, evidence, spool, pages, MachineClock.of_this_boot())
    except OSError as error:
        raise InputError(f"{spool} cannot be taken ({error.strerror or error}). Nothing was added.") from error
    finally:
        new.give_up()


def _whose(spool: Path, evidence: Evidence) -> str:
    """Find out of which vantage a spool is, by its first line; raises `InputError` where this run does not miss its samples."""
    try:
        first = next(iter(_segments(spool)), None)
        named = None if first is None else named_in(first.name, read_plain(first, SEGMENT_MAX_BYTES))
    except OSError as error:
        raise InputError(f"{spool} cannot be read ({error.strerror}).") from error
    if named is None:
        raise InputError(
            f"{spool} holds no samples; name the folder of a kit, or a copy of the folder in which a vantage's host keeps its spool."
        )
    run, vantage = (cleaned(name)[:100] for name in named)
    plan = evidence.plan
    if vantage not in plan.vantages or run != samples_expected(plan, evidence.run, vantage).run:
        for_kit = (
            " A kit is for one plan: what changes the drill, the site or its probes needs a new kit."
            if run.startswith("kit-")
            else ""
        )
        raise InputError(f"{spool} is of {run}, vantage {vantage}, and not of a vantage of {evidence.run}.{for_kit}")
    if any(of_kind(evidence.records, "collect.result", vantage=vantage, outcome="done")):
        raise InputError(f"{evidence.run} has the samples of vantage {vantage} already.")
    return vantage


def _segments(spool: Path) -> Iterator[Path]:
    names = sorted(path.name for path in spool.iterdir()) if spool.is_dir() else []
    return (spool / name for name in names if SEGMENT.fullmatch(f"segment {name} 0".encode()))


def _copy(spool: Path, kept: Path) -> None:
    """Keep every segment, within bounds; raises OSError, and `InputError` where it is more than a spool can be."""
    left = SPOOL_MAX_BYTES + SEGMENT_MAX_BYTES
    for path in _segments(spool):
        data = read_plain(path, SEGMENT_MAX_BYTES + 1)
        left -= len(data)
        if len(data) > SEGMENT_MAX_BYTES or left < 0:
            raise InputError(f"{path} is longer than a spool can be. Nothing was added.")
        modes.write_bytes(kept / path.name, data)


def _add(new: NewAddendum, evidence: Evidence, spool: Path, pages: Pages, clock: Clock) -> Added:
    plan, vantage, run = evidence.plan, new.vantage, new.run
    key = _key(evidence, vantage)
    kept = KeptSpool(partial(segments_in, new.samples), samples_expected(plan, run.run, vantage), bytes.fromhex(key))
    reading, ended = kept.read(), _ended(spool)
    cut = ended == LOST and reading.why == UNSEALED
    if not reading.samples or not (reading.whole or cut):
        raise InputError(f"{spool} is not taken: {reading.why} Nothing was added.")
    compared_clocks = _compared(spool, key, reading, evidence, vantage)
    entries = [
        _brought(new, evidence, compared_clocks.why),
        *(
            [VantageStarted(vantage=vantage, far=True, by=PERSON, outcome="done", why="")]
            if vantage in plan.kits
            else []
        ),
        *_offsets(compared_clocks, evidence, vantage),
        CollectResult(
            vantage=vantage,
            chain_ok=True,
            chain_why="",
            ended=ended,
            samples=reading.samples,
            outcome="done",
            why="",
            length=reading.length,
            sha256=reading.sha256,
            key=key,
        ),
    ]
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
    folder = new.close(judged.verdict, report)
    return Added(run, plan, new.number, vantage, RunDirectory(folder), judged.verdict)


def _key(evidence: Evidence, vantage: str) -> str:
    """Give the key under which a late spool was sealed, as the run told it when it was closed; a kit has none."""
    if vantage in evidence.plan.kits:
        return ""
    told = [str(record.data.get("key", "")) for record in of_kind(evidence.records, "collect.result", vantage=vantage)]
    try:
        return bytes.fromhex(told[-1]).hex() if told else ""
    except ValueError:
        return ""


def _ended(spool: Path) -> str:
    try:
        told = read_plain(spool / "ended", ENDED_MAX_BYTES).decode("ascii", "replace").strip()
    except OSError:
        return LOST
    return told if told in ENDINGS else LOST


def _compared(spool: Path, key: str, reading: SpoolReading, evidence: Evidence, vantage: str) -> Compared:
    """Compare the clocks of its host with the conductor's, by what it wrote down of them."""
    plan, records = evidence.plan, [record for record in evidence.records if record.writer != WRITER]
    near = next((name for name, planned in plan.vantages.items() if not planned.far), "")
    measured = [record.data for record in of_kind(records, "vantage.offset", vantage=near, outcome="done")]
    try:
        told = read_clocks(read_plain(spool / CLOCKS, CLOCKS_MAX_BYTES), bytes.fromhex(key), reading.last)
    except OSError:
        return Compared({}, {}, "what its clocks said is missing")
    except NoClocks as odd:
        return Compared({}, {}, str(odd))
    other = _other_boot(told, evidence, vantage)
    return Compared({}, {}, other) if other else compared(told, records, measured)


def _other_boot(told: Sequence[ClockReading], evidence: Evidence, vantage: str) -> str:
    """Say that its host has restarted since the run measured its clock, or nothing."""
    boots = {
        record.data.get("boot_id")
        for record in of_kind(evidence.records, "vantage.offset", vantage=vantage, outcome="done")
    }
    return "its host restarted since its clock was measured" if boots and {told[-1].boot} != boots else ""


def _offsets(found: Compared, evidence: Evidence, vantage: str) -> list[VantageOffset]:
    """Give the measurements that the run lacks."""
    if found.why:
        return []
    told: Mapping[str, Mapping[str, Any]] = {"before": found.before, "after": found.after}
    return [
        VantageOffset(vantage=vantage, when=when, outcome="done", why="", by_utc=True, **told[when])
        for when in ("before", "after")
        if not any(of_kind(evidence.records, "vantage.offset", vantage=vantage, when=when, outcome="done"))
    ]


def _brought(new: NewAddendum, evidence: Evidence, unplaced: str) -> SamplesBrought:
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
    )


def _sum_of(path: Path) -> str:
    try:
        return hashlib.sha256(read_plain(path)).hexdigest()
    except OSError:
        return ""
