"""Preflight of a whole firewall: which of its interfaces, routes, redirects and sockets end a run before anything is armed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_interface, ip_network
from typing import Any

import pytest

from islandmode.core.firewall import Firewall, Link, LinkAddress, Redirect, Route, Socket, Unread
from islandmode.core.preflight_firewall import judge_firewall, judge_host
from tests.core.given import Documents, given

WHERE = "conduit-firewall at 172.31.255.1"
OWN = {
    "lo": ("127.0.0.1/8", "::1/128"),
    "eth0": ("172.31.255.1/24", "fd10:ff::1/64"),
    "eth1": ("10.10.0.1/24", "fd10:10::1/64"),
    "eth2": ("10.15.0.1/24", "fd10:15::1/64"),
    "eth3": ("10.20.0.1/24", "fd10:20::1/64"),
    "eth4": ("10.30.0.1/30", "fd10:30::1/64"),
}
Change = Callable[[Firewall], Firewall]


def lab_firewall() -> Firewall:
    """The lab's firewall, as it says of itself."""
    return Firewall(
        links=tuple(Link(name) for name in OWN),
        addresses=tuple(LinkAddress(name, ip_interface(one)) for name, both in OWN.items() for one in both),
        routes=(
            *(Route(ip_interface(one).network, name) for name, both in OWN.items() for one in both if name != "lo"),
            route("10.40.0.0/24", "eth4"),
            route("fd10:40::/64", "eth4"),
        ),
        sockets=(Socket("tcp", 22, "172.31.255.1"),),
    )


def route(network: str, link: str) -> Route:
    return Route(ip_network(network), link)


def address(link: str, text: str, *, leased: bool = False) -> LinkAddress:
    return LinkAddress(link, ip_interface(text), leased=leased)


def with_link(link: Link, *addresses: str) -> Change:
    """Add an interface, in place of one of that name, with addresses."""

    def change(firewall: Firewall) -> Firewall:
        others = tuple(one for one in firewall.links if one.name != link.name)
        more = tuple(address(link.name, text) for text in addresses)
        return replace(firewall, links=(*others, link), addresses=(*firewall.addresses, *more))

    return change


def moved(one: str, other: str) -> Change:
    """Move every address and route of an interface to another."""

    def change(firewall: Firewall) -> Firewall:
        return replace(
            firewall,
            addresses=tuple(replace(each, link=other) if each.link == one else each for each in firewall.addresses),
            routes=tuple(replace(each, link=other) if each.link == one else each for each in firewall.routes),
        )

    return change


def more(**values: tuple[Any, ...]) -> Change:
    """Add values to some of what a firewall says."""
    return lambda firewall: replace(firewall, **{key: (*getattr(firewall, key), *each) for key, each in values.items()})


def both(*changes: Change) -> Change:
    def change(firewall: Firewall) -> Firewall:
        for each in changes:
            firewall = each(firewall)
        return firewall

    return change


def found(
    change: Change = lambda firewall: firewall, spoil: Callable[[Documents], object] = lambda _: None
) -> dict[str, str]:
    """Judge the lab's firewall after a change, or a site that was changed; refusals and advice by code."""
    plan = given(spoil).plan()
    judged = judge_firewall("conduit-firewall", plan.points["conduit-firewall"], plan.zones, change(lab_firewall()))
    # The lab is managed in zone line3, which is said every time.
    return {f"{'!' * one.refuses}{one.code}": one.sentence for one in judged if one.code != "point-management-across"}


def named(document: Documents, zone: str, *interfaces: str) -> None:
    document.site["isolation_points"]["conduit-firewall"]["interfaces"][zone] = list(interfaces)


def swapped(document: Documents) -> None:
    named(document, "corporate", "eth3")
    named(document, "dmz", "eth1")


def test_the_labs_firewall_is_refused_nothing_and_advised_of_its_management_interface() -> None:
    assert found() == {}
    plan = given().plan()
    (advice,) = judge_firewall("conduit-firewall", plan.points["conduit-firewall"], plan.zones, lab_firewall())
    assert (advice.code, advice.refuses) == ("point-management-across", False)
    assert "management interface eth0 leads to zone line3 and is never isolated" in advice.sentence


