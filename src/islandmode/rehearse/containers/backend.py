"""The containerlab back end: deploys the same file with a real containerlab and Docker.

The conductor runs in the operations host's container, with this very code, and sees the workspace at its own path. What has
to be done from outside meanwhile, starting the far vantages' workers, is done by the process that started it (`errand.py`).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, replace
from pathlib import Path

from islandmode.core.errors import InputError, IslandmodeError, Refused
from islandmode.rehearse.containers import docker
from islandmode.rehearse.containers.down import MARK, deployed_topology, down
from islandmode.rehearse.containers.lab import BACKEND, HERE, PYTHON, Container, ContainerLab
from islandmode.rehearse.containers.program import program, run_program
from islandmode.rehearse.keys import make_keys, put_into
from islandmode.rehearse.lab import (
    KNOWN_HOSTS,
    SECRETS,
    STATE_FILE,
    LabFailed,
    LabUnknown,
    NodeStatus,
    addresses_in,
    build_command,
    lab_command,
    read_state,
    refuse_foreign,
    wait_until_ready,
)
from islandmode.rehearse.node_words import OPERATIONS_HOST, READY_WITHIN_LABEL
from islandmode.rehearse.own_code import CODE, copy_code
from islandmode.rehearse.processes import started, vantage_point
from islandmode.rehearse.topology import OUR_IMAGES, Topology, keep_topology, kept_topology, read_topology
from islandmode.store.active import record_lab

OWN_TARGET = "/run/own"
UP_S, SCAN_S = 120.0, 5


def up(path: Path, *, name: str, state_dir: Path) -> ContainerLab:
    """Deploy a lab and return when the plant answers; on any failure nothing of it is left."""
    topology = read_topology(path)
    docker.check()
    program(topology.workspace)
    _check_images(topology)
    if attach(name, state_dir) is not None:
        raise InputError(f"Lab {name} is already up; use it, or end it with `{lab_command('down', name, state_dir)}`.")
    _refuse_clash(name, state_dir)
    down(name, state_dir)
    folder = (state_dir / name).resolve()
    try:
        (folder / SECRETS).mkdir(parents=True, mode=0o700)
        record_lab(name, state_dir, BACKEND, "", {})
        keep_topology(topology, folder)
        (folder / MARK).write_text(f"{topology.file}\n", encoding="utf-8")
    except OSError as error:
        raise Refused(f"The lab's state cannot be kept in {folder} ({error.strerror}).") from error
    try:
        lab = _deploy(topology, name, state_dir, folder)
        _learn_foreign_keys(lab)
        wait_until_ready(lab, PYTHON)
        # Last: a lab without it never came up whole, and the next `up` clears it away.
        _write_state(lab)
        record_lab(name, state_dir, BACKEND, lab.identity, lab.lives_by)
    except BaseException as failed:
        try:
            down(name, state_dir)
        except IslandmodeError as second:
            raise LabFailed(f"{failed} And it could not all be taken away again: {second}") from failed
        raise
    return lab


def _check_images(topology: Topology) -> None:
    for image in sorted({node.image for node in topology.nodes.values() if node.image}):
        if not docker.has_image(image):
            how = f"load it with `docker pull {image}` or `docker load`"
            if image in OUR_IMAGES:
                how = f"build it with {build_command(topology.workspace, *OUR_IMAGES[image])}"
            raise Refused(f"Image {image} is not on this machine; {how}.")


def _refuse_clash(name: str, state_dir: Path) -> None:
    for container in docker.containers_of(name).values():
        lab_dir = container["Config"]["Labels"].get(docker.LAB_DIR_LABEL, "")
        if not Path(lab_dir).is_relative_to((state_dir / name).resolve()):
            place = Path(container["Config"]["Labels"].get("clab-topo-file", "?/?")).parent
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
    # Some kinds wait for their nodes themselves.
    within_s = UP_S + max(node.ready_within_s for node in topology.nodes.values())
    run_program(("deploy", *deployed_topology(name, folder), "--skip-labdir-acl"), base=folder, within_s=within_s)
    containers = _containers(name)
    missing = [node for node in topology.nodes if node not in containers]
    if missing:
        raise LabFailed(f"The lab did not come up: no container was made for {', '.join(missing)}.")
    identity = secrets.token_hex(8)
    marked = docker.ask("exec", "--interactive", containers[OPERATIONS_HOST].id, "tee", str(HERE), given=identity)
    if marked.returncode != 0:
        raise LabFailed(f"The operations host cannot be written: {marked.stderr.strip()}")
    return ContainerLab(name, state_dir, identity, topology, containers, code)


def _containers(name: str) -> dict[str, Container]:
    found = {}
    for node, container in docker.containers_of(name).items():
        pid = int(container["State"]["Pid"])
        found[node] = Container(str(container["Id"]), pid, started(pid) if pid else "")
    return found


def _lab_dir(name: str, folder: Path) -> Path:
    """Give containerlab's own folder for this lab; it replaces `__clabDir__` in binds."""
    return folder / f"clab-{name}"


