"""A running lab, whichever back end holds it: its nodes, its secrets, and the way to its operations host."""

from __future__ import annotations

import json
import shlex
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from islandmode.core.errors import InputError, IslandmodeError, Refused
from islandmode.rehearse.node_words import READY_LABEL
from islandmode.rehearse.processes import vantage_point
from islandmode.rehearse.topology import LabNode, Topology
from islandmode.system.own_program import typed, typed_at

STATE_FILE = "state.json"
KNOWN_HOSTS = "known_hosts"
SECRETS = "secrets"
READY_S = 30.0


def lab_command(verb: str, name: str, state_dir: Path) -> str:
    """Write a command about a lab as it can be typed here; the lab is always named."""
    return typed_at(state_dir.parent, "lab", verb, "--lab", name)


def lab_up_command(name: str, state_dir: Path, topology: Path, backend: str) -> str:
    """Write the command that brings this very lab up from its file, as it can be typed here."""
    workspace = state_dir.parent
    with suppress(ValueError):
        topology = topology.resolve().relative_to(workspace.resolve())
    words = ("lab", "up", "--lab", name, "--topology", str(topology), "--backend", backend)
    return typed_at(workspace, *words)


def build_command(workspace: Path | None, script: str, *words: str) -> str:
    """Write how a script builds what a lab needs: the workspace's own script, or the script of a workspace yet to be started."""
    if workspace is not None and (workspace / script).is_file():
        return f"`sh {' '.join(shlex.quote(word) for word in (str(workspace / script), *words))}`"
    return f"`sh {' '.join((script, *words))}` in a workspace that `{typed('init', 'DIR')}` has started"


class LabFailed(IslandmodeError):
    """The lab did not come up; nothing of it is left."""

    exit_code = 4


class LabUnknown(Refused):
    """Whether the lab still runs cannot be told: it must not be called gone."""


class LabGone(Refused):
    """The lab was taken down while it was used, and what was isolated in it is gone with it."""

    def __init__(self, name: str) -> None:
        """Name the lab."""
        super().__init__(f"Lab {name} was taken down meanwhile, and what was isolated in it is gone with it.")


