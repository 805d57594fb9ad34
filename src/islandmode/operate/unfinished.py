"""Runs that may have left something isolated, and who has them now: from what they wrote and what the machine knows of them.

None of them is asked. Who lives is the kernel's word, by the locks that processes hold; nothing here goes by a command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from islandmode.core.errors import InputError, Refused
from islandmode.rehearse.lab_place import STATE
from islandmode.rehearse.processes import still_lives, vantage_point
from islandmode.store import active, rundir
from islandmode.store.active import LabRecord, RunRecord
from islandmode.store.folders import DRILLS
from islandmode.store.run_request import request_in
from islandmode.store.rundir import RunDirectory
from islandmode.system.own_program import typed, typed_anywhere, typed_at

if TYPE_CHECKING:
    # Every command looks for runs, and few find an unfinished one: only what looks at its lab imports labs.
    from islandmode.core.rescue import Restorable
    from islandmode.operate.ground import Ground
    from islandmode.rehearse.lab import Lab

Owed = dict[str, tuple[str, ...]]
UNREADABLE = "?"
"""Stands for the points of a run whose record cannot be read."""


@dataclass(frozen=True)
class KnownRuns:
    """The runs of a workspace and of its machine, newest first, and what could not be looked at: that may hide one."""

    workspace: Path
    runs: tuple[RunDirectory, ...]
    unread: tuple[str, ...]

    @property
    def unfinished(self) -> tuple[tuple[RunDirectory, Owed], ...]:
        """List runs that owe a restore, with what each owes."""
        found = ((run, owed_by(run)) for run in self.runs)
        return tuple((run, owed) for run, owed in found if owed)

    def remember(self) -> None:
        """Remember which of them owe nothing, once all of them have been asked. Bounded, and never raises."""
        memory = next((run.settled for run in self.runs if run.settled is not None), None)
        if memory is not None:
            memory.keep()

    def find(self, run: str) -> RunDirectory:
        """Find a run by its name or the beginning of it: of this workspace first, then of the machine."""
        mine = tuple(directory for directory in self.runs if directory.workspace == self.workspace)
        if run == "last" or any(directory.run.startswith(run) for directory in mine):
            return rundir.find_in(mine, run)
        return rundir.find_in(self.runs, run)


def known_runs(workspace: Path) -> KnownRuns:
    """Find the runs of a workspace, and every run that the machine knows to be going on or unfinished."""
    where, machine, unread = workspace.resolve(), active.known(), list[str]()
    mine: tuple[RunDirectory, ...] = ()
    try:
        mine = rundir.earlier(where)
    except InputError as error:
        unread.append(str(error))
    return KnownRuns(where, rundir.with_records(mine, machine.runs), (*machine.unread, *unread))


def is_workspace(folder: Path) -> bool:
    """Tell whether a folder is a workspace: it has drills, or runs of some. One that this account may not enter may be."""
    try:
        return (folder / DRILLS).is_dir() or (folder / rundir.RUNS).is_dir()
    except PermissionError:
        return True


def owed_by(run: RunDirectory) -> Owed:
    """Say what a run owes; what cannot be read is owed too."""
    try:
        owed = run.owed()
        # While the machine has a record of it, only keep-closed takes that back (operate/closing.py).
        return {} if owed and run.record is None and is_owed_by_word(run) and _is_taken_back(run) else owed
    except InputError:
        # Without a readable plan the points are not known; that does not make the run finished.
        return {UNREADABLE: ()}


def is_owed_by_word(run: RunDirectory) -> bool:
    """Tell whether nothing but the word that its restoration is unproven speaks against a run; raises `InputError` without a plan."""
    return not (run.denied() or run.unseen() or run.left_in_saved())


def _is_taken_back(run: RunDirectory) -> bool:
    from islandmode.operate.taken_back import is_kept_closed  # noqa: PLC0415 - only where it is needed, as it is slow

    return is_kept_closed(run)


def is_only_unproven(run: RunDirectory) -> bool:
    """Tell whether every device was seen back, and only the run's end does not call that proven."""
    try:
        return not run.unseen()
    except InputError:
        return False


def cannot_be_told(run: RunDirectory) -> str:
    """Say why it is not known whether a run goes on or left something isolated; empty where it is."""
    return run.denied() if run.conductor() is None else ""


def was_restored(run: RunDirectory) -> bool:
    """Tell whether a run has seen a restore of its own."""
    return any(record.kind == "restore.seen" for record in run.records())


def lab_is_gone(run: RunDirectory) -> bool:
    """Tell whether a run was a rehearsal in a lab that no longer exists; a lab that cannot be seen may still be there.

    A folder that was deleted says nothing: the lab's processes do.
    """
    from islandmode.rehearse.lab import LabUnknown  # noqa: PLC0415 - only where it is needed, as it is slow

    identity, lives_by = _lab_recorded(run)
    try:
        if identity is None or lab_of(run) is not None:
            return False
    except LabUnknown:
        return False
    known = [lab.lives_by for lab in active.known().labs if lab.identity == identity]
    alive = [still_lives(processes) for processes in (*known, lives_by) if processes]
    if alive:
        return all(lives is False for lives in alive)
    records = run.records()
    return bool(records) and records[0].boot_id != vantage_point()["boot"]


