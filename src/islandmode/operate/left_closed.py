"""What is not as before a drill although it ended: what the site itself keeps closed, and live runs that nobody closed; from verdicts and the ledger: no device is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from islandmode.core.errors import InputError
from islandmode.core.ledger import KEPT_CLOSED, Attempt, attempts_of
from islandmode.core.problem import listed
from islandmode.core.text import cleaned
from islandmode.store import rundir
from islandmode.store.addenda import folder_of, numbers_of
from islandmode.store.ledger import ledger_of
from islandmode.store.rundir import RunDirectory
from islandmode.system.own_program import typed_at


def open_told(workspace: Path) -> Iterator[str]:
    """Say which live runs of the ledger nobody has closed, and how that is done."""
    for attempt in open_runs(workspace):
        close = typed_at(workspace, "close", attempt.run, "--by", "NAME")
        yield f"{attempt.run} is open: nobody has confirmed that the service is back. To close it: {close}"


def open_runs(workspace: Path) -> tuple[Attempt, ...]:
    """Give the live runs that nobody has closed; none where the ledger cannot be read, which is told elsewhere."""
    try:
        return tuple(attempt for attempt in attempts_of(ledger_of(workspace)) if attempt.is_open)
    except InputError:
        return ()


def restoration_of(verdict: Mapping[str, Any]) -> str:
    """Say the restoration of a verdict as it was written down."""
    told = str(verdict.get("restoration", "not said"))
    if told != KEPT_CLOSED:
        return told
    # Only now: most verdicts say no such thing, and this brings all that a verdict is made of.
    from islandmode.core.verdict import KeptClosed, restoration_told  # noqa: PLC0415 - only where it is needed, as it is slow

    kept = [
        KeptClosed(
            conduit=cleaned(str(each.get("conduit"))),
            by=tuple(cleaned(str(name)) for name in each.get("by", ())),
            seen_on=tuple(cleaned(str(name)) for name in each.get("seen_on", ())),
        )
        for each in _kept(verdict)
    ]
    return restoration_told(told, [each.who for each in kept if each.by or each.seen_on])


def _kept(verdict: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    kept = verdict.get("kept_closed")
    return [each for each in kept if isinstance(each, dict)] if isinstance(kept, list) else []


def kept_closed_told(workspace: Path) -> Iterator[str]:
    """Say of the newest run of each drill that it left a conduit kept closed, where the ledger has that as its last word."""
    try:
        attempts = attempts_of(ledger_of(workspace))
    except InputError:
        return
    newest = {(attempt.site, attempt.drill): attempt for attempt in attempts}
    for attempt in newest.values():
        if attempt.restoration_now != KEPT_CLOSED:
            continue
        directory = RunDirectory(workspace / rundir.RUNS / attempt.run)
        try:
            number = max(numbers_of(directory), default=0)
            verdict = (folder_of(directory, number) if number else directory).verdict() or {}
        except InputError:
            verdict = {}
        conduits = listed(cleaned(str(kept.get("conduit"))) for kept in _kept(verdict))
        yield f"{attempt.run}: {restoration_of(verdict) if verdict else 'ours removed; kept closed'} ({conduits}). Islandmode does not open it."