@dataclass(frozen=True)
class Lab(ABC):
    """A lab that runs. `identity` is new at every `lab up`: a run records it, and knows later whether its lab is still there."""

    backend: ClassVar[str]
    comes_back: ClassVar[bool]
    """Whether `go` returns, or becomes the other process."""
    name: str
    state_dir: Path
    identity: str
    topology: Topology

    def node(self, name: str) -> LabNode:
        """Find a node; the error for an unknown name lists the known names."""
        if name not in self.topology.nodes:
            known = ", ".join(self.topology.nodes)
            raise InputError(f"There is no node {name} in lab {self.name}; known nodes: {known}.")
        return self.topology.nodes[name]

    @property
    def folder(self) -> Path:
        """Where the lab keeps its state."""
        return self.state_dir / self.name

    @property
    def known_hosts(self) -> Path:
        """Host keys of this very lab's isolation points."""
        return self.folder / KNOWN_HOSTS

    @property
    def management_addresses(self) -> tuple[str, ...]:
        """Addresses of the isolation points of this lab."""
        return tuple(address for node in self.topology.points.values() for address in node.management)

    @property
    @abstractmethod
    def processes(self) -> tuple[tuple[int, str], ...]:
        """Give the processes without which nothing of the lab lives, each with when it started."""

    @property
    def lives_by(self) -> dict[str, Any]:
        """Say by which processes the lab lives, and from where their numbers are meant; for `processes.still_lives`."""
        try:
            state = read_state(self.name, self.state_dir) or {}
        except LabUnknown:
            state = {}
        meant = {key: state[key] for key in vantage_point() if key in state}
        return meant | {"processes": [list(process) for process in self.processes]}

    def secret(self, name: str) -> str:
        """Read a secret of this lab; the error for an unknown name lists the known names. Raises `LabUnknown` where its folder is gone."""
        folder = self.folder / SECRETS
        try:
            known = sorted(path.name for path in folder.iterdir() if path.is_file())
            if name in known:
                return (folder / name).read_text(encoding="ascii")
        except OSError as error:
            raise LabUnknown(
                f"The secrets of lab {self.name} in {folder} cannot be read ({error.strerror})."
            ) from error
        raise InputError(f"Lab {self.name} has no secret {name}; known secrets: {', '.join(known) or 'none'}.")

    @property
    def login(self) -> tuple[str, str] | None:
        """Give user and way to root where they differ from the site's."""
        return None

    @property
    def environment(self) -> dict[str, str]:
        """Give the variables that a command line of `enter` needs to find its way; no other variable is passed on to a node."""
        return {}

    @abstractmethod
    def enter(self, node: str, argv: tuple[str, ...], *, network_only: bool = False) -> tuple[str, ...]:
        """Give the command line that runs `argv` in a node; a back end may offer a node's network alone."""

    def shell(self, node: str, argv: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
        """Give the command line that runs `argv` in a node for a person, who may sit at a terminal."""
        return self.enter(node, argv)

    @abstractmethod
    def network_pid(self, node: str) -> int:
        """Give a process of this machine that is on a node's network."""

    @abstractmethod
    def is_here(self) -> bool:
        """Tell whether this process is on the operations host already; raises `LabGone` where the lab was taken down."""

    @abstractmethod
    def go(self, arguments: tuple[str, ...], *, drill: bool) -> int | None:
        """Run islandmode on the operations host with these arguments; returns the exit code, or does not return.

        None means that it ended without an exit code of its own. A drill ends with the process that started it: when this process
        is told to end, or dies, the conductor restores.
        """

    @abstractmethod
    def ask(self, arguments: tuple[str, ...]) -> int | None:
        """Run islandmode on the operations host and return its exit code; None when it ended without an exit code of its own."""


@dataclass(frozen=True)
class NodeStatus:
    """A node as `lab status` shows it; `pids` are its processes."""

    name: str
    role: str
    addresses: tuple[str, ...]
    pids: tuple[int, ...]


@dataclass(frozen=True)
class LabStatus:
    """A lab as `lab status` shows it."""

    running: bool
    backend: str = ""
    nodes: tuple[NodeStatus, ...] = ()


def wait_until_ready(lab: Lab, python: str) -> None:
    """Play the ready-checks of a lab's nodes, each with its node's Python; raises `LabFailed` with a check's own reason."""
    for name, node in lab.topology.nodes.items():
        check = node.labels.get(READY_LABEL)
        why = _why_not_ready(name, lab.enter(name, (python, check))) if check is not None else ""
        if why:
            raise LabFailed(f"The lab came up but does not answer: {why}")


def _why_not_ready(node: str, argv: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=READY_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        return f"{node} did not end its ready-check within {READY_S:g} s"
    return "" if done.returncode == 0 else done.stdout.strip() or done.stderr.strip() or f"{node} does not say why"


def addresses_in(document: list[dict[str, object]]) -> tuple[str, ...]:
    """Give the global addresses of what `ip -j addr` printed."""
    found = []
    for row in document:
        infos = row.get("addr_info")
        for info in infos if isinstance(infos, list) else ():
            if info.get("scope") == "global":
                found.append(str(info["local"]))
    return tuple(found)


def read_state(name: str, state_dir: Path) -> dict[str, Any] | None:
    """Read what a lab's back end wrote when it came up; None when there is no such lab.

    Raises `LabUnknown` where it cannot be read, or was written from where other process numbers are meant: what cannot be
    seen is not gone. A lab of an earlier boot is.
    """
    path = state_dir / name / STATE_FILE
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not the state of a lab"
        raise LabUnknown(f"The state of lab {name} in {path} cannot be read ({why}).") from error
    here = vantage_point()
    written = {key: state.get(key, here[key]) for key in here}
    if written["boot"] != here["boot"]:
        return None
    state["foreign"] = written["numbered_in"] != here["numbered_in"]
    return state


def refuse_foreign(name: str, state: dict[str, Any]) -> None:
    """Raise `LabUnknown` for a lab that was brought up where processes have other numbers than here."""
    if state["foreign"]:
        raise LabUnknown(f"Lab {name} was brought up outside this container, and cannot be seen from here.")


def identity_of(name: str, state_dir: Path) -> str | None:
    """Read which lab a name stands for, whether it still runs or not; raises `LabUnknown` as `read_state` does."""
    state = read_state(name, state_dir)
    return None if state is None else str(state["identity"])
