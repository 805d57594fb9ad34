"""A real firewall to test against: sshd and nft in namespaces of their own, gone when this process is gone."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.standing_still import stand_still

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
HERE = Path(__file__).parent
PASSWORD = "canary-7f31c0"
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")


@dataclass
class Relay:
    """A way from this machine's loopback to the firewall's sshd, which can be made to hang."""

    process: subprocess.Popen[str]
    port: int

    def freeze(self) -> None:
        """Hang: nothing passes, no connection is lost."""
        stand_still(self.process.pid)

    def thaw(self) -> None:
        """Pass on everything that waited."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Lose every connection."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@dataclass
class FirewallNode:
    """The firewall and the three hosts around it: corporate on eth1, dmz on eth3, line3 on eth4."""

    process: subprocess.Popen[str]
    pid: int
    folder: Path
    relays: list[Relay] = field(default_factory=list)
    servers: list[subprocess.Popen[str]] = field(default_factory=list)

    def run(self, command: str, stdin: str | None = None) -> str:
        """Run a shell command on the firewall as root and return its output."""
        return self._checked(["sh", "-c", command], stdin)

    def host(self, name: str, command: str) -> str:
        """Run a shell command on one of the hosts."""
        return self._checked(["ip", "netns", "exec", name, "sh", "-c", command], None)

    def inside(self, name: str | None, work: Callable[[], T]) -> T:
        """Run Python with the network of a host, or of the firewall, in a thread of its own."""
        process = Path("/proc") / str(self.pid)
        namespace = process / "root" / "run" / "netns" / name if name else process / "ns" / "net"

        def enter() -> T:
            with namespace.open("rb") as opened:
                if ctypes.CDLL(None, use_errno=True).setns(opened.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            return work()

        with ThreadPoolExecutor(1) as pool:
            return pool.submit(enter).result()

    def start(self, host: str | None, arguments: list[str]) -> subprocess.Popen[str]:
        """Start a program on a host, or on the firewall itself; it dies with us."""
        inside = ["ip", "netns", "exec", host] if host else []
        command = [*DIES_WITH_US, *self._enter(), *inside, *arguments]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def relay(self, port: int = 22, lag_s: float = 0.0) -> Relay:
        """Open a new way to the sshd on this port; each way takes `lag_s`. 22 shows the known host key, 23 another key, 26 the known and an RSA key."""
        command = [*DIES_WITH_US, sys.executable, str(HERE / "relay.py"), str(self.pid), str(port), str(lag_s)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        relay = Relay(process, int(process.stdout.readline()))
        self.relays.append(relay)
        return relay

    def known_hosts(self, *relays: Relay, name: str = "known") -> Path:
        """Write a known-hosts file with a key for these ways: the key of port 22, if no other is named."""
        key = " ".join(self.run(f"cat /etc/ssh/{name}.pub").split()[:2])
        path = Path(tempfile.mkstemp(dir=self.folder, prefix="known-hosts-")[1])
        path.write_text("".join(f"[127.0.0.1]:{relay.port} {key}\n" for relay in relays), encoding="ascii")
        return path

    def reset(self) -> None:
        """Give the next test the site's ruleset and no connection of the last one."""
        for relay in self.relays:
            relay.end()
        self.relays.clear()
        self.run(
            "nft -f /etc/nftables.conf; rm -rf /home/drill/.napalm_nftables /run/napalm_nftables; conntrack -F 2>/dev/null"
        )

    def _enter(self) -> list[str]:
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-u", "-p", "--"]

    def _checked(self, command: list[str], stdin: str | None) -> str:
        done = subprocess.run([*self._enter(), *command], input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout


@contextmanager
def firewall_node(folder: Path) -> Iterator[FirewallNode]:
    """Bring the firewall up, and take it down with everything that runs in it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)
    public = (folder / "key.pub").read_text(encoding="ascii").strip()
    environment = os.environ | {"DRILL_PASSWORD": PASSWORD, "DRILL_KEY": public}
    unshare = ["unshare", "-n", "-m", "-p", "-u", "--fork", "--kill-child=KILL", "sh", str(HERE / "firewall_node.sh")]
    process = subprocess.Popen([*DIES_WITH_US, *unshare], stdout=subprocess.PIPE, text=True, env=environment)
    node: FirewallNode | None = None
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", "the firewall node did not come up"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        node = FirewallNode(process, int(children[0]), folder)
        yield node
    finally:
        # First the namespace, and with it everything that runs in it: its programs hold our pipes open.
        process.kill()
        process.communicate()
        for relay in node.relays if node is not None else ():
            relay.end()
        for server in node.servers if node is not None else ():
            server.kill()
            server.communicate()
