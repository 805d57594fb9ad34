"""What a real firewall counts for a conduit while it is armed and isolated, and what is made of counters that are gone."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from islandmode.core.egress import Way as EgressWay
from islandmode.isolation.nftables import egress, recipe
from islandmode.isolation.nftables import reading as table_reading
from tests.isolation.nftables.plant import ACROSS, DEADLINE_S, INWARD, OFFICE, Way, make_point, passes, passing, ways
from tests.napalm_nftables.firewall_node import FirewallNode

CONDUIT = OFFICE[0]
TABLE = f"inet {recipe.table_of(CONDUIT)}"
lab = pytest.mark.lab
anyio = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def knock(node: FirewallNode, source: str, address: str, count: int) -> None:
    """Send datagrams that nobody answers."""

    def work() -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as one:
            for _ in range(count):
                one.sendto(b"x", (address, 9999))

    node.inside(source, work)


def moved(first: Mapping[str, int] | None, then: Mapping[str, int] | None) -> dict[str, int]:
    """Name what was counted between two readings; our own session always moves the control."""
    assert first is not None
    assert then is not None
    control = {way.name for way in ways(CONDUIT) if way.kind == "control"}
    return {name: then[name] - first[name] for name in then if then[name] != first[name] and name not in control}


@lab
@anyio
async def test_every_way_is_counted_while_armed_and_none_while_isolated(node: FirewallNode) -> None:
    point = make_point(node).point

    async def counted_now() -> Mapping[str, int] | None:
        seen = await point.state(OFFICE, DEADLINE_S)
        assert seen.value is not None, seen.why
        return seen.value.conduits[CONDUIT].egress

    armed = await point.arm(OFFICE, 30, DEADLINE_S)
    assert armed.value is not None, armed.why
    before = await counted_now()
    assert passing(node, ACROSS) == set(ACROSS)
    counted = moved(before, await counted_now())
    assert set(counted) == {"eth1 to eth4", "eth4 to eth1", "eth1 to the firewall", "the firewall to eth1"}
    await point.isolate(OFFICE, DEADLINE_S)
    before = await counted_now()
    assert passing(node, ACROSS) == set()
    for way in ACROSS:
        if way.source is not None:
            knock(node, way.source, way.address, 5)
    # Neighbours still find each other, over IPv4 and IPv6; that is no traffic across.
    node.run("ip neigh flush all")
    assert passes(node, Way("dmz", "fd10:40::10"))
    assert moved(before, await counted_now()) == {}
    await point.restore(OFFICE, DEADLINE_S)
    await point.close()


@lab
@anyio
@pytest.mark.parametrize("way", INWARD, ids=lambda way: way.address)
async def test_a_hole_in_the_isolation_is_counted_to_the_packet(node: FirewallNode, way: Way) -> None:
    point = make_point(node).point
    await point.arm(OFFICE, 30, DEADLINE_S)
    isolated = await point.isolate(OFFICE, DEADLINE_S)
    assert isolated.value is not None, isolated.why
    node.run(f"nft insert rule {TABLE} forward udp dport 9999 accept")
    assert way.source is not None
    knock(node, way.source, way.address, 7)
    after = await point.state(OFFICE, DEADLINE_S)
    assert after.value is not None, after.why
    # The rules are all there and say that they isolate; only the count knows better.
    assert after.value.conduits[CONDUIT].isolating
    assert moved(isolated.value.conduits[CONDUIT].egress, after.value.conduits[CONDUIT].egress) == {"eth1 to eth4": 7}
    await point.restore(OFFICE, DEADLINE_S)
    await point.close()


@lab
@anyio
@pytest.mark.parametrize(
    "change",
    [
        f"flush chain {TABLE} counted_out",
        f"insert rule {TABLE} counted_out accept",
        f'add rule {TABLE} counted_in iifname "eth9" counter comment "eth1 to the firewall"',
        f"flush chain {TABLE} counted_in; delete chain {TABLE} counted_in",
    ],
)
async def test_counters_that_somebody_changed_are_told_and_the_isolation_stands(
    node: FirewallNode, change: str
) -> None:
    point = make_point(node).point
    await point.arm(OFFICE, 30, DEADLINE_S)
    await point.isolate(OFFICE, DEADLINE_S)
    node.run(f"nft '{change}'")
    seen = await point.state(OFFICE, DEADLINE_S)
    assert seen.value is not None, seen.why
    assert seen.value.conduits[CONDUIT].egress is None
    assert seen.value.conduits[CONDUIT].isolating
    restored = await point.restore(OFFICE, DEADLINE_S)
    assert restored.value is not None, restored.why
    assert restored.value.clear
    await point.close()


@lab
@anyio
async def test_a_ruleset_that_was_saved_with_the_counters_loads_and_is_mended_of_them(node: FirewallNode) -> None:
    point = make_point(node).point
    await point.arm(OFFICE, 30, DEADLINE_S)
    node.run("cp /etc/nftables.conf /etc/kept; nft list ruleset > /etc/nftables.conf")
    try:
        assert "counted_out" in node.run("cat /etc/nftables.conf")
        # A device that saved it must be able to boot with it.
        node.run("nft -c -f /etc/nftables.conf")
        node.run(recipe.MEND_SAVED)
        mended = node.run("cat /etc/nftables.conf")
        assert "counted" not in mended
        assert "islandmode" not in mended
        assert "table inet site" in mended
    finally:
        node.run("mv /etc/kept /etc/nftables.conf")
    await point.restore(OFFICE, DEADLINE_S)
    assert "counted" not in node.run("nft list ruleset")
    await point.close()


def listed(given: tuple[EgressWay, ...]) -> list[dict[str, Any]]:
    """What `nft -j list table` of nft 1.0.6 says of the chains that count, with three packets everywhere."""
    chains = (("counted_out", "postrouting"), ("counted_in", "input"))
    rows: list[dict[str, Any]] = [
        {"chain": {"name": name, "hook": hook, "prio": 2**31 - 1, "type": "filter"}} for name, hook in chains
    ]
    for line in egress.lines("inet t", given):
        words = line.split()
        if words[1] == "rule":
            rows.append({"rule": {"chain": words[4], **_rule(line)}})
    return rows


def _rule(line: str) -> dict[str, Any]:
    """Write one of our own rules as nft writes it back."""
    matches: list[dict[str, Any]] = []

    def match(left: dict[str, Any], right: object, op: str = "==") -> None:
        matches.append({"match": {"op": op, "left": left, "right": right}})

    for key in ("iif", "oif"):
        if f"meta {key} 0" in line:
            match({"meta": {"key": key}}, "0")
        if f"meta {key} != 0" in line:
            match({"meta": {"key": key}}, "0", "!=")
        if f'{key}name "' in line:
            match({"meta": {"key": f"{key}name"}}, line.partition(f'{key}name "')[2].partition('"')[0])
        if f"{key}name != {{" in line:
            names = line.partition(f"{key}name != {{")[2].partition("}")[0]
            match({"meta": {"key": f"{key}name"}}, {"set": [one.strip(' "') for one in names.split(",")]}, "!=")
    for word in ("ip saddr", "ip daddr", "ip6 saddr", "ip6 daddr"):
        if f"{word} {{" in line:
            protocol, field = word.split()
            match({"payload": {"protocol": protocol, "field": field}}, {"prefix": {"addr": "10.40.0.0", "len": 24}})
    if "icmpv6 type" in line:
        kinds = {"set": ["nd-neighbor-solicit", "nd-neighbor-advert"]}
        match({"payload": {"protocol": "icmpv6", "field": "type"}}, kinds)
        return {"expr": [*matches, {"accept": None}]}
    counter = {"counter": {"packets": 3, "bytes": 300}}
    return {"comment": line.partition('comment "')[2].strip('"'), "expr": [*matches, counter]}


GIVEN = ways(CONDUIT)
ROWS = listed(GIVEN)


def test_what_is_counted_adds_up_by_way() -> None:
    counted = egress.counted(ROWS, GIVEN)
    assert counted is not None
    assert counted["eth1 to eth4"] == 3
    # One rule for each address family.
    assert counted["eth1 to an unnamed interface"] == 6
    assert set(counted) == {way.name for way in GIVEN}


@pytest.mark.parametrize("missing", range(len(ROWS)))
def test_without_any_one_of_its_chains_or_rules_nothing_is_counted(missing: int) -> None:
    rows = [row for number, row in enumerate(ROWS) if number != missing]
    assert egress.counted(rows, GIVEN) is None
    assert egress.counted([*ROWS, ROWS[missing]] if "rule" in ROWS[missing] else rows, GIVEN) is None


@pytest.mark.parametrize("number", [number for number, row in enumerate(ROWS) if "rule" in row])
def test_a_rule_that_matches_something_else_counts_as_gone(number: int) -> None:
    rows = json.loads(json.dumps(ROWS))
    expr = rows[number]["rule"]["expr"]
    expr.insert(0, {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}})
    assert egress.counted(rows, GIVEN) is None


def test_an_arm_that_reads_back_no_counters_is_not_whole() -> None:
    answer = json.dumps({"nftables": [row for row in ROWS if "chain" in row]})
    assert not table_reading.rules_are_whole(answer, ("eth1",), GIVEN)


def test_no_rule_that_counts_drops_or_changes_anything() -> None:
    for line in egress.lines("inet t", GIVEN):
        chain = line.split()[1] == "chain"
        assert line.endswith("policy accept; }" if chain else ("accept" if "icmpv6" in line else '"')), line
        assert "drop" not in line
    assert egress.lines("inet t", ()) == []
