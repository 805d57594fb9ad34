"""Judging a drill that turned real: which conduits are kept closed by the site's own means, and by whom. Pure.

A conduit that stays dead after the restore is explained only where a named person said that they keep it closed, or where the deny that
the site declares was seen to come into force on every device that it passes through; and only where every fresh probe over it was seen
dead after the restore. Something that passed there, or a probe that said nothing, explains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from islandmode.core.episodes import Seen
from islandmode.core.judging.probes import ProbeRecord, allowed_gap_us
from islandmode.core.judging.timeline import AFTER, Timeline, Window, of_kind
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.text import in_words
from islandmode.core.verdict import Finding, KeptClosed, Restoration, Result

ADDENDUM = "addendum"
"""The writer of what was recorded after the run."""


@dataclass(frozen=True)
class Closed:
    """What says that a conduit is kept closed, and whether its probes agree."""

    kept: KeptClosed
    seqs: tuple[int, ...]
    explains: bool
    passed: tuple[str, ...]
    """Fresh probes that passed after the restore."""
    is_late: bool
    """Whether it was recorded after the run had ended."""

    @property
    def conduit(self) -> str:
        """Name the conduit."""
        return self.kept.conduit


def closed_of(
    plan: Plan,
    records: Sequence[Record],
    others: Sequence[Record],
    probes: Mapping[str, ProbeRecord],
    timeline: Timeline,
) -> tuple[Closed, ...]:
    """Find the conduits of a plan that somebody keeps closed, or whose deny was seen."""
    found = []
    for conduit in plan.conduits:
        said = [*of_kind(records, "closed.said", conduit=conduit), *of_kind(others, "closed.said", conduit=conduit)]
        looked = list(of_kind(records, "closed.looked", conduit=conduit))
        done = {record.data["point"] for record in looked if record.data["outcome"] == "done"}
        through = {name for name, point in plan.points.items() if conduit in point.conduits}
        is_seen = bool(looked) and len(done) == len({record.data["point"] for record in looked}) and through <= done
        if not said and not is_seen:
            continue
        people = tuple(dict.fromkeys(str(record.data["person"]) for record in said))
        seen_on = tuple(str(record.data["point"]) for record in looked) if is_seen else ()
        dead, passed = _after(plan, conduit, probes, timeline)
        found.append(
            Closed(
                kept=KeptClosed(conduit=conduit, by=people, seen_on=seen_on),
                seqs=tuple(record.seq for record in (*of_kind(records, "closed.said", conduit=conduit), *looked)),
                explains=dead,
                passed=passed,
                is_late=not is_seen and all(record.writer == ADDENDUM for record in said),
            )
        )
    return tuple(found)


def _after(
    plan: Plan, conduit: str, probes: Mapping[str, ProbeRecord], timeline: Timeline
) -> tuple[bool, tuple[str, ...]]:
    """Tell whether every fresh probe over a conduit was seen dead since the restore was seen, and which of them passed."""
    after, from_us = timeline.window(AFTER), timeline.back_from_us
    fresh = [
        record
        for record in probes.values()
        if record.planned.role == "severed"
        and record.planned.crosses == conduit
        and record.planned.probe.by is None
        and record.planned.probe.kind != "canary"
    ]
    if after is None or from_us is None or not fresh:
        return False, ()
    passed = tuple(record.name for record in fresh if record.came_back(from_us, after))
    dead = all(_stays_dead(plan, record, from_us, after) for record in fresh)
    return dead and not passed, passed


def _stays_dead(plan: Plan, record: ProbeRecord, from_us: int, after: Window) -> bool:
    """Tell whether a probe's last word since a moment is that nothing came back, and whether it said so to the end of the record."""
    known = [
        episode
        for episode in record.episodes
        if episode.last_us >= from_us and episode.seen is not Seen.UNKNOWN and episode.first_us < after.end_us
    ]
    if not known or known[-1].seen is not Seen.BAD:
        return False
    return after.end_us - known[-1].last_us <= allowed_gap_us(plan, record.planned)


def judge_closed(closed: Sequence[Closed], restoration: Restoration) -> tuple[list[Finding], tuple[KeptClosed, ...]]:
    """Say what was kept closed, and what passed although somebody said so; and give what explains a restoration that is said to be that."""
    found, restored = [], restoration is Restoration.KEPT_CLOSED
    for each in closed:
        if each.explains:
            gone = (
                "Every object of Islandmode was seen gone"
                if restored
                else "Whether all of Islandmode is gone is not known"
            )
            sentence = f"{each.conduit} stayed dead after the restore: {each.kept.told}. {gone}; this run proves nothing of the way back over it."
            finding = Finding(code="kept-closed", result=Result.INCONCLUSIVE, sentence=sentence)
        elif each.passed:
            sentence = (
                f"{in_words(each.passed)} passed over {each.conduit} after the restore, although {each.kept.told}"
            )
            sentence += ", as was recorded after the run." if each.is_late else ". It was open then."
            result = Result.HELD if each.is_late else Result.INCONCLUSIVE
            finding = Finding(code="not-kept-closed", result=result, sentence=sentence)
        else:
            sentence = f"{each.kept.told[0].upper()}{each.kept.told[1:]}, and not every probe over {each.conduit} was seen dead after the restore; what is not seen explains nothing."
            finding = Finding(code="kept-closed-unseen", result=Result.INCONCLUSIVE, sentence=sentence)
        found.append(finding.model_copy(update={"stage": AFTER, "conduit": each.conduit, "records": each.seqs}))
    return found, tuple(each.kept for each in closed if each.explains) if restored else ()
