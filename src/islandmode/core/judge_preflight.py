"""What preflight advised, as notes of the verdict: what could pass unseen must stand where the verdict is read."""

from __future__ import annotations

from collections.abc import Sequence

from islandmode.core.record import Record
from islandmode.core.timeline import of_kind
from islandmode.core.verdict import Finding, Result


def advised(records: Sequence[Record]) -> list[Finding]:
    """Give every advice of the preflight; a refusal has no verdict."""
    return [
        Finding(code=record.data["code"], result=Result.HELD, sentence=record.data["sentence"], records=(record.seq,))
        for record in of_kind(records, "preflight.finding", refuses=False)
    ]