def test_a_management_interface_that_leads_to_a_zone_whose_conduits_stay_open_here_is_told_too() -> None:
    """The enterprise firewall of two in series is managed from the zone behind the second."""

    def operations(at: Documents) -> None:
        at.site["zones"]["operations"] = {"level": 3, "owner": "Operations", "networks": "172.31.255.0/25"}
        at.site["isolation_points"]["conduit-firewall"]["management"]["zone"] = "operations"
        at.site["conduits"]["operations-line3"] = {"between": ["operations", "line3"], "owner": "Operations"}

    plan = given(operations).plan()
    (advice,) = judge_firewall("conduit-firewall", plan.points["conduit-firewall"], plan.zones, lab_firewall())
    assert "management interface eth0 leads to zone line3, operations and is" in advice.sentence


def test_swapped_interfaces_are_refused_by_their_addresses() -> None:
    plan = given(swapped).plan()
    judged = judge_firewall("conduit-firewall", plan.points["conduit-firewall"], plan.zones, lab_firewall())
    refused = [one.sentence for one in judged if one.refuses]
    assert refused == [
        f"{WHERE}: the site names {name} for zone {said}, but its address {address} lies in zone {zone}; isolating by this "
        "interface would isolate the wrong path. Correct the site file. Nothing was touched."
        for name, said, address, zone in (
            ("eth1", "dmz", "10.10.0.1", "corporate"),
            ("eth3", "corporate", "10.20.0.1", "dmz"),
        )
    ]


BRIDGED = both(
    moved("eth3", "br3"),
    with_link(Link("br3", kind="bridge")),
    with_link(Link("eth3", master="br3", member_kind="bridge")),
)
TAGGED = both(moved("eth3", "eth3.20"), with_link(Link("eth3.20", kind="vlan", parent="eth3")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (BRIDGED, "eth3 is a port of br3: name br3; a rule on eth3 isolates nothing."),
        (
            both(moved("eth3", "bond0"), with_link(Link("bond0", kind="bond")), with_link(Link("eth3", master="bond0", member_kind="bond"))),
            "eth3 is a member of bond bond0: name bond0",
        ),
        (with_link(Link("eth3", master="ovs-system", member_kind="openvswitch")), "eth3 is a member of openvswitch ovs-system"),
        (both(with_link(Link("blue", kind="vrf")), with_link(Link("eth3", master="blue", member_kind="vrf"))), "eth3 is a member of VRF blue"),
        (both(moved("eth3", "mv3"), with_link(Link("mv3", kind="macvlan", parent="eth3"))), "eth3 is the parent of mv3 (macvlan) and has no address of its own: name mv3"),
        (TAGGED, "eth3 is the parent of eth3.20 (vlan)"),
        (
            both(moved("eth3", "enp3s0"), lambda firewall: replace(firewall, links=tuple(Link("enp3s0", altnames=("eth3",)) if one.name == "eth3" else one for one in firewall.links))),
            "eth3 is another name of enp3s0, and packets carry enp3s0: name enp3s0",
        ),
    ],
    ids=["bridge", "bond", "openvswitch", "vrf", "macvlan", "vlan", "altname"],
)  # fmt: skip
def test_a_name_that_packets_never_carry_is_refused(change: Change, words: str) -> None:
    refused = found(change)
    assert words in refused["!point-interface-carries-nothing"]
    assert refused["!point-interface-carries-nothing"].endswith("Correct the site file. Nothing was touched.")


@pytest.mark.parametrize(("change", "name"), [(BRIDGED, "br3"), (TAGGED, "eth3.20")])
def test_the_name_that_packets_carry_is_accepted(change: Change, name: str) -> None:
    assert found(change, lambda at: named(at, "dmz", name)) == {}


def test_a_vrf_itself_is_no_name_either() -> None:
    change = both(moved("eth3", "blue"), with_link(Link("blue", kind="vrf")))
    refused = found(change, lambda at: named(at, "dmz", "blue"))
    assert "blue is a VRF, whose name packets carry only on their way in" in refused["!point-interface-carries-nothing"]


def test_an_interface_without_a_zone_that_routes_to_an_isolated_zone_is_refused() -> None:
    leads = both(with_link(Link("wwan0")), more(routes=(route("10.40.0.0/25", "wwan0"),)))
    assert found(leads)["!point-way-past"] == (
        f"{WHERE}: interface wwan0, which the site names for no zone, leads to zone line3 (route 10.40.0.0/25), so isolating "
        "remote-access, corporate-line3 would leave a way past. Name wwan0 under interfaces for line3, or take that route "
        "away. Nothing was touched."
    )


