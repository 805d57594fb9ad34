"""The namespaces back end: brings a containerlab file up without containers, as root or in user namespaces.

Everything runs under one *anchor*, the first process of a process-id namespace: when it is killed, the kernel kills all
of the lab, with its networks and mounts, and no name of it ever stood on the machine. The anchor holds a
lock in the machine's record, so that a lab is found and ended even when the `up` that made it was killed half-way, or its
folder was deleted. The marker in its command line is for people.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from islandmode.core.errors import InputError, Refused
from islandmode.rehearse.keys import files_in_etc, make_keys
from islandmode.rehearse.lab import (
    KNOWN_HOSTS,
    SECRETS,
    STATE_FILE,
    Lab,
    LabFailed,
    LabGone,
    LabUnknown,
    NodeStatus,
    addresses_in,
    lab_command,
    lab_up_command,
    read_state,
    refuse_foreign,
    wait_until_ready,
)
from islandmode.rehearse.namespaces.honoured import read_for_namespaces
from islandmode.rehearse.node_words import OPERATIONS_HOST, POINT_LABEL
from islandmode.rehearse.own_code import CODE
from islandmode.rehearse.processes import (
    children,
    is_alive,
    kill,
    numbers,
    pids,
    shares_user_namespace,
    started,
    still_lives,
    vantage_point,
)
from islandmode.rehearse.topology import LabNode, Topology, keep_topology, kept_topology
from islandmode.store.active import LOCK_ENDING, hold_lab, known, lab_record_path, record_lab
from islandmode.system.life import lockers
from islandmode.system.process import EMPTY_ENVIRONMENT

BACKEND = "namespaces"
MARKER = "islandmode-lab"
OWN = "own"
NEEDED = ("ip", "nft", "unshare", "nsenter", "conntrack", "sshd", "ssh-keygen", "openssl", "sysctl")
UP_S = 30.0

ANCHOR = r"""
mount --make-rprivate / && mount -t tmpfs -o mode=755 tmpfs /run && mount -t proc proc /proc || exit 1
mkdir -p /run/islandmode-lab /run/lock
ip link set lo up
while :; do sleep 60 & wait $!; done
"""


@dataclass(frozen=True)
class RunningNode:
    """A node's processes, as this machine numbers them."""

    node: LabNode
    network_pid: int
    userland_pid: int


