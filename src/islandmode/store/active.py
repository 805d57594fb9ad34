"""What a machine knows of its runs and labs, whatever becomes of their folders.

Each has a record, beside a lock that tells which process lives. A run is recorded before it may arm, and its record goes when
its restoration was seen. Nothing that stands in the run's own folder can take it away.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from islandmode.core.errors import Refused
from islandmode.core.text import cleaned
from islandmode.system.apart import apart
from islandmode.system.life import FAULTS, Holder, hold_life, holder_of, within
from islandmode.system.machine_state import keep_owned, names_in, own_place, places, read_owned

if TYPE_CHECKING:
    # With a plan comes every model of a drill and its site: it is imported where a plan is read, and most commands read none.
    from islandmode.core.plan import Plan

RUNS, LABS = "runs", "labs"
LAB, PLANT = "lab", "plant"
"""The kinds of ground that a run may stand on."""
FORMAT = 1
READ_WITHIN_S = 1.0
PLAN_ENDING, RECORD_ENDING, LOCK_ENDING, GUARDIAN_ENDING = ".plan", ".json", ".lock", ".guardian"
R = TypeVar("R")


@dataclass(frozen=True)
class RunRecord:
    """What the machine knows of one run; `account` wrote it, and is the account of the run."""

    path: Path
    account: int
    run: str
    workspace: Path
    ground: Mapping[str, Any]
    """Where the run stands, as the ground itself says it: its kind, and what finds it again."""
    points: Mapping[str, tuple[str, ...]]
    unproven: str = ""

    def plan(self) -> Plan:
        """Read the plan as it was recorded; raises OSError, and ValueError when it is no plan of this version."""
        from islandmode.core.plan import Plan  # noqa: PLC0415 - only where it is needed, as it is slow

        kept = read_owned(self.path.with_suffix(PLAN_ENDING))
        if kept.account not in {self.account, 0}:
            raise PermissionError(1, "another account wrote it", str(kept.path))
        return Plan.model_validate_json(kept.data)

    def conductor(self) -> Holder | None:
        """Tell which process conducts the run, or started it; raises OSError where that cannot be told."""
        return holder_of(self.path.with_suffix(LOCK_ENDING))

    def guardian(self) -> Holder | None:
        """Tell which process guards the run; raises OSError where that cannot be told."""
        return holder_of(self.path.with_suffix(GUARDIAN_ENDING))

    def forget(self) -> bool:
        """Take the record away, since restoration was seen; false where another account must do that. Bounded, and never raises."""
        return self.account == os.geteuid() and not apart(self._unlink, READ_WITHIN_S)

    def _unlink(self) -> None:
        # The record goes last: without it the other files mean nothing.
        for ending in (PLAN_ENDING, LOCK_ENDING, GUARDIAN_ENDING, RECORD_ENDING):
            self.path.with_suffix(ending).unlink(missing_ok=True)

    def leave_unproven(self, why: str) -> None:
        """Say in the record that the run ended and its restoration is not proven. Bounded, and never raises."""
        apart(lambda: self._say_unproven(why), READ_WITHIN_S)

    def _say_unproven(self, why: str) -> None:
        document = _document(read_owned(self.path).data)
        keep_owned(self.path, _bytes({**document, "unproven": why}))


def record_run(run: str, workspace: Path, plan: Plan, ground: Mapping[str, Any]) -> RunRecord:
    """Record a run and hold its lock until this process ends; raises `Refused`: no record, no isolate."""
    path = own_place() / RUNS / f"{run}{RECORD_ENDING}"
    points = {name: point.conduits for name, point in plan.points.items()}
    document = {
        "v": FORMAT,
        "run": run,
        "workspace": str(workspace),
        "ground": dict(ground),
        "points": points,
        "unproven": "",
    }
    try:
        keep_owned(path.with_suffix(PLAN_ENDING), plan.model_dump_json(by_alias=True).encode(), 0o640)
        hold_life(path.with_suffix(LOCK_ENDING))
        keep_owned(path, _bytes(document))
    except OSError as error:
        for ending in (PLAN_ENDING, LOCK_ENDING):
            with suppress(OSError):
                path.with_suffix(ending).unlink()
        raise Refused(
            f"The run cannot be recorded in {path.parent} ({error.strerror}); without a record nobody would know of it from "
            "another folder. Make room or rights there, or name another place with ISLANDMODE_STATE. Nothing was touched."
        ) from error
    return RunRecord(path, os.geteuid(), run, workspace, ground, points)


def hold_guardian(record: Path) -> None:
    """Hold the lock of a run's guardian until this process ends; a guardian goes on without it. Never raises."""
    with suppress(OSError):
        hold_life(record.with_suffix(GUARDIAN_ENDING))


@dataclass(frozen=True)
class LabRecord:
    """What the machine knows of one lab; without an identity it never came up whole."""

    path: Path
    account: int
    name: str
    state_dir: Path
    backend: str
    identity: str
    lives_by: Mapping[str, Any]

    @property
    def lock(self) -> Path:
        """Path of the lock that the lab's first process has open."""
        return self.path.with_suffix(LOCK_ENDING)

    def forget(self) -> None:
        """Take the record away, since nothing of the lab is left. Never raises."""
        with suppress(OSError):
            self.lock.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)


