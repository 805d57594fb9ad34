"""Six secrets are planted where a drill meets them; not one may stand in a byte that the drill, its workers and its report leave.

Two stand in what a login needs, one in the shell that starts the drill, three in the firewall's configurations; one of these is
changed in the hold, and that must be seen all the same.
"""

from __future__ import annotations

import base64
import gzip
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from tests.lab.conftest import FAR_NODES
from tests.lab.drills import end, make_workspace, newest_run, start, wait_for
from tests.lab.rogue.bypass import in_node

pytestmark = pytest.mark.lab

SITE = "inventory/riverside.yaml"
SSHD = ("/usr/sbin/sshd", "-f", "/run/plant/fw/sshd_config")
SHELL, RUNNING, CHANGED = "shell-Vq81-canary", "running-Kd27-canary", "changed-Pw55-canary"
SAVED, COMMUNITY = "saved-Tz90-canary", "comm-Rx13-canary"
CONF = "/etc/nftables.conf"


@dataclass(frozen=True)
class Planted:
    """A workspace whose site logs in with a key of its own, and every secret by what it is."""

    workspace: Path
    secrets: Mapping[str, str]


def restart_sshd(lab: Lab, *more: str) -> None:
    """Start the firewall's sshd anew; the old one must have let go of its port, or the new one listens on half of its addresses."""
    script = """
    old=$(cat /run/sshd.pid) && kill "$old"
    while [ -n "$(tr -d '\\0' <"/proc/$old/cmdline" 2>/dev/null)" ]; do sleep 0.05; done
    rm -f /run/sshd.pid
    "$@"
    while [ ! -s /run/sshd.pid ]; do sleep 0.05; done
    """
    in_node(lab, "fw", "sh", "-c", script, "sh", *SSHD, *more)


def rule(comment: str) -> str:
    """Write a rule of the site's own that carries a password in its comment."""
    return f'add rule inet watch seen ct state invalid counter comment "password={comment}"'


@pytest.fixture
def planted(lab: Lab, tmp_path: Path) -> Iterator[Planted]:
    """Plant all of them, and take them out of the shared lab again."""
    login = {
        SITE: lambda text: text.replace("lab:conduit-firewall\n", "lab:conduit-firewall\n      key: file:own.key\n")
    }
    workspace = make_workspace(tmp_path, lab.state_dir, login)
    key = workspace / "own.key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    public = key.with_suffix(".key.pub").read_text(encoding="ascii")
    table = "add table inet watch; add chain inet watch seen { type filter hook forward priority 10; }; "
    saved = in_node(lab, "fw", "cat", CONF)
    more = f"# admin password {SAVED}\n# snmp-server community {COMMUNITY} RO\n"
    in_node(lab, "fw", "sh", "-c", 'printf %s "$1" > "$2"', "sh", public, "/run/own_keys")
    restart_sshd(lab, "-o", "AuthorizedKeysFile=/run/own_keys")
    in_node(lab, "fw", "nft", table + rule(RUNNING))
    in_node(lab, "fw", "sh", "-c", 'printf %s "$1" >> "$2"', "sh", more, CONF)
    lines = key.read_text(encoding="ascii").splitlines()
    yield Planted(
        workspace,
        {
            "login password": lab.secret("conduit-firewall"),
            "key": lines[1],
            "shell variable": SHELL,
            "password in the running configuration": RUNNING,
            "the same, changed": CHANGED,
            "password in the saved configuration": SAVED,
            "community": COMMUNITY,
        },
    )
    in_node(lab, "fw", "sh", "-c", 'printf %s "$1" > "$2"', "sh", saved, CONF)
    in_node(lab, "fw", "nft", "delete table inet watch")
    restart_sshd(lab)


def environments(mark: bytes, conductor: int) -> dict[str, bytes]:
    """Give the environment of every process but the conductor, the shell's own child, whose command line has this word in it."""
    found = {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and int(folder.name) != conductor and mark in (folder / "cmdline").read_bytes():
                found[f"{folder.name} {(folder / 'cmdline').read_bytes()!r}"] = (folder / "environ").read_bytes()
    return found


def assert_in_none(secrets: Mapping[str, str], found: Mapping[str, bytes]) -> None:
    """No secret stands in any of these, as it is or in base64."""
    for what, secret in secrets.items():
        forms = (secret.encode(), base64.b64encode(secret.encode()).rstrip(b"="))
        assert [where for where, data in found.items() if any(form in data for form in forms)] == [], what


def test_six_planted_secrets_stand_in_no_byte_of_a_drill_and_nothing_is_for_everybody(
    lab: Lab, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED_IN_THE_SHELL", SHELL)
    workspace, secrets = planted.workspace, planted.secrets
    running = start(workspace, lab.name, umask=0)
    wait_for(running, workspace, "hold.started", stage="vendors")
    run = newest_run(workspace)
    assert run is not None
    workers = environments(run.name.encode(), running.pid)
    in_node(lab, "fw", "nft", f"flush chain inet watch seen; {rule(CHANGED)}")
    ended = end(running, workspace)
    assert ended.code == 0, ended.output

    # Four far workers, the near one and the guardian have the run's name in their command lines.
    assert len(workers) >= 6
    assert_in_none(secrets, workers)
    assert_in_none(secrets, {"output": ended.output.encode()})
    assert_in_none(secrets, {str(path): plain(path) for path in run.parent.rglob("*") if path.is_file()})
    spools = {node: in_node(lab, node, *cat(f"/run/islandmode/{run.name}")).encode() for node in FAR_NODES}
    assert all(b'"probes"' in data and b'"mac"' in data for data in spools.values())
    assert_in_none(secrets, spools)

    kept = (run / "artifacts" / "conduit-firewall.saved.after.txt").read_text(encoding="utf-8")
    assert "# admin password [secret " in kept
    sentence = ended.finding("edited-meanwhile")["sentence"]
    assert 'comment "password=[secret ' in sentence
    assert sentence.count("[secret ") == 2

    left = [run.parent, *run.parent.rglob("*")]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in left}
    assert modes.pop(run / "requests") == 0o2770
    assert {path: oct(mode) for path, mode in modes.items() if mode != (0o750 if path.is_dir() else 0o640)} == {}
    for node in FAR_NODES:
        assert in_node(lab, node, "find", f"/run/islandmode/{run.name}", "-perm", "/007") == ""


def cat(folder: str) -> tuple[str, ...]:
    """Give a command that prints every file in a folder, and what is compressed as it was."""
    return ("find", folder, "-type", "f", "-exec", "zcat", "--force", "{}", "+")


def plain(path: Path) -> bytes:
    """Give what a file says: nothing hides in a compressed segment."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def test_no_program_of_a_lab_knows_the_shell_that_brought_it_up(lab: Lab) -> None:
    """Pytest's own variable stands for a secret of that shell: it was there when this lab came up."""
    assert "PYTEST_CURRENT_TEST" in os.environ
    pids = [pid for node in backends.status(lab.name, lab.state_dir).nodes for pid in node.pids]
    assert len(pids) > len(lab.topology.nodes)
    assert [pid for pid in pids if b"PYTEST_CURRENT_TEST" in Path(f"/proc/{pid}/environ").read_bytes()] == []
