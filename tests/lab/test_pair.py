"""Two nftables firewalls with keepalived, as examples/ashby has them: isolated as one, whichever of them carries the traffic.

A failover is made in the hold: by ending keepalived, by killing it, by pulling both cables of the active member, or by cutting it off from the
operations host too. The members' own look says who is active, and the firewalls' objects who isolates.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path

import pytest

from islandmode.rehearse import backends
from islandmode.rehearse.lab import Lab
from tests.lab import examples
from tests.lab.drills import Drill, Ended, end, newest_run, start, wait_for
from tests.lab.guarded import kill_both
from tests.lab.rogue.bypass import in_node
from tests.patience import PATIENCE_S, wait_until

pytestmark = pytest.mark.lab

PROJECT = Path(__file__).resolve().parents[2]
POINTS = {"station-firewall-a": "fw-a", "station-firewall-b": "fw-b"}
A, B = POINTS
DRILL = "drills/cut-off.yaml"
VIRTUAL = {"10.70.0.1", "10.71.0.1", "fe80::70:1"}
CABLES = (("sw-offices", "eth2"), ("sw-station", "eth1"))
"""The switch ports to which firewall a is plugged."""
FETCH = "import socket; socket.create_connection(('10.70.0.20', 8080), 2)"
SEND = """
import socket
sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
for target in ("224.0.0.18", "10.70.0.2", "10.71.0.20"):
    sender.sendto(bytes(20), (target, 0))
"""
TRIED = 'ip saddr 10.70.0.20 meta l4proto 112 counter accept comment "tried"'
Edit = Callable[[str], str]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy the example, and the programs that it uses, to where runs may be written; bring its lab up."""
    with examples.up("ashby", tmp_path_factory.mktemp("project")) as folder:
        yield folder


@pytest.fixture
def ashby(workspace: Path) -> Lab:
    """Give the lab with all cables plugged, firewall a active and both members in order."""
    found = backends.attach("ashby", workspace / ".lab")
    assert found is not None
    for port in CABLES:
        plugged(found, port, how="up")
    make_active(found)
    return found


def edited(workspace: Path, folder: Path, edits: Mapping[str, Edit]) -> Path:
    """Make another workspace for the same lab, with some of its files changed."""
    shutil.copytree(workspace, folder, ignore=shutil.ignore_patterns("runs", ".lab"))
    (folder / ".lab").symlink_to(workspace / ".lab")
    for path, edit in edits.items():
        text = (folder / path).read_text(encoding="utf-8")
        assert edit(text) != text
        (folder / path).write_text(edit(text), encoding="utf-8")
    return folder


def has(lab: Lab, point: str) -> set[str]:
    """Tell which virtual addresses a member has, asked in its node."""
    shown = in_node(lab, POINTS[point], "ip", "-brief", "address", "show")
    return {address for address in VIRTUAL if f" {address}/" in shown}


def is_active(lab: Lab, point: str) -> bool:
    return has(lab, point) == VIRTUAL


def isolates(lab: Lab, point: str) -> bool:
    return "islandmode_offices_station" in in_node(lab, POINTS[point], "nft", "list", "tables")


def signal_keepalived(lab: Lab, point: str, name: str) -> None:
    """Signal keepalived's child and then itself, at once; found by its own record, as it is a lab's."""
    in_node(
        lab, POINTS[point], "sh", "-c", f"kill -{name} $(cat /run/vrrp.lock) $(cat /run/keepalived.lock)", check=False
    )


def start_keepalived(lab: Lab, point: str, *, group: bool = True) -> None:
    """Start keepalived as the lab does; without its sync group where that is asked for."""
    without = "" if group else "/^vrrp_sync_group/,/^}/d"
    words = (
        "--vrrp --dont-fork --log-console --use-file /run/own.conf --pid /run/keepalived.lock --vrrp_pid /run/vrrp.lock"
    )
    conf = f"/run/plant/fw/keepalived-{POINTS[point][-1]}.conf"
    started = f"setsid keepalived {words} >>/run/keepalived.log 2>&1 </dev/null &"
    made = f"rm -f /run/keepalived.lock /run/vrrp.lock; sed '{without}' {conf} >/run/own.conf; {started}"
    in_node(lab, POINTS[point], "sh", "-c", made)


