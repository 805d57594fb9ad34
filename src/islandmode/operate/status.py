"""What runs on this machine, and whether anything may still be isolated: from what runs wrote and what the machine knows of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from islandmode.operate.unfinished import KnownRuns, lab_is_gone, owed_by
from islandmode.operate.watch import Watch
from islandmode.rehearse import backends
from islandmode.rehearse.lab import LabUnknown
from islandmode.rehearse.lab_place import STATE
from islandmode.run.outermost import sentence_of
from islandmode.store.rundir import RunDirectory
from islandmode.system.life import Holder

LabState = Literal["up", "not running", "up without its folder", "unknown"]
RunState = Literal["running", "ended", "gone with its lab", "unfinished"]


@dataclass(frozen=True)
class LabStanding:
    """What is known of one lab of a workspace."""

    name: str
    state: LabState
    why: str = ""
    """Why it is unknown."""


@dataclass(frozen=True)
class RunStanding:
    """What is known of one run: `owed` are the points on which something may be isolated."""

    run: RunDirectory
    state: RunState
    owed: tuple[str, ...]
    conductor: Holder | None

    @property
    def is_told(self) -> bool:
        """Tell whether it must be told: the run goes on, or left something not yet seen restored."""
        return self.state in {"running", "unfinished"}


def labs_standing(workspace: Path, names: Sequence[str], watch: Watch) -> Iterator[LabStanding]:
    """Look which labs of a workspace are up."""
    watch.at(workspace / STATE)
    for name in names:
        yield _lab(workspace, name)


def _lab(workspace: Path, name: str) -> LabStanding:
    try:
        if backends.attach(name, workspace / STATE) is not None:
            return LabStanding(name, "up")
        orphan = backends.is_orphan(name, workspace / STATE)
        return LabStanding(name, "up without its folder" if orphan else "not running")
    except LabUnknown as error:
        return LabStanding(name, "unknown", sentence_of(error))


def runs_standing(known: KnownRuns, watch: Watch) -> Iterator[RunStanding]:
    """Say of every known run, newest first, whether it goes on and what it owes.

    The machine's record of a run that is over by its own journals is deleted, since the run's processes could not.
    """
    for run in known.runs:
        watch.at(run.root)
        standing = _run(run)
        if not standing.is_told and run.record is not None:
            run.record.forget()
        yield standing


def _run(run: RunDirectory) -> RunStanding:
    owed, holder = tuple(sorted(owed_by(run))), run.conductor()
    if holder is not None:
        return RunStanding(run, "running", owed, holder)
    if not owed:
        return RunStanding(run, "ended", owed, None)
    return RunStanding(run, "gone with its lab" if lab_is_gone(run) else "unfinished", owed, None)