def lab_of(run: RunDirectory) -> Lab | None:
    """Find the running lab in which a run was rehearsed, by what was recorded of it and not by its name."""
    from islandmode.rehearse import backends  # noqa: PLC0415 - only where it is needed, as it is slow
    from islandmode.rehearse.lab import LabUnknown, identity_of  # noqa: PLC0415 - only where it is needed, as it is slow

    identity = ground_recorded(run).get("identity")
    places = [run.workspace / STATE]
    state_dir = ground_recorded(run).get("state_dir")
    if state_dir:
        places.append(Path(str(state_dir)))
    unknown: LabUnknown | None = None
    for state in dict.fromkeys(places):
        for name in names_of_labs(state):
            try:
                # Only the run's own lab is asked: no other lab may keep a restore waiting.
                if identity is not None and identity_of(name, state) == identity:
                    return backends.attach(name, state)
            except LabUnknown as error:
                unknown = error
    if unknown is not None:
        raise unknown
    return None


def names_of_labs(state: Path) -> tuple[str, ...]:
    """List the labs that have a folder in a workspace; raises `LabUnknown` where that cannot be read."""
    from islandmode.rehearse.lab import LabUnknown  # noqa: PLC0415 - only where it is needed, as it is slow

    try:
        return rundir.names_of(state)
    except OSError as error:
        raise LabUnknown(f"{state} cannot be read by this account ({error.strerror}).") from error


def uses(run: RunDirectory, lab: Lab | LabRecord) -> bool:
    """Tell whether a run was rehearsed in a lab."""
    return bool(lab.identity) and lab_identity(run) == lab.identity


def lab_identity(run: RunDirectory) -> str | None:
    """Say which lab a run was rehearsed in, as far as anything says that."""
    return _lab_recorded(run)[0]


def _lab_recorded(run: RunDirectory) -> tuple[str | None, Mapping[str, Any]]:
    """Give the identity of a run's lab, and the processes by which it lives, from the machine's record or the journal."""
    if run.record is not None:
        return _words(run.record)
    begun = next((record.data for record in run.records() if record.kind == "run.started"), {})
    identity, lives_by = begun.get("lab"), begun.get("lab_lives_by")
    return str(identity) if identity is not None else None, lives_by if isinstance(lives_by, dict) else {}


def _words(record: RunRecord) -> tuple[str | None, Mapping[str, Any]]:
    identity, lives_by = record.ground.get("identity"), record.ground.get("lives_by")
    return str(identity) if identity else None, lives_by if isinstance(lives_by, dict) else {}


def ground_recorded(run: RunDirectory) -> Mapping[str, Any]:
    """Give the words by which a run's ground is found again, as far as anything says them; no alarm ends by them alone.

    The machine's record is believed first, then the run's request. A run of an earlier version has its lab in its first record.
    """
    if run.record is not None:
        return run.record.ground
    request = request_in(run.root)
    if request is not None:
        return request.ground
    identity, lives_by = _lab_recorded(run)
    return {"kind": active.LAB, "identity": identity, "lives_by": lives_by} if identity is not None else {}


def refuse_beside_unfinished(workspace: Path, plan: Restorable, own: str, ground: Ground) -> None:
    """Refuse a run on conduits that an earlier run may have left isolated, until a restore was seen."""
    for run, owed in known_runs(workspace).unfinished:
        conduits = {conduit for group in owed.values() for conduit in group}
        shared = True if UNREADABLE in owed or not conduits else sorted(conduits & set(plan.conduits))
        here = run.workspace == workspace.resolve() or ground.has(run)
        # For a run that goes on in another workspace, the device itself is the lock.
        going = run.workspace != workspace.resolve() and run.conductor() is not None
        if run.run != own and here and not going and shared and not lab_is_gone(run):
            raise Refused(f"{_why_first(run, shared)} Nothing was touched.")


def _why_first(run: RunDirectory, shared: list[str] | Literal[True]) -> str:
    """Say what an earlier run may have left, and how it is brought to its end; of one that cannot be read, which file that is."""
    if shared is not True:
        return (
            f"Run {run.run} ended and restoration of {', '.join(shared)} was not seen, or is not proven. First restore "
            f"it: {typed_at(run.workspace, 'restore', run.run)}."
        )
    return f"Run {run.run} may have left anything isolated: {why_unreadable(run)}"


def why_unreadable(run: RunDirectory) -> str:
    """Say which file of a run cannot be read, and what to do; a whole sentence."""
    denied = cannot_be_told(run)
    if denied:
        return (
            f"{run.root} cannot be read by this account ({denied}); ask as its own, or as root: "
            f"{typed_anywhere('restore', run.run)}."
        )
    try:
        run.plan()
    except InputError as error:
        return (
            f"{str(error).rstrip('.')}, with a drill of its site. That ends this alarm when it has seen every isolation point of "
            "the site without Islandmode objects."
        )
    return f"its record can be read again; `{typed('status')}` looks once more."
