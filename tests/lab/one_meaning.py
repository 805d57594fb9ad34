"""A small lab in which a node writes down what its part of the file came to mean; both back ends must mean the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

from islandmode.rehearse.lab import Lab
from tests.patience import PATIENCE_S

FILE = """\
name: small
mgmt:
  network: islandmode-small
  ipv4-subnet: 172.31.254.0/25
  ipv6-subnet: "fd10:fe::/72"
topology:
  defaults: {kind: linux, image: islandmode-node:dev, restart-policy: "no", env: {PLACE: everywhere, DEBUG: true}}
  kinds:
    linux: {privileged: false, cap-add: [NET_ADMIN]}
  nodes:
    ops: {mgmt-ipv4: 172.31.254.2, mgmt-ipv6: "fd10:fe::2"}
    witness:
      network-mode: none
      env: {PLACE: here, GREETING: two words, EMPTY: }
      sysctls: {net.ipv4.ping_group_range: 0 1000, net.ipv6.conf.default.accept_dad: 0}
      binds: ["./:/run/read:ro", "./written:/run/written"]
      exec:
        - sh -c "echo one; echo two"
        - touch "/run/a b" /run/c;d
        - sh -c 'env | grep -E "^(PLACE|DEBUG|GREETING|EMPTY)=" | sort > /run/written/environment'
        - sh -c "touch /run/read/x 2>/dev/null || touch /run/written/refused"
  links:
    - endpoints: ["ops:eth1", "witness:eth1"]
"""


def small_lab(folder: Path) -> Path:
    """Write the file into a workspace whose name has a space, as plants' folders do."""
    place = folder / "my plant" / "lab"
    (place / "written").mkdir(parents=True)
    (place / "small.clab.yml").write_text(FILE, encoding="utf-8")
    return place / "small.clab.yml"


def said(lab: Lab, node: str, *argv: str) -> str:
    """Ask a node."""
    return subprocess.run(lab.enter(node, argv), capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout


def assert_one_meaning(lab: Lab, file: Path) -> None:
    """What the file says is what became of it."""
    written = file.parent / "written"
    assert (written / "environment").read_text(encoding="utf-8").splitlines() == [
        "DEBUG=true",
        "EMPTY=",
        "GREETING=two words",
        "PLACE=here",
    ]
    assert said(lab, "witness", "sh", "-c", "cd /run; ls -d 'a b' 'c;d'").splitlines() == ["a b", "c;d"]
    assert (written / "refused").exists()
    assert not (file.parent / "x").exists()
    assert said(lab, "witness", "cat", "/proc/sys/net/ipv4/ping_group_range").split() == ["0", "1000"]
    addresses = said(lab, "ops", "ip", "-br", "addr", "show", "eth0")
    assert "172.31.254.2/25" in addresses
    assert "fd10:fe::2/72" in addresses
    assert "eth1" in said(lab, "witness", "ip", "-br", "link")
