"""Taking a lab of containers down, in any state: containerlab first, Docker for what is left, Islandmode's own files last."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path

from islandmode.core.errors import InputError, IslandmodeError, Refused
from islandmode.rehearse.containers import docker
from islandmode.rehearse.containers.lab import Container
from islandmode.rehearse.containers.program import run_program
from islandmode.rehearse.lab import LabFailed, LabUnknown, read_state
from islandmode.rehearse.topology import KEPT, kept_topology

MARK = "deployed-from"
DOWN_S, LOST_S = 60.0, 3.0


def deployed_topology(name: str, folder: Path) -> tuple[str, str]:
    """Return the topology that containerlab gets: the file as it was when the lab came up, under the lab's own name.

    It lies beside the original, so that every path in it means the same. Containerlab's `destroy` goes by the name and the
    nodes in the file: with the original, which may have another name or be changed meanwhile, it would remove nothing and say
    that all is well.
    """
    original = Path((folder / MARK).read_text(encoding="utf-8").rstrip("\n"))
    beside = copy_beside(name, original)
    text = (folder / KEPT).read_text(encoding="utf-8")
    named, count = re.subn(r"^name\s*:.*$", lambda _: f"name: {name}", text, count=1, flags=re.MULTILINE)
    if not count:
        raise InputError(f"{original} names no lab; begin it with a line `name: plant`.")
    try:
        beside.write_text(named, encoding="utf-8")
    except OSError as error:
        raise Refused(
            f"{beside} cannot be written ({error.strerror}); containerlab is told of the lab by it."
        ) from error
    return "--topo", str(beside)


def copy_beside(name: str, original: Path) -> Path:
    """Name the copy of a topology that containerlab is shown; it is hidden, and goes with the lab."""
    return original.with_name(f".{name}.{original.name}")


def down(name: str, state_dir: Path) -> bool:
    """Destroy a lab, also one that never came up, or whose files are gone; returns when Docker has taken all of it away.

    Tells whether there was such a lab.
    """
    folder = (state_dir / name).resolve()
    was_there = (folder / MARK).is_file()
    if not was_there and shutil.which("docker") is None:
        return False
    try:
        ours = _ours(name, folder)
    except Refused:
        if any(container.is_alive for container in _known(name, state_dir).values()):
            raise
        # Nothing of it lives: an engine that has ended has ended it too.
        ours = {}
    trouble = _destroy(name, folder) if ours else None
    left = _ours(name, folder) if ours else {}
    if left:
        removed = docker.ask("rm", "--force", "--volumes", *left, within_s=DOWN_S)
        if removed.returncode != 0:
            raise LabFailed(f"Lab {name} could not be taken down: {removed.stderr.strip()}")
    _let_go(name, state_dir, folder)
    if trouble is not None:
        raise LabFailed(f"{trouble} Its containers were removed; its lines in /etc/hosts may be left.") from trouble
    return was_there or bool(ours)


def _known(name: str, state_dir: Path) -> dict[str, Container]:
    """Return the containers that a lab's state names, alive or not."""
    try:
        state = read_state(name, state_dir) or {}
    except LabUnknown:
        return {}
    return {node: Container(**kept) for node, kept in state.get("containers", {}).items()}


def _ours(name: str, folder: Path) -> dict[str, str]:
    """Return the containers of this very lab that Docker knows, by id: those below its folder, and those of its state."""
    known = {container.id for container in _known(name, folder.parent).values()}
    # Where nothing says that there ever was one, an engine that hangs must not keep a lab of namespaces waiting.
    found = docker.containers_of(name, docker.ANSWER_S if (folder / MARK).is_file() else LOST_S)
    return {
        str(container["Id"]): node
        for node, container in found.items()
        if container["Id"] in known
        or Path(container["Config"]["Labels"].get(docker.LAB_DIR_LABEL, "/")).is_relative_to(folder)
    }


def _destroy(name: str, folder: Path) -> IslandmodeError | None:
    """Have containerlab destroy the lab, with the links and lines that it made; returns why it could not."""
    # Not with `--cleanup`: where it finds no container that deletes a folder beside the topology, which is the user's.
    try:
        run_program(("destroy", *deployed_topology(name, folder), "--keep-mgmt-net"), base=folder, within_s=DOWN_S)
    except IslandmodeError as error:
        return error
    except OSError as error:
        return LabFailed(f"Containerlab could not be told of the lab ({error.strerror}).")
    return None


def _let_go(name: str, state_dir: Path, folder: Path) -> None:
    """Take away what is left when the containers are gone: network, copy of the topology, state; refuses to lose a live lab."""
    alive = [node for node, container in _known(name, state_dir).items() if container.is_alive]
    if alive:
        raise LabFailed(
            f"Lab {name} is not known to this Docker, but {', '.join(alive)} is alive: it belongs to another engine. "
            "Take it down where it came up (DOCKER_HOST, docker context)."
        )
    if (folder / MARK).is_file():
        original = Path((folder / MARK).read_text(encoding="utf-8").rstrip("\n"))
        copy_beside(name, original).unlink(missing_ok=True)
        with suppress(IslandmodeError):
            network = kept_topology(folder, original).management.network
            # A network with members belongs to another lab, and stays; so does a network that containerlab did not make.
            if network and docker.is_containerlabs_network(network):
                docker.ask("network", "rm", network)
    shutil.rmtree(folder, ignore_errors=True)
