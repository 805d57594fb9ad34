"""The one way to a verdict: of a run that came to its end, of a run whose conductor died, and again of an old run.

A verdict rests on the run's plan, its journals and its samples, so judging the same record again gives the same bytes. Of a run
that came to its end the guardian's journal counts beside the conductor's; where the conductor died, what restores afterwards wrote
counts too, and the verdict is never better than inconclusive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from islandmode.core.clocks import clock_line
from islandmode.core.drill import Mode
from islandmode.core.episodes import Episode, Folded
from islandmode.core.errors import InputError
from islandmode.core.judging.run import judge
from islandmode.core.judging.soundness import altered, died, has_ended, understood
from islandmode.core.judging.timeline import last_us, of_kind, timeline_of
from islandmode.core.placing import Between, Placed, Spooled
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.refusal import refusal_of
from islandmode.core.unfinished import SEEN, armed
from islandmode.core.verdict import Finding, Verdict, verdict_json
from islandmode.operate.entering import write_ended
from islandmode.operate.samples import altered_since, kept_spool, samples_altered, samples_expected
from islandmode.operate.watch import beside
from islandmode.store import rundir
from islandmode.store.addenda import Addendum, addenda_of, with_brought
from islandmode.store.rundir import RunDirectory
from islandmode.system.apart import apart
from islandmode.system.clock import MachineClock, iso_utc

READ_S, WRITE_S = 10.0, 20.0


@dataclass(frozen=True)
class Evidence:
    """What a run is judged by; `samples` are in the conductor's monotonic time."""

    run: str
    plan: Plan
    records: Sequence[Record]
    others: Sequence[Record]
    samples: Folded
    mode: Mode
    lab: bool
    spoilt: tuple[Finding, ...] = ()
    """Against whose samples there is something that its conductor did not find: they are not what it collected."""
    died: bool = False
    altered: str = ""
    """Why the conductor's journal is not whole; empty where it is, or where only its end is missing."""


@dataclass(frozen=True)
class Judged:
    """A verdict, and what of the evidence it rests on."""

    verdict: Verdict
    records: tuple[Record, ...]
    others: tuple[Record, ...]
    episodes: Mapping[str, tuple[Episode, ...]]


def judge_evidence(evidence: Evidence) -> Judged:
    """Judge a run by its evidence; pure, and never raises for what a record lacks."""
    plan = evidence.plan
    records, unread = understood(plan, evidence.records)
    others, unread_beside = understood(plan, evidence.others)
    # The numbers of a finding are those of the conductor's records.
    against = [*unread, *(finding.model_copy(update={"records": ()}) for finding in unread_beside)]
    against += [altered(evidence.altered)] if evidence.altered else []
    against += evidence.spoilt
    restored: frozenset[str] = frozenset()
    if evidence.died:
        against.append(died(evidence.records, others))
        restored = frozenset(str(record.data["point"]) for kind in SEEN for record in of_kind(others, kind))
    edges = timeline_of([stage.name for stage in plan.stages], records, others).edges
    episodes = evidence.samples.folded(edges)
    verdict = judge(
        plan,
        records,
        episodes,
        mode=evidence.mode.value,
        lab=evidence.lab,
        run=evidence.run,
        others=others,
        against=against,
        restored=restored,
    )
    return Judged(verdict, records, others, episodes)


def judge_run(directory: RunDirectory, addenda: int = 0) -> Verdict:
    """Judge a run by its folder, with its first `addenda`; raises `InputError` where there is nothing to judge, or it cannot be read."""
    return judge_evidence(evidence_of(directory, addenda)).verdict


