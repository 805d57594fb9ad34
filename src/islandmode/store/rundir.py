"""A run's directory: where it writes, what it leaves, and how earlier runs are found again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from islandmode.core.errors import InputError, Refused
from islandmode.core.record import ARMING, Record
from islandmode.core.request import may_have_code
from islandmode.core.spool_rows import OPEN
from islandmode.core.text import cleaned
from islandmode.core.unfinished import armed, left_in_saved, names_what_it_arms, never_looked, owed
from islandmode.store.active import RunRecord, hold_guardian
from islandmode.store.journal import JournalReading, read_journal
from islandmode.store.settled import End, Settled, marks_of
from islandmode.store.transcripts import may_grow
from islandmode.system import modes
from islandmode.system.claim import FREE, TAKEN, FileClaim
from islandmode.system.disk import MachineDisk, make_folder, sync_folder
from islandmode.system.life import Holder, hold_life, holder_of
from islandmode.system.machine_state import read_owned, read_plain
from islandmode.system.own_program import typed_at

if TYPE_CHECKING:
    # With a plan comes every model of a drill and its site: it is imported where a plan is read, and most commands read none.
    from islandmode.core.plan import Plan

RUNS = "runs"
PLAN, VERDICT, REPORT, SUMS = "plan.json", "verdict.json", "report.html", "SHA256SUMS"
INTENT = "intent.json"
"""The bytes behind the drill digest, from which a later rehearsal of another drill is told apart; a run of an earlier version has none."""
ROOM_BYTES = 32 * 1024 * 1024
"""What must be free before a run begins: its journal's reserve several times over, for plan, samples and report."""
HOST_KEYS = "known_hosts"
"""The host keys of a plant's devices as they were when the run began: they are public, and a rescue logs in by nothing else."""
REQUESTS = "requests"
ADDENDA = "addenda"
CONDUCTOR, GUARDIAN = "conductor", "guardian"
GUARDIAN_JOURNAL = f"{GUARDIAN}.jsonl"
CONDUCTOR_JOURNAL = Path("journals") / f"{CONDUCTOR}.jsonl"
CONDUCTOR_LOCK, GUARDIAN_LOCK = "lock.conductor", "lock.guardian"
CLAIM_NAMES = FREE, TAKEN
RESERVE = "reserve"
"""What a worker beside the conductor keeps room with (observe/spooling.py)."""
SPEAKING = (VERDICT, CONDUCTOR_LOCK)
"""Files that say, beside its journals, what a run owes."""
WRITTEN_BY_THE_RUN = ("journals", PLAN, VERDICT)
RESUMED = "resume.ended"
DIED = "conductor-died"
"""The finding of a verdict on a run whose conductor died."""


