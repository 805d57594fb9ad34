"""Labs of this machine, and the runs that use them: a lab is not taken from under a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio

from islandmode.core.errors import InputError, Refused
from islandmode.operate.stop import bring_back_apart
from islandmode.operate.telling import Listener
from islandmode.operate.unfinished import known_runs, lab_identity, lab_is_gone, owed_by, uses
from islandmode.operate.watch import Watch
from islandmode.rehearse import backends
from islandmode.rehearse.lab import STATE_FILE, LabUnknown, identity_of, lab_command
from islandmode.rehearse.lab_place import STATE
from islandmode.rehearse.processes import still_lives
from islandmode.store import active
from islandmode.store.active import LabRecord
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import MachineClock
from islandmode.system.life import lockers
from islandmode.system.own_program import typed

ENDED_WITHIN_S = 30.0
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class LabListed:
    """A lab of this machine that is up, or may be, and the names of the runs that use it."""

    record: LabRecord
    state: Literal["up", "up without its folder", "in part", "unseen"]
    used_by: tuple[str, ...]


def labs_listed(labs: Sequence[LabRecord], runs: Sequence[RunDirectory], watch: Watch) -> Iterator[LabListed]:
    """Give the recorded labs that are up or may be, even those without a folder."""
    for record in labs:
        lives = still_lives(record.lives_by) if record.identity else bool(lockers(record.lock))
        if lives is not False:
            watch.step()
            using = tuple(run.run for run in runs if uses(run, record) and (run.conductor() or owed_by(run)))
            yield LabListed(record, _state(record, lives=lives), using)


def _state(record: LabRecord, *, lives: bool | None) -> Literal["up", "up without its folder", "in part", "unseen"]:
    if lives is None:
        return "unseen"
    if not record.identity:
        return "in part"
    return "up" if (record.state_dir / record.name / STATE_FILE).exists() else "up without its folder"


def take_down(workspace: Path, name: str, watch: Watch, listener: Listener, *, force: bool) -> int:
    """Take a lab down; with `force`, first stop and restore the runs that use it.

    Raises `Refused` where a run uses it, or may do so. Returns 0, or 5 where a run in it was not seen restored.
    """
    state = workspace / STATE
    known = known_runs(workspace)
    watch.at(state)
    users = _users(workspace, name)
    code = 0
    if users and not force:
        raise Refused(
            f"Lab {name} is used by {', '.join(run.run for run in users)}, which goes on or was not seen restored. First: "
            f"{typed('abort')}. Or `{lab_command('down', name, state)} --force`, which restores first."
        )
    if known.unread and not force:
        raise Refused(f"{known.unread[0]}: it is not known whether a run uses lab {name}. `--force` takes it down.")
    if users:
        with watch.elsewhere():
            code = bring_back_apart("abort", users, listener)
        anyio.run(_ended, users, watch)
    with watch.elsewhere():
        was_there = backends.down(name, state)
    if not was_there:
        raise InputError(f"There is no lab {name} in {state}{_elsewhere(name)}.")
    for run in users:
        listener.say(f"{run.run}: its lab is gone, and the isolation with it.")
    listener.say(f"Lab {name} is down.")
    return code


def _users(workspace: Path, name: str) -> tuple[RunDirectory, ...]:
    """List the runs that go on in a lab, or may have left something isolated in it."""
    record = backends.recorded(name, workspace / STATE)
    try:
        identity = identity_of(name, workspace / STATE)
    except LabUnknown:
        identity = None
    wanted = {known for known in (identity, record.identity if record is not None else None) if known}
    return tuple(
        run
        for run in known_runs(workspace).runs
        if lab_identity(run) in wanted and (run.conductor() or run.guardian() or owed_by(run)) and not lab_is_gone(run)
    )


async def _ended(runs: tuple[RunDirectory, ...], watch: Watch) -> None:
    """Wait until runs have ended: what they still look at is in the lab. Not for ever."""
    clock = MachineClock.of_this_boot()
    with anyio.move_on_after(ENDED_WITHIN_S):
        while any(run.conductor() is not None for run in runs):
            watch.step()
            await clock.sleep(LOOK_EVERY_S)


def _elsewhere(name: str) -> str:
    """Name labs of the same name that this machine knows elsewhere."""
    found = [lab.state_dir.parent for lab in active.known().labs if lab.name == name]
    ways = ", ".join(f"`{typed('lab', 'down', '--lab', name, '--workspace', str(folder))}`" for folder in found)
    return f"; to end a lab of that name elsewhere: {ways}" if found else ""
