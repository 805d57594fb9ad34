"""A plant's own firewall image in the topology: its own account, host key and boot, and no part of Islandmode in it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from islandmode.rehearse import backends
from islandmode.rehearse.containers import backend as containerlab
from islandmode.rehearse.containers import docker
from islandmode.rehearse.lab import LabFailed
from tests.containerlab.test_life import TOPOLOGY, apart, edit
from tests.lab.drills import drill
from tests.lab.rogue.bypass import in_node

pytestmark = pytest.mark.lab

IMAGE = "plants-own/firewall:1"
DOCKERFILE = """
FROM islandmode-node:dev
RUN userdel islandmode && rm /etc/sudoers.d/islandmode && useradd --create-home --shell /bin/sh automation \\
    && echo automation:of-the-plant | chpasswd \\
    && echo 'automation ALL=(root) NOPASSWD: /usr/sbin/nft, /usr/sbin/conntrack' >/etc/sudoers.d/automation \\
    && ssh-keygen -q -t ecdsa -N '' -f /etc/ssh/ssh_host_ecdsa_key
COPY nftables.conf boot /etc/
ENTRYPOINT ["/usr/bin/tini", "--", "sh", "/etc/boot"]
"""
BOOT = """
until [ -e /sys/class/net/eth4 ]; do sleep 0.1; done
sleep 0.3
give() { ip addr add "$2" dev "$1"; ip addr add "$3" dev "$1" nodad; ip link set "$1" up; }
give eth1 10.10.0.1/24 fd10:10::1/64
give eth2 10.15.0.1/24 fd10:15::1/64
give eth3 10.20.0.1/24 fd10:20::1/64
give eth4 10.30.0.1/30 fd10:30::1/64
ip route add 10.40.0.0/24 via 10.30.0.2
ip -6 route add fd10:40::/64 via fd10:30::2
nft -f /etc/nftables.conf
mkdir -p /run/sshd
exec /usr/sbin/sshd -D -o UseDNS=no
"""


@pytest.fixture
def own(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace whose firewall is the plant's own image; the image goes with the test."""
    topology = apart(fresh)
    context = tmp_path_factory.mktemp("image")
    (context / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    (context / "boot").write_text(BOOT, encoding="utf-8")
    (context / "nftables.conf").write_bytes((fresh / "lab/fw/nftables.conf").read_bytes())
    built = docker.ask("build", "--quiet", "--tag", IMAGE, str(context), within_s=120)
    assert built.returncode == 0, built.stderr
    text = topology.read_text(encoding="utf-8")
    text = re.sub(r'      exec: \["sh /run/plant/start.sh fw"\]\n', f"      image: {IMAGE}\n", text)
    text = re.sub(r'(?m)^      # A folder of its own.*\n      binds: \["__clabNodeDir__:/run/own:ro"\]\n', "", text)
    assert IMAGE in text
    assert "/run/own" not in text
    topology.write_text(text, encoding="utf-8")
    (fresh / "secrets").mkdir()
    (fresh / "secrets" / "firewall").write_text("of-the-plant\n", encoding="utf-8")
    (fresh / "secrets" / "firewall").chmod(0o600)
    site = fresh / "inventory" / "riverside.yaml"
    edit(site, "user: islandmode", "user: automation")
    edit(site, "password: lab:conduit-firewall", "password: file:secrets/firewall")
    edit(site, "172.31.255.", "172.31.254.")
    edit(site, "fd10:ff:", "fd10:fe:")
    yield fresh
    for path in (fresh / ".lab").iterdir() if (fresh / ".lab").is_dir() else ():
        backends.down(path.name, fresh / ".lab")
    docker.ask("image", "rm", "--force", IMAGE)


def test_a_drill_on_the_plants_own_firewall_is_held(own: Path) -> None:
    lab = containerlab.up(own / TOPOLOGY, name="own", state_dir=own / ".lab")
    presented = in_node(lab, "fw", "cat", "/etc/ssh/ssh_host_ecdsa_key.pub").split()[1]
    assert presented in lab.known_hosts.read_text(encoding="ascii")
    assert not (lab.folder / "secrets" / "conduit-firewall").exists()
    ended = drill(own, lab.name)
    assert ended.code == 0, ended.output
    assert (ended.verdict["verdict"], ended.verdict["restoration"]) == ("held", "proven")
    assert "of-the-plant" not in ended.output
    said = subprocess.run(["grep", "-r", "of-the-plant", str(own / "runs")], capture_output=True, check=False)
    assert said.stdout == b""


def test_another_host_key_than_at_lab_up_is_refused(own: Path) -> None:
    lab = containerlab.up(own / TOPOLOGY, name="own", state_dir=own / ".lab")
    in_node(
        lab, "fw", "sh", "-c", "rm /etc/ssh/ssh_host_*; ssh-keygen -q -t ecdsa -N '' -f /etc/ssh/ssh_host_ecdsa_key"
    )
    in_node(lab, "fw", "pkill", "-HUP", "-o", "sshd")
    ended = drill(own, lab.name)
    assert ended.code == 4, ended.output
    assert "host key" in ended.output


def test_a_firewall_without_ssh_is_named(own: Path) -> None:
    edit(own / TOPOLOGY, f"image: {IMAGE}", 'image: islandmode-node:dev\n      exec: ["true"]')
    with pytest.raises(LabFailed, match=r"fw offers no SSH on 172\.31\.254\.1|does not answer: fw"):
        containerlab.up(own / TOPOLOGY, name="own", state_dir=own / ".lab")
    assert docker.containers_of("own") == {}