@dataclass(frozen=True)
class RunDirectory:
    """The directory of one run, and what the machine knows of it: the directory may be gone, or spoilt."""

    root: Path
    record: RunRecord | None = None
    settled: Settled | None = field(default=None, compare=False, repr=False)
    """What is remembered of the runs of its workspace; without it every question reads the journals."""

    @property
    def run(self) -> str:
        """Name the run."""
        return self.root.name

    @property
    def workspace(self) -> Path:
        """Give the workspace to which the run belongs."""
        return self.root.parent.parent

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
        from islandmode.core.plan import Plan  # noqa: PLC0415 - only where it is needed, as it is slow

        path = self.root / PLAN
        try:
            return Plan.model_validate_json(read_plain(path))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not a plan of this version"
        try:
            if self.record is not None:
                return self.record.plan()
        except (OSError, ValueError):
            why = f"{why}, and the machine's record of it cannot be read either"
        again = typed_at(self.workspace, "restore", "--drill", "NAME")
        raise InputError(f"{path} cannot be read ({why}); restore by the drill: {again}.")

    def conductor(self) -> Holder | None:
        """Tell which process conducts the run, by the locks that it holds; None when no process is seen to."""
        asked = (lambda: holder_of(self.root / CONDUCTOR_LOCK), self.record.conductor if self.record else None)
        return _first_holder(asked)

    def guardian(self) -> Holder | None:
        """Tell which process guards the run, by the locks that it holds; None when no process is seen to."""
        asked = (lambda: holder_of(self.root / GUARDIAN_LOCK), self.record.guardian if self.record else None)
        return _first_holder(asked)

    def denied(self) -> str:
        """Say why it cannot be told whether the run goes on and what it owes; empty where its lock and journals can be looked at."""
        try:
            holder_of(self.root / CONDUCTOR_LOCK)
            names_of(self.journal.parent)
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def hold_conductor(self) -> None:
        """Hold the conductor's lock until this process ends; raises `Refused`: the conductor must be seen to live."""
        path = self.root / CONDUCTOR_LOCK
        try:
            hold_life(path, modes.FILE)
        except OSError as error:
            raise Refused(f"{path} cannot be made ({error.strerror}). Nothing was touched.") from error

    def hold_guardian(self, recorded: Path | None) -> None:
        """Hold the guardian's locks, here and in the machine's record, until this process ends. Never raises."""
        with suppress(OSError):
            hold_life(self.root / GUARDIAN_LOCK, modes.FILE)
        if recorded is not None:
            hold_guardian(recorded)

    def records(self) -> tuple[Record, ...]:
        """Give the conductor's records up to the first thing that is wrong with them; none when they cannot be read."""
        return self._read(self.journal).records

    def owed(self) -> dict[str, tuple[str, ...]]:
        """Say which points somebody must still see restored, by all journals and the verdict; raises `InputError` without a plan.

        A verdict can only add to what the journals say: that something was seen restored stands in no other file. The
        journals of a run that the machine has a record of are always read.
        """
        memory, marks = self._memory()
        if memory is not None and memory.holds(self.run, marks):
            return {}
        found = self._owed()
        if memory is not None and not found and self.guardian() is None:
            memory.learn(self.run, marks)
        return found

    def _memory(self) -> tuple[Settled | None, str]:
        """Give the index of the workspace's runs, where this run may be looked up in it, and the marks of the run's files."""
        memory = self.settled if self.record is None else None
        return memory, marks_of(self.root, SPEAKING, self.journal.parent.name) if memory is not None else ""

    def told_end(self, tell: Callable[[], End]) -> End:
        """Give how the run ended as it was told before, else as `tell` says; that is remembered where nothing is owed.

        Raises `InputError`, as `tell` does.
        """
        memory, marks = self._memory()
        if memory is None:
            return tell()
        known = memory.end(self.run) if memory.holds(self.run, marks) else None
        if known is None:
            known = tell()
            with suppress(InputError):
                if not self.owed() and memory.holds(self.run, marks):
                    memory.learn(self.run, marks, known)
        return known

    def _owed(self) -> dict[str, tuple[str, ...]]:
        if self.denied():
            return self._planned()
        # Read only once: there may be years of runs, and most of them owe nothing.
        conductor, others = self._readings()
        unseen, left = self._unseen(conductor, others), self._left(conductor, others)
        if unseen or left:
            planned = self._planned() if left else {}
            return {point: planned.get(point, ()) for point in left} | unseen
        return self._planned() if _conductor_saw_all_back(conductor, others) and self._is_unproven() else {}

    def unseen(self) -> dict[str, tuple[str, ...]]:
        """Say which points were not seen restored, by all its journals; raises `InputError` without a plan.

        A journal counts only as far as its chain closes, and if nobody but the run's account, or root, can have written it.
        """
        return self._planned() if self.denied() else self._unseen(*self._readings())

    def left_in_saved(self) -> frozenset[str]:
        """Name the points where a later restore did not see that nothing of Islandmode is saved."""
        return frozenset() if self.denied() else self._left(*self._readings())

    def _left(self, conductor: JournalReading | None, others: Sequence[Record]) -> frozenset[str]:
        if _is_resumed(others):
            return frozenset()
        unread = never_looked(conductor.records if conductor is not None else (), others)
        if unread and (self.conductor() is not None or self.guardian() is not None):
            # A process that lives will still look.
            unread = frozenset()
        return left_in_saved(others) | unread

    def _unseen(self, conductor: JournalReading | None, others: Sequence[Record]) -> dict[str, tuple[str, ...]]:
        if _is_resumed(others) or (conductor is None and not others and self.record is None):
            # Seen afterwards; or the run ended before its first record, which comes before anything else.
            return {}
        believed = None
        # An empty journal was not empty before if anything else on record, here or on this machine, shows that the run began.
        begun = conductor is not None and (conductor.records or (not others and self.record is None))
        if conductor is not None and begun and (conductor.whole or conductor.cut_off):
            believed = conductor.records
        arming = [record for record in (*(believed or ()), *others) if record.kind in ARMING]
        if believed is not None and not arming:
            return {}
        if not all(names_what_it_arms(record) for record in arming):
            # What was armed is not known then, so all of the plan may be.
            believed = None
        return owed({} if believed is not None else self._planned(), believed, others)

    def _readings(self) -> tuple[JournalReading | None, list[Record]]:
        """Read the conductor's journal, and what all the others say as far as it counts."""
        conductor, others = self.journals()
        return conductor, [record for reading in others.values() for record in reading.believed]

    def journals(self) -> tuple[JournalReading | None, dict[str, JournalReading]]:
        """Read the journal of the conductor (None without a file), and by name those of the guardian and of restores."""
        readings = {
            Path(name).stem: self._read(self.journal.with_name(name))
            for name in names_of(self.journal.parent)
            if name.endswith(".jsonl")
        }
        return readings.pop(self.journal.stem, None), readings

    def _planned(self) -> dict[str, tuple[str, ...]]:
        if self.record is not None:
            return dict(self.record.points)
        return {name: point.conduits for name, point in self.plan().points.items()}

    def _is_unproven(self) -> bool:
        """Tell whether the run's end says that its restoration is not proven, though every device was seen."""
        if self.record is not None and self.record.unproven:
            return True
        try:
            verdict = self.verdict()
        except InputError:
            return False
        if verdict is None or verdict.get("restoration") != "unproven":
            return False
        # After a conductor that died a verdict always says so: there, what the journals say counts.
        findings = verdict.get("findings")
        return not any(finding.get("code") == DIED for finding in findings or () if isinstance(finding, dict))

    def _read(self, path: Path) -> JournalReading:
        """Read a journal of this run; a journal that others may have written, or of another run, says nothing."""
        try:
            kept = read_owned(path, -1)
            account = self.record.account if self.record is not None else self.root.stat().st_uid
        except OSError as error:
            return JournalReading((), whole=False, why=f"It cannot be read ({error.strerror}).")
        if kept.account not in {account, 0}:
            return JournalReading((), whole=False, why="Another account than the run's wrote it.")
        reading = read_journal(kept.data)
        if any(record.run not in {self.run, ""} for record in reading.records):
            return JournalReading((), whole=False, why="It is the journal of another run.")
        return reading

    def keep(self, name: str, text: str, sync: Callable[[int], None] = os.fsync) -> Path:
        """Write, durably, what a restore without this process would need; raises `Refused`, since nothing may be armed without it."""
        path = self.root / name
        try:
            with open(path, "w", encoding="utf-8", opener=modes.open_file) as file:
                file.write(text)
                file.flush()
                sync(file.fileno())
            sync_folder(path.parent)
        except OSError as error:
            raise Refused(
                f"{path} cannot be written ({error.strerror}); without it nobody could restore when this process is gone. "
                "Make room or rights there. Nothing was touched."
            ) from error
        return path

    def write_text(self, name: str, text: str) -> Path:
        """Write one file of the run; for what is written after restore."""
        path = self.root / name
        make_folder(path.parent)
        modes.write_text(path, text)
        return path

    def write_first(self, name: str, text: str) -> bool:
        """Write one file of the run where it is not there yet, whole or not at all; returns whether it was written."""
        new = self.root / f".{name}.new"
        modes.write_text(new, text)
        try:
            os.link(new, self.root / name)
        except FileExistsError:
            return False
        finally:
            new.unlink(missing_ok=True)
        return True

    def samples(self, vantage: str) -> Path:
        """Give the folder of a vantage's samples, exactly as its worker wrote them; the worker beside the conductor does so itself."""
        return self.root / "samples" / vantage

    def seal(self, *, collected: bool = True) -> Path:
        """Write SHA256SUMS over every file of the run, in the form that `sha256sum -c` reads.

        A guardian that still tries goes on writing; its journal is left out, and has its own chain. So is a transcript that may still grow,
        and what says who may change devices: a later restore takes that over, and is no forger. Where no samples were collected, as of a
        conductor that died, a worker beside it may go on writing: its open segment and what it has reserved are left out too. An answer to
        the question for the go that nobody took away may say a code, and is taken away.
        """
        self._forget_go()
        growing = {SUMS, *CLAIM_NAMES, CONDUCTOR_LOCK, GUARDIAN_LOCK}
        if not self._guardian_has_ended():
            growing.add(GUARDIAN_JOURNAL)
        if not collected:
            growing |= {RESERVE, *(path.name for path in self.root.glob(f"samples/*/*{OPEN}"))}
        return self.write_text(SUMS, sums_of(self.root, growing))

    def _forget_go(self) -> None:
        for path in self.requests.glob("*"):
            # A file that cannot be read or taken away keeps no run from its check sums.
            with suppress(OSError):
                if path.is_file() and may_have_code(read_plain(path)):
                    path.unlink()

    def is_as_sealed(self, step: Callable[[], None]) -> bool:
        """Tell whether every file that SHA256SUMS names is as it was then; raises OSError where it cannot be read. A step is a file."""
        for row in read_plain(self.root / SUMS).decode(errors="replace").splitlines():
            digest, _, name = row.partition("  ")
            step()
            with (self.root / name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    return False
        return True

    def _guardian_has_ended(self) -> bool:
        path = self.journal.with_name(GUARDIAN_JOURNAL)
        return not path.exists() or any(record.kind == "guardian.ended" for record in self._read(path).records)

    def guardian_records(self) -> tuple[Record, ...]:
        """Read what the guardian recorded, as far as its journal can be read; nothing without a journal."""
        return self._read(self.journal.with_name(GUARDIAN_JOURNAL)).records

    def verdict(self) -> Mapping[str, Any] | None:
        """Read the verdict as written; None when this run has none."""
        path = self.root / VERDICT
        try:
            document = json.loads(read_plain(path).decode())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}); read the run's journal instead.") from error
        except ValueError as error:
            raise InputError(f"{path} is not readable as JSON ({error}); read the run's journal instead.") from error
        return _shown(document) if isinstance(document, dict) else None


