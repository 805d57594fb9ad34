"""A far host: a real sshd on loopback, with an account's folder, a host key and a key for logging in of its own."""

from __future__ import annotations

import getpass
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from islandmode.system.openssh import Hop
from islandmode.system.redaction import Secret
from tests.patience import PATIENCE_S


@dataclass
class FarHost:
    """The host, and how it is logged in to."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def home(self) -> Path:
        """The account's folder."""
        return self.folder / "home"

    @property
    def known_hosts(self) -> Path:
        """What the operations host knows of it."""
        return self.folder / "known hosts"

    @property
    def key(self) -> str:
        """The private key that it takes."""
        return (self.folder / "login").read_text()

    def hop(self, **other: object) -> Hop:
        """Give the way to it."""
        # As a run has it: a secret that shows nothing of itself.
        words = {"host": "127.0.0.1", "port": self.port, "user": getpass.getuser(), "key": Secret(self.key.rstrip())}
        return Hop(**{**words, **other})  # type: ignore[arg-type] # a test may give any of them

    def spools(self) -> Path:
        """Where its worker keeps samples."""
        return self.home / ".cache" / "islandmode" / "spools"

    def takes(self, key: str, options: str = "") -> None:
        """Let the account take a key of its folder, with these options."""
        public = (self.folder / f"{key}.pub").read_text()
        (self.folder / "authorized").write_text(f"{options} {public}" if options else public)

    def knows(self, key: str) -> None:
        """Let the operations host know this key as the host's."""
        words = (self.folder / f"{key}.pub").read_text().split()[:2]
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {' '.join(words)}\n")


@contextmanager
def far_host(folder: Path, settings: str = "") -> Iterator[FarHost]:
    """Run a far host until the test ends."""
    (folder / "home").mkdir(parents=True)
    folder.chmod(0o755)
    for name in ("host", "login", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/authorized\nPermitRootLogin yes\nPasswordAuthentication no\n"
        f"SetEnv HOME={folder}/home\nLogLevel QUIET\n{settings}"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(folder / "config")])
    host = FarHost(folder, port, process)
    host.takes("login")
    host.knows("host")
    try:
        _await_answer(host)
        yield host
    finally:
        process.terminate()
        process.wait()


def _await_answer(host: FarHost) -> None:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", host.port), timeout=1).close()
        except OSError:
            assert host.process.poll() is None, "sshd ended"
            assert time.monotonic() < until, "sshd does not answer"
            time.sleep(0.05)
        else:
            return
