"""The lab presented as a plant whose office, ERP server, vendor and historian are logged in to, through conduits that the drill isolates."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from islandmode.rehearse.lab import Lab
from tests.lab.declared import REVIEWED, fresh_backups
from tests.lab.drills import Drill, Ended, end, make_workspace
from tests.lab.guarded import Edit
from tests.lab.rogue.bypass import in_node
from tests.lab.test_plant_ground import SITE, as_plant, on_operations_host
from tests.patience import LONG_PATIENCE_S

DRILL = "quarterly-isolation"
ACCOUNT, PYTHON = "witness", "/usr/bin/python3"
HOSTS = {"office": "10.10.0.20", "erp": "10.10.0.10", "vendor": "10.15.0.10", "historian": "10.20.0.10"}
"""The nodes that are logged in to, and where."""
FLOWS = {
    "remote-access": ("witness-vendor", "10.15.0.10"),
    "corporate-line3": ("witness-corporate", "[10.10.0.10, 10.10.0.20]"),
    "dmz-line3": ("witness-dmz", "10.20.0.10"),
}
FIREWALL = "conduit-firewall"
FIREWALL_NODE = "fw"
ACCEPT = 'iifname "eth4" ip saddr 10.40.0.30 tcp dport 22 accept comment "drill-witness"'
BEGIN = """
mkdir -p /run/sshd /run/witness
useradd -M -p '*' -d /run/witness -s /bin/sh witness
chown witness /run/witness
chmod 700 /run/witness
ssh-keygen -q -t ed25519 -N "" -f /run/witness-host-key
echo "$1" >/run/witness-keys
"""
SERVER = """
rm -f /run/witness-sshd.pid
/usr/sbin/sshd -h {key} -o ListenAddress={address} -o PidFile=/run/witness-sshd.pid -o UsePAM=no -o UseDNS=no \
  -o StrictModes=no -o PrintMotd=no -o AuthorizedKeysFile=/run/witness-keys
while [ ! -s /run/witness-sshd.pid ]; do sleep 0.05; done
"""
OVER = """
kill "$(cat /run/witness-sshd.pid)"
pkill -KILL -u witness || true
userdel -f witness
rm -rf /run/witness /run/witness-keys* /run/witness-python /run/witness-host-key* /run/witness-sshd.pid
"""


@dataclass(frozen=True)
class FarPlant:
    """The workspace, and the lab that its plant is."""

    lab: Lab
    workspace: Path

    def drill(self) -> Drill:
        """Begin the drill in a process of its own on the operations host."""
        words = ("-m", "tests.lab.on_far_vantages", str(self.workspace), DRILL)
        argv = self.lab.enter("ops", (sys.executable, *words), network_only=True)
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        return Drill(argv, text=True, start_new_session=True, **given)

    def asked(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Ask the product, on the operations host."""
        return on_operations_host(self.lab, "islandmode", *words, "--workspace", str(self.workspace))

    def done(self, within_s: float = LONG_PATIENCE_S) -> Ended:
        """Run the drill to its end."""
        return end(self.drill(), self.workspace, within_s)

    def on(self, node: str, *argv: str) -> str:
        """Run a command on one of the hosts."""
        return in_node(self.lab, node, *argv)


def with_logins(text: str, python: str = PYTHON) -> str:
    """Say how each vantage is logged in to, and declare those flows."""
    text = fresh_backups(as_plant(text))
    for conduit, (name, destination) in FLOWS.items():
        before, found, after = text.partition(f"\n  {conduit}:\n")
        assert found
        head, flows, rest = after.partition("    flows:\n")
        flow = (
            f"      - {{name: {name}, source: 10.40.0.30, destination: {destination}, service: tcp/22, owner: OT security, "
            f"purpose: Starts and collects the witness of a drill, {REVIEWED}}}\n"
        )
        text = before + found + head + flows + flow + rest
    for name in HOSTS:
        before, found, after = text.partition(f"\n  {name}:\n    zone: ")
        assert found
        line, _, rest = after.partition("\n    address: ")
        login = f"\n    ssh: {{user: {ACCOUNT}, key: 'file:{name}-key', python: {python}}}"
        text = f"{before}{found}{line}{login}\n    address: {rest}"
    return text


@contextmanager
def far_plant(
    lab: Lab, folder: Path, edits: Mapping[str, Edit] | None = None, python: str = PYTHON
) -> Iterator[FarPlant]:
    """Let the hosts be logged in to, and describe the lab as a plant does; `edits` change its files further."""
    more = dict(edits or {})
    site = more.pop(SITE, str)
    workspace = make_workspace(folder, lab.state_dir, {SITE: lambda text: site(with_logins(text, python)), **more})
    (workspace / ".lab").unlink()
    password = workspace / "firewall-password"
    password.write_text(lab.secret(FIREWALL), encoding="ascii")
    password.chmod(0o600)
    known = lab.known_hosts.read_text()
    in_node(lab, FIREWALL_NODE, "nft", "insert", "rule", "inet", "plant", "forward", *ACCEPT.split())
    try:
        for node, address in HOSTS.items():
            key = workspace / f"{node}-key"
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
            in_node(lab, node, "sh", "-ec", BEGIN, "sh", Path(f"{key}.pub").read_text())
            in_node(lab, node, "sh", "-ec", SERVER.format(key="/run/witness-host-key", address=address))
            words = in_node(lab, node, "cat", "/run/witness-host-key.pub").split()
            known += f"{address} {words[0]} {words[1]}\n"
        (workspace / "inventory" / "known_hosts").write_text(known)
        yield FarPlant(lab, workspace)
    finally:
        for node in HOSTS:
            in_node(lab, node, "sh", "-c", OVER)
        take_back = 'nft delete rule inet plant forward handle "$(nft -a list chain inet plant forward | sed -n "s/.*drill-witness.*handle //p")"'
        in_node(lab, FIREWALL_NODE, "sh", "-ec", take_back)
