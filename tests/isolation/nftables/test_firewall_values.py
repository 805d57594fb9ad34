"""Every field that is read of a firewall's answers, row by row: what ip, ss, tc and nft write, and the value that comes of it."""

from __future__ import annotations

import json
from ipaddress import ip_interface, ip_network
from typing import Any

import pytest

from islandmode.core.errors import InputError
from islandmode.core.firewall import Link, LinkAddress, Redirect, Route, Socket
from islandmode.isolation.nftables import egress, recipe
from islandmode.isolation.nftables import firewall_reading as reading
from islandmode.isolation.nftables import reading as table_reading
from tests.isolation.nftables.plant import BETWEEN, INTERFACES
from tests.isolation.nftables.test_egress import GIVEN, ROWS

UP = ["BROADCAST", "UP"]


@pytest.mark.parametrize(
    ("row", "link"),
    [
        ({"ifname": "eth1", "flags": UP}, Link("eth1")),
        ({"ifname": "eth1", "flags": ["BROADCAST"]}, Link("eth1", up=False)),
        ({"ifname": "eth1", "flags": UP, "altnames": ["enp1s0", "lan"]}, Link("eth1", altnames=("enp1s0", "lan"))),
        (
            {"ifname": "v20", "flags": UP, "link": "eth1", "linkinfo": {"info_kind": "vlan"}},
            Link("v20", "vlan", parent="eth1"),
        ),
        ({"ifname": "a", "flags": UP, "link": "b", "linkinfo": {"info_kind": "veth"}}, Link("a", "veth")),
        (
            {"ifname": "p1", "flags": UP, "master": "br0", "linkinfo": {"info_slave_kind": "bridge"}},
            Link("p1", master="br0", member_kind="bridge"),
        ),
        ({"ifname": "x", "flags": UP, "link_type": "ppp"}, Link("x", "ppp")),
        ({"ifname": "x", "flags": UP, "link_type": "ppp", "linkinfo": {"info_kind": "tun"}}, Link("x", "tun")),
        ({"ifname": "x", "flags": UP, "link_type": "ether"}, Link("x")),
        ({"ifname": "x", "flags": UP, "xdp": {"mode": 2}}, Link("x", program=True)),
    ],
)
def test_a_link_is_read_field_by_field(row: dict[str, Any], link: Link) -> None:
    assert reading.links(json.dumps([{}, row])) == (link,)


def test_addresses_are_read_with_whether_they_are_leased() -> None:
    rows = [
        {},
        {"ifname": "lo"},
        {
            "ifname": "eth1",
            "addr_info": [
                {"local": "10.0.0.1", "prefixlen": 24},
                {"local": "10.0.0.9", "prefixlen": 24, "valid_life_time": 3600},
                {"local": "fd00::1", "prefixlen": 64, "valid_life_time": reading.FOR_EVER_S},
                {"prefixlen": 24},
            ],
        },
    ]
    assert reading.addresses(json.dumps(rows)) == (
        LinkAddress("eth1", ip_interface("10.0.0.1/24")),
        LinkAddress("eth1", ip_interface("10.0.0.9/24"), leased=True),
        LinkAddress("eth1", ip_interface("fd00::1/64")),
    )


@pytest.mark.parametrize(
    ("row", "family", "routes"),
    [
        ({"dst": "10.0.0.0/24", "dev": "eth1"}, 4, [Route(ip_network("10.0.0.0/24"), "eth1")]),
        ({"dst": "default", "dev": "eth1", "type": "unicast"}, 4, [Route(ip_network("0.0.0.0/0"), "eth1")]),
        ({"dst": "default", "dev": "eth1"}, 6, [Route(ip_network("::/0"), "eth1")]),
        (
            {"dst": "10.0.0.0/24", "dev": "eth1", "protocol": "kernel"},
            4,
            [Route(ip_network("10.0.0.0/24"), "eth1")],
        ),
        ({"dst": "10.0.0.0/24", "dev": "eth1", "protocol": "static"}, 4, [Route(ip_network("10.0.0.0/24"), "eth1")]),
        ({"dst": "10.0.0.1", "dev": "eth1", "type": "local"}, 4, []),
        ({"dst": "10.0.0.0/24", "type": "blackhole"}, 4, []),
        (
            {"dst": "default", "nexthops": [{"dev": "eth1"}, {"via": "x"}, {"dev": "eth2"}]},
            4,
            [Route(ip_network("0.0.0.0/0"), "eth1"), Route(ip_network("0.0.0.0/0"), "eth2")],
        ),
    ],
)
def test_a_route_is_read_for_each_interface_that_it_leads_out_of(
    row: dict[str, Any], family: int, routes: list[Route]
) -> None:
    assert list(reading.routes(json.dumps([row]), family)) == routes
    assert reading.routes("", family) == ()


