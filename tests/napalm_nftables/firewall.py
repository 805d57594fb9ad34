"""A real firewall for tests: nft, sshd and sudo in namespaces of their own, with a host on either side.

Everything runs under one `unshare --kill-child`, so that nothing outlives the test process, and no name or rule ever
appears on the machine itself. Addresses: management 172.31.0.1, reached through a veth from a namespace that the test
process enters by `nsenter`; outside host 10.1.0.2 (eth1), inside host 10.2.0.2 (eth2).
"""

from __future__ import annotations

import ctypes
import os
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
CLONE_NEWNET = 0x40000000

HOLD = r"""
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd /run/up /run/work
mkdir /run/up/etc /run/work/etc /run/up/home /run/work/home
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/up/etc,workdir=/run/work/etc /etc
mount -t overlay overlay -o lowerdir=/home,upperdir=/run/up/home,workdir=/run/work/home /home
mount -t proc proc /proc
mount -t sysfs sysfs /sys
hostname fw
echo '127.0.0.1 localhost fw' > /etc/hosts
: > /etc/resolv.conf
useradd -m -s /bin/sh drill
echo "drill:$PASSWORD" | chpasswd
echo 'drill ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/drill
chmod 440 /etc/sudoers.d/drill
cp "$FOLDER/hostkey" /etc/ssh/test_key && chmod 600 /etc/ssh/test_key
echo ready > "$FOLDER/fw.ready"
exec sleep infinity
"""
START = r"""
set -e
ip link set lo up
ip addr add 10.1.0.1/24 dev eth1; ip addr add fd01::1/64 dev eth1 nodad
ip addr add 10.2.0.1/24 dev eth2; ip addr add fd02::1/64 dev eth2 nodad
ip addr add 172.31.0.1/24 dev eth0
for n in eth0 eth1 eth2; do ip link set $n up; done
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
cat > /etc/nftables.conf <<'N'
flush ruleset
table inet site {
	counter seen { }
	set guests { type ipv4_addr; flags timeout; }
	chain forward {
		type filter hook forward priority 0; policy accept;
		ct state established,related accept
		counter name "seen"
	}
}
N
/usr/sbin/nft -f /etc/nftables.conf
exec /usr/sbin/sshd -D -e -f /dev/null -o HostKey=/etc/ssh/test_key -o UsePAM=no -o UseDNS=no \
  -o ListenAddress=172.31.0.1 -o KbdInteractiveAuthentication=no -o MaxStartups=100 -o MaxSessions=100
"""
HOST = r"""
set -e
mount -t proc proc /proc
ip link set lo up
echo ready > "$FOLDER/$NAME.ready"
exec sleep infinity
"""


@dataclass(frozen=True)
class Firewall:
    """A running firewall and the hosts round it."""

    folder: Path
    password: str
    pids: dict[str, int]
    host: str = "172.31.0.1"
    user: str = "drill"

    @property
    def known_hosts(self) -> Path:
        """Known-hosts file with this firewall's true key."""
        return self.folder / "known_hosts"

    def run(self, where: str, *argv: str, check: bool = True) -> str:
        """Run a command on the firewall ("fw") or on a host ("outside", "inside", "manage")."""
        enter = ["nsenter", "-t", str(self.pids[where]), "-n", "-m", "-p", "-u", "--"]
        done = subprocess.run([*enter, *argv], capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0 or not check, f"{argv}: {done.stderr}{done.stdout}"
        return done.stdout

    def start(self, where: str, *argv: str) -> subprocess.Popen[str]:
        """Start a command on a host; it dies with the firewall."""
        enter = ["nsenter", "-t", str(self.pids[where]), "-n", "-m", "-p", "-u", "--"]
        return subprocess.Popen([*enter, *argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def inside_network(self, where: str, work: Callable[[], T]) -> T:
        """Run Python with a host's network, in a thread of its own; threads it starts have that network too."""
        answers: list[T] = []
        errors: list[BaseException] = []

        def enter() -> None:
            try:
                with Path(f"/proc/{self.pids[where]}/ns/net").open("rb") as namespace:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                answers.append(work())
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return answers[0]

    def reaches(self, where: str, address: str, port: int) -> bool:
        """Tell whether a fresh TCP connection from a host is accepted."""

        def work() -> bool:
            with suppress(OSError), socket.create_connection((address, port), 0.7):
                return True
            return False

        return self.inside_network(where, work)


def _unshared(flags: list[str], script: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    argv = ["unshare", "-m", "-p", "-u", *flags, "--fork", "--kill-child=KILL", "sh", "-c", script]
    # The child of unshare must die with us even when we are killed: no handler of ours would run then.
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *argv], env={**os.environ, **environment})


def _child_of(pid: int) -> int:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        if text:
            return int(text[0])
        time.sleep(0.01)
    raise AssertionError("unshare started nothing")


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 15
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} did not come"
        time.sleep(0.01)


@contextmanager
def running_firewall(folder: Path) -> Iterator[Firewall]:
    """Bring a firewall up for as long as the context lasts."""
    password = secrets.token_hex(12)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "hostkey")], check=True)
    key = (folder / "hostkey.pub").read_text(encoding="ascii").split()[:2]
    (folder / "known_hosts").write_text(f"172.31.0.1 {' '.join(key)}\n", encoding="ascii")
    running: list[subprocess.Popen[bytes]] = []
    pids: dict[str, int] = {}
    try:
        for name in ("fw", "outside", "inside", "manage"):
            environment = {"FOLDER": str(folder), "NAME": name, "PASSWORD": password}
            running.append(_unshared(["-n"], HOLD if name == "fw" else HOST, environment))
            _wait_for(folder / f"{name}.ready")
            pids[name] = _child_of(running[-1].pid)
        firewall = Firewall(folder, password, pids)
        for name, end in (("outside", "eth1"), ("inside", "eth2"), ("manage", "eth0")):
            enter = ["nsenter", "-t", str(pids["fw"]), "-n", "ip", "link", "add", end, "type", "veth"]
            subprocess.run([*enter, "peer", "name", name, "netns", str(pids[name])], check=True)
        sshd = firewall.start("fw", "sh", "-c", START)
        _address(firewall)
        _wait_until(lambda: firewall.reaches("manage", firewall.host, 22))
        assert sshd.poll() is None
        yield firewall
    finally:
        for one in reversed(running):
            one.kill()
            one.wait()


def _wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 15
    while not true():
        assert time.monotonic() < until, "sshd did not come up"
        time.sleep(0.05)


def _address(firewall: Firewall) -> None:
    for name, number in (("outside", 1), ("inside", 2)):
        firewall.run(name, "ip", "addr", "add", f"10.{number}.0.2/24", "dev", name)
        firewall.run(name, "ip", "addr", "add", f"fd0{number}::2/64", "dev", name, "nodad")
        firewall.run(name, "ip", "link", "set", name, "up")
        firewall.run(name, "ip", "route", "add", "default", "via", f"10.{number}.0.1")
        firewall.run(name, "ip", "-6", "route", "add", "default", "via", f"fd0{number}::1")
    firewall.run("manage", "ip", "addr", "add", "172.31.0.2/24", "dev", "manage")
    firewall.run("manage", "ip", "link", "set", "manage", "up")
