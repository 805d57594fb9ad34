"""Fifty firewalls isolated at once, beside OpenSSH's own fifty: python bench/fifty_firewalls.py [firewalls] [rounds].

Each firewall is a network namespace with a real sshd and the kernel's nftables; all of them share this machine's cores with
what is measured. A process of its own hears the kernel's own word of each change of rules, so that a rule counts from when it is
in force and not from when its answer came. In each round, interleaved:

    log in       a fresh login on every firewall at once, by OpenSSH and by Islandmode: floors for arming, which logs in too
    arm          every point at once, with its session for restoring opened and its object read back
    isolate      every point at once, each with its ticket taken beforehand, as a stage does: until the last rule is in force
    OpenSSH      one `ssh` for each firewall over a connection that stands already: until the last rule is in force

Needs root.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from typing import IO, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import anyio

from islandmode.core.outcome import Reading
from islandmode.isolation.nftables.point import NftablesPoint, NftAccess
from islandmode.system.clock import MachineClock
from tests.isolation.nftables.plant import OFFICE, planned

FIREWALLS, ROUNDS = 50, 5
CLONE_NEWNET = 0x40000000
NETLINK_NETFILTER, NFNLGRP_NFTABLES = 12, 7
NFT_SUBSYSTEM, NEW_GENERATION = 10, 15
"""Of linux/netfilter/nfnetlink.h and nf_tables.h: each transaction that was committed ends with a new generation."""
DEADLINE_S = 60.0
SETTLE_S = 0.5
SSHD = """
UsePAM no
UseDNS no
StrictModes no
PermitRootLogin prohibit-password
MaxSessions 20
MaxStartups 200
PidFile none
"""


def address(number: int) -> str:
    """Give a firewall's address."""
    return f"10.77.0.{number}"


def sh(*argv: str) -> None:
    """Run a program that must work."""
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def mount_own() -> None:
    """Mount folders that end with this process, in its own namespaces."""
    sh("mount", "--make-rprivate", "/")
    sh("mount", "-t", "tmpfs", "tmpfs", "/run")
    sh("mount", "-t", "proc", "proc", "/proc")
    for place in ("/run/netns", "/run/sshd"):
        Path(place).mkdir()
    for name in (".bashrc", ".profile", ".bash_profile"):
        # What this machine's own root has there is no part of a firewall.
        login_file = Path.home() / name
        if login_file.exists():
            sh("mount", "--bind", "/dev/null", str(login_file))


def bring_up(folder: Path, numbers: Sequence[int]) -> None:
    """Make the firewalls."""
    for name in ("login", "host"):
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    (folder / "sshd").write_text(f"{SSHD}AuthorizedKeysFile {folder / 'login.pub'}\n", encoding="ascii")
    host_key = (folder / "host.pub").read_text(encoding="ascii").split()[:2]
    known = "".join(f"{address(number)} {' '.join(host_key)}\n" for number in numbers)
    (folder / "known_hosts").write_text(known, encoding="ascii")
    sh("ip", "link", "set", "lo", "up")
    sh("ip", "link", "add", "plant", "type", "bridge")
    sh("ip", "addr", "add", "10.77.0.254/24", "dev", "plant")
    sh("ip", "link", "set", "plant", "up")
    for number in numbers:
        name = f"fw{number}"
        sh("ip", "netns", "add", name)
        sh("ip", "link", "add", name, "master", "plant", "up", "type", "veth", "peer", "name", "eth0", "netns", name)
        sh("ip", "-n", name, "addr", "add", f"{address(number)}/24", "dev", "eth0")
        sh("ip", "-n", name, "link", "set", "eth0", "up")
        sh("ip", "netns", "exec", name, "nft", "add table inet mine; add set inet mine off { type ipv4_addr; }")
        # The same path for each, as sshd starts itself anew.
        daemon = ("/usr/sbin/sshd", "-f", str(folder / "sshd"), "-h", str(folder / "host"))
        sh("ip", "netns", "exec", name, *daemon)