@pytest.mark.parametrize(
    "change",
    [
        with_link(Link("eth9"), "10.40.0.99/32"),
        both(with_link(Link("eth9")), more(routes=(route("10.10.0.0/24", "eth9"),))),
        # No narrower route to the vendors is left, so the default one leads to them.
        both(
            lambda firewall: replace(
                firewall, routes=tuple(one for one in firewall.routes if one.link != "eth2"),
                addresses=tuple(one for one in firewall.addresses if one.link != "eth2"),
            ),
            with_link(Link("eth9")),
            more(routes=(route("0.0.0.0/0", "eth9"),)),
        ),
    ],
    ids=["address", "route", "default"],
)  # fmt: skip
def test_every_kind_of_way_past_is_refused(change: Change) -> None:
    assert "interface eth9, which the site names for no zone," in found(change)["!point-way-past"]


def test_a_zone_behind_an_interface_that_is_named_for_another_is_refused() -> None:
    backup = more(routes=(route("10.40.0.0/24", "eth3"),))
    assert (
        "interface eth3, which the site names for zone dmz only, leads to zone line3"
        in found(backup)["!point-way-past"]
    )


def test_a_way_past_over_the_management_interface_is_refused_when_a_route_makes_it() -> None:
    assert "interface eth0" in found(more(routes=(route("10.40.0.0/24", "eth0"),)))["!point-way-past"]


def test_a_zone_of_a_conduit_that_this_drill_leaves_alone_is_none_of_its_business() -> None:
    def without_dmz(at: Documents) -> None:
        at.drill["stages"][1]["isolate"].remove("corporate-dmz")
        at.drill["severed"] = [one for one in at.drill["severed"] if "historian" not in one and one != "erp-canary"]

    leads = both(with_link(Link("eth9")), more(routes=(route("10.20.0.0/25", "eth9"),)))
    assert "!point-way-past" in found(leads)
    assert set(found(leads, without_dmz)) == {"point-interface-unnamed"}


def test_an_interface_that_is_down_leads_nowhere() -> None:
    assert found(with_link(Link("eth9", up=False), "10.40.0.99/24")) == {}


@pytest.mark.parametrize(
    ("redirect", "code", "words"),
    [
        (Redirect("nft table netdev t, chain in", "moves", "eth4"), "!point-redirects", "sends packets to eth4"),
        (Redirect("nft table netdev t, chain in", "moves", "eth9"), "!point-redirects", "sends packets to eth9"),
        (Redirect("tc on eth1", "moves", None, "eth1"), "!point-redirects", "an interface that it chooses itself"),
        (Redirect("tc on eth4", "copies", "eth1", "eth4"), "!point-redirects", "copies packets to eth1"),
        (Redirect("tc on eth4", "copies", "ids0", "eth4"), "point-copies", "copies packets to ids0"),
        (Redirect("nft table ip t, chain in", "copies", "eth0"), "!point-redirects", "copies packets to eth0"),
        (Redirect("nft table ip t, chain in", "copies"), "!point-redirects", "an interface that it chooses itself"),
        (Redirect("a BPF program of tc on eth4", "program"), "!point-redirects", "programs cannot be read"),
    ],
)
def test_what_moves_packets_past_the_rules_is_refused(redirect: Redirect, code: str, words: str) -> None:
    assert words in found(more(redirects=(redirect,)))[code]


def test_an_xdp_program_is_refused() -> None:
    assert "an XDP program on eth4" in found(with_link(Link("eth4", program=True)))["!point-redirects"]


def test_a_bridge_across_zones_is_refused() -> None:
    across = both(
        with_link(Link("br9", kind="bridge")),
        with_link(Link("eth1.9", kind="vlan", parent="eth1", master="br9", member_kind="bridge")),
        with_link(Link("eth4.9", kind="vlan", parent="eth4", master="br9", member_kind="bridge")),
    )
    assert (
        "bridge br9 joins interfaces of zones corporate, line3 (ports eth1.9, eth4.9)"
        in found(across)["!point-bridged"]
    )


@pytest.mark.parametrize(
    ("change", "offloaded"),
    [
        (lambda firewall: firewall, "eth4"),
        (both(moved("eth4", "br4"), with_link(Link("br4", kind="bridge")), with_link(Link("eth4", master="br4", member_kind="bridge"))), "eth4"),
        (both(moved("eth4", "eth4.5"), with_link(Link("eth4.5", kind="vlan", parent="eth4"))), "eth4"),
        (with_link(Link("eth4.5", kind="vlan", parent="eth4")), "eth4.5"),
    ],
    ids=["itself", "port", "parent", "above"],
)  # fmt: skip
def test_a_flowtable_on_an_interface_or_what_it_stands_on_is_refused(change: Change, offloaded: str) -> None:
    names = [link.name for link in change(lab_firewall()).links if link.name in ("br4", "eth4.5")]
    spoil = (lambda at: named(at, "line3", names[0])) if names and offloaded == "eth4" else (lambda _: None)
    refused = found(both(change, more(offloaded=(offloaded,))), spoil)
    assert f"a flowtable offloads flows on {offloaded}" in refused["!point-offloaded"]


