"""The firewall as a witness on the real lab: what leaves it across an isolation is counted, whatever no probe asks for.

A hole in the isolation is made by accepting packets before our own rules drop them, in mid-hold. Every hole is shown to be
one: what was sent through it came. No probe goes that way, so that without the counters each of these drills was *held*.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from islandmode.rehearse.lab import Lab
from tests.lab.drills import Drill, Ended, drill, end, make_workspace, start, wait_for
from tests.lab.rogue.bypass import FAR, in_node, lay, lift
from tests.lab.rogue.packets import finish, listener, send

pytestmark = pytest.mark.lab

ERP, OFFICE, VENDOR, HMI = "10.10.0.10", "10.10.0.20", "10.15.0.10", "10.40.0.20"
MIXER, FILLER, HISTORIAN, OPS = "10.40.0.10", "10.40.0.11", "10.20.0.10", "172.31.255.100"
LINE = "islandmode_corporate_line3"


def held_for(hold_s: int) -> Callable[[str], str]:
    """Hold the last stage for so long."""
    return lambda text: text.replace("hold: 3 s", f"hold: {hold_s} s")


def begin(lab: Lab, tmp_path: Path, hold_s: int) -> tuple[Drill, Path, dict[str, Any]]:
    """Start a drill and come back when its last hold has begun, with the record that says so."""
    workspace = make_workspace(tmp_path, lab.state_dir, {"drills/quarterly-isolation.yaml": held_for(hold_s)})
    running = start(workspace, lab.name)
    try:
        return running, workspace, wait_for(running, workspace, "hold.started", stage="corporate")
    except BaseException:
        # A drill that nobody waits for would isolate the lab in the next tests.
        running.terminate()
        running.communicate()
        raise


def nft(lab: Lab, *lines: str) -> None:
    """Change the firewall's ruleset, all or nothing."""
    in_node(lab, "fw", "/usr/sbin/nft", "; ".join(lines))


def open_hole(lab: Lab, match: str, *tables: str) -> None:
    """Let packets pass in spite of isolation: accepted first in these Islandmode tables, and in the site's own."""
    nft(lab, *(f"insert rule inet {table} forward {match} accept" for table in (*tables, "plant")))


@contextmanager
def own_rules_again(lab: Lab) -> Iterator[None]:
    """Give the firewall its saved rules back when all is over."""
    try:
        yield
    finally:
        nft(lab, 'include "/etc/nftables.conf"')


def counted(ended: Ended, code: str, way: str) -> int:
    """Give the packets that a finding tells of, on a way."""
    told = [
        one["sentence"] for one in ended.verdict["findings"] if one["code"] == code and f"({way})" in one["sentence"]
    ]
    assert told, f"no {code} on {way}: {[one['sentence'] for one in ended.verdict['findings']]}"
    return int(told[0].partition(" packet")[0].rpartition(" ")[2])


def test_a_good_drill_is_held_by_probes_and_counters(lab: Lab, tmp_path: Path) -> None:
    ended = drill(make_workspace(tmp_path, lab.state_dir), lab.name)
    assert ended.code == 0, ended.output
    assert ended.verdict["witness"]["basis"] == "probes and firewall counters", ended.verdict["witness"]["not_seen"]
    assert "verdict held (probes and firewall counters)" in ended.output
    assert ended.directory is not None
    assert "Seen by probes and firewall counters." in (ended.directory / "report.html").read_text(encoding="utf-8")
    across = {row["way"]: row for row in ended.verdict["witness"]["counted"] if row["conduit"] == "corporate-line3"}
    assert across["eth1 to eth4"]["before"] > 0
    assert all(row["isolated"] == 0 for row in across.values())


ACROSS = (
    ("one-way inward, UDP", "erp", "udp", MIXER, 9999, f"ip saddr {ERP} udp dport 9999"),
    ("one-way outward, UDP", "hmi", "udp", ERP, 9999, f"ip saddr {HMI} udp dport 9999"),
    ("ICMP", "erp", "icmp", MIXER, 0, "ip protocol icmp"),
    ("another host", "erp", "tcp", MIXER, 502, f"ip saddr {{ {ERP}, {MIXER} }} ip daddr {{ {ERP}, {MIXER} }}"),
    ("another port", "office", "tcp", MIXER, 9998, f"ip saddr {{ {OFFICE}, {MIXER} }} tcp dport 9998"),
)


def test_whatever_passes_between_the_isolated_sides_is_a_leak_with_its_number(lab: Lab, tmp_path: Path) -> None:
    with own_rules_again(lab), ExitStack() as listening:
        inside = listening.enter_context(listener(lab, "plc-mixer", 9999))
        outside = listening.enter_context(listener(lab, "erp", 9999))
        running, workspace, _ = begin(lab, tmp_path, 6)
        for _, _, _, _, _, match in ACROSS:
            open_hole(lab, match, LINE)
        open_hole(lab, "tcp sport 9998", LINE)
        sent = {name: send(lab, node, kind, host, port, 1.0) for name, node, kind, host, port, _ in ACROSS}
        answered = {name: finish(one).came for name, one in sent.items()}
        ended = end(running, workspace)
    assert ended.code == 1, ended.output
    assert (ended.verdict["verdict"], ended.verdict["restoration"]) == ("breached", "proven")
    # No probe saw any of it.
    assert "leak" not in ended.codes()
    assert min(inside.came, outside.came, answered["ICMP"], answered["another host"], answered["another port"]) > 0
    asked = answered["ICMP"] + answered["another host"] + answered["another port"]
    assert counted(ended, "egress-leak", "eth1 to eth4") >= inside.came + asked
    assert counted(ended, "egress-leak", "eth4 to eth1") >= outside.came + asked
    assert ended.verdict["leaks"] == 2