class Witness:
    """Hears from the kernel of each firewall when its rules last changed, in a process that does nothing else."""

    def __init__(self, numbers: Sequence[int]) -> None:
        """Start it."""
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line = mine
        self._pid = os.fork()
        if self._pid == 0:
            mine.close()
            _hear(its, [_heard_in(number) for number in numbers])
            os._exit(0)
        its.close()

    def last_s(self) -> list[float]:
        """Tell, for each firewall, when its rules last changed, by the monotonic clock."""
        self._line.send(b"?")
        told: list[float] = json.loads(self._line.recv(65536))
        return told

    def end(self) -> None:
        """End it."""
        self._line.close()
        os.waitpid(self._pid, 0)


def _heard_in(number: int) -> socket.socket:
    """Open a socket that stays in a firewall's namespace, and come back."""
    with Path("/proc/self/ns/net").open("rb") as home, Path(f"/run/netns/fw{number}").open("rb") as there:
        _enter(there)
        heard = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_NETFILTER)
        heard.bind((0, 1 << (NFNLGRP_NFTABLES - 1)))
        _enter(home)
    return heard


def _enter(namespace: IO[bytes]) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _hear(line: socket.socket, firewalls: list[socket.socket]) -> None:
    last_s = [0.0] * len(firewalls)
    ready = selectors.DefaultSelector()
    ready.register(line, selectors.EVENT_READ)
    for number, each in enumerate(firewalls):
        ready.register(each, selectors.EVENT_READ, number)
    while True:
        for key, _ in ready.select():
            if key.data is None:
                if not line.recv(1):
                    return
                line.send(json.dumps(last_s).encode())
                continue
            now_s, message = time.monotonic(), firewalls[key.data].recv(65536)
            if _ends_with_generation(message):
                last_s[key.data] = now_s


def _ends_with_generation(messages: bytes) -> bool:
    found, at = False, 0
    while at + 16 <= len(messages):
        length = int.from_bytes(messages[at : at + 4], sys.byteorder)
        kind = int.from_bytes(messages[at + 4 : at + 6], sys.byteorder)
        found = found or kind == NFT_SUBSYSTEM << 8 | NEW_GENERATION
        at += max(16, (length + 3) & ~3)
    return found


class OpenSsh:
    """OpenSSH with a connection to each firewall that stands already."""

    def __init__(self, folder: Path, numbers: Sequence[int]) -> None:
        """Open the connections."""
        self._numbers = numbers
        self._usual = (
            *("-F", "none", "-oBatchMode=yes", f"-oUserKnownHostsFile={folder / 'known_hosts'}"),
            *("-i", str(folder / "login"), f"-oControlPath={folder / 'warm-%h'}"),
        )
        for number in numbers:
            sh("ssh", *self._usual, "-MNf", f"root@{address(number)}")

    def everywhere(self, command: str, *options: str) -> None:
        """Run a command on all firewalls at once."""
        argv = ("ssh", *options, *self._usual)
        running = [
            subprocess.Popen([*argv, f"root@{address(number)}", command], stdout=subprocess.DEVNULL)
            for number in self._numbers
        ]
        if any(each.wait() for each in running):
            raise RuntimeError(f"{command} failed")

    def end(self) -> None:
        """Close the connections."""
        for number in self._numbers:
            subprocess.run(
                ["ssh", *self._usual, "-O", "exit", f"root@{address(number)}"], check=True, capture_output=True
            )


async def at_once(points: Sequence[NftablesPoint], call: Callable[[NftablesPoint], Awaitable[Reading[Any]]]) -> None:
    """Ask all points at once; each must do what it was asked."""

    async def ask(point: NftablesPoint) -> None:
        reading = await call(point)
        assert reading.done, f"{point.name}: {reading.why}"

    async with anyio.create_task_group() as group:
        for point in points:
            group.start_soon(ask, point)