def evidence_of(directory: RunDirectory, addenda: int = 0) -> Evidence:
    """Read what a run is judged by, with its first `addenda`; raises `InputError` where there is nothing to judge, or it cannot be read."""
    plan, (conductor, others) = directory.plan(), directory.journals()
    records = conductor.records if conductor is not None else ()
    if not records:
        raise InputError(f"{directory.run} has no record that can be read, so there is nothing to judge.")
    dead = not has_ended(records)
    if dead and directory.conductor() is not None:
        raise InputError(f"{directory.run} goes on; it is judged when it has ended.")
    if refusal_of(records) is not None or not armed(records):
        raise InputError(f"{directory.run} ended before anything was armed or isolated, so there is nothing to judge.")
    heard = [reading for name, reading in others.items() if dead or name == rundir.GUARDIAN]
    mode, lab = _asked_for(records)
    # The end of a journal that was altered may be what is missing, so nobody knows whether its conductor died.
    why = "" if conductor is None or conductor.whole or conductor.cut_off else conductor.why
    added = addenda_of(directory, addenda)
    records = with_brought(records, added)
    samples, spoilt = placed_samples(directory, plan, records, added)
    return Evidence(
        run=directory.run,
        plan=plan,
        records=records,
        others=[record for reading in heard for record in reading.believed],
        samples=samples,
        mode=mode,
        lab=lab,
        spoilt=spoilt,
        died=dead and not why,
        altered=why,
    )


def _asked_for(records: Sequence[Record]) -> tuple[Mode, bool]:
    """Give the mode of a run, and whether it was in a lab."""
    begun = next((record.data for record in of_kind(records, "run.started")), {})
    mode = Mode.REHEARSAL
    with suppress(ValueError):
        mode = Mode(str(begun.get("mode", mode)))
    # What is rehearsed is rehearsed in a lab.
    return mode, mode is Mode.REHEARSAL or begun.get("lab") is not None


def placed_samples(
    directory: RunDirectory, plan: Plan, records: Sequence[Record], added: Sequence[Addendum]
) -> tuple[Placed, tuple[Finding, ...]]:
    """Find the samples of every vantage that was collected or brought, each with its clock's line; those that were altered since are left out."""
    folders = {addendum.vantage: addendum.samples for addendum in added}
    begin_us, end_us = min(record.monotonic_us for record in records), last_us(records)
    vantages = {name: planned.probe.vantage for name, planned in plan.probes.items()}
    spools: dict[str, Spooled] = {}
    lines, spoilt = {}, []
    for vantage in plan.vantages:
        measured = [record.data for record in of_kind(records, "vantage.offset", vantage=vantage, outcome="done")]
        restarted = len({offset.get("boot_id") for offset in measured}) > 1
        collected = next(of_kind(records, "collect.result", vantage=vantage, outcome="done"), None)
        line = clock_line(measured)
        if restarted or collected is None or line is None:
            # Of a host that restarted no time can be placed; what was not collected may be cut off anywhere.
            continue
        folder = folders.get(vantage, directory.samples(vantage))
        spool = kept_spool(folder, samples_expected(plan, directory.run, vantage), collected.data)
        why = altered_since(spool, collected.data, records, vantage)
        if why:
            spoilt.append(samples_altered(vantage, why, collected))
            continue
        mine = Between(spool, begin_us - line.shift_us, end_us - line.shift_us)
        # A kit may see more than the run.
        spools[vantage] = mine if vantage in plan.kits else spool
        lines[vantage] = line
    return Placed(vantages, spools, lines), tuple(spoilt)


def judge_died(directory: RunDirectory) -> str:
    """Write the verdict of a run whose conductor died, where it has none; returns why none was written. Bounded, never raises.

    An existing verdict is left alone, whichever process wrote it.
    """
    found: list[Verdict] = []
    why = beside(lambda: found.extend(_of_dead(directory)), READ_S)
    if why or not found:
        return why

    def write() -> None:
        if directory.write_first(rundir.VERDICT, verdict_json(found[0])):
            directory.seal(collected=False)
            now = iso_utc(MachineClock.of_this_boot().utc_us())
            write_ended(directory, directory.records(), found[0].verdict.value, found[0].restoration.value, now)

    return apart(write, WRITE_S)


def _of_dead(directory: RunDirectory) -> Sequence[Verdict]:
    if (directory.root / rundir.VERDICT).exists() or directory.conductor() is not None:
        return ()
    evidence = evidence_of(directory)
    return (judge_evidence(evidence).verdict,) if evidence.died else ()
