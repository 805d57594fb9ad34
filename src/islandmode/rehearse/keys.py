"""Keys and accounts of a lab's isolation points, made new by every `lab up`."""

from __future__ import annotations

import secrets
import subprocess
import tempfile
from pathlib import Path

USER = "islandmode"
USER_ID = 47110
SUDOERS = f"{USER} ALL=(root) NOPASSWD: /usr/sbin/nft, /usr/sbin/conntrack\n"
"""All that isolation needs of root, and nothing else."""

Files = dict[str, tuple[str, int]]


def point_files(folder: Path, point: str, *, rootless: bool) -> tuple[Files, str]:
    """Make an isolation point's host key and account; returns the files for its /etc, and the public host key.

    The password goes into a private file of the lab's secrets. In user namespaces sudo cannot work (its file belongs to
    nobody there), so the login is root.
    """
    password = secrets.token_urlsafe(18)
    secret = folder / point
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="ascii")
    private, public = _host_key()
    user = "root" if rootless else USER
    files: Files = {
        "ssh/lab_host_key": (private, 0o600),
        "own/passwd": (_passwd(), 0o644),
        "own/group": (Path("/etc/group").read_text(encoding="utf-8") + f"{USER}:x:{USER_ID}:\n", 0o644),
        "own/shadow": (f"{user}:{_hash(password)}:20000:0:99999:7:::\nsshd:!:20000::::::\n", 0o600),
    }
    if not rootless:
        files["sudoers.d/islandmode"] = (SUDOERS, 0o440)
    return files, public


def _passwd() -> str:
    """Give the machine's accounts and ours; root and ours with a plain shell and no profile, for quick commands."""
    lines = []
    for line in Path("/etc/passwd").read_text(encoding="utf-8").splitlines():
        parts = line.split(":")
        if parts[0] == "root":
            parts[6] = "/bin/sh"
        lines.append(":".join(parts))
    return "\n".join([*lines, f"{USER}:x:{USER_ID}:{USER_ID}::/:/bin/sh"]) + "\n"


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
