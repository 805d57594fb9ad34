"""The samples that a run keeps, held against what its conductor recorded of them when it collected them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from islandmode.core.judging.timeline import of_kind
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.spool import KeptSpool, expected
from islandmode.core.spool_lines import Expected
from islandmode.core.verdict import Finding, Result
from islandmode.system.segments import segments_in


def kept_spool(folder: Path, expected: Expected, collected: Mapping[str, Any]) -> KeptSpool:
    """Give the spool of a vantage as a run keeps it; `collected` is the record of its collection."""
    return KeptSpool(partial(segments_in, folder), expected, _key(collected))


def samples_expected(plan: Plan, run: str, vantage: str) -> Expected:
    """Say which samples a vantage of a run may have; a kit was written before the run had a name."""
    mine = {name: planned.probe for name, planned in plan.probes.items() if planned.probe.vantage == vantage}
    return expected(plan.kit_run if vantage in plan.kits else run, vantage, mine)


def altered_since(spool: KeptSpool, collected: Mapping[str, Any], records: Sequence[Record], vantage: str) -> str:
    """Say how a kept spool differs from what was collected, or nothing; an unreadable one differs."""
    started = next(of_kind(records, "vantage.started", vantage=vantage, outcome="done"), None)
    promised = str(started.data.get("key_sha256", "")) if started is not None else ""
    if promised and hashlib.sha256(_key(collected)).hexdigest() != promised:
        return "the key that was revealed is not the key that was promised before the isolation"
    wanted = str(collected.get("sha256", ""))
    try:
        if wanted:
            digest = hashlib.sha256()
            for _, data in spool.segments():
                digest.update(data)
            return "" if digest.hexdigest() == wanted else "the check sum that was recorded then is another"
        # A record of an earlier version has no sum; what it called whole must still be so.
        reading = spool.read()
    except OSError as error:
        return f"they cannot be read: {error.strerror}"
    return "" if reading.whole or not collected.get("chain_ok") else reading.why.rstrip(".")


def samples_altered(vantage: str, why: str, collected: Record) -> Finding:
    """Say that samples are not those that were collected, so that they are not judged."""
    sentence = (
        f"The samples of vantage {vantage} are not those that were collected ({why}); what it watched is not known."
    )
    return Finding(code="samples-altered", result=Result.INCONCLUSIVE, sentence=sentence, records=(collected.seq,))


def _key(collected: Mapping[str, Any]) -> bytes:
    try:
        return bytes.fromhex(str(collected.get("key", "")))
    except ValueError:
        return b""
