"""Isolation on a real firewall: the arming rule, what must die, and what must survive."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable

import anyio
import pytest

from islandmode.core.outcome import Outcome
from islandmode.isolation.nftables import recipe
from islandmode.isolation.point import PointState
from napalm_nftables.channel import NftAnswer
from tests.isolation.nftables.plant import (
    ACROSS,
    BESIDE,
    BETWEEN,
    DEADLINE_S,
    INWARD,
    OFFICE,
    OUTWARD,
    Way,
    answers,
    held_open,
    make_point,
    passes,
    passing,
)
from tests.napalm_nftables.firewall_node import FirewallNode
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.lab, pytest.mark.anyio]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def seen(true: Callable[[], bool]) -> None:
    """Wait for something that must come; the bound is for a hang, not for speed."""
    with anyio.fail_after(PATIENCE_S):
        while True:
            if true():
                return
            await anyio.sleep(0.05)


def ruleset(node: FirewallNode) -> str:
    return node.run("nft -a list ruleset")


def knock() -> int:
    """Give the firewall itself a packet to count: its input chain stands after the rule of a colleague."""
    with socket.socket() as knocking:
        return knocking.connect_ex(("10.20.0.1", 9))


def counted(listed: str) -> dict[str, int]:
    """Packets by rule handle: a colleague's new rule moves the place of others, never their handle."""
    found = re.findall(r"packets (\d+) bytes \d+.* # handle (\d+)$", listed, re.MULTILINE)
    return {handle: int(packets) for packets, handle in found}


async def test_facts_and_configuration_change_nothing(node: FirewallNode) -> None:
    before = ruleset(node)
    point = make_point(node).point
    facts = await point.facts(DEADLINE_S)
    assert facts.value is not None, facts.why
    assert {"eth1", "eth3", "eth4"} <= set(facts.value.interfaces or ())
    assert not facts.value.saved_has_ours
    configuration = await point.configuration(DEADLINE_S)
    assert configuration.value is not None, configuration.why
    parts = configuration.value.parts
    assert "table inet site" in parts["running"]
    assert "table inet site" in parts["saved"]
    assert "10.10.0.0/24 dev eth1" in parts["routes"]
    assert "fd10:10::/64 dev eth1" in parts["routes-v6"]
    assert "10.10.0.1/24" in parts["addresses"]
    assert facts.asked_us <= facts.answered_us <= configuration.asked_us
    assert re.sub(r"packets \d+ bytes \d+", "", ruleset(node)) == re.sub(r"packets \d+ bytes \d+", "", before)
    await point.close()


async def test_our_table_in_the_saved_configuration_is_seen(node: FirewallNode) -> None:
    node.run("cp /etc/nftables.conf /etc/kept; echo 'table inet islandmode_x { }' >> /etc/nftables.conf")
    try:
        point = make_point(node).point
        facts = await point.facts(DEADLINE_S)
        assert facts.value is not None, facts.why
        assert facts.value.saved_has_ours
        await point.close()
    finally:
        node.run("mv /etc/kept /etc/nftables.conf; nft delete table inet islandmode_x 2>/dev/null; true")


async def test_arm_alone_stops_no_packet_and_isolate_stops_every_way_across(node: FirewallNode) -> None:
    point = make_point(node).point
    armed = await point.arm(OFFICE, 30, DEADLINE_S)
    assert armed.value is not None, armed.why
    state = armed.value.conduits[OFFICE[0]]
    assert (state.present, state.isolating) == (True, False)
    assert state.armed_s is not None
    assert 27 <= state.armed_s <= 30
    assert passing(node, ACROSS) == set(ACROSS)
    isolated = await point.isolate(OFFICE, DEADLINE_S)
    assert isolated.value is not None, isolated.why
    assert isolated.value.conduits[OFFICE[0]].isolating
    assert passing(node, ACROSS) == set()
    assert not any(passes(node, way, socket.SOCK_DGRAM) for way in (*INWARD, *OUTWARD))
    assert passing(node, BESIDE) == set(BESIDE)
    restored = await point.restore(OFFICE, DEADLINE_S)
    assert restored.value is not None, restored.why
    assert restored.value.clear
    assert passing(node, ACROSS) == set(ACROSS)
    again = await point.restore(OFFICE, DEADLINE_S)
    assert again.value is not None
    assert again.value.clear
    await point.close()


