"""A run's directory: where it writes, what it leaves, and how earlier runs are found again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from islandmode.core.errors import InputError, Refused
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.core.unfinished import ARMING, owed
from islandmode.store.journal import JournalReading, read_journal
from islandmode.system.claim import FileClaim
from islandmode.system.disk import MachineDisk, make_folder, sync_folder

RUNS = "runs"
PLAN, VERDICT, REPORT, SUMS = "plan.json", "verdict.json", "report.html", "SHA256SUMS"
ROOM_BYTES = 32 * 1024 * 1024
"""What must be free before a run begins: its journal's reserve several times over, for plan, samples and report."""
REQUESTS = "requests"
GUARDIAN_JOURNAL = "guardian.jsonl"
CONDUCTOR_JOURNAL = Path("journals") / "conductor.jsonl"


@dataclass(frozen=True)
class RunDirectory:
    """The directory of one run."""

    root: Path

    @property
    def run(self) -> str:
        """Name the run."""
        return self.root.name

    @property
    def journal(self) -> Path:
        """Path of the conductor's journal."""
        return self.root / CONDUCTOR_JOURNAL

    @property
    def requests(self) -> Path:
        """Folder into which people put what they ask of the run."""
        return self.root / REQUESTS

    def plan(self) -> Plan:
        """Read the run's plan; raises `InputError` when it cannot be read."""
        path = self.root / PLAN
        try:
            return Plan.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not a plan of this version"
            raise InputError(
                f"{path} cannot be read ({why}); restore by the drill: islandmode restore --drill NAME."
            ) from None

    def owed(self) -> dict[str, tuple[str, ...]]:
        """Say which points may still have this run's objects, by all its journals; raises `InputError` without a plan."""
        if self._is_proven():
            return {}
        readings = {path.stem: _read(path) for path in sorted(self.journal.parent.glob("*.jsonl"))}
        conductor = readings.pop(self.journal.stem)
        others = [record for reading in readings.values() for record in reading.records]
        if any(record.kind == "resume.ended" and record.data.get("restored") for record in others):
            return {}
        believed = conductor.records if conductor.whole or conductor.cut_off else None
        if not conductor.records and others:
            # Somebody recorded after this journal was begun, so it was not empty then.
            believed = None
        if believed is not None and not any(record.kind in ARMING for record in (*believed, *others)):
            return {}
        planned = {name: point.conduits for name, point in self.plan().points.items()} if believed is None else {}
        return owed(planned, believed, others)

    def _is_proven(self) -> bool:
        try:
            verdict = self.verdict()
        except InputError:
            return False
        return verdict is not None and verdict.get("restoration") == "proven"

    def keep(self, name: str, text: str, sync: Callable[[int], None] = os.fsync) -> Path:
        """Write, durably, what a restore without us would need; raises `Refused`, since nothing may be armed without it."""
        path = self.root / name
        try:
            with path.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                sync(file.fileno())
            sync_folder(path.parent)
        except OSError as error:
            raise Refused(
                f"{path} cannot be written ({error.strerror}); without it nobody could restore if we are gone. "
                "Make room or rights there. Nothing was touched."
            ) from error
        return path

    def write_text(self, name: str, text: str) -> Path:
        """Write one file of the run; for what is written after restore."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def samples(self, vantage: str) -> Path:
        """Give the folder of a vantage's samples; the worker beside the conductor writes them there itself."""
        return self.root / "samples" / vantage

    def write_spool(self, vantage: str, segments: Iterable[tuple[str, bytes]]) -> None:
        """Keep a vantage's collected segments exactly as its worker wrote them."""
        folder = self.samples(vantage)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in segments:
            (folder / Path(name).name).write_bytes(data)

    def seal(self) -> Path:
        """Write SHA256SUMS over every file of the run, in the form that `sha256sum -c` reads.

        A guardian that still tries goes on writing; its journal is left out, and has its own chain.
        """
        growing = {SUMS} if self._guardian_has_ended() else {SUMS, GUARDIAN_JOURNAL}
        files = sorted(path for path in self.root.rglob("*") if path.is_file() and path.name not in growing)
        lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(self.root)}\n" for path in files]
        return self.write_text(SUMS, "".join(lines))

    def _guardian_has_ended(self) -> bool:
        path = self.journal.with_name(GUARDIAN_JOURNAL)
        return not path.exists() or any(record.kind == "guardian.ended" for record in _read(path).records)

    def guardian_records(self) -> tuple[Record, ...]:
        """Read what the guardian recorded, as far as its journal can be read; nothing where there is none."""
        return _read(self.journal.with_name(GUARDIAN_JOURNAL)).records

    def verdict(self) -> Mapping[str, Any] | None:
        """Read the verdict as written; None when this run has none."""
        path = self.root / VERDICT
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}); the run's journal still can.") from error
        except ValueError as error:
            raise InputError(f"{path} is not readable as JSON ({error}); the run's journal still is.") from error
        return document if isinstance(document, dict) else None


def _read(path: Path) -> JournalReading:
    try:
        return read_journal(path.read_bytes())
    except OSError as error:
        return JournalReading((), whole=False, why=f"It cannot be read ({error.strerror}).")


def create(workspace: Path, run: str) -> RunDirectory:
    """Make a new run's directory; refuses, with nothing touched, when it cannot be written."""
    root = workspace / RUNS / run
    try:
        make_folder(root.parent)
        _refuse_full_disk(root.parent)
        root.mkdir()
        sync_folder(root.parent)
        for folder in ((root / CONDUCTOR_JOURNAL).parent, root / "artifacts", root / REQUESTS):
            make_folder(folder)
        # Whoever is of the group of the workspace's runs may ask for an abort, whatever account the run has.
        (root / REQUESTS).chmod(0o2770)
        FileClaim(root).make()
    except OSError as error:
        raise Refused(f"The run's directory {root} cannot be made ({error.strerror}). Nothing was touched.") from error
    return RunDirectory(root)


def _refuse_full_disk(runs: Path) -> None:
    free_bytes = MachineDisk().free_bytes(runs)
    if free_bytes < ROOM_BYTES:
        raise Refused(
            f"{runs} has {free_bytes // 2**20} MiB free and a run needs {ROOM_BYTES // 2**20} MiB to begin; make room there. "
            "Nothing was touched."
        )


def earlier(workspace: Path) -> tuple[RunDirectory, ...]:
    """List the runs of a workspace, newest first."""
    runs = workspace / RUNS
    if not runs.is_dir():
        return ()
    found = [path for path in runs.iterdir() if (path / CONDUCTOR_JOURNAL).is_file()]
    return tuple(RunDirectory(path) for path in sorted(found, reverse=True))


def find(workspace: Path, run: str) -> RunDirectory:
    """Find a run by its name, or by the beginning of it; `last` is the newest."""
    runs = earlier(workspace)
    matching = runs[:1] if run == "last" else tuple(one for one in runs if one.run.startswith(run))
    if len(matching) == 1:
        return matching[0]
    known = ", ".join(one.run for one in runs[:5]) or "none yet"
    what = "matches more than one run" if matching else "is not a run of this workspace"
    raise InputError(f"{run} {what}; the newest are: {known}.")
