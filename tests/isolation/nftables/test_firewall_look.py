"""What a firewall answers about itself, read: the lab's own answers as recorded, and forms that this kernel cannot make.

`recorded/lab-fw.*` is what the lab's firewall said. VLAN, VRF, bond, WireGuard, GRE and flowtables, and the filters of tc, are
not in the kernel of the machines that run these tests: they are read from listings in the form that iproute2 and nft write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import Any

import pytest

from islandmode.core.firewall import Firewall, Redirect, Route, Socket
from islandmode.core.preflight_firewall import judge_firewall
from islandmode.isolation.nftables import firewall_reading as reading
from islandmode.isolation.nftables.firewall_look import look
from islandmode.isolation.nftables.recipe import LIST_OFFLOADED
from islandmode.isolation.session import DeviceTrouble
from tests.core.given import given

RECORDED = Path(__file__).parent / "recorded"
PARTS = {
    "links": reading.LINKS,
    "addresses": reading.ADDRESSES,
    "routes-v4": reading.ROUTES[4],
    "routes-v6": reading.ROUTES[6],
    "sockets": reading.SOCKETS,
    "qdiscs": reading.QDISCS,
}
NOTHING = '{"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}]}'
WITH_FILTERS = "qdisc clsact ffff: dev eth1 parent ffff:fff1 \nqdisc htb 1: dev eth4 root refcnt 3 r2q 10 default 0\n"
FILTERS = """device eth1 ingress
filter protocol all pref 365 matchall chain 0\x20
filter protocol all pref 365 matchall chain 0 handle 0x1\x20
  not_in_hw (rule hit 4273)
\taction order 1: mirred (Egress Redirect to device eth4) stolen
\tindex 1 ref 1 bind 1 installed 8 sec firstused 8 sec
device eth1 egress
filter protocol all pref 49152 bpf chain 0\x20
filter protocol all pref 49152 bpf chain 0 handle 0x1 prog.o:[tc] direct-action not_in_hw id 42 tag 0123456789abcdef\x20
device eth4 parent 1:
filter protocol ip pref 1 u32 chain 0 fh 800::800 order 2048 key ht 800 bkt 0 terminal flowid not_in_hw\x20
  match 00000000/00000000 at 0
\taction order 1: mirred (Egress Mirror to device eth9) pipe
"""


@dataclass(frozen=True)
class Said:
    """An answer of nft's channel, as a fake gives it."""

    texts: tuple[str, ...]
    errors: tuple[str, ...] = ()


def recorded() -> dict[str, str]:
    """What the lab's firewall answered, by command."""
    return {command: (RECORDED / f"lab-fw.{part}.txt").read_text(encoding="utf-8") for part, command in PARTS.items()}


def fake_look(answers: Mapping[str, str], listings: Mapping[str, str] | None = None) -> Firewall:
    """Look at a firewall that gives these answers; what it does not know it refuses, as a shell does."""

    def run(command: str) -> str:
        if command not in answers:
            raise DeviceTrouble(f"{command} failed: sh: 1: {command.rsplit(maxsplit=1)[-1]}: not found")
        return answers[command]

    def ask(lines: tuple[str, ...]) -> Said:
        return Said(tuple((listings or {}).get(line, NOTHING) for line in lines))

    return look(run, ask)


def changed(command: str, *rows: dict[str, Any]) -> dict[str, str]:
    """Put rows into one recorded JSON answer, each in place of the row of that name."""
    answers = recorded()
    names = {row.get("ifname") for row in rows}
    kept = [row for row in json.loads(answers[command]) if "ifname" not in row or row["ifname"] not in names]
    return answers | {command: json.dumps([*kept, *rows])}


def row(name: str, kind: str = "", **more: Any) -> dict[str, Any]:
    """One row of `ip -json -details link show`, with what is read of it."""
    info = {"info_kind": kind} if kind else {}
    info |= {"info_slave_kind": more.pop("member")} if "member" in more else {}
    return {"ifname": name, "flags": ["BROADCAST", "UP", "LOWER_UP"], "link_type": "ether", "linkinfo": info, **more}


def codes(firewall: Firewall) -> set[str]:
    plan = given().plan()
    found = judge_firewall("conduit-firewall", plan.points["conduit-firewall"], plan.zones, firewall)
    return {f"{'!' * one.refuses}{one.code}" for one in found}