class Bench:
    """The firewalls and who tells of them."""

    def __init__(self, folder: Path, numbers: Sequence[int]) -> None:
        """Know the firewalls, which are up."""
        self._folder, self._numbers = folder, numbers
        self._witness = Witness(numbers)
        self.openssh = OpenSsh(folder, numbers)

    def points(self) -> list[NftablesPoint]:
        """Make the edge to each firewall; nothing is contacted yet."""
        folder, clock = self._folder, MachineClock.of_this_boot()
        return [
            NftablesPoint(
                f"fw{number}",
                planned(),
                NftAccess(address(number), 22, "root", "", folder / "known_hosts", key=str(folder / "login")),
                clock,
                "2026-11-23T114843Z-a-drill-4cd3",
            )
            for number in self._numbers
        ]

    def last_in_force_s(self, began_s: float) -> float:
        """Tell how long after a moment the last firewall changed; every firewall must have changed."""
        time.sleep(SETTLE_S)
        told = self._witness.last_s()
        assert min(told) > began_s, "a firewall did not change"
        return max(told) - began_s

    async def round(self) -> tuple[float, ...]:
        """Measure logins, arming, isolating, and OpenSSH."""
        began_s = time.monotonic()
        self.openssh.everywhere("true", "-oControlPath=none")
        openssh_login_s = time.monotonic() - began_s
        fresh = self.points()
        began_s = time.monotonic()
        await at_once(fresh, lambda point: point.ready(DEADLINE_S))
        login_s = time.monotonic() - began_s
        for point in fresh:
            await point.close()
        points = self.points()
        # As in a run: preflight has logged in, and arming opens the session for restoring beside that.
        await at_once(points, lambda point: point.state(OFFICE, DEADLINE_S))
        began_s = time.monotonic()
        await at_once(points, lambda point: point.arm(OFFICE, 180, DEADLINE_S))
        arm_s = time.monotonic() - began_s
        # As in a stage of several devices: only then the first of them is ordered.
        await at_once(points, lambda point: point.prepare(OFFICE, DEADLINE_S))
        began_s = time.monotonic()
        await at_once(points, lambda point: point.isolate(OFFICE, DEADLINE_S))
        isolate_s = self.last_in_force_s(began_s)
        await at_once(points, lambda point: point.restore(OFFICE, DEADLINE_S))
        for point in points:
            await point.close()
        began_s = time.monotonic()
        self.openssh.everywhere("nft add element inet mine off '{ 192.0.2.1 }'")
        openssh_s = self.last_in_force_s(began_s)
        self.openssh.everywhere("nft flush set inet mine off")
        return openssh_login_s, login_s, arm_s, isolate_s, openssh_s

    def end(self) -> None:
        """End what tells and what is connected."""
        self.openssh.end()
        self._witness.end()


def measure(firewalls: int, rounds: int) -> None:
    """Measure, and print medians and ratios."""
    numbers = range(1, firewalls + 1)
    mount_own()
    with tempfile.TemporaryDirectory(dir="/run") as name:
        folder = Path(name)
        bring_up(folder, numbers)
        bench = Bench(folder, numbers)
        taken = [anyio.run(bench.round) for _ in range(rounds + 1)][1:]
        bench.end()
    openssh_login_s, login_s, arm_s, isolate_s, openssh_s = (median(each) for each in zip(*taken, strict=True))
    print(f"{firewalls} firewalls at once, medians of {rounds} rounds:")
    print(
        f"isolate, last rule in force: {1000 * isolate_s:.0f} ms, OpenSSH {1000 * openssh_s:.0f} ms, ratio {isolate_s / openssh_s:.2f}"
    )
    print(
        f"arm, read back: {1000 * arm_s:.0f} ms; logging in alone: {1000 * login_s:.0f} ms, ratio {arm_s / login_s:.2f}; ",
        end="",
    )
    print(f"OpenSSH logging in: {1000 * openssh_login_s:.0f} ms, ratio {arm_s / openssh_login_s:.2f}")
    print(f"memory at its peak: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def main(arguments: list[str]) -> None:
    """Begin anew in namespaces of its own, which end with it."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("firewalls", nargs="?", type=int, default=FIREWALLS)
    given.add_argument("rounds", nargs="?", type=int, default=ROUNDS)
    asked = given.parse_args(arguments)
    if os.geteuid() != 0:
        print("Nothing is measured: the firewalls' namespaces need root.")
        return
    if os.getpid() != 1:
        enter = ("unshare", "-n", "-m", "-p", "--fork", "--kill-child=KILL", "--", sys.executable)
        sys.exit(subprocess.run([*enter, str(Path(__file__)), *arguments], check=False).returncode)
    measure(asked.firewalls, asked.rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
