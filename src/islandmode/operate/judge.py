"""The one way to a verdict: of a run that came to its end, of a run whose conductor died, and again of an old run.

A verdict rests on the run's plan, its journals and its samples, so judging the same record again gives the same bytes. Of a run
that came to its end the guardian's journal counts beside the conductor's; where the conductor died, what restores afterwards wrote
counts too, and the verdict is never better than inconclusive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from islandmode.core.drill import Mode
from islandmode.core.episodes import Episode, Sample, fold
from islandmode.core.errors import InputError
from islandmode.core.judging.run import judge
from islandmode.core.judging.soundness import altered, died, has_ended, understood
from islandmode.core.judging.timeline import of_kind, timeline_of
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.refusal import refusal_of
from islandmode.core.spool import Expected, placed, read_spool
from islandmode.core.unfinished import SEEN, armed
from islandmode.core.verdict import Verdict, verdict_json
from islandmode.operate.watch import beside
from islandmode.store import rundir
from islandmode.store.rundir import RunDirectory
from islandmode.system.apart import apart

READ_S, WRITE_S = 10.0, 20.0


@dataclass(frozen=True)
class Evidence:
    """What a run is judged by; `samples` are in the conductor's monotonic time."""

    run: str
    plan: Plan
    records: Sequence[Record]
    others: Sequence[Record]
    samples: Mapping[str, Sequence[Sample]]
    mode: Mode
    lab: bool
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
    restored: frozenset[str] = frozenset()
    if evidence.died:
        against.append(died(evidence.records, others))
        restored = frozenset(str(record.data["point"]) for kind in SEEN for record in of_kind(others, kind))
    edges = timeline_of([stage.name for stage in plan.stages], records, others).edges
    episodes = {probe: fold(samples, edges) for probe, samples in evidence.samples.items()}
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


def judge_run(directory: RunDirectory) -> Verdict:
    """Judge a run by its folder; raises `InputError` where there is nothing to judge, or it cannot be read."""
    return judge_evidence(evidence_of(directory)).verdict


def evidence_of(directory: RunDirectory) -> Evidence:
    """Read what a run is judged by; raises `InputError` where there is nothing to judge, or it cannot be read."""
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
    return Evidence(
        run=directory.run,
        plan=plan,
        records=records,
        others=[record for reading in heard for record in reading.believed],
        samples=_samples(directory, plan, records),
        mode=mode,
        lab=lab,
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


def _samples(directory: RunDirectory, plan: Plan, records: Sequence[Record]) -> dict[str, tuple[Sample, ...]]:
    """Read the samples of every vantage that was collected, as its conductor did."""
    vantages = {name: planned.probe.vantage for name, planned in plan.probes.items()}
    spools, shifts_us = {}, {}
    for vantage in plan.vantages:
        measured = [record.data for record in of_kind(records, "vantage.offset", vantage=vantage, outcome="done")]
        restarted = len({offset.get("boot_id") for offset in measured}) > 1
        if restarted or not any(of_kind(records, "collect.result", vantage=vantage, outcome="done")):
            # Of a host that restarted no time can be placed; what was not collected may be cut off anywhere.
            continue
        probes = frozenset(name for name, at in vantages.items() if at == vantage)
        spools[vantage] = read_spool(directory.spooled(vantage), Expected(directory.run, vantage, probes)).samples
        shifts_us[vantage] = [int(offset["monotonic_us"]) for offset in measured if "monotonic_us" in offset]
    return placed(spools, shifts_us, vantages)


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
            directory.seal()

    return apart(write, WRITE_S)


def _of_dead(directory: RunDirectory) -> Sequence[Verdict]:
    if (directory.root / rundir.VERDICT).exists() or directory.conductor() is not None:
        return ()
    evidence = evidence_of(directory)
    return (judge_evidence(evidence).verdict,) if evidence.died else ()
