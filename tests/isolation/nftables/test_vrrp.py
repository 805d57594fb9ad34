"""What an isolation lets pass between the members of a pair: exactly their VRRP, and only where a pair is stated."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

import pytest

from islandmode.core.egress import Side, Way
from islandmode.core.pair import PairMember
from islandmode.isolation.nftables import egress, reading, recipe, vrrp

BETWEEN, INTERFACES = {"edge": ("office", "line")}, {"office": ("eth1", "eth3"), "line": ("eth2",)}
FOUR, SIX = ("10.0.0.2", "10.0.0.3"), ("fe80::2", "fe80::3")
WAYS = tuple(
    Way(name=name, kind="firewall", enters=enters, leaves=leaves, zones=("office", "the firewall"))
    for link in INTERFACES["office"]
    for name, enters, leaves in (
        (f"{link} to the firewall", Side(names=(link,)), Side()),
        (f"the firewall to {link}", Side(), Side(names=(link,))),
    )
)


def member(*pairs: tuple[str, str]) -> PairMember:
    own, peers = zip(*((ip_address(own), ip_address(peer)) for own, peer in pairs), strict=True)
    return PairMember(pair="edge", others=("other",), own=own, peers=peers)


def armed(pair: PairMember | None) -> list[str]:
    return recipe.arm_line(("edge",), BETWEEN, INTERFACES, {"edge": WAYS}, 60, "run", pair).split("; ")


@pytest.mark.parametrize("pair", [None, PairMember(pair="edge", others=("other",))])
def test_without_stated_addresses_no_line_differs(pair: PairMember | None) -> None:
    plain = recipe.arm_line(("edge",), BETWEEN, INTERFACES, {"edge": WAYS}, 60, "run").split("; ")
    assert armed(pair) == plain
    assert not any("112" in line for line in plain)


@pytest.mark.parametrize("pairs", [(FOUR,), (SIX,), (FOUR, SIX)])
def test_every_exception_names_both_ends_the_interface_and_the_hop_limit(pairs: tuple[tuple[str, str], ...]) -> None:
    added = [line for line in armed(member(*pairs)) if line not in armed(None)]
    # In and out, for each outer interface and family, where it would be dropped and where it would be counted.
    assert len(added) == 2 * 2 * len(INTERFACES["office"]) * len(pairs)
    for line in added:
        chain = line.split()[4]
        assert chain in {"input", "output", "counted_in", "counted_out"}, line
        inward = chain in {"input", "counted_in"}
        family = vrrp.FIELDS[6 if "ip6" in line else 4]
        own, peer = SIX if "ip6" in line else FOUR
        group = "ff02::12" if "ip6" in line else "224.0.0.18"
        source, hearer = (peer, own) if inward else (own, peer)
        link = next(link for link in INTERFACES["office"] if link in line)
        ends = f"{family[2]} {{ {source} }} {family[3]} {{ {group}, {hearer} }}"
        key = f'{"iif" if inward else "oif"}name "{link}"'
        assert line.endswith(f"{key} {family[0]} 112 {family[1]} 255 {ends} accept"), line


def test_the_exception_stands_before_the_drop_and_never_where_packets_are_forwarded() -> None:
    lines = armed(member(FOUR))
    for chain in ("input", "output"):
        mine = [line for line in lines if line.startswith(f"add rule inet islandmode_edge {chain} ")]
        assert "112" in mine[-2]
        assert "drop" in mine[-1]
    assert not any("112" in line for line in lines if " forward " in line)


def test_a_family_that_only_one_side_speaks_is_not_excepted() -> None:
    pair = PairMember(pair="edge", others=("other",), own=(ip_address(FOUR[0]),), peers=(ip_address(SIX[1]),))
    assert vrrp.families(pair) == ()
    assert armed(pair) == armed(None)


def listed(pair: PairMember | None) -> str:
    """What `nft -j list table` says of the chains that count, with the values as nft 1.0.6 writes them."""
    chains = ((egress.OUT, "postrouting"), (egress.IN, "input"))
    rows: list[dict[str, Any]] = [
        {"chain": {"name": name, "hook": hook, "prio": egress.LAST, "type": "filter"}} for name, hook in chains
    ]
    for line in (line for line in armed(pair) if " counted_" in line and line.startswith("add rule")):
        comment = {"comment": line.partition('comment "')[2].strip('"')} if "comment" in line else {}
        rows.append({"rule": {"chain": line.split()[4], "expr": _expr(line), **comment}})
    return json.dumps({"nftables": rows})


def _expr(line: str) -> list[dict[str, Any]]:
    found: list[tuple[dict[str, Any], Any]] = []
    if "meta iif 0" in line:
        found.append(({"meta": {"key": "iif"}}, 0))
    for key in ("iifname", "oifname"):
        if f'{key} "' in line:
            found.append(({"meta": {"key": key}}, line.partition(f'{key} "')[2].partition('"')[0]))
    if "icmpv6 type" in line:
        kinds = {"set": ["nd-neighbor-solicit", "nd-neighbor-advert"]}
        found.append(({"payload": {"protocol": "icmpv6", "field": "type"}}, kinds))
    for fields in vrrp.FIELDS.values():
        for field in fields:
            if f"{field} " in line:
                protocol, name = field.split()
                found.append(({"payload": {"protocol": protocol, "field": name}}, "vrrp"))
    end = {"counter": {"packets": 7, "bytes": 1}} if "counter" in line else {"accept": None}
    return [*({"match": {"op": "==", "left": left, "right": right}} for left, right in found), end]


def test_what_counts_is_whole_with_the_exception_and_only_for_that_pair() -> None:
    pair = member(FOUR, SIX)
    counted = egress.counted(reading.rows(listed(pair)), WAYS, pair)
    assert counted == {way.name: 7 for way in WAYS}
    assert egress.counted(reading.rows(listed(pair)), WAYS) is None
    assert egress.counted(reading.rows(listed(None)), WAYS, pair) is None
    assert egress.counted(reading.rows(listed(member(FOUR))), WAYS, pair) is None
    assert egress.counted(reading.rows(listed(None)), WAYS) == counted