def test_a_flowtable_elsewhere_is_advice_but_not_where_a_dialled_line_hides_what_it_stands_on() -> None:
    elsewhere = both(with_link(Link("eth9")), more(offloaded=("eth9",)))
    assert "point-offloads-elsewhere" in found(elsewhere)
    dialled = both(elsewhere, moved("eth2", "ppp0"), with_link(Link("ppp0", kind="ppp")))
    assert "!point-offloaded" in found(dialled, lambda at: named(at, "vendors", "ppp0"))


@pytest.mark.parametrize(
    ("socket", "words"),
    [
        (Socket("raw", 112, "0.0.0.0"), "VRRP"),
        (Socket("raw", 89), "OSPF"),
        (Socket("raw", 88), "EIGRP"),
        (Socket("tcp", 179, "0.0.0.0"), "BGP"),
        (Socket("tcp", 41_234, "10.10.0.1", remote_port=179), "BGP"),
        (Socket("udp", 3784), "BFD"),
        (Socket("udp", 520), "RIP"),
    ],
)
def test_a_firewall_that_speaks_to_its_peers_is_refused(socket: Socket, words: str) -> None:
    refused = found(more(sockets=(socket,)))["!point-speaks-to-peers"]
    assert words in refused
    assert ("(docs/pairs.md)" in refused) is words.startswith("VRRP")
    assert "stop it, or isolate elsewhere" in refused.lower()


@pytest.mark.parametrize("socket", [Socket("tcp", 179, "127.0.0.1"), Socket("udp", 112), Socket("tcp", 3784)])
def test_other_sockets_are_let_be(socket: Socket) -> None:
    assert found(more(sockets=(socket,))) == {}


@pytest.mark.parametrize(
    "change",
    [
        more(addresses=(address("eth2", "10.15.0.7/24", leased=True),)),
        more(sockets=(Socket("udp", 68, "0.0.0.0", link="eth2"),)),
        more(sockets=(Socket("udp", 68, "10.15.0.1"),)),
        more(sockets=(Socket("udp", 546, "fe80::1", link="eth1"),)),
    ],
)
def test_a_leased_address_on_an_isolated_outer_interface_is_refused(change: Change) -> None:
    assert "isolating stops the renewal" in found(change)["!point-address-leased"]


def test_a_leased_address_elsewhere_is_let_be_and_a_client_of_no_known_interface_is_advice() -> None:
    assert found(more(addresses=(address("eth0", "172.31.255.2/24", leased=True),))) == {}
    assert set(found(more(sockets=(Socket("udp", 68, "0.0.0.0"),)))) == {"point-dhcp-client"}


def test_what_could_not_be_read_is_said_and_is_no_pass() -> None:
    advice = found(more(unread=(Unread("traffic control (tc)", "tc: not found"),)))
    assert advice == {
        "point-part-unread": f"{WHERE}: traffic control (tc) could not be read (tc: not found), so nothing is known of it here."
    }


def test_an_interface_that_nothing_places_is_said() -> None:
    def gone(firewall: Firewall) -> Firewall:
        addresses = tuple(one for one in firewall.addresses if one.link != "eth3")
        routes = tuple(one for one in firewall.routes if one.link != "eth3")
        return replace(firewall, addresses=addresses, routes=routes)

    assert "no address and no route shows that eth3 leads to zone dmz" in found(gone)["point-interface-unproven"]


def test_other_interfaces_and_tunnels_are_advice() -> None:
    advice = found(
        both(
            with_link(Link("docker0", kind="bridge"), "192.168.7.1/24"),
            with_link(Link("wg0", kind="wireguard"), "192.168.8.1/24"),
            more(sockets=(Socket("udp", 4500),)),
        )
    )
    assert set(advice) == {"point-interface-unnamed", "point-tunnel"}
    assert "names for no zone: docker0;" in advice["point-interface-unnamed"]
    assert "ends tunnels: wg0 (wireguard), IPsec (UDP port 500 or 4500 is open);" in advice["point-tunnel"]


def test_a_host_that_forwards_is_advised() -> None:
    assert judge_host(()) == ()
    (advice,) = judge_host(("IPv4", "IPv6"))
    assert (advice.code, advice.refuses) == ("host-forwards", False)
    assert advice.sentence.startswith("This machine forwards IPv4 and IPv6 packets;")
