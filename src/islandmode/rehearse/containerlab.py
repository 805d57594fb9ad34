"""The containerlab back end: deploys the same file with a real containerlab and Docker.

The conductor runs in the operations host's container, with this very code, and sees the workspace at its own path. What has
to be done from outside meanwhile, starting the far vantages' workers, is done by whoever started it (`errand.py`).
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from islandmode.core.errors import InputError, Refused
from islandmode.rehearse import docker, errand
from islandmode.rehearse.code import CODE, code_digest, copy_code
from islandmode.rehearse.containerlab_program import program, run_program
from islandmode.rehearse.keys import make_keys, put_into
from islandmode.rehearse.lab import (
    KNOWN_HOSTS,
    SECRETS,
    STATE_FILE,
    Lab,
    LabFailed,
    LabUnknown,
    NodeStatus,
    addresses_in,
)
from islandmode.rehearse.topology import (
    KEPT,
    OPERATIONS_HOST,
    READY_LABEL,
    Topology,
    keep_topology,
    kept_topology,
    read_topology,
)

BACKEND = "containerlab"
MARK = "deployed-from"
OUR_IMAGES = {
    "islandmode-node:dev": "build it with `sh lab/build-image`",
    "islandmode-hmi:dev": "build it with `sh lab/build-image hmi`",
}
HERE = Path("/etc/islandmode-lab")
"""In the operations host's container: the identity of its lab."""
OWN_TARGET = "/run/own"
WORKSPACE_TARGET = "/run/workspace"
PYTHON = "python3"
UP_S, DOWN_S, READY_S, KEYS_S = 120.0, 60.0, 30.0, 15.0
SEE_WORKSPACE = """
[ "$(stat -c %d:%i "$1" 2>/dev/null)" = "$(stat -c %d:%i /run/workspace)" ] && exit 0
mkdir -p "$1" && mount --bind /run/workspace "$1"
"""


@dataclass(frozen=True)
class ContainerLab(Lab):
    """A running lab of containers, by their ids."""

    containers: Mapping[str, str]
    code: str

    def enter(self, node: str, argv: tuple[str, ...], *, network_only: bool = False) -> tuple[str, ...]:
        """Give the command line that runs `argv` in a node; there is no network without its container."""
        self.node(node)
        if not self.is_here():
            return docker.enter(self.containers[node], argv)
        return argv if node == OPERATIONS_HOST else errand.ask_for(node, argv)

    def shell(self, node: str, argv: tuple[str, ...], *, terminal: bool) -> tuple[str, ...]:
        """Give the command line that runs `argv` in a node for a person, on their terminal if they sit at one."""
        entered = self.enter(node, argv)
        at = entered.index("--interactive") if terminal and "--interactive" in entered else None
        return entered if at is None else (*entered[:at], "--tty", *entered[at:])

    def network_pid(self, node: str) -> int:
        """Give the container's first process."""
        self.node(node)
        return docker.network_pid(self.containers[node])

    def is_here(self) -> bool:
        """Tell whether this process is in the operations host's container."""
        return _here() == self.identity

    def go(self, arguments: tuple[str, ...], *, drill: bool) -> int:
        """Run ourselves in the operations host's container; when we are told to end, or die, a drill there restores."""
        wanted = arguments[arguments.index("--workspace") + 1]
        if not Path(wanted).is_relative_to(self.topology.workspace):
            raise InputError(
                f"Lab {self.name} belongs to the workspace {self.topology.workspace}; {wanted} is not in it. "
                "Bring up a lab from there."
            )
        self.show_workspace()
        if drill and code_digest() != self.code:
            raise Refused(
                f"Lab {self.name} was brought up by another version of islandmode than this one; "
                "take it down and up again with `islandmode lab down` and `islandmode lab up`. Nothing was touched."
            )
        here = (PYTHON, "-m", "islandmode", *arguments)
        return errand.accompany(self, self.containers[OPERATIONS_HOST], here, lifeline=drill)

    def show_workspace(self) -> None:
        """Let the operations host see the lab's workspace where this machine sees it, so that every path is the same."""
        root = str(self.topology.workspace)
        done = docker.ask("exec", self.containers[OPERATIONS_HOST], "sh", "-c", SEE_WORKSPACE, "sh", root)
        if done.returncode != 0:
            raise Refused(f"The operations host cannot see the workspace {root}: {done.stderr.strip()}")