def test_the_labs_own_answers_are_read_whole_and_refuse_nothing() -> None:
    firewall = fake_look(recorded())
    assert firewall.unread == ()
    assert {link.name for link in firewall.links} == {"lo", "eth0", "eth1", "eth2", "eth3", "eth4"}
    assert {link.parent for link in firewall.links} == {None}
    assert ip_interface("10.20.0.1/24") in {one.address for one in firewall.addresses if one.link == "eth3"}
    assert not any(one.leased for one in firewall.addresses)
    assert Route(ip_network("10.40.0.0/24"), "eth4") in firewall.routes
    assert Route(ip_network("fd10:20::/64"), "eth3") in firewall.routes
    assert not any(str(route.network) == "10.20.0.1/32" for route in firewall.routes)
    assert Socket("tcp", 22, "172.31.255.1") in firewall.sockets
    assert codes(firewall) == {"point-management-across"}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ((row("bond0", "bond"), row("eth3", master="bond0", member="bond")), "!point-interface-carries-nothing"),
        ((row("blue", "vrf"), row("eth3", master="blue", member="vrf")), "!point-interface-carries-nothing"),
        ((row("wg0", "wireguard", link_type="none"),), "point-tunnel"),
        ((row("gre1", "gre", link="eth1", link_type="gre"),), "point-tunnel"),
        ((row("eth3.20", "vlan", link="eth3"),), "point-interface-unnamed"),
        ((row("eth4", "veth", xdp={"mode": 2, "prog": {"id": 7}}),), "!point-redirects"),
    ],
    ids=["bond", "vrf", "wireguard", "gre", "vlan", "xdp"],
)
def test_kinds_of_link_that_this_kernel_lacks_are_read_from_recorded_forms(rows: tuple[Any, ...], code: str) -> None:
    assert code in codes(fake_look(changed(reading.LINKS, *rows)))


def test_a_flowtable_which_this_kernel_lacks_is_read_from_a_recorded_form() -> None:
    table = {
        "flowtable": {"family": "inet", "name": "fast", "table": "plant", "handle": 3, "hook": "ingress", "prio": 0}
    }
    listing = json.dumps({"nftables": [{"flowtable": {**table["flowtable"], "dev": ["eth1", "eth4"]}}]})
    firewall = fake_look(recorded(), {LIST_OFFLOADED: listing})
    assert firewall.offloaded == ("eth1", "eth4")
    assert "!point-offloaded" in codes(firewall)
    one = json.dumps({"nftables": [{"flowtable": {**table["flowtable"], "dev": "eth4"}}]})
    assert fake_look(recorded(), {LIST_OFFLOADED: one}).offloaded == ("eth4",)


def test_filters_of_tc_which_this_kernel_lacks_are_read_from_a_recorded_form() -> None:
    asked = reading.filters_command(WITH_FILTERS)
    assert "dev 'eth1' ingress || exit 1" in asked
    assert "dev 'eth4' parent 1: || exit 1" in asked
    firewall = fake_look(recorded() | {reading.QDISCS: WITH_FILTERS, asked: FILTERS})
    assert firewall.redirects == (
        Redirect("tc on eth1", "moves", "eth4", "eth1"),
        Redirect("a BPF program of tc on eth1", "program", None, "eth1"),
        Redirect("tc on eth4", "copies", "eth9", "eth4"),
    )
    assert {"!point-redirects", "point-copies"} <= codes(firewall)


def test_rules_of_nft_that_hand_packets_on_are_read() -> None:
    """The rows are those of nft 1.0.6, which does not say of which interface such a chain is."""
    rule = {"family": "netdev", "table": "t", "chain": "c", "handle": 2}
    parts: tuple[dict[str, Any], ...] = (
        {"fwd": {"dev": "eth3"}},
        {"dup": {"addr": "p3"}},
        {"fwd": {"dev": {"map": {}}}},
    )
    listing = json.dumps({"nftables": [{"rule": {**rule, "expr": [part]}} for part in parts]})
    said = "nft table netdev t, chain c"
    assert fake_look(recorded(), {"list ruleset netdev": listing}).redirects == (
        Redirect(said, "moves", "eth3"),
        Redirect(said, "copies", "p3"),
        Redirect(said, "moves", None),
    )


