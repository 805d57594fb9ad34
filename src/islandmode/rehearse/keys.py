"""Keys and accounts of a lab's isolation points, made new by every `lab up`."""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

USER = "islandmode"
USER_ID = 47110
SUDOERS = f"{USER} ALL=(root) NOPASSWD: /usr/sbin/nft, /usr/sbin/conntrack -L -f ipv4, /usr/sbin/conntrack -L -f ipv6\n"
"""All that isolation, and a look at open sessions, needs of root, and nothing else."""
FRR_GROUP = "frrvty"
"""Who may talk to FRR's processes, which run on a lab's routers alone."""

Files = dict[str, tuple[str, int]]


@dataclass(frozen=True)
class PointKeys:
    """An isolation point's host key and the hash of its account's password; the password itself is in a private file."""

    private: str
    public: str
    password_hash: str


def make_keys(folder: Path, point: str) -> PointKeys:
    """Make an isolation point's host key and password; the password goes into the lab's secrets."""
    password = secrets.token_urlsafe(18)
    secret = folder / point
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="ascii")
    private, public = _host_key()
    return PointKeys(private, public, _hash(password))


def files_in_etc(keys: PointKeys, *, rootless: bool) -> Files:
    """Give the files that are laid over the machine's own in a node's /etc.

    In user namespaces sudo cannot work (its file has no known owner there), so the login is root.
    """
    user = "root" if rootless else USER
    files: Files = {
        "ssh/lab_host_key": (keys.private, 0o600),
        "own/passwd": (_passwd(), 0o644),
        "own/group": (group_with_account(Path("/etc/group").read_text(encoding="utf-8")), 0o644),
        "own/shadow": (f"{user}:{keys.password_hash}:20000:0:99999:7:::\nsshd:!:20000::::::\n", 0o600),
    }
    if not rootless:
        files["sudoers.d/islandmode"] = (SUDOERS, 0o440)
    return files


def put_into(folder: Path, keys: PointKeys) -> None:
    """Put key and account where a container's start script takes them from."""
    for name, text in (("host_key", keys.private), ("account", f"{USER}:{keys.password_hash}\n")):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text, encoding="ascii")


def _passwd() -> str:
    """Return the machine's accounts and the lab's own; root and the lab's own with a plain shell and no profile, for quick commands."""
    lines = []
    for line in Path("/etc/passwd").read_text(encoding="utf-8").splitlines():
        parts = line.split(":")
        if parts[0] == "root":
            parts[6] = "/bin/sh"
        lines.append(":".join(parts))
    return "\n".join([*lines, f"{USER}:x:{USER_ID}:{USER_ID}::/:/bin/sh"]) + "\n"


def group_with_account(machine: str) -> str:
    """Return the machine's groups and the lab's own; where FRR is installed, the account may use its command line."""
    lines = [
        f"{line}{',' * (not line.endswith(':'))}{USER}" if line.startswith(f"{FRR_GROUP}:") else line
        for line in machine.splitlines()
    ]
    return "\n".join([*lines, f"{USER}:x:{USER_ID}:"]) + "\n"


def _host_key() -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
        subprocess.run(argv, check=True, capture_output=True)
        public = path.with_suffix(".pub").read_text(encoding="ascii").split()
        return path.read_text(encoding="ascii"), " ".join(public[:2])


def _hash(password: str) -> str:
    argv = ["openssl", "passwd", "-6", "-stdin"]
    done = subprocess.run(argv, input=password, capture_output=True, text=True, check=True)
    return done.stdout.strip()