def up(path: Path, *, name: str, state_dir: Path) -> ContainerLab:
    """Deploy a lab and return when the plant answers; on any failure nothing of it is left."""
    topology = read_topology(path)
    docker.check()
    program()
    _check_images(topology)
    if attach(name, state_dir) is not None:
        raise InputError(f"Lab {name} is already up; use it, or end it with `islandmode lab down`.")
    _refuse_clash(name, state_dir)
    down(name, state_dir)
    folder = (state_dir / name).resolve()
    try:
        (folder / SECRETS).mkdir(parents=True, mode=0o700)
        keep_topology(topology, folder)
        (folder / MARK).write_text(f"{topology.file}\n", encoding="utf-8")
    except OSError as error:
        raise Refused(f"The lab's state cannot be kept in {folder} ({error.strerror}).") from error
    try:
        lab = _deploy(topology, name, state_dir, folder)
        _wait_until_ready(lab)
        _learn_foreign_keys(lab)
        # Last: a lab without it never came up whole, and the next `up` clears it away.
        _write_state(lab)
    except BaseException:
        down(name, state_dir)
        raise
    return lab


def _check_images(topology: Topology) -> None:
    for image in sorted({node.image for node in topology.nodes.values() if node.image}):
        if not docker.has_image(image):
            how = OUR_IMAGES.get(image, f"load it with `docker pull {image}` or `docker load`")
            raise Refused(f"Image {image} is not on this machine; {how}.")


def _refuse_clash(name: str, state_dir: Path) -> None:
    for one in docker.containers_of(name).values():
        theirs = one["Config"]["Labels"].get(docker.LAB_DIR_LABEL, "")
        if not Path(theirs).is_relative_to((state_dir / name).resolve()):
            place = Path(one["Config"]["Labels"].get("clab-topo-file", "?/?")).parent
            raise InputError(
                f"Another lab named {name} is up, from {place}; end it there, or choose another name with --lab."
            )


def _deploy(topology: Topology, name: str, state_dir: Path, folder: Path) -> ContainerLab:
    lab_dir = _lab_dir(name, folder)
    known_hosts = []
    for point, node in topology.points.items():
        keys = make_keys(folder / SECRETS, point)
        (lab_dir / node.name).mkdir(parents=True)
        if _takes_our_keys(topology, node.name):
            put_into(lab_dir / node.name, keys)
            known_hosts += [f"{address} {keys.public}\n" for address in node.management]
    (folder / KNOWN_HOSTS).write_text("".join(known_hosts), encoding="ascii")
    code = copy_code(lab_dir / CODE)
    run_program(("deploy", *_deployed(name, folder), "--skip-labdir-acl"), base=folder, within_s=UP_S)
    containers = {node: str(one["Id"]) for node, one in docker.containers_of(name).items()}
    missing = [node for node in topology.nodes if node not in containers]
    if missing:
        raise LabFailed(f"The lab did not come up: no container was made for {', '.join(missing)}.")
    identity = secrets.token_hex(8)
    marked = docker.ask("exec", "--interactive", containers[OPERATIONS_HOST], "tee", str(HERE), given=identity)
    if marked.returncode != 0:
        raise LabFailed(f"The operations host cannot be written: {marked.stderr.strip()}")
    return ContainerLab(name, state_dir, identity, topology, containers, code)


def _deployed(name: str, folder: Path) -> tuple[str, str]:
    """Give the topology that containerlab is told of: the file as it was when the lab came up, under the lab's own name.

    It lies beside the original, so that every path in it means the same. Containerlab's `destroy` goes by the name and the
    nodes in the file: with the original, which may have another name or be changed meanwhile, it would remove nothing and say
    that all is well.
    """
    original = Path((folder / MARK).read_text(encoding="utf-8").rstrip("\n"))
    beside = original.with_name(f".{name}.{original.name}")
    text = (folder / KEPT).read_text(encoding="utf-8")
    named = re.sub(r"^name:.*$", f"name: {name}", text, count=1, flags=re.MULTILINE)
    try:
        beside.write_text(named, encoding="utf-8")
    except OSError as error:
        raise Refused(
            f"{beside} cannot be written ({error.strerror}); containerlab is told of the lab by it."
        ) from error
    return "--topo", str(beside)


def _lab_dir(name: str, folder: Path) -> Path:
    """Give containerlab's own folder for this lab; it replaces `__clabDir__` in binds."""
    return folder / f"clab-{name}"


def _takes_our_keys(topology: Topology, node: str) -> bool:
    return any(target == OWN_TARGET for _, target in topology.nodes[node].binds)


def _wait_until_ready(lab: ContainerLab) -> None:
    for name, node in lab.topology.nodes.items():
        check = node.labels.get(READY_LABEL)
        if check is None:
            continue
        argv = lab.enter(name, (PYTHON, check))
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, check=False, timeout=READY_S, stdin=subprocess.DEVNULL
            )
            why = done.stdout.strip() or done.stderr.strip() if done.returncode != 0 else ""
        except subprocess.TimeoutExpired:
            why = f"{name} did not end its ready-check within {READY_S:g} s"
        if why:
            raise LabFailed(f"The lab came up but does not answer: {why}")