def take_addresses(lab: Lab, point: str) -> None:
    """Take away what a killed keepalived left behind."""
    for address in has(lab, point):
        in_node(lab, POINTS[point], "ip", "address", "del", with_length(address), "dev", link_of(address))


def link_of(address: str) -> str:
    return "eth2" if address.startswith("10.71") else "eth1"


def with_length(address: str) -> str:
    return f"{address}/{'64' if ':' in address else '24'}"


def make_active(lab: Lab, *, group: bool = True) -> None:
    """Begin anew on both members, so that firewall a is active."""
    for point in POINTS:
        signal_keepalived(lab, point, "KILL")
        take_addresses(lab, point)
    start_keepalived(lab, A, group=group)
    wait_until(lambda: is_active(lab, A), "firewall a active")
    start_keepalived(lab, B, group=group)
    wait_until(lambda: in_node(lab, "fw-b", "cat", "/run/vrrp.lock", check=False) != "", "keepalived on firewall b")


def plugged(lab: Lab, port: tuple[str, str], *, how: str) -> None:
    node, link = port
    in_node(lab, node, "ip", "link", "set", link, how)


CONNTRACKD = """Sync {{
  Mode FTFW {{ }}
  UDP {{ IPv4_address 10.71.0.{own}
    IPv4_Destination_Address 10.71.0.{other}
    Port 3780
    Interface eth2 }} }}
General {{ HashSize 8192
  HashLimit 65535
  LockFile /run/conntrackd.lock
  UNIX {{ Path /run/conntrackd.ctl }}
  Filter From Userspace {{ Address Ignore {{ IPv4_address 127.0.0.1 IPv4_address 10.71.0.2 IPv4_address 10.71.0.3 }} }} }}
"""
MAY_ASK = "islandmode ALL=(root) NOPASSWD: /usr/sbin/conntrackd -s link"
"""What `devices check` prints beside the right to run nft."""
SUDOERS = "/etc/sudoers.d/conntrackd"
HEARS = ("iifname", "eth2", "udp", "dport", "3780", "accept")


def start_conntrackd(lab: Lab, point: str) -> None:
    """Keep a firewall's sessions in sync with the other's, over the station's side."""
    own, other = (2, 3) if point == A else (3, 2)
    conf = CONNTRACKD.format(own=own, other=other)
    started = "setsid /usr/sbin/conntrackd >/run/conntrackd.log 2>&1 </dev/null & echo $! >/run/conntrackd.pid"
    made = f"mkdir -p /etc/conntrackd; printf '%s' '{conf}' >/etc/conntrackd/conntrackd.conf; {started}"
    in_node(lab, POINTS[point], "nft", "insert", "rule", "inet", "ashby", "input", *HEARS)
    in_node(lab, POINTS[point], "sh", "-c", made)


def end_conntrackd(lab: Lab, point: str) -> None:
    """End it, and close its port again."""
    in_node(lab, POINTS[point], "rm", "-f", SUDOERS)
    ended = "test -e /run/conntrackd.pid && kill -KILL $(cat /run/conntrackd.pid); rm -f /run/conntrackd.*"
    in_node(lab, POINTS[point], "sh", "-c", ended, check=False)
    in_node(lab, POINTS[point], "nft", "-f", "/etc/nftables.conf")


def counted(lab: Lab) -> dict[str, int]:
    """Tell how many packets of protocol 112 from the office the site's own rules met on firewall a, by chain."""
    found = {}
    for chain in ("input", "forward"):
        rules = in_node(lab, "fw-a", "nft", "list", "chain", "inet", "ashby", chain)
        (found[chain],) = map(int, re.findall(r"counter packets (\d+) .*accept comment \"tried\"", rules))
    return found