@dataclass(frozen=True)
class NamespacesLab(Lab):
    """A running lab of namespaces."""

    backend: ClassVar[str] = BACKEND
    comes_back: ClassVar[bool] = False
    anchor_pid: int
    anchor_started: str
    nodes: dict[str, RunningNode]
    rootless: bool

    def _running(self, name: str) -> RunningNode:
        self.node(name)
        return self.nodes[name]

    def enter(self, node: str, argv: tuple[str, ...], *, network_only: bool = False) -> tuple[str, ...]:
        """Give the command line that runs `argv` in a node, or only on a node's network."""
        found = self._running(node)
        # A drill on the operations host is inside the lab's user namespace already, and cannot enter it again.
        outside = self.rootless and not shares_user_namespace(found.network_pid)
        user = ("-U", "--preserve-credentials") if outside else ()
        if network_only:
            return ("nsenter", "-t", str(found.network_pid), *user, "-n", "--", *argv)
        clock = ("-T",) if found.node.clock_offset_s else ()
        return ("nsenter", "-t", str(found.userland_pid), *user, "-n", "-m", "-p", "-u", *clock, "--", *argv)

    @property
    def processes(self) -> tuple[tuple[int, str], ...]:
        """Return the anchor, the process by which the lab lives."""
        return ((self.anchor_pid, self.anchor_started),)

    def network_pid(self, node: str) -> int:
        """Return the process that holds a node's network."""
        return self._running(node).network_pid

    def is_here(self) -> bool:
        """Tell whether this process has the operations host's network."""
        try:
            there = Path(f"/proc/{self.network_pid(OPERATIONS_HOST)}/ns/net").readlink()
            return Path("/proc/self/ns/net").readlink() == there
        except OSError as error:
            raise self._unseen(error) from error

    def _unseen(self, error: OSError) -> LabGone | LabUnknown:
        if not is_alive(self.anchor_pid) or started(self.anchor_pid) != self.anchor_started:
            return LabGone(self.name)
        return LabUnknown(f"The operations host of lab {self.name} cannot be seen ({error.strerror}).")

    def _on_operations_host(self, arguments: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Return this process's command line for the operations host's network, and the open namespaces that it enters.

        A lab that dies after this is still entered, and the command there says what became of it: nsenter would end with 1,
        which means *breached*.
        """
        there = Path(f"/proc/{self.network_pid(OPERATIONS_HOST)}/ns")
        outside = self.rootless and not shares_user_namespace(self.network_pid(OPERATIONS_HOST))
        held: list[int] = []
        try:
            for kind in ("net", "user") if outside else ("net",):
                held.append(os.open(there / kind, os.O_RDONLY | os.O_CLOEXEC))
            if started(self.anchor_pid) != self.anchor_started:
                # Its number may be another process's by now.
                raise LabGone(self.name)
        except OSError as error:
            raise self._unseen(error) from error
        network, *user = (f"/proc/self/fd/{descriptor}" for descriptor in held)
        into = (
            f"--net={network}",
            *(f"--user={path}" for path in user),
            *(("--preserve-credentials",) if user else ()),
        )
        return ("nsenter", *into, "--", sys.executable, "-m", "islandmode", *arguments), tuple(held)

    def go(self, arguments: tuple[str, ...], *, drill: bool) -> int | None:
        """Replace this process by itself on the operations host: only the network changes, the files stay; does not return."""
        argv, held = self._on_operations_host(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor in held:
            os.set_inheritable(descriptor, True)
        os.execvp(argv[0], argv)  # noqa: S606 - no shell: the lab's own argv

    def ask(self, arguments: tuple[str, ...]) -> int | None:
        """Run islandmode on the operations host and return its exit code."""
        argv, held = self._on_operations_host(arguments)
        sys.stdout.flush()
        try:
            return subprocess.run(argv, check=False, pass_fds=held).returncode
        finally:
            for descriptor in held:
                os.close(descriptor)

    @property
    def login(self) -> tuple[str, str] | None:
        """Give user and way to root where they differ from the site's: sudo does not work in user namespaces."""
        return ("root", "root") if self.rootless else None


def up(path: Path, *, name: str, state_dir: Path) -> NamespacesLab:
    """Bring a lab up and return when the plant answers; on any failure nothing of it is left."""
    topology = read_for_namespaces(path, lab_up_command(name, state_dir, path, "containerlab"))
    _check_machine()
    if attach(name, state_dir) is not None:
        raise InputError(f"Lab {name} is already up; use it, or end it with `{lab_command('down', name, state_dir)}`.")
    down(name, state_dir)
    folder = state_dir / name
    try:
        (folder / SECRETS).mkdir(parents=True, mode=0o700)
        for own in (CODE, *topology.nodes):
            (folder / OWN / own).mkdir(parents=True)
        keep_topology(topology, folder)
    except OSError as error:
        raise Refused(f"The lab's state cannot be kept in {folder} ({error.strerror}).") from error
    try:
        # Recorded before anything of it lives: it is found and ended even when its folder is gone.
        record_lab(name, state_dir, BACKEND, "", {})
        state = _build(topology, folder, _start_anchor(name, state_dir))
        lab = _lab(topology, name, state_dir, state)
        wait_until_ready(lab, sys.executable)
        # Last: a lab without it never came up whole, and the next `up` clears it away.
        _write_state(folder, state)
        record_lab(name, state_dir, BACKEND, lab.identity, lab.lives_by)
    except BaseException:
        down(name, state_dir)
        raise
    return lab


def _check_machine() -> None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    missing = [tool for tool in NEEDED if shutil.which(tool, path=path) is None]
    if missing:
        raise Refused(
            f"This machine lacks {', '.join(missing)}; install them with: "
            "apt-get install nftables iproute2 conntrack openssh-server openssl procps util-linux frr sudo"
        )
    if os.geteuid() == 0:
        return
    tried = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise Refused(
            "The lab needs root, or user namespaces with a range of user ids. Run it as root, or install uidmap and give "
            f"this account a range in /etc/subuid and /etc/subgid (unshare said: {tried.stderr.strip()})."
        )


def _unshare() -> list[str]:
    rootless = [] if os.geteuid() == 0 else ["-U", "--map-auto", "--map-root-user"]
    return ["unshare", *rootless, "-m", "-p", "-n", "-u", "--fork", "--kill-child=KILL"]


def _start_anchor(name: str, state_dir: Path) -> int:
    """Start the anchor in a session of its own, and return its first process as this machine numbers it."""
    argv = [*_unshare(), "sh", "-c", ANCHOR, MARKER, _marker(name, state_dir)]
    null, pipe = subprocess.DEVNULL, subprocess.PIPE
    lock = hold_lab(name, state_dir)
    # Its output ends with it: a pipe that stayed open would keep a reader of this process's output waiting.
    given: dict[str, Any] = {"stdin": null, "stdout": null, "stderr": pipe, "env": _environment()}
    # The anchor holds the lab's lock from its first moment to its last: that is how it is found again.
    outer = subprocess.Popen(argv, start_new_session=True, pass_fds=(lock,), **given)
    os.close(lock)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        below = children(outer.pid)
        if below and _is_ready(below[0]):
            if outer.stderr is not None:
                outer.stderr.close()
            # It is meant to outlive this process; without a code Python would complain that it still runs.
            outer.returncode = 0
            return below[0]
        if outer.poll() is not None:
            said = outer.stderr.read().decode(errors="replace").strip() if outer.stderr else ""
            raise LabFailed(f"The lab's namespaces could not be made: {said or outer.returncode}")
        time.sleep(0.005)
    outer.kill()
    raise LabFailed("The lab's namespaces did not come up within 5 s.")


def _environment() -> dict[str, str]:
    # Every process in the lab keeps this environment to its end: it takes only the search path from the shell.
    return {**EMPTY_ENVIRONMENT, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}


def _is_ready(pid: int) -> bool:
    """Tell whether an anchor has made its mounts."""
    try:
        return Path(f"/proc/{pid}/root", "run/islandmode-lab").is_dir()
    except PermissionError:
        # Its user namespace cannot be looked into until it has mapped this account.
        return False


def _build(topology: Topology, folder: Path, anchor: int) -> dict[str, Any]:
    """Make the nodes; returns the lab's state."""
    identity = secrets.token_hex(8)
    rootless = os.geteuid() != 0
    specification = _specification(topology, folder, rootless=rootless)
    made = _inside(anchor, specification, "build", rootless=rootless)
    state = {"identity": identity, "anchor": anchor, "started": started(anchor), "rootless": rootless, "made": made}
    return state | vantage_point() | {"specification": specification, "topology": str(topology.file)}


def _specification(topology: Topology, folder: Path, *, rootless: bool) -> dict[str, Any]:
    """Write everything that `anchor` needs, as JSON."""
    nodes: dict[str, Any] = {}
    known_hosts: list[str] = []
    for name, node in topology.nodes.items():
        files = {"hosts": (f"127.0.0.1 localhost {name}\n::1 localhost {name}\n", 0o644), "resolv.conf": ("", 0o644)}
        files["hostname"] = (f"{name}\n", 0o644)
        point = node.labels.get(POINT_LABEL)
        if point is not None:
            keys = make_keys(folder / SECRETS, point)
            files |= files_in_etc(keys, rootless=rootless)
            known_hosts += [f"{address} {keys.public}\n" for address in node.management]
        nodes[name] = {
            "exec": node.exec,
            "binds": node.bound((folder / OWN).resolve()),
            "sysctls": node.sysctls,
            "env": {"PYTHON": sys.executable, **node.env},
            "clock_offset_s": node.clock_offset_s,
            "management": [topology.on_management(address) for address in node.management],
            "files": files,
        }
    (folder / KNOWN_HOSTS).write_text("".join(known_hosts), encoding="ascii")
    links = [(link.node_a, link.interface_a, link.node_b, link.interface_b) for link in topology.links]
    return {"nodes": nodes, "links": links}


def _inside(anchor: int, specification: dict[str, Any], *words: str, rootless: bool) -> dict[str, Any]:
    """Run `anchor` within the anchor; raises `LabFailed` with its error."""
    user = ["-U", "--preserve-credentials"] if rootless else []
    enter = ["nsenter", "-t", str(anchor), *user, "-m", "-p", "-n", "-u", "--"]
    # By its path, not as a module: the package's own imports would cost the lab more time than all its nodes.
    program = str(Path(__file__).with_name("anchor.py"))
    argv = [*enter, sys.executable, program, *words]
    try:
        done = subprocess.run(
            argv,
            input=json.dumps(specification),
            capture_output=True,
            text=True,
            check=False,
            timeout=UP_S,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise LabFailed(f"The lab did not come up within {UP_S:g} s.") from None
    if done.returncode != 0:
        raise LabFailed(f"The lab did not come up: {done.stderr.strip() or done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    ours = numbers(anchor)
    return {kind: {node: ours[pid] for node, pid in found[kind].items()} for kind in ("networks", "userlands")} | {
        "inside": found
    }


def _write_state(folder: Path, state: dict[str, Any]) -> None:
    new = folder / f"{STATE_FILE}.new"
    new.write_text(json.dumps(state), encoding="utf-8")
    # It holds the firewall's host key and password hash.
    new.chmod(0o600)
    new.replace(folder / STATE_FILE)


def _lab(topology: Topology, name: str, state_dir: Path, state: dict[str, Any]) -> NamespacesLab:
    made = state["made"]
    nodes = {
        node: RunningNode(topology.nodes[node], made["networks"][node], made["userlands"][node])
        for node in topology.nodes
    }
    anchor = (state["anchor"], state["started"])
    return NamespacesLab(name, state_dir, state["identity"], topology, *anchor, nodes, state["rootless"])


def attach(name: str, state_dir: Path) -> NamespacesLab | None:
    """Return the running lab of that name; None when no such lab runs."""
    state = read_state(name, state_dir)
    if state is None:
        return None
    refuse_foreign(name, state)
    if not state["started"] or started(state["anchor"]) != state["started"]:
        return None
    return _lab(kept_topology(state_dir / name, Path(state["topology"])), name, state_dir, state)


def down(name: str, state_dir: Path) -> bool:
    """End a lab, also one that never came up; returns when the kernel has taken all of it away, and whether there was one."""
    lock, folder = lab_record_path(name, state_dir).with_suffix(LOCK_ENDING), state_dir / name
    ended: list[int] = []
    found = _anchors(name, state_dir)
    until = time.monotonic() + 10
    while found and time.monotonic() < until:
        ended += found
        for pid in found:
            kill(pid)
        while any(is_alive(pid) for pid in found) and time.monotonic() < until:
            time.sleep(0.005)
        # What was being forked when its parent was killed could not be found before, and does not die with it.
        found = [pid for pid in lockers(lock) if pid not in ended]
    was_there = bool(ended) or folder.is_dir()
    shutil.rmtree(folder, ignore_errors=True)
    if any(is_alive(pid) for pid in (*ended, *found)):
        raise LabFailed(f"Lab {name} could not be ended within 10 s; its first process still lives.")
    for path in (lock, lab_record_path(name, state_dir)):
        with suppress(OSError):
            path.unlink()
    return was_there


def _marker(name: str, state_dir: Path) -> str:
    return f"{state_dir.resolve()}/{name}"


def _anchors(name: str, state_dir: Path) -> list[int]:
    """Find a lab's anchor and its `unshare`: by the lock that they hold, or by the recorded process number and start time."""
    path = lab_record_path(name, state_dir)
    written = [lab.lives_by for lab in known().labs if lab.path == path and lab.backend == BACKEND]
    try:
        state = read_state(name, state_dir)
    except LabUnknown:
        state = None
    if state is not None and state.get("backend", BACKEND) == BACKEND:
        written.append({**state, "processes": [[state["anchor"], state["started"]]]})
    recorded = [int(pid) for lives_by in written if still_lives(lives_by) for pid, _ in lives_by["processes"]]
    return list(dict.fromkeys((*lockers(path.with_suffix(LOCK_ENDING)), *recorded)))


def restart(lab: NamespacesLab, node: str) -> NamespacesLab:
    """Restart a node: links and saved files stay, running state is cleared, it boots from its saved configuration."""
    lab.node(node)
    folder = lab.state_dir / lab.name
    state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
    specification = state["specification"] | state["made"]["inside"]
    state["made"] = _inside(lab.anchor_pid, specification, "restart", node, rootless=lab.rootless)
    _write_state(folder, state)
    return _lab(lab.topology, lab.name, lab.state_dir, state)


def status(lab: NamespacesLab) -> tuple[NodeStatus, ...]:
    """List what runs in a lab."""
    nodes = []
    for running in lab.nodes.values():
        shown = subprocess.run(
            lab.enter(running.node.name, ("ip", "-j", "addr"), network_only=True),
            capture_output=True,
            text=True,
            check=False,
        )
        addresses = addresses_in(json.loads(shown.stdout or "[]"))
        nodes.append(NodeStatus(running.node.name, running.node.role, addresses, pids(running.userland_pid)))
    return tuple(nodes)