def _shown(part: Any) -> Any:
    """Make what was read back fit to be shown: a record may have come from elsewhere."""
    if isinstance(part, dict):
        return {cleaned(name): _shown(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_shown(value) for value in part]
    return cleaned(part, lines=True) if isinstance(part, str) else part


def sums_of(root: Path, without: Collection[str]) -> str:
    """Give the SHA-256 of every file in a folder, in the form that `sha256sum -c` reads; not of what may still grow."""
    files = sorted(
        path for path in root.rglob("*") if path.is_file() and path.name not in without and not may_grow(path)
    )
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root)}\n" for path in files)


def names_of(folder: Path) -> tuple[str, ...]:
    """List the names in a folder; none where there is no such folder. Raises OSError where it cannot be looked into."""
    try:
        return tuple(sorted(path.name for path in folder.iterdir()))
    except (FileNotFoundError, NotADirectoryError):
        return ()


def _is_resumed(records: Iterable[Record]) -> bool:
    """Tell whether a restore after the run saw everything back."""
    return any(record.kind == RESUMED and record.data.get("restored") for record in records)


def _conductor_saw_all_back(conductor: JournalReading | None, others: Sequence[Record]) -> bool:
    """Tell whether a run's own conductor saw all back that it had armed, and nobody has looked since."""
    if conductor is None or _is_resumed(others):
        return False
    return bool(armed(conductor.records)) and not owed({}, conductor.records, ())