def send_vrrp(lab: Lab) -> None:
    """Send what looks like VRRP from the office: to the group, to both members, and through them."""
    in_node(lab, "office", sys.executable, "-c", SEND)


def passes(lab: Lab) -> bool:
    """Try a new connection across the pair."""
    enter = lab.enter("ops", (sys.executable, "-c", FETCH), network_only=True)
    return subprocess.run(enter, check=False, capture_output=True, timeout=PATIENCE_S).returncode == 0


def in_hold(workspace: Path) -> Drill:
    before = newest_run(workspace)
    running = start(workspace, "ashby", named="cut-off")
    wait_for(running, workspace, "hold.started", before=before)
    return running


def roles(ended: Ended) -> list[tuple[str, str, str]]:
    """Give every change of a role in the order in which it was written down."""
    told = (record["data"] for record in ended.records() if record["kind"] == "pair.role")
    return [(data["point"], data["before"], data["role"]) for data in told]


def seen_restored(ended: Ended) -> set[str]:
    return {record["data"]["point"] for record in ended.records() if record["kind"] == "restore.seen"}


def test_a_failover_in_the_hold_opens_nothing(workspace: Path, ashby: Lab) -> None:
    """The pair hears itself all the time: nothing fails over until keepalived is ended, and then the other member isolates too."""
    running = in_hold(workspace)
    assert all(isolates(ashby, point) for point in POINTS)
    assert is_active(ashby, A)
    signal_keepalived(ashby, A, "TERM")
    wait_until(lambda: is_active(ashby, B), "firewall b active")
    assert not passes(ashby)
    ended = end(running, workspace)
    assert (ended.code, ended.verdict["verdict"], ended.verdict["restoration"]) == (0, "held", "proven"), ended.output
    assert set(roles(ended)[:2]) == {(A, "", "active"), (B, "", "standby")}
    assert syncs(ended) == {(A, "not-kept"), (B, "not-kept")}
    assert {(A, "active", "standby"), (B, "standby", "active")} <= set(roles(ended)[2:])
    assert "Every member was read again, and isolated what it had to." in ended.finding("pair-role-changed")["sentence"]
    assert "as they do where a member of a pair changes its role" in ended.finding("moved-with-role")["sentence"]
    assert "edited-meanwhile" not in ended.codes()
    assert seen_restored(ended) == set(POINTS)
    assert not any(isolates(ashby, point) for point in POINTS)
    assert ended.directory is not None
    report = (ended.directory / "report.html").read_text(encoding="utf-8")
    assert f"{B}, standby before, became active" in report
    assert passes(ashby)


def syncs(ended: Ended) -> set[tuple[str, str]]:
    return {
        (record["data"]["point"], record["data"]["sync"]) for record in ended.records() if record["kind"] == "pair.sync"
    }


@pytest.mark.more
def test_sessions_that_conntrackd_keeps_in_sync_are_read_of_each_member(workspace: Path, ashby: Lab) -> None:
    """With it on one member only the drill is refused; on both it is in sync, and says so again after a failover."""

    def hears(point: str) -> bool:
        shown = in_node(ashby, POINTS[point], "/usr/sbin/conntrackd", "-s", "link", check=False)
        return "status=RUNNING" in shown and re.search(r"[1-9]\d* Pckts recv", shown) is not None

    def refused() -> str:
        ended = end(start(workspace, "ashby", named="cut-off", again=0), workspace)
        assert ended.code == 4
        return " ".join(ended.output.split())

    try:
        start_conntrackd(ashby, A)
        if os.geteuid() == 0:
            # Without root the lab's login is root, which needs no right of its own.
            assert (
                f"sudo: a password is required; let the login user run {MAY_ASK.partition(': ')[2]} as root"
                in refused()
            )
        for node in POINTS.values():
            in_node(ashby, node, "sh", "-c", f"echo '{MAY_ASK}' >{SUDOERS}; chmod 440 {SUDOERS}")
        assert (
            f"{A} did not show whether it is in sync with the other members (conntrackd runs there, and has heard nothing"
            in refused()
        )
        start_conntrackd(ashby, B)
        wait_until(lambda: all(hears(point) for point in POINTS), "the members to hear each other")
        running = in_hold(workspace)
        signal_keepalived(ashby, A, "TERM")
        ended = end(running, workspace)
    finally:
        for point in POINTS:
            end_conntrackd(ashby, point)
    assert (ended.code, ended.verdict["verdict"], ended.verdict["restoration"]) == (0, "held", "proven"), ended.output
    assert syncs(ended) == {(A, "in-sync"), (B, "in-sync")}
    assert "pair-role-changed" in ended.codes()


