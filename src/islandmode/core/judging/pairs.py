"""Judging pairs: whether another member became active while they were isolated, and what was read of every member then. Pure.

A failover is no fault: every member isolates, so that the traffic stays stopped whichever carries it. Whether that is so was read again from
each of them; where it was not, nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from islandmode.core.judging.timeline import Timeline, of_kind
from islandmode.core.pair import OUT_OF_SYNC
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.verdict import Finding, Result

MOVES_WITH_ROLE = frozenset({"addresses", "routes", "routes-v6"})
"""Parts of a device's configuration that a pair changes by itself when its roles change."""


def judge_pairs(plan: Plan, records: Sequence[Record], timeline: Timeline) -> list[Finding]:
    """Judge every change of a role between the first isolation and the order to restore."""
    found: list[Finding] = []
    for record in of_kind(records, "pair.role"):
        if record.data["before"] and _in_hold(record, timeline):
            found.append(_changed(plan, records, record))
            found += _split(plan, records, record)
    for record in of_kind(records, "pair.sync"):
        if record.data["before"] and record.data["sync"] in {OUT_OF_SYNC, "unknown"} and _in_hold(record, timeline):
            found.append(_sync_lost(record))
    return found


def _sync_lost(record: Record) -> Finding:
    """Tell of a pair that lost its sync: what isolates is read of each member, so that this alone is no leak."""
    data = record.data
    why = data["why"].rstrip(".")
    was = (
        "was out of sync"
        if data["sync"] == OUT_OF_SYNC
        else f"did not show whether it was in sync{f' ({why})' if why else ''}"
    )
    sentence = f"Pair {data['pair']}: {data['point']} {was} after a role had changed in the hold. Each member was read for itself; bring them in sync again."
    return Finding(code="pair-sync-lost", result=Result.HELD, sentence=sentence, records=(record.seq,))


def _in_hold(record: Record, timeline: Timeline) -> bool:
    began_us = min((window.start_us for window in timeline.windows), default=None)
    ends_us = timeline.restore_ordered_us
    return (
        began_us is not None and record.monotonic_us >= began_us and (ends_us is None or record.monotonic_us <= ends_us)
    )


def _changed(plan: Plan, records: Sequence[Record], record: Record) -> Finding:
    data = record.data
    role = (
        f"showed no role any more ({data['why'].rstrip('.')})"
        if data["role"] == "unknown"
        else f"became {data['role']}"
    )
    began = f"Pair {data['pair']}: {data['point']}, {data['before']} before, {role} while it was isolated."
    unread = [name for name in plan.pairs.get(data["pair"], ()) if not _isolates_after(records, record, name)]
    if unread:
        sentence = f"{began} {', '.join(unread)} was not read again and seen to isolate, so what passed then is not known for sure."
        return Finding(code="pair-unread", result=Result.INCONCLUSIVE, sentence=sentence, records=(record.seq,))
    sentence = f"{began} Every member was read again, and isolated what it had to."
    return Finding(code="pair-role-changed", result=Result.HELD, sentence=sentence, records=(record.seq,))


def _isolates_after(records: Sequence[Record], change: Record, name: str) -> bool:
    """Tell whether a member's next reading after a change shows that it isolates everything that it had been told to."""
    ordered = {
        conduit
        for record in of_kind(records, "isolate.result", point=name, outcome="done")
        if record.seq < change.seq
        for conduit in record.data["conduits"]
    }
    after = (
        record for record in of_kind(records, "dead_man.read", point=name, outcome="done") if record.seq > change.seq
    )
    reading = next(after, None)
    return reading is not None and all(reading.data["isolating"].get(conduit) for conduit in ordered)


def _split(plan: Plan, records: Sequence[Record], change: Record) -> Iterator[Finding]:
    """Tell where another member was still active when a member had become so.

    A member is read for its timer again only after the role of every other has been read; what was read before may be of another moment.
    """
    name, pair = change.data["point"], change.data["pair"]
    read = next((record for record in of_kind(records, "dead_man.read", point=name) if record.seq > change.seq), None)
    if read is None or change.data["role"] != "active":
        return
    roles = {
        record.data["point"]: record.data["role"] for record in of_kind(records, "pair.role") if record.seq < read.seq
    }
    active = [member for member in plan.pairs.get(pair, ()) if roles.get(member) == "active"]
    if len(active) > 1:
        # By a recipe a member says itself that it is active.
        had = "had its virtual addresses" if plan.points[name].recipe is None else "said that it was active"
        sentence = f"Pair {pair} was split while it was isolated: {' and '.join(active)} each {had}. See why they did not hear each other."
        yield Finding(code="pair-was-split", result=Result.HELD, sentence=sentence, records=(change.seq,))


def changed_roles(records: Sequence[Record]) -> frozenset[str]:
    """Name the members whose role changed in a run."""
    return frozenset(str(record.data["point"]) for record in of_kind(records, "pair.role") if record.data["before"])
