"""`islandmode lab ...`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
from rich.console import Console

from islandmode.core.errors import InputError, Refused
from islandmode.operate.stop import bring_back_apart
from islandmode.operate.unfinished import known_runs, lab_identity, lab_is_gone, owed_by, uses
from islandmode.rehearse import backends
from islandmode.rehearse.lab import STATE_FILE, Lab, LabUnknown, NodeStatus, identity_of, lab_command
from islandmode.rehearse.lab_place import STATE, LabPlace
from islandmode.rehearse.processes import still_lives
from islandmode.rehearse.topology import Topology
from islandmode.store import active
from islandmode.store.active import LabRecord
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import MachineClock
from islandmode.system.life import lockers
from islandmode.system.own_program import typed
from islandmode.ui.name_table import NameTable
from islandmode.ui.silent_disk import LookWatch
from islandmode.ui.spoken import Spoken

ENDED_WITHIN_S = 30.0
LOOK_EVERY_S = 0.1


def up(workspace: Path, place: LabPlace, backend: str) -> int:
    """Bring a lab up and say how to go on."""
    lab = backends.up(place.file(workspace), name=place.name, state_dir=workspace / STATE, backend=backend)
    shell, end = (lab_command(verb, lab.name, lab.state_dir) for verb in ("shell", "down"))
    print(f"Lab {lab.name} is up from {place.topology}. Look around with `{shell} ops`, end it with `{end}`.")
    return 0


def down(workspace: Path, name: str, watch: LookWatch, *, force: bool) -> int:
    """Take a lab down; one that a run uses only after that run was stopped and restored, where that is asked for."""
    state = workspace / STATE
    known = known_runs(workspace)
    watch.at(state)
    users = _users(workspace, name)
    code = 0
    if users and not force:
        raise Refused(
            f"Lab {name} is used by {', '.join(one.run for one in users)}, which goes on or was not seen restored. First: "
            f"{typed('abort')}. Or `{lab_command('down', name, state)} --force`, which restores first."
        )
    if known.unread and not force:
        raise Refused(f"{known.unread[0]}: whether a run uses lab {name} cannot be told. `--force` takes it down.")
    if users:
        with watch.elsewhere():
            code = bring_back_apart("abort", users, Spoken())
        anyio.run(_ended, users, watch)
    with watch.elsewhere():
        was_there = backends.down(name, state)
    if not was_there:
        raise InputError(f"There is no lab {name} in {state}{_elsewhere(name)}.")
    for one in users:
        print(f"{one.run}: its lab is gone, and the isolation with it.")
    print(f"Lab {name} is down.")
    return code


def _users(workspace: Path, name: str) -> tuple[RunDirectory, ...]:
    """List the runs that go on in a lab, or may have left something isolated in it."""
    record = backends.recorded(name, workspace / STATE)
    try:
        identity = identity_of(name, workspace / STATE)
    except LabUnknown:
        identity = None
    wanted = {one for one in (identity, record.identity if record is not None else None) if one}
    return tuple(
        one
        for one in known_runs(workspace).runs
        if lab_identity(one) in wanted and (one.conductor() or one.guardian() or owed_by(one)) and not lab_is_gone(one)
    )


async def _ended(runs: tuple[RunDirectory, ...], watch: LookWatch) -> None:
    """Wait until runs have ended: what they still look at is in the lab. Not for ever."""
    clock = MachineClock.of_this_boot()
    with anyio.move_on_after(ENDED_WITHIN_S):
        while any(one.conductor() is not None for one in runs):
            watch.step()
            await clock.sleep(LOOK_EVERY_S)


def _elsewhere(name: str) -> str:
    """Name labs of the same name that this machine knows elsewhere."""
    found = [one.state_dir.parent for one in active.known().labs if one.name == name]
    ways = ", ".join(f"`{typed('lab', 'down', '--lab', name, '--workspace', str(folder))}`" for folder in found)
    return f"; to end one of that name elsewhere: {ways}" if found else ""


def list_labs(workspace: Path, watch: LookWatch) -> int:
    """List the labs of this machine, whatever became of their folders, and the runs that use them."""
    known = active.known()
    runs = known_runs(workspace).runs
    lines = []
    for record in known.labs:
        lives = still_lives(record.lives_by) if record.identity else bool(lockers(record.lock))
        if lives is not False:
            watch.step()
            using = [one.run for one in runs if uses(one, record) and (one.conductor() or owed_by(one))]
            used = f", used by {', '.join(using)}" if using else ""
            lines.append(
                f"{record.name}  {record.backend}  {record.state_dir.parent}  {_state(record, lives=lives)}{used}"
            )
    for why in known.unread:
        print(f"islandmode: {why}: a lab may be up that is not named here.", file=sys.stderr)
    print("\n".join(lines) if lines or known.unread else "No lab is up on this machine.")
    return 0


def _state(record: LabRecord, *, lives: bool | None) -> str:
    if lives is None:
        return "cannot be seen from here"
    ends = f"`{lab_command('down', record.name, record.state_dir)}` ends it"
    if not record.identity:
        return f"came up only in part; {ends}"
    there = (record.state_dir / record.name / STATE_FILE).exists()
    return "up" if there else f"up, its folder is gone; {ends}"


def status(workspace: Path, name: str, watch: LookWatch) -> int:
    """List the nodes of a lab."""
    if backends.is_orphan(name, workspace / STATE):
        print(f"Lab {name} is up and its folder is gone; end it with `{lab_command('down', name, workspace / STATE)}`.")
        return 0
    # The state was read just now; what takes long is asking the nodes.
    with watch.elsewhere():
        state = backends.status(name, workspace / STATE)
    if not state.running:
        print(f"Lab {name} is not running.")
        return 0
    print(f"Lab {name} is up in {state.backend}.")
    print_nodes(state.nodes)
    return 0


def print_nodes(nodes: Sequence[NodeStatus]) -> None:
    """Print the nodes of a lab."""
    rows = [(node.name, node.role, " ".join(node.addresses), str(len(node.pids))) for node in nodes]
    Console().print(NameTable(("node", "role", "addresses", "processes"), rows))


def shell(workspace: Path, name: str, node: str, command: tuple[str, ...], watch: LookWatch) -> int:
    """Become a shell or a command in a node; does not return."""
    lab = _running(workspace, name)
    watch.end()
    argv = lab.shell(
        node_meant(lab.topology, node), command or ("sh",), terminal=sys.stdin.isatty() and sys.stdout.isatty()
    )
    sys.stdout.flush()
    os.execvp(argv[0], argv)  # noqa: S606 - no shell: the lab's own argv


def restart(workspace: Path, name: str, node: str, watch: LookWatch) -> int:
    """Restart a node."""
    lab = _running(workspace, name)
    with watch.elsewhere():
        backends.restart(lab, node_meant(lab.topology, node))
    print(f"{node} has restarted from its saved configuration.")
    return 0


def node_meant(topology: Topology, name: str) -> str:
    """Give a node by its name, or by the isolation point that it is: a card knows a device by its name in the site."""
    return topology.points[name].name if name in topology.points else name


def _running(workspace: Path, name: str) -> Lab:
    lab = backends.attach(name, workspace / STATE)
    if lab is None:
        raise InputError(f"Lab {name} is not running; start it with `{lab_command('up', name, workspace / STATE)}`.")
    return lab
