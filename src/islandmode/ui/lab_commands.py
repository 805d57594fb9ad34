"""`islandmode lab ...`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from islandmode.core.errors import InputError
from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from islandmode.ui.lab_place import STATE


def up(workspace: Path, name: str, backend: str, topology: Path) -> int:
    """Bring a lab up and say how to go on."""
    lab = backends.up(workspace / topology, name=name, state_dir=workspace / STATE, backend=backend)
    print(f"Lab {lab.name} is up. Look around with `islandmode lab shell ops`, end it with `islandmode lab down`.")
    return 0


def down(workspace: Path, name: str) -> int:
    """Take a lab down."""
    backends.down(name, workspace / STATE)
    print(f"Lab {name} is down.")
    return 0


def status(workspace: Path, name: str) -> int:
    """List the nodes of a lab."""
    state = backends.status(name, workspace / STATE)
    if not state.running:
        print(f"Lab {name} is not running.")
        return 0
    print(f"Lab {name} is up in {state.backend}.")
    table = Table("node", "role", "addresses", "processes", box=None)
    for node in state.nodes:
        table.add_row(node.name, node.role, " ".join(node.addresses), str(len(node.pids)))
    Console().print(table)
    return 0


def shell(workspace: Path, name: str, node: str, command: tuple[str, ...]) -> int:
    """Become a shell or a command in a node; does not return."""
    lab = _running(workspace, name)
    # A card knows a device by its name in the site, not in the lab.
    known = lab.topology.points[node].name if node in lab.topology.points else node
    argv = lab.shell(known, command or ("sh",), terminal=sys.stdin.isatty() and sys.stdout.isatty())
    sys.stdout.flush()
    os.execvp(argv[0], argv)  # noqa: S606 - no shell: the lab's own argv


def restart(workspace: Path, name: str, node: str) -> int:
    """Restart a node."""
    backends.restart(_running(workspace, name), node)
    print(f"{node} has restarted from its saved configuration.")
    return 0


def _running(workspace: Path, name: str) -> Lab:
    lab = backends.attach(name, workspace / STATE)
    if lab is None:
        raise InputError(f"Lab {name} is not running; start it with `islandmode lab up`.")
    return lab
