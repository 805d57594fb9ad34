"""Runs that may have left something isolated, and who has them now; from what they wrote, and asking none of them."""

from __future__ import annotations

from pathlib import Path

from islandmode.core.errors import InputError, Refused
from islandmode.core.plan import Plan
from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab, LabUnknown, identity_of
from islandmode.store import rundir
from islandmode.store.journal import FINISHED, read_journal
from islandmode.store.rundir import RunDirectory
from islandmode.system.disk import lock_holders
from islandmode.ui.lab_place import STATE

Owed = dict[str, tuple[str, ...]]
UNREADABLE = "?"
"""Stands for whatever a run owes whose record cannot be read."""


def unfinished(workspace: Path) -> tuple[tuple[RunDirectory, Owed], ...]:
    """List runs that owe a restore, newest first, with what each owes."""
    found = []
    for one in rundir.earlier(workspace):
        try:
            owed = one.owed()
        except InputError:
            # Without a readable plan nobody knows which points; that is no reason to call it finished.
            owed = {UNREADABLE: ()}
        if owed:
            found.append((one, owed))
    return tuple(found)


def is_over(run: RunDirectory) -> bool:
    """Tell whether a run wrote its last record."""
    return any(record.kind == FINISHED for record in read_journal(run.journal.read_bytes()).records)


def was_restored(run: RunDirectory) -> bool:
    """Tell whether a run has seen a restore of its own."""
    return any(record.kind == "restore.seen" for record in read_journal(run.journal.read_bytes()).records)


def conductor_pid(workspace: Path, run: RunDirectory) -> int | None:
    """Find the process that conducts a run; reads the locks' text, since taking a lock could refuse a run."""
    try:
        plan = run.plan()
    except InputError:
        return None
    for conduit in plan.conduits:
        path = workspace / rundir.RUNS / ".locks" / f"{plan.drill.site}.{conduit}.lock"
        try:
            pid, _, holds = path.read_text(encoding="utf-8").partition(" ")
            # The kernel's word for it before the file's: a conductor in a container has another number there.
            for one in (*lock_holders(path), int(pid)) if holds == run.run else ():
                if _conducts(one, workspace):
                    return one
        except (OSError, ValueError):
            continue
    return None


def _conducts(pid: int, workspace: Path) -> bool:
    """Tell whether a process is a conductor of this workspace, by what it was started with."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    named = words[words.index(b"--workspace") + 1] if b"--workspace" in words[:-1] else None
    # A path that is not whole means something where that process stands.
    ours = named is None or not named.startswith(b"/") or named == str(workspace.resolve()).encode()
    return any(b"islandmode" in word for word in words) and b"run" in words and ours


def guardian_lives(run: RunDirectory) -> bool:
    """Tell whether a run's guardian is still there."""
    mark = [b"guard", run.run.encode()]
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(words[at : at + 2] == mark for at in range(len(words))):
                return True
    return False


def lab_is_gone(workspace: Path, run: RunDirectory) -> bool:
    """Tell whether a run was a rehearsal in a lab that no longer exists; a lab that cannot be seen may still be there."""
    try:
        return _identity(run) is not None and lab_of(workspace, run) is None
    except LabUnknown:
        return False


def lab_of(workspace: Path, run: RunDirectory) -> Lab | None:
    """Find the running lab in which a run was rehearsed, by what the run recorded of it and not by its name."""
    state = workspace / STATE
    names = sorted(path.name for path in state.iterdir()) if state.is_dir() else []
    unknown: LabUnknown | None = None
    for name in names:
        try:
            # Only the lab that it was is asked: no other one may keep a restore waiting.
            if identity_of(name, state) == _identity(run):
                return backends.attach(name, state)
        except LabUnknown as error:
            unknown = error
    if unknown is not None:
        raise unknown
    return None


def _identity(run: RunDirectory) -> str | None:
    records = read_journal(run.journal.read_bytes()).records
    return next((record.data.get("lab") for record in records if record.kind == "run.started"), None)


def refuse_beside_unfinished(workspace: Path, plan: Plan, own: str) -> None:
    """Refuse a run on conduits that an earlier one may have left isolated, until a restore was seen."""
    for one, owed in unfinished(workspace):
        conduits = {conduit for group in owed.values() for conduit in group}
        shared = sorted(conduits & set(plan.conduits)) if conduits else ["what cannot be read any more"]
        if one.run != own and shared and not lab_is_gone(workspace, one):
            raise Refused(
                f"Run {one.run} ended and restoration of {', '.join(shared)} was not seen. First bring it to its end: "
                f"islandmode restore {one.run}. Nothing was touched."
            )
