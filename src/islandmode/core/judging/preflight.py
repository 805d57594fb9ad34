"""What preflight advised, as notes of the verdict: what could pass unseen must stand where the verdict is read."""

from __future__ import annotations

from collections.abc import Sequence

from islandmode.core.judging.timeline import of_kind
from islandmode.core.record import Record
from islandmode.core.verdict import Finding, FirewallWitness, Result

NEVER_ISOLATED = frozenset({"point-management-across", "point-interface-unnamed", "point-tunnel"})
"""Advice that names a way over a device which no isolation stops."""
NEVER_COUNTED = frozenset({"host-forwards", "point-part-unread"})
"""Advice that names a way, or what may be one, on which no counter of an isolation point stands."""


def advised(records: Sequence[Record]) -> list[Finding]:
    """Give every advice of the preflight; a refusal has no verdict."""
    return [
        Finding(code=record.data["code"], result=Result.HELD, sentence=record.data["sentence"], records=(record.seq,))
        for record in of_kind(records, "preflight.finding", refuses=False)
    ]


def leads_unwatched(findings: Sequence[Finding], witness: FirewallWitness) -> bool:
    """Tell whether preflight named a way over a device that is never isolated and that no counter watched."""
    found = {finding.code for finding in findings}
    counted = witness.basis == "probes and firewall counters"
    return bool(found & NEVER_COUNTED) or (bool(found & NEVER_ISOLATED) and not counted)