def _first_holder(asked: Iterable[Callable[[], Holder | None] | None]) -> Holder | None:
    """Give the first holder that is found; a lock that cannot be looked at shows nobody."""
    found = None
    for ask in asked:
        with suppress(OSError):
            found = found or (ask() if ask is not None else None)
    return found


def create(workspace: Path, run: str) -> RunDirectory:
    """Make a new run's directory; refuses, with nothing touched, when it cannot be written."""
    root = workspace / RUNS / run
    try:
        make_folder(root.parent)
        _refuse_full_disk(root.parent)
        modes.make_folder(root)
        sync_folder(root.parent)
        for folder in ((root / CONDUCTOR_JOURNAL).parent, root / "artifacts", root / REQUESTS):
            make_folder(folder)
        # Every member of the group of the workspace's runs may ask for an abort, whichever account the run has.
        (root / REQUESTS).chmod(modes.REQUESTS)
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
    """List the runs of a workspace, newest first; a run whose journal is gone is listed too. Raises `InputError`."""
    runs = workspace / RUNS
    try:
        found = [runs / name for name in names_of(runs) if not name.startswith(".")]
        mine = [path for path in found if path.is_dir() and _is_run(path)]
    except OSError as error:
        raise InputError(f"{runs} cannot be read by this account ({error.strerror})") from error
    settled = Settled(workspace)
    return tuple(RunDirectory(path, settled=settled) for path in sorted(mine, reverse=True))


def _is_run(folder: Path) -> bool:
    """Tell whether a folder is a run's; a folder that this account may not enter may be."""
    try:
        return any((folder / name).exists() for name in WRITTEN_BY_THE_RUN)
    except PermissionError:
        return True


def with_records(runs: Iterable[RunDirectory], records: Iterable[RunRecord]) -> tuple[RunDirectory, ...]:
    """Join a workspace's runs with what the machine knows, of these and of others; newest first."""
    recorded = {record.workspace / RUNS / record.run: record for record in records}
    mine = {directory.root: directory for directory in runs}
    joined = {root: replace(directory, record=recorded.get(root)) for root, directory in mine.items()}
    joined |= {root: RunDirectory(root, record) for root, record in recorded.items() if root not in joined}
    return tuple(sorted(joined.values(), key=lambda directory: directory.run, reverse=True))


def find(workspace: Path, run: str) -> RunDirectory:
    """Find a run of a workspace by its name, or by the beginning of it; `last` is the newest."""
    return find_in(earlier(workspace), run)


def find_in(runs: Sequence[RunDirectory], run: str) -> RunDirectory:
    """Find a run among some, newest first, by its name or by the beginning of it; `last` is the newest."""
    matching = list(runs[:1] if run == "last" else (directory for directory in runs if directory.run.startswith(run)))
    if len(matching) == 1:
        return matching[0]
    known = ", ".join(directory.run for directory in runs[:5]) or "none yet"
    what = "matches more than one run" if matching else "is not a run of this workspace"
    raise InputError(f"{run} {what}; the newest are: {known}.")