def lab_record_path(name: str, state_dir: Path) -> Path:
    """Give the path of a lab's record; two labs of the same name in two workspaces have two records."""
    key = hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:12]
    return own_place() / LABS / f"{name}-{key}{RECORD_ENDING}"


def record_lab(name: str, state_dir: Path, backend: str, identity: str, lives_by: Mapping[str, Any]) -> LabRecord:
    """Record a lab; raises `Refused`."""
    path = lab_record_path(name, state_dir)
    document = {"v": FORMAT, "name": name, "state_dir": str(state_dir.resolve()), "backend": backend}
    try:
        keep_owned(path, _bytes({**document, "identity": identity, "lives_by": dict(lives_by)}))
    except OSError as error:
        raise Refused(
            f"The lab cannot be recorded in {path.parent} ({error.strerror}); make room or rights there, or name another "
            "place with ISLANDMODE_STATE."
        ) from error
    return LabRecord(path, os.geteuid(), name, state_dir.resolve(), backend, identity, lives_by)


def hold_lab(name: str, state_dir: Path) -> int:
    """Make a lab's lock, for its first process to keep open; returns the descriptor. Raises `Refused`."""
    lock = lab_record_path(name, state_dir).with_suffix(LOCK_ENDING)
    try:
        return hold_life(lock)
    except OSError as error:
        raise Refused(f"The lab's lock {lock} cannot be made ({error.strerror}).") from error


@dataclass(frozen=True)
class KnownToMachine:
    """Every run and lab that the machine knows, and what could not be read: a run or lab may be hidden there."""

    runs: tuple[RunRecord, ...] = ()
    labs: tuple[LabRecord, ...] = ()
    unread: tuple[str, ...] = ()


def known() -> KnownToMachine:
    """Read what the machine knows, each place within a second; what cannot be read is said, and never left out."""
    runs: list[RunRecord] = []
    labs: list[LabRecord] = []
    unread: list[str] = []
    for place in places():
        try:
            found = within(READ_WITHIN_S, lambda at=place: _read_place(at))  # type: ignore[misc] # bound in this turn
        except OSError as error:
            unread.append(f"{place} cannot be read ({error.strerror or error})")
            continue
        except FAULTS as error:
            # A record that nobody foresaw must not hide another place.
            unread.append(f"{place} cannot be read (internal error: {type(error).__name__})")
            continue
        runs += found.runs
        labs += found.labs
        unread += found.unread
    return KnownToMachine(tuple(sorted(runs, key=lambda run: run.run, reverse=True)), tuple(labs), tuple(unread))


def _read_place(place: Path) -> KnownToMachine:
    unread: list[str] = []
    runs = _read_all(place / RUNS, _run_record, unread)
    labs = _read_all(place / LABS, _lab_record, unread)
    return KnownToMachine(tuple(runs), tuple(labs), tuple(unread))


def _read_all(folder: Path, read: Callable[[Path], R], unread: list[str]) -> Sequence[R]:
    found = []
    for path in names_in(folder, RECORD_ENDING):
        try:
            found.append(read(path))
        except FileNotFoundError:
            # It was taken away meanwhile.
            continue
        except OSError as error:
            unread.append(f"{path} cannot be read ({error.strerror})")
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            unread.append(f"{path} cannot be read (it is no record of this version)")
    return found


def _run_record(path: Path) -> RunRecord:
    kept = read_owned(path)
    document = _document(kept.data)
    points = {cleaned(str(name)): _words(conduits) for name, conduits in document["points"].items()}
    # The version before this one knew labs only.
    ground = {"kind": LAB, **(document["ground"] if "ground" in document else document["lab"])}
    _check_lives_by(ground.get("lives_by", {}))
    # Another account may have written it, and it is told to everybody who asks.
    run, where, unproven = (cleaned(str(document[key])) for key in ("run", "workspace", "unproven"))
    if Path(run).name != run or run.startswith("-") or not Path(where).is_absolute():
        raise ValueError("not a run in a workspace")
    return RunRecord(path, kept.account, run, Path(where), ground, points, unproven)


def _lab_record(path: Path) -> LabRecord:
    kept = read_owned(path)
    document = _document(kept.data)
    words = (cleaned(str(document[key])) for key in ("name", "state_dir", "backend", "identity"))
    name, state_dir, backend, identity = words
    lives_by = dict(document["lives_by"])
    _check_lives_by(lives_by)
    return LabRecord(path, kept.account, name, Path(state_dir), backend, identity, lives_by)


def _words(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not all(isinstance(path, str) for path in found):
        raise ValueError("not a list of words")
    return tuple(found)


def _check_lives_by(found: Mapping[str, Any]) -> None:
    """Raise ValueError or TypeError for processes that are no pairs of a number and a beginning."""
    for pid, begun in found.get("processes", ()):
        if type(pid) is not int or not isinstance(begun, str):
            raise ValueError("not a process and when it began")


def _document(data: bytes) -> dict[str, Any]:
    document = json.loads(data)
    # Another account may have written it: what it says is shown, and nothing in it may steer a terminal.
    if not isinstance(document, dict) or document.get("v") != FORMAT or not _is_printable(document):
        raise ValueError("not a record of this version")
    return document


def _is_printable(node: Any) -> bool:
    if isinstance(node, dict):
        return all(_is_printable(key) and _is_printable(value) for key, value in node.items())
    if isinstance(node, list):
        return all(_is_printable(item) for item in node)
    return not isinstance(node, str) or node.isprintable()


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode() + b"\n"