@pytest.mark.more
def test_a_pair_out_of_order_is_refused(workspace: Path, ashby: Lab) -> None:
    """Nobody is active; then both are."""
    signal_keepalived(ashby, B, "KILL")
    signal_keepalived(ashby, A, "TERM")
    wait_until(lambda: not has(ashby, A), "nobody active")
    for node, address in product(POINTS.values(), sorted(VIRTUAL)):
        in_node(ashby, node, "ip", "address", "replace", with_length(address), "dev", link_of(address))
    ended = end(start(workspace, "ashby", named="cut-off", again=0), workspace)
    assert ended.code == 4
    assert f"Pair station-firewall is split: {A} and {B} each have its virtual addresses" in " ".join(
        ended.output.split()
    )
    assert not any(isolates(ashby, point) for point in POINTS)


@pytest.mark.more
def test_nobody_else_gets_through_as_vrrp(workspace: Path, ashby: Lab) -> None:
    """The site's rules would let it pass, and do before the drill; in the hold they do not meet it."""
    for chain in ("input", "forward"):
        in_node(ashby, "fw-a", "nft", "insert", "rule", "inet", "ashby", chain, *TRIED.split())
    try:
        send_vrrp(ashby)
        before = counted(ashby)
        assert before == {"input": 2, "forward": 1}
        running = in_hold(workspace)
        send_vrrp(ashby)
        assert counted(ashby) == before
        ended = end(running, workspace)
    finally:
        in_node(ashby, "fw-a", "nft", "-f", "/etc/nftables.conf")
    assert (ended.code, ended.verdict["verdict"]) == (0, "held"), ended.output
    assert not {code for code in ended.codes() if code.startswith("pair-")}


