"""A firewall on which an isolation would not isolate is refused at preflight, on the real one; and *nothing was touched* is seen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import Ended, drill, make_workspace
from tests.lab.rogue.bypass import in_node
from tests.more import one_in

pytestmark = pytest.mark.lab

SITE = "inventory/riverside.yaml"
WHERE = "conduit-firewall at 172.31.255.1"
ADDRESSES = "ip addr add 10.20.0.1/24 dev eth3; ip addr add fd10:20::1/64 dev eth3 nodad; ip link set eth3 up"
NO_ADDRESSES = "ip addr flush dev eth3"
RENAMED = "ip link set eth3 down; ip link set eth3 name enp3s0; ip link property add dev enp3s0 altname eth3; ip link set enp3s0 up"
NAMED_BACK = (
    "ip link set enp3s0 down; ip link property del dev enp3s0 altname eth3; ip addr flush dev enp3s0; "
    f"ip link set enp3s0 name eth3; {ADDRESSES}"
)
LTE = "ip link add lte0 type veth peer name lte0p; ip link set lte0 up; ip link set lte0p up"
REDIRECT = (
    "nft 'add table netdev hop; add chain netdev hop in { type filter hook ingress device eth1 priority 0; }; "
    "add rule netdev hop in ip saddr 10.10.0.99 fwd to eth4'"
)
COPY = (
    "nft 'add table ip mirror; add chain ip mirror in { type filter hook prerouting priority 0; }; "
    "add rule ip mirror in ip saddr 10.10.0.99 dup to 10.40.0.99 device eth4'"
)
SPEAKS = "import socket,time; s=socket.socket(socket.AF_INET, socket.SOCK_RAW, 112); print('speaks', flush=True); time.sleep(600)"


def shell(lab: Lab, command: str) -> str:
    """Run a command on the firewall."""
    return in_node(lab, "fw", "sh", "-c", command)


@contextmanager
def changed(lab: Lab, change: str, undo: str) -> Iterator[None]:
    """Have the firewall otherwise for the length of a block."""
    try:
        shell(lab, f"set -e; {change}")
        yield
    finally:
        shell(lab, undo)


def rules(lab: Lab) -> str:
    """Every rule with its handle: one that was taken away and put back has another."""
    return shell(lab, "nft -a -s list ruleset")


def refused(lab: Lab, workspace: Path) -> Ended:
    """Drill, and see that it was refused with nothing touched: not by us, not for a moment."""
    before = rules(lab)
    ended = drill(workspace, lab.name)
    assert ended.code == 4, ended.output
    assert rules(lab) == before
    kinds = ended.kinds()
    assert "arm.intent" not in kinds, kinds
    assert not any(kind.startswith(("isolate.", "restore.", "guardian.")) for kind in kinds), kinds
    assert "Traceback" not in ended.output
    assert "Nothing was touched." in ended.output
    return ended


def said(ended: Ended) -> dict[str, str]:
    """Give every sentence of the preflight by its code."""
    found = [record["data"] for record in ended.records() if record["kind"] == "preflight.finding"]
    return {one["code"]: one["sentence"] for one in found}


@pytest.mark.parametrize(
    ("change", "undo", "code", "words"),
    one_in(2, [
        (
            "ip link add br3 type bridge; ip link set br3 up; ip link set eth3 master br3",
            "ip link del br3",
            "point-interface-carries-nothing",
            "eth3 is a port of br3: name br3; a rule on eth3 isolates nothing.",
        ),
        (
            f"ip link add mv3 link eth3 type macvlan mode private; {NO_ADDRESSES}; ip link set mv3 up; ip addr add 10.20.0.1/24 dev mv3",
            f"ip link del mv3; {ADDRESSES}",
            "point-interface-carries-nothing",
            "eth3 is the parent of mv3 (macvlan) and has no address of its own: name mv3",
        ),
        (
            RENAMED,
            NAMED_BACK,
            "point-interface-carries-nothing",
            "eth3 is another name of enp3s0, and packets carry enp3s0: name enp3s0",
        ),
        (
            f"{LTE}; ip addr add 10.99.0.1/30 dev lte0; ip route add 10.40.0.0/25 via 10.99.0.2",
            "ip link del lte0",
            "point-way-past",
            "interface lte0, which the site names for no zone, leads to zone line3 (route 10.40.0.0/25)",
        ),
        (REDIRECT, "nft delete table netdev hop", "point-redirects", "sends packets to eth4, past every rule that isolates"),
        (COPY, "nft delete table ip mirror", "point-redirects", "copies packets to eth4, past every rule that isolates"),
        (
            "ip addr change 10.15.0.1/24 dev eth2 valid_lft 3000 preferred_lft 3000",
            "ip addr change 10.15.0.1/24 dev eth2 valid_lft forever preferred_lft forever",
            "point-address-leased",
            "on eth2, an outer interface that this drill isolates, its address 10.15.0.1 is leased",
        ),
    ]),
    ids=["bridge-port", "macvlan-parent", "altname", "unnamed-interface", "netdev-redirect", "copy", "leased-address"],
)  # fmt: skip
def test_a_firewall_that_an_isolation_would_not_isolate_is_refused(
    lab: Lab, tmp_path: Path, change: str, undo: str, code: str, words: str
) -> None:
    with changed(lab, change, undo):
        ended = refused(lab, make_workspace(tmp_path, lab.state_dir))
    sentence = said(ended)[code]
    assert words in sentence
    assert sentence.startswith(WHERE)
    assert words.split(maxsplit=1)[0] in ended.output


def test_swapped_interfaces_are_refused(lab: Lab, tmp_path: Path) -> None:
    swap = {
        SITE: lambda text: text.replace("corporate: [eth1]", "corporate: [eth3]").replace("dmz: [eth3]", "dmz: [eth1]")
    }
    ended = refused(lab, make_workspace(tmp_path, lab.state_dir, swap))
    wrong = "eth1 for zone dmz, but its address 10.10.0.1 lies in zone corporate; isolating by this interface would"
    assert wrong in " ".join(ended.output.split())


def test_a_firewall_that_speaks_vrrp_is_refused(lab: Lab, tmp_path: Path) -> None:
    speaking = subprocess.Popen(lab.enter("fw", (sys.executable, "-c", SPEAKS)), stdout=subprocess.PIPE, text=True)
    try:
        assert speaking.stdout is not None
        assert speaking.stdout.readline() == "speaks\n"
        ended = refused(lab, make_workspace(tmp_path, lab.state_dir))
    finally:
        in_node(lab, "fw", "pkill", "-KILL", "-f", "SOCK_RAW, 112")
        speaking.communicate()
    assert f"{WHERE} speaks VRRP (IP protocol 112)" in said(ended)["point-speaks-to-peers"]


def test_what_may_pass_unseen_is_advised_beside_what_refuses(lab: Lab, tmp_path: Path) -> None:
    """A run that is refused for another reason tells it too; that advice reaches the verdict is shown without a lab."""
    with changed(lab, f"{LTE}; {REDIRECT}", "ip link del lte0; nft delete table netdev hop"):
        found = said(refused(lab, make_workspace(tmp_path, lab.state_dir)))
    assert "names for no zone: lte0" in found["point-interface-unnamed"]
    assert "management interface eth0 leads to zone line3" in found["point-management-across"]


def test_an_isolation_in_a_file_that_the_saved_configuration_includes_is_refused_and_the_command_mends_it(
    lab: Lab, tmp_path: Path
) -> None:
    saved, included = "/etc/nftables.conf", "/etc/nftables.d/10 site.nft"
    shell(lab, f"cp {saved} /run/kept; mkdir /etc/nftables.d; echo 'include \"/etc/nftables.d/*.nft\"' >>{saved}")
    ours = (
        "table inet islandmode_corporate_dmz {\n\tset armed {\n\t\ttype ifname . ifname\n\t}\n}\ntable inet mine {\n}\n"
    )
    try:
        shell(lab, f"printf '{ours}' >'{included}'")
        ended = refused(lab, make_workspace(tmp_path, lab.state_dir))
        sentence = said(ended)["point-saved-isolated"]
        mend = sentence.partition("as root: ")[2].removesuffix(". Nothing was touched.")
        assert f"'{included}' && nft -c -f {saved}" in mend
        shell(lab, mend)
        assert shell(lab, f"cat '{included}'") == "table inet mine {\n}\n"
        shell(lab, f"chmod 600 '{included}'")
        (tmp_path / "again").mkdir()
        again = refused(lab, make_workspace(tmp_path / "again", lab.state_dir))
        assert f"{included} could not be read: the login user may not read it" in said(again)["point-saved-unread"]
    finally:
        shell(lab, f"cp /run/kept {saved}; rm -r /etc/nftables.d")