@pytest.mark.parametrize(
    ("family", "targets"),
    [("netdev", ("eth4", None, "eth4")), ("ip", ("eth4", None)), ("ip6", ("eth4",))],
)
def test_copies_that_nft_hands_on_are_read_as_nft_lists_them(family: str, targets: tuple[str | None, ...]) -> None:
    """Recorded from nft 1.0.6: to an interface, to an address whose route decides, and by a map. Each is refused."""
    listing = (RECORDED / f"nft-mirror.{family}.json").read_text(encoding="utf-8")
    firewall = fake_look(recorded(), {f"list ruleset {family}": listing})
    assert tuple(one.target for one in firewall.redirects) == targets
    copies = replace(firewall, redirects=tuple(one for one in firewall.redirects if one.what == "copies"))
    assert len(copies.redirects) >= 1
    for one in copies.redirects:
        assert "!point-redirects" in codes(replace(firewall, redirects=(one,)))


def test_a_copy_by_a_target_of_iptables_that_nft_cannot_say_is_read() -> None:
    rule = {"family": "ip", "table": "mangle", "chain": "PREROUTING", "handle": 2}
    listing = json.dumps({"nftables": [{"rule": {**rule, "expr": [{"xt": {"type": "target", "name": "TEE"}}]}}]})
    firewall = fake_look(recorded(), {"list ruleset ip": listing})
    assert firewall.redirects == (Redirect("nft table ip mangle, chain PREROUTING (TEE of iptables)", "copies"),)
    assert "!point-redirects" in codes(firewall)


@pytest.mark.parametrize("stacked", ["vlan", "bridge"])
def test_a_copy_to_what_a_named_interface_stands_on_is_refused(stacked: str) -> None:
    """It reaches the zone all the same: by the parent of the VLAN that is named, or by a port of the bridge."""
    if stacked == "vlan":
        rows: tuple[Any, ...] = (row("p4"), row("eth4", "vlan", link="p4"))
    else:
        rows = (row("eth4", "bridge"), row("p4", master="eth4", member="bridge"))
    listing = json.dumps(
        {
            "nftables": [
                {
                    "rule": {
                        "family": "ip",
                        "table": "t",
                        "chain": "c",
                        "handle": 2,
                        "expr": [{"dup": {"addr": "10.40.0.9", "dev": "p4"}}],
                    }
                }
            ]
        }
    )
    assert "!point-redirects" in codes(fake_look(changed(reading.LINKS, *rows), {"list ruleset ip": listing}))


@pytest.mark.parametrize("part", PARTS)
def test_a_command_that_is_missing_is_not_read_and_said(part: str) -> None:
    answers = recorded()
    del answers[PARTS[part]]
    firewall = fake_look(answers)
    (unread,) = firewall.unread
    assert unread.why.endswith("not found")
    assert "PATH=" not in unread.why
    assert "point-part-unread" in codes(firewall)


@pytest.mark.parametrize("answer", ["usage: ip [ OPTIONS ]", "[{}, 7]", '[{"ifname": "eth1"}]', '"eth1"', "7"])
def test_an_answer_of_another_shape_is_not_read_and_said(answer: str) -> None:
    firewall = fake_look(recorded() | {reading.LINKS: answer})
    assert [one.what for one in firewall.unread] == ["interfaces"]


@pytest.mark.parametrize("line", [*reading.RULESETS, LIST_OFFLOADED])
@pytest.mark.parametrize("answer", ["", "[]", '{"nftables": 7}'])
def test_a_listing_that_nft_refuses_is_not_read_and_said(line: str, answer: str) -> None:
    assert len(fake_look(recorded(), {line: answer}).unread) == 1


def test_sockets_are_read_with_the_interface_that_they_are_bound_to() -> None:
    lines = (
        "raw UNCONN 0      0           0.0.0.0:112  0.0.0.0:*\n"
        "raw UNCONN 0      0                 *:89         *:*\n"
        "udp UNCONN 0      0      0.0.0.0%eth1:68   0.0.0.0:*\n"
        "udp UNCONN 0      0      [fe80::1]%eth1:546   [::]:*\n"
        "tcp ESTAB 0      0      10.10.0.1:41234 10.10.0.2:179\n"
    )
    assert reading.sockets(lines) == (
        Socket("raw", 112, "0.0.0.0"),
        Socket("raw", 89),
        Socket("udp", 68, "0.0.0.0", "eth1"),
        Socket("udp", 546, "fe80::1", "eth1"),
        Socket("tcp", 41234, "10.10.0.1", None, 179),
    )
