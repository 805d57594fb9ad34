"""What dry runs of a plan have read of its devices: a run on a plant is compared with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from islandmode.core.drill import Mode
from islandmode.core.judging.timeline import of_kind
from islandmode.core.plan import Plan
from islandmode.core.preflight_drift import WRITTEN, EarlierReading
from islandmode.core.record import Record
from islandmode.store import rundir
from islandmode.store.run_request import request_in
from islandmode.store.rundir import RunDirectory
from islandmode.system.machine_state import read_plain

DRIFTED = "configuration-drifted"
"""The finding of a dry run that has shown a difference."""


def earlier_readings(workspace: Path, plan: Plan) -> tuple[EarlierReading, ...]:
    """Give the newest dry run of this very plan that came to its end, after those since then that were refused for drift.

    A dry run that was refused for drift has shown the difference: where the device is still as it read it, somebody meant that.
    """
    return tuple(_newest_first(workspace, plan))


def newest_dry_run(workspace: Path, plan: Plan) -> datetime | None:
    """Tell when the newest dry run of this very plan came to its end; None where none did."""
    for directory in rundir.earlier(workspace):
        request = request_in(directory.root)
        if request is None or request.mode != Mode.DRY_RUN.value:
            continue
        records = directory.records()
        looked = next(of_kind(records, "run.looked"), None)
        if looked is not None and any(of_kind(records, "run.started", plan_digest=plan.plan_digest)):
            return datetime.fromtimestamp(looked.utc_us / 1_000_000, UTC)
    return None


def _newest_first(workspace: Path, plan: Plan) -> Iterator[EarlierReading]:
    for directory in rundir.earlier(workspace):
        request = request_in(directory.root)
        if request is None or request.mode != Mode.DRY_RUN.value:
            continue
        records = directory.records()
        if not any(of_kind(records, "run.started", plan_digest=plan.plan_digest)):
            continue
        ended = any(of_kind(records, "run.looked"))
        if ended or any(of_kind(records, "preflight.finding", code=DRIFTED)):
            yield EarlierReading(directory.run, _parts(directory, records))
        if ended:
            return


def _parts(directory: RunDirectory, records: tuple[Record, ...]) -> dict[str, dict[str, str | None]]:
    """Give the texts that a run read before anything else, each only where it is still what the journal says."""
    return {
        str(record.data["point"]): {
            part: _text(directory, str(record.data["point"]), part, str(digest))
            for part, digest in record.data["parts"].items()
            if part in WRITTEN
        }
        for record in of_kind(records, "configuration.read", when="before", outcome="done")
    }


def _text(directory: RunDirectory, point: str, part: str, digest: str) -> str | None:
    try:
        kept = read_plain(directory.root / "artifacts" / f"{point}.{part}.before.txt")
    except OSError:
        return None
    return kept.decode(errors="replace") if hashlib.sha256(kept).hexdigest() == digest else None