@pytest.mark.more
def test_with_one_member_isolated_its_death_lets_new_connections_pass(workspace: Path, ashby: Lab) -> None:
    """Which no plan does: the verdict says leak."""
    argv = (sys.executable, "-m", "tests.lab.on_one_member", str(workspace), "ashby", str(ashby.state_dir))
    before = newest_run(workspace)
    running = Drill(
        ashby.enter("ops", argv, network_only=True),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    wait_for(running, workspace, "hold.started", before=before)
    assert isolates(ashby, A)
    assert not isolates(ashby, B)
    assert not passes(ashby)
    signal_keepalived(ashby, A, "TERM")
    wait_until(lambda: passes(ashby), "a new connection through the other member")
    ended = end(running, workspace)
    assert (ended.code, ended.verdict["verdict"]) == (1, "breached"), ended.output
    assert "leak" in ended.codes()


@pytest.mark.more
def test_the_active_member_without_its_cable(workspace: Path, ashby: Lab) -> None:
    """With one sync group the cable on one side moves both sides."""
    running = in_hold(workspace)
    plugged(ashby, CABLES[0], how="down")
    wait_until(lambda: is_active(ashby, B), "firewall b active")
    assert not passes(ashby)
    ended = end(running, workspace)
    assert (ended.code, ended.verdict["verdict"], ended.verdict["restoration"]) == (0, "held", "proven"), ended.output
    assert {point: role for point, before, role in roles(ended) if before} == {A: "standby", B: "active"}


@pytest.mark.more
def test_without_a_sync_group_the_pair_is_divided(workspace: Path, ashby: Lab, tmp_path: Path) -> None:
    """It is isolated all the same, and put in order by hand before the end; while it is divided no drill begins."""
    folder = edited(workspace, tmp_path / "ashby", {DRILL: lambda text: text.replace("hold: 12 s", "hold: 40 s")})
    make_active(ashby, group=False)
    running = in_hold(folder)
    plugged(ashby, CABLES[0], how="down")
    for point in POINTS:
        wait_for(running, folder, "pair.role", point=point, role="divided")
    assert not passes(ashby)
    plugged(ashby, CABLES[0], how="up")
    make_active(ashby)
    ended = end(running, folder)
    assert (ended.code, ended.verdict["verdict"], ended.verdict["restoration"]) == (0, "held", "proven"), ended.output
    assert "pair-role-changed" in ended.codes()

    make_active(ashby, group=False)
    plugged(ashby, CABLES[0], how="down")
    wait_until(lambda: has(ashby, A) == {"10.71.0.1"} and has(ashby, B) == VIRTUAL - {"10.71.0.1"}, "both divided")
    refused = end(start(folder, "ashby", named="cut-off", again=0), folder)
    assert refused.code == 4
    assert "Pair station-firewall is out of step" in refused.output
    assert not any(isolates(ashby, point) for point in POINTS)


@pytest.mark.more
def test_keepalived_killed_splits_the_pair_and_opens_nothing(workspace: Path, ashby: Lab) -> None:
    """A killed keepalived takes no address away: both members have them, and both isolate."""
    running = in_hold(workspace)
    signal_keepalived(ashby, A, "KILL")
    wait_until(lambda: is_active(ashby, B), "firewall b active")
    assert not passes(ashby)
    ended = end(running, workspace)
    assert (ended.code, ended.verdict["verdict"], ended.verdict["restoration"]) == (0, "held", "proven"), ended.output
    assert f"{A} and {B} each had its virtual addresses" in ended.finding("pair-was-split")["sentence"]


@pytest.mark.more
def test_a_member_that_is_gone_ends_the_drill_and_each_is_told_by_itself(
    workspace: Path, ashby: Lab, tmp_path: Path
) -> None:
    """The other member is restored at once; the member that is gone, when it is back."""
    folder = edited(workspace, tmp_path / "ashby", {DRILL: lambda text: text.replace("hold: 12 s", "hold: 2 min")})
    running = in_hold(folder)
    for port in CABLES:
        plugged(ashby, port, how="down")
    in_node(ashby, "fw-a", "ip", "link", "set", "eth0", "down")
    wait_for(running, folder, "restore.seen", point=B)
    assert isolates(ashby, A)
    assert not isolates(ashby, B)
    for port in CABLES:
        plugged(ashby, port, how="up")
    in_node(ashby, "fw-a", "ip", "link", "set", "eth0", "up")
    ended = end(running, folder)
    assert (ended.verdict["restoration"], seen_restored(ended)) == ("proven", set(POINTS)), ended.output
    stops = [record["data"] for record in ended.records() if record["kind"] == "stop"]
    assert re.match(rf"{A}: its dead-man could not be read for", stops[0]["why"])


@pytest.mark.more
def test_the_dead_man_fires_on_both_members(workspace: Path, ashby: Lab, tmp_path: Path) -> None:
    """Conductor and guardian are killed: each member lets traffic pass by itself, and `restore` takes both objects away."""

    def short(text: str) -> str:
        return text.replace("hold: 12 s", "hold: 2 min").replace("dead_man: 2 min", "dead_man: 15 s")

    folder = edited(workspace, tmp_path / "ashby", {DRILL: short})
    running = in_hold(folder)
    kill_both(folder, running)
    assert all(isolates(ashby, point) for point in POINTS)
    wait_until(lambda: passes(ashby), "the dead-man of the active member")
    signal_keepalived(ashby, A, "TERM")
    wait_until(lambda: is_active(ashby, B), "firewall b active")
    wait_until(lambda: passes(ashby), "the dead-man of the other member")
    restored = examples.ask(folder, "restore")
    assert restored.returncode == 0, restored.stderr
    assert not any(isolates(ashby, point) for point in POINTS)