def _takes_our_keys(topology: Topology, node: str) -> bool:
    return any(target == OWN_TARGET for _, target, _ in topology.nodes[node].binds)


def _learn_foreign_keys(lab: ContainerLab) -> None:
    """Learn the host keys of firewalls with an image of their own, over the management network that this lab just made."""
    for point, node in lab.topology.points.items():
        if _takes_our_keys(lab.topology, node.name):
            continue
        (lab.folder / SECRETS / point).unlink()
        # It waits up to so many seconds for an address, and is asked again until the node has had its time.
        argv = ("exec", lab.container(OPERATIONS_HOST), "ssh-keyscan", "-T", str(SCAN_S), *node.management)
        learned: list[str] = []
        for _ in range(-(-node.ready_within_s // SCAN_S)):
            asked = docker.ask(*argv, within_s=SCAN_S * 6 * max(len(node.management), 1))
            learned = [line for line in asked.stdout.splitlines() if line and not line.startswith("#")]
            if learned:
                break
        if not learned:
            where = " or ".join(node.management) or "any address"
            raise LabFailed(
                f"The lab came up, but {node.name} offers no SSH on {where} within {node.ready_within_s} s; if it boots "
                f"for longer, give it the label {READY_WITHIN_LABEL}."
            )
        with lab.known_hosts.open("a", encoding="ascii") as known_hosts:
            known_hosts.write("".join(f"{line}\n" for line in learned))


def _write_state(lab: ContainerLab) -> None:
    state = {
        "backend": BACKEND,
        "identity": lab.identity,
        "topology": str(lab.topology.file),
        "containers": {node: asdict(container) for node, container in lab.containers.items()},
        "code": lab.code,
        **vantage_point(),
    }
    new = lab.folder / f"{STATE_FILE}.new"
    new.write_text(json.dumps(state), encoding="utf-8")
    new.replace(lab.folder / STATE_FILE)


def attach(name: str, state_dir: Path) -> ContainerLab | None:
    """Return the running lab of that name; None when no such lab runs.

    Docker is not asked, because it may hang or be another engine: the kernel knows which processes live. A lab of which
    only a part lives, without the firewall or the operations host, raises `LabUnknown`: it cannot be seen what is isolated there.
    """
    state = read_state(name, state_dir)
    if state is None:
        return None
    containers = {node: Container(**kept) for node, kept in state["containers"].items()}
    topology = kept_topology(state_dir / name, Path(state["topology"]))
    lab = ContainerLab(name, state_dir, state["identity"], topology, containers, state["code"])
    if lab.is_here():
        return lab
    refuse_foreign(name, state)
    alive = {node for node, container in containers.items() if container.is_alive}
    if not alive:
        return None
    needed = {OPERATIONS_HOST, *(node.name for node in topology.points.values())}
    if needed - alive:
        raise LabUnknown(
            f"Lab {name} runs only in part, without {', '.join(sorted(needed - alive))}: what is isolated in it cannot be "
            f"seen. End it with `{lab_command('down', name, state_dir)}`."
        )
    return lab


def restart(lab: ContainerLab, node: str) -> ContainerLab:
    """Restart a node: links and saved files stay, running state is cleared, it boots from its saved configuration."""
    lab.node(node)
    folder = lab.folder.resolve()
    # It keeps the links, and boots the node by the same lines as the first time.
    run_program(("restart", *deployed_topology(lab.name, folder), "--node", node), base=folder, within_s=UP_S)
    again = replace(lab, containers=_containers(lab.name))
    _write_state(again)
    record_lab(lab.name, lab.state_dir, BACKEND, again.identity, again.lives_by)
    wait_until_ready(again, PYTHON)
    return again


def status(lab: ContainerLab) -> tuple[NodeStatus, ...]:
    """Say what runs in a lab."""
    nodes = []
    for name, node in lab.topology.nodes.items():
        shown = docker.ask("exec", lab.container(name), "ip", "-j", "addr")
        counted = docker.ask("top", lab.container(name), "-eo", "pid")
        pids = tuple(int(line) for line in counted.stdout.split()[1:])
        nodes.append(NodeStatus(name, node.role, addresses_in(json.loads(shown.stdout or "[]")), pids))
    return tuple(nodes)
