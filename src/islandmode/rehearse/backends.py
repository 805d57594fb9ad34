"""The table of back ends: what can bring the lab's one file up, and which of them holds a lab that is there."""

from __future__ import annotations

import json
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.rehearse import containerlab, namespaces
from islandmode.rehearse.containerlab import ContainerLab
from islandmode.rehearse.lab import STATE_FILE, Lab, LabStatus
from islandmode.rehearse.namespaces import NamespacesLab

UP = {"namespaces": namespaces.up, containerlab.BACKEND: containerlab.up}


def up(path: Path, *, name: str, state_dir: Path, backend: str = "namespaces") -> Lab:
    """Bring a lab up and return when the plant answers; an unknown back end lists the known ones."""
    if backend not in UP:
        raise InputError(f"There is no back end {backend}; known back ends: {', '.join(UP)}.")
    running = attach(name, state_dir)
    if running is not None:
        raise InputError(f"Lab {name} is already up; use it, or end it with `islandmode lab down`.")
    return UP[backend](path, name=name, state_dir=state_dir)


def attach(name: str, state_dir: Path) -> Lab | None:
    """Return the running lab of that name; None when there is none."""
    if _backend(name, state_dir) == containerlab.BACKEND:
        return containerlab.attach(name, state_dir)
    return namespaces.attach(name, state_dir)


def down(name: str, state_dir: Path) -> None:
    """End a lab of either back end, also one that never came up; nothing of it is left."""
    containerlab.down(name, state_dir)
    namespaces.down(name, state_dir)


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
        return LabStatus(True, containerlab.BACKEND, containerlab.status(lab))
    if isinstance(lab, NamespacesLab):
        return LabStatus(True, "namespaces", namespaces.status(lab))
    return LabStatus(running=False)


def _backend(name: str, state_dir: Path) -> str:
    try:
        return str(json.loads((state_dir / name / STATE_FILE).read_text(encoding="utf-8")).get("backend", ""))
    except (OSError, ValueError):
        return ""
