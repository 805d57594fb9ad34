"""The table of back ends: what can bring the lab's one file up, and which of them holds a lab that is there."""

from __future__ import annotations

import re
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.rehearse.containers import backend as containerlab
from islandmode.rehearse.containers.down import down as destroy
from islandmode.rehearse.containers.lab import BACKEND as CONTAINERLAB
from islandmode.rehearse.containers.lab import ContainerLab
from islandmode.rehearse.lab import STATE_FILE, Lab, LabStatus, lab_command, read_state
from islandmode.rehearse.namespaces import backend as namespaces
from islandmode.rehearse.namespaces.backend import NamespacesLab
from islandmode.rehearse.processes import still_lives
from islandmode.store.active import LabRecord, known, lab_record_path

UP = {namespaces.BACKEND: namespaces.up, CONTAINERLAB: containerlab.up}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")


def _checked(name: str) -> str:
    """Refuse an invalid name: a lab's folder bears it, and is deleted with the lab."""
    if NAME.fullmatch(name) is None:
        raise InputError(
            f'A lab cannot be named "{name}"; give it letters, digits, "-" and "_", beginning with a letter or a digit.'
        )
    return name


def up(path: Path, *, name: str, state_dir: Path, backend: str = namespaces.BACKEND) -> Lab:
    """Bring a lab up and return when the plant answers; the error for an unknown back end lists the known back ends."""
    if backend not in UP:
        raise InputError(f"There is no back end {backend}; known back ends: {', '.join(UP)}.")
    end = lab_command("down", _checked(name), state_dir)
    if attach(name, state_dir) is not None:
        raise InputError(f"Lab {name} is already up; use it, or end it with `{end}`.")
    if is_orphan(name, state_dir):
        raise InputError(f"Lab {name} is up and its folder in {state_dir} is gone; end it with `{end}`.")
    # Remove what a lab of that name, of either back end, left behind half-way.
    down(name, state_dir)
    return UP[backend](path, name=name, state_dir=state_dir)


def attach(name: str, state_dir: Path) -> Lab | None:
    """Return the running lab of that name; None when no such lab runs. Raises `LabUnknown` where that cannot be told."""
    state = read_state(_checked(name), state_dir)
    if state is not None and state.get("backend") == CONTAINERLAB:
        return containerlab.attach(name, state_dir)
    return namespaces.attach(name, state_dir)


def recorded(name: str, state_dir: Path) -> LabRecord | None:
    """Return what the machine knows of a lab, even if its folder is gone."""
    path = lab_record_path(_checked(name), state_dir)
    return next((lab for lab in known().labs if lab.path == path), None)


def is_orphan(name: str, state_dir: Path) -> bool:
    """Tell whether a lab that came up whole lives on without its folder."""
    record = recorded(name, state_dir)
    gone = not (state_dir / name / STATE_FILE).exists()
    return gone and record is not None and bool(record.identity) and bool(still_lives(record.lives_by))


def down(name: str, state_dir: Path) -> bool:
    """End a lab of either back end and remove all of it, also if it never came up. Tells whether there was a lab."""
    record = recorded(name, state_dir)
    destroyed = destroy(_checked(name), state_dir)
    return namespaces.down(name, state_dir) or destroyed or record is not None


def restart(lab: Lab, node: str) -> Lab:
    """Restart a node: links and saved files stay, running state is cleared, it boots from its saved configuration."""
    if isinstance(lab, ContainerLab):
        return containerlab.restart(lab, node)
    if isinstance(lab, NamespacesLab):
        return namespaces.restart(lab, node)
    raise TypeError(type(lab).__name__)


def status(name: str, state_dir: Path) -> LabStatus:
    """Say what runs in a lab."""
    lab = attach(name, state_dir)
    if isinstance(lab, ContainerLab):
        return LabStatus(True, CONTAINERLAB, containerlab.status(lab))
    if isinstance(lab, NamespacesLab):
        return LabStatus(True, namespaces.BACKEND, namespaces.status(lab))
    return LabStatus(running=False)