def _learn_foreign_keys(lab: ContainerLab) -> None:
    """Learn the host keys of firewalls with an image of their own, over the management network that this lab just made."""
    for point, node in lab.topology.points.items():
        if _takes_our_keys(lab.topology, node.name):
            continue
        (lab.folder / SECRETS / point).unlink()
        argv = ("ssh-keyscan", "-T", "5", *node.management)
        learned = ""
        for _ in range(round(KEYS_S / 5)):
            asked = docker.ask("exec", lab.containers[OPERATIONS_HOST], *argv, within_s=KEYS_S)
            learned = "".join(f"{line}\n" for line in asked.stdout.splitlines() if not line.startswith("#"))
            if learned:
                break
        if not learned:
            raise LabFailed(
                f"The lab came up, but {node.name} offers no SSH on {' or '.join(node.management) or 'any address'}."
            )
        with lab.known_hosts.open("a", encoding="ascii") as known_hosts:
            known_hosts.write(learned)


def _write_state(lab: ContainerLab) -> None:
    state = {
        "backend": BACKEND,
        "identity": lab.identity,
        "topology": str(lab.topology.file),
        "containers": dict(lab.containers),
        "code": lab.code,
    }
    new = lab.folder / f"{STATE_FILE}.new"
    new.write_text(json.dumps(state), encoding="utf-8")
    new.replace(lab.folder / STATE_FILE)


def attach(name: str, state_dir: Path) -> ContainerLab | None:
    """Return the running lab of that name; None when there is none. Raises `LabUnknown` where Docker cannot be asked."""
    try:
        state: dict[str, Any] = json.loads((state_dir / name / STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    topology = kept_topology(state_dir / name, Path(state["topology"]))
    lab = ContainerLab(name, state_dir, state["identity"], topology, state["containers"], state["code"])
    if lab.is_here():
        return lab
    there = docker.running(list(lab.containers.values()))
    if there is None:
        raise LabUnknown(f"Lab {name} runs in containers, and Docker does not answer; start its service and try again.")
    return lab if there else None


def _here() -> str:
    try:
        return HERE.read_text(encoding="ascii")
    except OSError:
        return ""


def down(name: str, state_dir: Path) -> None:
    """Destroy a lab, also one that never came up; returns when Docker has taken all of it away."""
    folder = (state_dir / name).resolve()
    if not (folder / MARK).is_file():
        return
    deployed = _deployed(name, folder)
    ours = [one["Id"] for one in docker.containers_of(name).values() if _is_below(one, folder)]
    trouble: LabFailed | None = None
    if ours:
        try:
            run_program(("destroy", *deployed, "--cleanup"), base=folder, within_s=DOWN_S)
        except LabFailed as error:
            trouble = error
    left = [one["Id"] for one in docker.containers_of(name).values() if _is_below(one, folder)]
    if left:
        removed = docker.ask("rm", "--force", "--volumes", *left, within_s=DOWN_S)
        if removed.returncode != 0:
            raise LabFailed(f"Lab {name} could not be taken down: {removed.stderr.strip()}")
    # A deploy that was killed before its first container leaves its network; one with members is another lab's.
    network = read_topology(folder / KEPT).network
    if network:
        docker.ask("network", "rm", network)
    Path(deployed[1]).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    if trouble is not None:
        raise LabFailed(
            f"{trouble} Its containers were removed by Docker; its lines in /etc/hosts may be left."
        ) from trouble


def _is_below(container: dict[str, Any], folder: Path) -> bool:
    return Path(container["Config"]["Labels"].get(docker.LAB_DIR_LABEL, "/")).is_relative_to(folder)


def restart(lab: ContainerLab, node: str) -> ContainerLab:
    """Restart a node: links and saved files stay, running state is cleared, it boots from its saved configuration."""
    lab.node(node)
    folder = lab.folder.resolve()
    # It keeps the links, and boots the node by the same lines as the first time.
    run_program(("restart", *_deployed(lab.name, folder), "--node", node), base=folder, within_s=UP_S)
    _wait_until_ready(lab)
    return lab


def status(lab: ContainerLab) -> tuple[NodeStatus, ...]:
    """Say what runs in a lab."""
    nodes = []
    for name, node in lab.topology.nodes.items():
        shown = docker.ask("exec", lab.containers[name], "ip", "-j", "addr")
        counted = docker.ask("top", lab.containers[name], "-eo", "pid")
        pids = tuple(int(line) for line in counted.stdout.split()[1:])
        nodes.append(NodeStatus(name, node.role, addresses_in(json.loads(shown.stdout or "[]")), pids))
    return tuple(nodes)