@pytest.mark.parametrize("way", [*INWARD, *OUTWARD], ids=lambda way: f"{way.source}-{way.address}")
async def test_an_open_connection_stops_passing_and_passes_again(node: FirewallNode, way: Way) -> None:
    point = make_point(node).point
    await point.arm(OFFICE, 30, DEADLINE_S)
    with held_open(node, way) as canary:
        assert answers(canary)
        await point.isolate(OFFICE, DEADLINE_S)
        assert not answers(canary)
        await point.restore(OFFICE, DEADLINE_S)
        await seen(lambda: answers(canary))
    await point.close()


async def test_two_conduits_are_armed_at_once_and_isolated_stage_by_stage(node: FirewallNode) -> None:
    point = make_point(node).point
    both = ("corporate-dmz", "corporate-line3")
    armed = await point.arm(both, 30, DEADLINE_S)
    assert armed.value is not None, armed.why
    first = await point.isolate(both[:1], DEADLINE_S)
    assert first.done, first.why
    state = await point.state(both, DEADLINE_S)
    assert state.value is not None
    assert [one.isolating for one in state.value.conduits.values()] == [True, False]
    assert passing(node, INWARD) == set(INWARD)
    second = await point.isolate(both[1:], DEADLINE_S)
    assert second.done, second.why
    restored = await point.restore(both, DEADLINE_S)
    assert restored.value is not None
    assert restored.value.clear
    await point.close()


async def test_traffic_that_turns_round_on_the_outer_interface_is_let_go(node: FirewallNode) -> None:
    """Forwarding back out of the same interface has the firewall's own pair, but crosses no conduit."""
    node.run('nft insert rule inet site forward iifname "eth1" oifname "eth1" counter comment "turned"')
    node.run("ip route add 10.10.9.9/32 via 10.10.0.10")
    point = make_point(node).point
    await point.arm(OFFICE, 30, DEADLINE_S)
    await point.isolate(OFFICE, DEADLINE_S)
    node.host("corporate", "ip route add 10.10.9.9/32 via 10.10.0.1")
    send = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'turn', ('10.10.9.9', 9))"
    node.host("corporate", f'python3 -c "{send}"')
    turned = node.run("nft list chain inet site forward | grep turned")
    assert "packets 0 " not in turned
    node.run("ip route del 10.10.9.9/32")
    node.host("corporate", "ip route del 10.10.9.9/32")
    await point.restore(OFFICE, DEADLINE_S)
    await point.close()


async def test_isolate_and_renew_after_expiry_leave_traffic_flowing(node: FirewallNode) -> None:
    point = make_point(node).point
    await point.arm(OFFICE, 2, DEADLINE_S)
    await anyio.sleep(2.2)
    late = await point.isolate(OFFICE, DEADLINE_S)
    assert late.outcome is Outcome.NOT_DONE
    assert "no running timer" in late.why
    assert passing(node, ACROSS) == set(ACROSS)
    renewed = await point.renew(OFFICE, 30, DEADLINE_S)
    assert renewed.outcome is Outcome.NOT_DONE
    assert passing(node, ACROSS) == set(ACROSS)
    await point.close()


async def test_the_device_restores_by_itself_with_nobody_there(node: FirewallNode) -> None:
    made = make_point(node)
    await made.point.arm(OFFICE, 2, DEADLINE_S)
    isolated = await made.point.isolate(OFFICE, DEADLINE_S)
    assert isolated.done, isolated.why
    made.relay.end()
    assert passing(node, INWARD) == set()
    await seen(lambda: passing(node, ACROSS) == set(ACROSS))
    await made.point.close()


async def test_renewing_extends_running_timers(node: FirewallNode) -> None:
    point = make_point(node).point
    await point.arm(OFFICE, 3, DEADLINE_S)
    await point.isolate(OFFICE, DEADLINE_S)
    renewed = await point.renew(OFFICE, 40, DEADLINE_S)
    assert renewed.value is not None, renewed.why
    state = renewed.value.conduits[OFFICE[0]]
    assert state.isolating
    assert state.armed_s is not None
    assert state.armed_s > 30
    await anyio.sleep(3.2)
    assert passing(node, INWARD) == set()
    await point.restore(OFFICE, DEADLINE_S)
    await point.close()


