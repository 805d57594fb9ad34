"""What speaks against the record of a run itself: it is judged all the same, never better than inconclusive. Pure.

A restoration is not called proven either where the record has any of this. Kinds and keys of another version speak against
nothing; a record that lacks what is read of it does, and so does a conductor that died.
"""

from __future__ import annotations

from collections.abc import Sequence

from islandmode.core.judging.timeline import of_kind
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.records import KINDS, unlike
from islandmode.core.text import how_many
from islandmode.core.verdict import Finding, Result

ENDS = ("run.finished", "run.refused", "run.looked")
"""What a conductor writes last."""


def has_ended(records: Sequence[Record]) -> bool:
    """Tell whether a conductor came to its end."""
    return any(record.kind in ENDS for record in records)


def understood(plan: Plan, records: Sequence[Record]) -> tuple[tuple[Record, ...], tuple[Finding, ...]]:
    """Take out records that cannot be read as what they say they are, or speak of a point that the plan lacks; and say so."""
    odd = {record.seq: why for record in records if (why := _why_odd(plan, record))}
    if not odd:
        return tuple(records), ()
    first = next(record for record in records if record.seq in odd)
    sentence = (
        f"{how_many(len(odd), 'record')} of the run could not be read by this version, the first of kind {first.kind} "
        f"({odd[first.seq]}); what they say is not judged."
    )
    told = Finding(code="record-unread", result=Result.INCONCLUSIVE, sentence=sentence, records=tuple(odd))
    return tuple(record for record in records if record.seq not in odd), (told,)


def _why_odd(plan: Plan, record: Record) -> str:
    if record.kind not in KINDS:
        return ""
    lacking = unlike(record)
    if lacking:
        return f"missing or not as expected: {lacking}"
    point = record.data.get("point")
    return "" if point is None or point in plan.points else "it is about a point that is not in the plan"


def altered(why: str) -> Finding:
    """Say that a journal is not whole, up to where it was read."""
    sentence = f"The conductor's journal is not whole, and only what stands before that is judged: {why}"
    return Finding(code="journal-altered", result=Result.INCONCLUSIVE, sentence=sentence)


def died(records: Sequence[Record], others: Sequence[Record]) -> Finding:
    """Say that the conductor died, and who restored after it."""
    last = records[-1]
    names = [name for name, seen in (("the guardian", _took_over(others)), ("a restore", _resumed(others))) if seen]
    verb = "have" if len(names) > 1 else "has"
    since = f" Since then {' and '.join(names)} {verb} seen every isolation point back." if names else ""
    sentence = (
        f"The conductor died: its journal ends with {last.kind}, and nothing was watched, measured or compared from then on."
        f"{since}"
    )
    return Finding(code="conductor-died", result=Result.INCONCLUSIVE, sentence=sentence, records=(last.seq,))


def _took_over(others: Sequence[Record]) -> bool:
    ended = list(of_kind(others, "guardian.ended", restored=True))
    return bool(ended) and any(of_kind(others, "guardian.took_over"))


def _resumed(others: Sequence[Record]) -> bool:
    return any(of_kind(others, "resume.ended", restored=True))
