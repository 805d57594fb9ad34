"""A running lab of containers: the way into its nodes, and to its operations host."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from islandmode.core.errors import InputError, Refused
from islandmode.rehearse.containers import docker, errand
from islandmode.rehearse.lab import Lab, lab_command, lab_up_command
from islandmode.rehearse.node_words import OPERATIONS_HOST
from islandmode.rehearse.own_code import code_digest
from islandmode.rehearse.processes import started

BACKEND = "containerlab"
HERE = Path("/etc/islandmode-lab")
"""In the operations host's container: the identity of its lab."""
PYTHON = "python3"
SEE_WORKSPACE = """
there=$(stat -c %d:%i /run/workspace) || exit 1
[ "$(stat -c %d:%i "$1" 2>/dev/null)" = "$there" ] && exit 0
mkdir -p "$1" && mount --bind /run/workspace "$1"
"""


@dataclass(frozen=True)
class Container:
    """A node's container, and its first process as this machine numbers it: alive or not is the kernel's word, not Docker's."""

    id: str
    pid: int
    started: str

    @property
    def is_alive(self) -> bool:
        """Tell whether it is still that very process."""
        return bool(self.started) and started(self.pid) == self.started


@dataclass(frozen=True)
class ContainerLab(Lab):
    """A running lab of containers."""

    backend: ClassVar[str] = BACKEND
    comes_back: ClassVar[bool] = True
    containers: Mapping[str, Container]
    code: str

    def enter(self, node: str, argv: tuple[str, ...], *, network_only: bool = False) -> tuple[str, ...]:
        """Give the command line that runs `argv` in a node; there is no network without its container."""
        if not self.is_here():
            return docker.enter(self.container(node), argv)
        self.node(node)
        return argv if node == OPERATIONS_HOST else errand.ask_for(node, argv)

    @property
    def processes(self) -> tuple[tuple[int, str], ...]:
        """Give the first process of every container."""
        return tuple((container.pid, container.started) for container in self.containers.values())

    @property
    def environment(self) -> dict[str, str]:
        """Give the name of the socket for errands, and what Docker's own client goes by."""
        wanted = (name for name in os.environ if name == errand.SOCKET_VARIABLE or name.startswith("DOCKER_"))
        return {name: os.environ[name] for name in (*wanted, *docker.HOME) if name in os.environ}

    def container(self, node: str) -> str:
        """Give the id of a node's container; the error for an unknown name lists the known names."""
        return self.containers[self.node(node).name].id

    def shell(self, node: str, argv: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
        """Give the command line that runs `argv` in a node for a person, on their terminal if they sit at one."""
        entered = self.enter(node, argv)
        at = entered.index("--interactive") if terminal and "--interactive" in entered else None
        return entered if at is None else (*entered[:at], "--tty", *entered[at:])

    def network_pid(self, node: str) -> int:
        """Give the container's first process."""
        return self.containers[self.node(node).name].pid

    def is_here(self) -> bool:
        """Tell whether this process is in the operations host's container."""
        return _here() == self.identity

    def go(self, arguments: tuple[str, ...], *, drill: bool) -> int | None:
        """Run islandmode in the operations host's container; when this process is told to end, or dies, a drill there restores."""
        wanted = arguments[arguments.index("--workspace") + 1]
        if not Path(wanted).is_relative_to(self.topology.workspace):
            raise InputError(
                f"Lab {self.name} belongs to the workspace {self.topology.workspace}; {wanted} is not in it. "
                "Bring up a lab from there."
            )
        if drill and code_digest() != self.code:
            raise Refused(
                f"Lab {self.name} was brought up by another version of islandmode than this one; "
                f"take it down and up again with `{lab_command('down', self.name, self.state_dir)}` and "
                f"`{lab_up_command(self.name, self.state_dir, self.topology.file, self.backend)}`. Nothing was touched."
            )
        return self.accompany((PYTHON, "-m", "islandmode", *arguments), drill=drill)

    def ask(self, arguments: tuple[str, ...]) -> int | None:
        """Run islandmode in the operations host's container and return its exit code."""
        return self.go(arguments, drill=False)

    def accompany(self, argv: tuple[str, ...], *, drill: bool) -> int | None:
        """Run an islandmode command on the operations host, which sees every path of the workspace as this machine does."""
        host, root = self.container(OPERATIONS_HOST), str(self.topology.workspace)
        done = docker.ask("exec", host, "sh", "-c", SEE_WORKSPACE, "sh", root)
        if done.returncode != 0:
            raise Refused(f"The operations host cannot see the workspace {root}: {done.stderr.strip()}")
        return errand.accompany(self.folder.resolve(), self.container, host, argv, drill=drill)


def _here() -> str:
    try:
        return HERE.read_text(encoding="ascii")
    except OSError:
        return ""