async def test_a_second_arm_is_refused_and_disturbs_nothing(node: FirewallNode) -> None:
    first, second = make_point(node).point, make_point(node).point
    await first.arm(OFFICE, 30, DEADLINE_S)
    before = node.run("nft -a list tables")
    refused = await second.arm(("corporate-dmz", *OFFICE), 30, DEADLINE_S)
    assert refused.outcome is Outcome.NOT_DONE
    assert "another run has it" in refused.why
    assert node.run("nft -a list tables") == before
    state = await first.state(OFFICE, DEADLINE_S)
    assert state.value is not None
    assert state.value.conduits[OFFICE[0]].armed_s is not None
    await second.close()
    await first.restore(OFFICE, DEADLINE_S)
    await first.close()


async def test_a_colleagues_rule_counters_and_dynamic_elements_survive(node: FirewallNode) -> None:
    point = make_point(node).point
    assert passing(node, INWARD) == set(INWARD)
    assert node.inside("dmz", knock) != 0
    before = await point.configuration(DEADLINE_S)
    earlier = counted(ruleset(node))
    assert len(earlier) == 4
    assert sum(packets > 0 for packets in earlier.values()) >= 3
    await point.arm(OFFICE, 30, DEADLINE_S)
    await point.isolate(OFFICE, DEADLINE_S)
    node.run('nft add rule inet site forward counter comment "colleague"; nft add element inet site seen { 10.9.9.9 }')
    restored = await point.restore(OFFICE, DEADLINE_S)
    assert restored.done
    after = await point.configuration(DEADLINE_S)
    assert before.value is not None
    assert after.value is not None
    changed = set(after.value.parts["running"].splitlines()) ^ set(before.value.parts["running"].splitlines())
    assert len(changed) == 1
    assert "colleague" in changed.pop()
    assert {part for part, text in before.value.parts.items() if after.value.parts[part] != text} == {"running"}
    now = ruleset(node)
    assert "10.9.9.9" in now
    later = counted(now)
    assert len(later) == 5
    assert all(later[handle] >= packets for handle, packets in earlier.items())
    assert recipe.PREFIX not in now
    await point.close()


async def test_someone_who_tampers_with_our_table_is_seen(node: FirewallNode) -> None:
    point = make_point(node).point
    await point.arm(OFFICE, 30, DEADLINE_S)
    isolated = await point.isolate(OFFICE, DEADLINE_S)
    assert isolated.done, isolated.why
    node.run("nft flush chain inet islandmode_corporate_line3 output")
    state = await point.state(OFFICE, DEADLINE_S)
    assert state.value is not None
    assert not state.value.conduits[OFFICE[0]].isolating
    node.run("nft -f /etc/nftables.conf")
    state = await point.state(OFFICE, DEADLINE_S)
    assert state.value is not None
    assert state.value.clear
    await point.close()


async def test_a_flowtable_on_what_stands_on_a_named_interface_is_found_when_arming(node: FirewallNode) -> None:
    """This kernel has no flowtables, so the listing is one of a recorded form; the macvlan on eth4 is real."""
    node.run("ip link add mv4 link eth4 type macvlan")
    point = make_point(node).point
    try:
        assert (await point.facts(DEADLINE_S)).done
        for device, past in (("mv4", True), ("eth4", True), ("lo", False)):
            table = {"family": "inet", "table": "t", "name": "fast", "hook": "ingress", "prio": 0, "dev": [device]}
            answer = NftAnswer((json.dumps({"nftables": [{"flowtable": table}]}),), ())
            unfit = point._unfit((), answer, PointState({}))
            assert (unfit is not None) == past
            assert unfit is None or f"flows on {device} are offloaded" in unfit
    finally:
        node.run("ip link del mv4")
        await point.close()


def test_every_conduit_is_drawn_between_two_zones() -> None:
    assert set(BETWEEN) == {"corporate-line3", "corporate-dmz", "dmz-line3"}