@contextmanager
def by_another_way(lab: Lab, source: str, table: int, *route: str) -> Iterator[None]:
    """Lead what comes from a host to the filler's PLC over another interface of the firewall."""
    in_node(lab, "fw", "ip", "route", "add", FILLER, *route, "table", str(table))
    in_node(lab, "fw", "ip", "rule", "add", "from", source, "to", FILLER, "table", str(table))
    try:
        yield
    finally:
        in_node(lab, "fw", "ip", "rule", "del", "from", source, "to", FILLER, "table", str(table))
        in_node(lab, "fw", "ip", "route", "flush", "table", str(table))


@pytest.mark.more
def test_ways_round_through_the_same_firewall_are_counted(lab: Lab, tmp_path: Path) -> None:
    """An interface that the site does not name, the management interface, and a relay in the DMZ."""
    with own_rules_again(lab), ExitStack() as around:
        unnamed = around.enter_context(listener(lab, "plc-filler", 9997))
        managed = around.enter_context(listener(lab, "plc-filler", 9996))
        relayed = around.enter_context(listener(lab, "plc-mixer", 9995))
        around.enter_context(listener(lab, "historian", 9995, f"{MIXER}:9995"))
        running, workspace, _ = begin(lab, tmp_path, 6)
        around.callback(lift, lab, "fw")
        lay(lab, "fw", ())
        around.enter_context(by_another_way(lab, ERP, 77, "via", FAR[4], "dev", "bypass"))
        around.callback(in_node, lab, "ops", "sysctl", "-qw", "net.ipv4.ip_forward=0")
        in_node(lab, "ops", "sysctl", "-qw", "net.ipv4.ip_forward=1")
        around.enter_context(by_another_way(lab, VENDOR, 78, "via", OPS, "dev", "eth0"))
        open_hole(lab, "udp dport { 9995, 9996, 9997 }")
        ways = (("erp", FILLER, 9997), ("vendor", FILLER, 9996), ("vendor", HISTORIAN, 9995))
        for one in [send(lab, node, "udp", host, port, 1.0) for node, host, port in ways]:
            finish(one)
        ended = end(running, workspace)
    assert ended.code == 1, ended.output
    assert ended.verdict["restoration"] == "proven"
    assert "leak" not in ended.codes()
    assert min(unnamed.came, managed.came, relayed.came) > 0
    assert counted(ended, "egress-leak", "eth1 to an unnamed interface") >= unnamed.came
    assert counted(ended, "egress-leak", "eth2 to an unnamed interface") >= managed.came
    # Each alone is enough not to be held: what a zone sends where it has no conduit may go on from there.
    assert counted(ended, "undeclared-path", "eth2 to eth3") >= relayed.came
    assert ended.finding("undeclared-path")["result"] == "inconclusive"


@pytest.mark.more
def test_a_hole_in_the_last_moments_of_the_hold_is_counted(lab: Lab, tmp_path: Path) -> None:
    hold_s, open_s = 6, 0.3
    with own_rules_again(lab), listener(lab, "plc-mixer", 9999) as inside:
        running, workspace, held = begin(lab, tmp_path, hold_s)
        # The device's own clock opens the hole: nothing that is late here can move it behind the end of the hold.
        left_s = held["mono_us"] / 1_000_000 + hold_s - open_s - time.monotonic()
        assert left_s > 0, "this machine is too slow to lay the hole in time"
        shut = f"add element inet {LINE} shut {{ {ERP} timeout {round(left_s * 1000)}ms }}"
        nft(lab, f"add set inet {LINE} shut {{ type ipv4_addr; flags timeout; }}", shut)
        nft(lab, f"insert rule inet {LINE} forward udp dport 9999 ip saddr != @shut accept")
        nft(lab, "insert rule inet plant forward udp dport 9999 accept")
        finish(send(lab, "erp", "udp", MIXER, 9999, hold_s))
        ended = end(running, workspace)
    assert inside.came > 0
    assert "leak" not in ended.codes()
    read_s = ended.verdict["witness"]["last_read_s"]
    if read_s > 0.2:
        # A machine this busy read too late, and must not be silent about that.
        assert f"the last {read_s:.1f} s" in " ".join(ended.verdict["witness"]["not_seen"])
        return
    assert ended.code == 1, ended.output
    assert counted(ended, "egress-leak", "eth1 to eth4") > 0
    assert ended.finding("egress-leak")["last_s"] - ended.finding("egress-leak")["first_s"] < 1
