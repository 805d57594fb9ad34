"""`islandmode lab ...`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from islandmode.core.errors import InputError
from islandmode.operate.labs import LabListed, labs_listed, take_down
from islandmode.operate.unfinished import known_runs
from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab, NodeStatus, lab_command
from islandmode.rehearse.lab_place import STATE, LabPlace
from islandmode.rehearse.topology import Topology
from islandmode.store import active
from islandmode.ui.name_table import NameTable
from islandmode.ui.silent_disk import LookWatch
from islandmode.ui.spoken import Spoken


def up(workspace: Path, place: LabPlace, backend: str) -> int:
    """Bring a lab up and say how to go on."""
    lab = backends.up(place.file(workspace), name=place.name, state_dir=workspace / STATE, backend=backend)
    shell, end = (lab_command(verb, lab.name, lab.state_dir) for verb in ("shell", "down"))
    print(f"Lab {lab.name} is up from {place.topology}. Look around with `{shell} ops`, end it with `{end}`.")
    return 0


def down(workspace: Path, name: str, watch: LookWatch, *, force: bool) -> int:
    """Take a lab down; with `force`, first stop and restore the runs that use it."""
    return take_down(workspace, name, watch, Spoken(), force=force)


def list_labs(workspace: Path, watch: LookWatch) -> int:
    """List the labs of this machine, even those without a folder, and the runs that use them."""
    known = active.known()
    lines = [_line(lab) for lab in labs_listed(known.labs, known_runs(workspace).runs, watch)]
    for why in known.unread:
        print(f"islandmode: {why}: a lab that is not listed here may be up.", file=sys.stderr)
    print("\n".join(lines) if lines or known.unread else "No lab is up on this machine.")
    return 0


def _line(lab: LabListed) -> str:
    record, used = lab.record, f", used by {', '.join(lab.used_by)}" if lab.used_by else ""
    ends = f"`{lab_command('down', record.name, record.state_dir)}` ends it"
    told = {
        "up": "up",
        "up without its folder": f"up, but its folder is gone; {ends}",
        "in part": f"came up only in part; {ends}",
        "unseen": "cannot be seen from here",
    }
    return f"{record.name}  {record.backend}  {record.state_dir.parent}  {told[lab.state]}{used}"


def status(workspace: Path, name: str, watch: LookWatch) -> int:
    """List the nodes of a lab."""
    if backends.is_orphan(name, workspace / STATE):
        print(f"Lab {name} is up but its folder is gone; end it with `{lab_command('down', name, workspace / STATE)}`.")
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
    """Find a node by its own name or by its isolation point's, which is the name on the card."""
    return topology.points[name].name if name in topology.points else name


def _running(workspace: Path, name: str) -> Lab:
    lab = backends.attach(name, workspace / STATE)
    if lab is None:
        raise InputError(f"Lab {name} is not running; start it with `{lab_command('up', name, workspace / STATE)}`.")
    return lab