@pytest.mark.parametrize(
    ("line", "socket"),
    [
        ("udp UNCONN 0 0 0.0.0.0%eth1:68 0.0.0.0:*", Socket("udp", 68, "0.0.0.0", "eth1")),
        ("tcp LISTEN 0 128 [::]:22 [::]:*", Socket("tcp", 22, "::")),
        ("tcp ESTAB 0 0 10.0.0.1:22 10.0.0.2:40000 more", Socket("tcp", 22, "10.0.0.1", None, 40000)),
        ("tcp ESTAB 0 0 [fd00::1]:22 [fd00::2]:40000", Socket("tcp", 22, "fd00::1", None, 40000)),
        ("p_raw UNCONN 0 0 *:112 *:*", Socket("raw", 112, "*")),
        ("raw UNCONN 0 0 *:ospf *:*", Socket("raw", -1, "*")),
    ],
)
def test_a_socket_is_read_with_its_ends(line: str, socket: Socket) -> None:
    assert reading.sockets(f"\n{line}\n") == (socket,)


ECHO = "PATH=/usr/sbin:/usr/bin:/sbin:/bin; LC_ALL=C; export LC_ALL; echo 'device {0} {1}'; tc filter show dev '{0}' {1} || exit 1"


@pytest.mark.parametrize(
    ("qdisc", "asked"),
    [
        ("qdisc ingress ffff: dev eth1 parent ffff:fff1", ECHO.format("eth1", "ingress")),
        ("qdisc htb 1: dev eth4 root refcnt 3", ECHO.format("eth4", "parent 1:")),
        ("qdisc fq_codel 0: dev eth4 root refcnt 3", ""),
        ("qdisc noqueue 8001: dev eth4 root refcnt 2", ""),
        ("qdisc pfifo_fast 8001: dev eth4 root refcnt 2", ""),
        ("qdisc mq 1: dev eth4 root", ""),
        ("nonsense", ""),
        (
            "qdisc clsact ffff: dev eth1 parent ffff:fff1",
            f"{ECHO.format('eth1', 'ingress')}; {ECHO.format('eth1', 'egress').partition('LC_ALL; ')[2]}",
        ),
    ],
)
def test_filters_are_asked_for_where_there_may_be_some(qdisc: str, asked: str) -> None:
    assert reading.filters_command(f"{qdisc}\n") == asked


def test_what_filters_do_is_told_once_with_their_device() -> None:
    answer = (
        "device eth1 ingress\n"
        "\taction order 1: mirred (Ingress Redirect to device ifb0) stolen\n"
        "\taction order 1: mirred (Ingress Redirect to device ifb0) stolen\n"
        "device eth2 egress\n"
        "\taction order 1: mirred (Egress Mirror to device eth9) pipe\n"
        "\taction order 2: bpf do.o:[x]\n"
        "filter protocol all pref 1 bpf chain 0\n"
    )
    assert reading.filters(answer) == (
        Redirect("tc on eth1", "moves", "ifb0", "eth1"),
        Redirect("tc on eth2", "copies", "eth9", "eth2"),
        Redirect("a BPF program of tc on eth2", "program", None, "eth2"),
    )


def test_a_rule_that_names_a_way_and_counts_nothing_leaves_nothing_counted() -> None:
    rows = json.loads(json.dumps(ROWS))
    rule = next(row["rule"] for row in rows if "rule" in row and "comment" in row["rule"])
    rule["expr"] = [part for part in rule["expr"] if "counter" not in part]
    assert egress.counted(rows, GIVEN) is None
    assert egress.counted(ROWS, GIVEN) is not None
    assert egress.counted(ROWS, ()) is None


def test_an_address_whose_lifetime_runs_down_is_leased() -> None:
    row = {"ifname": "eth1", "addr_info": [{"local": "10.0.0.1", "prefixlen": 24, "valid_life_time": 1}]}
    assert reading.addresses(json.dumps([row]))[0].leased is True


def test_only_tables_of_the_conduits_asked_for_are_ours_in_a_running_ruleset() -> None:
    listing = "table inet islandmode_a {\n}\ntable inet islandmode_b {\n}\ntable inet site {\n}\n"
    assert table_reading.ours_in(listing, ["islandmode_b"]) == "table inet islandmode_b {\n}"
    assert table_reading.ours_in(listing) == "table inet islandmode_a {\n}\ntable inet islandmode_b {\n}"


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"line3": ()},
            "fw: conduit corporate-line3 needs an interface towards zone line3; name it there.",
        ),
        (
            {"line3": ("eth 4",)},
            'fw: "eth 4" is no interface name; it has 1 to 15 letters, digits or _.:@-.',
        ),
        (
            {"corporate": ("eth4", "eth1")},
            (
                "fw: interface eth4 leads to both corporate and line3, so isolating corporate-line3 by interface would not "
                "part them; give each zone its own interface."
            ),
        ),
    ],
)
def test_a_point_that_cannot_part_its_zones_is_refused_in_these_words(
    changed: dict[str, tuple[str, ...]], sentence: str
) -> None:
    between = {"corporate-line3": BETWEEN["corporate-line3"]}
    with pytest.raises(InputError) as refused:
        recipe.check("fw", between, INTERFACES | changed)
    assert str(refused.value) == sentence
    recipe.check("fw", between, INTERFACES)
