"""Level hard on a real firewall: the interface goes down, and comes up again with all that it had, with conductor and guardian dead too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import anyio
import pytest

from islandmode.isolation.nftables import hard
from islandmode.isolation.nftables.recipe import table_of
from islandmode.isolation.point import ConduitState
from tests.isolation.contract import PATIENT_S
from tests.isolation.nftables.plant import OFFICE, RUN, PointOnNode, make_point, planned_hard
from tests.napalm_nftables.firewall_node import FirewallNode
from tests.patience import wait_until

TABLE = table_of(OFFICE[0])
ALIVE = f"keeper 1 {RUN} {TABLE},eth1\nkeeper 2 {RUN} {TABLE},eth1\n"
ARMED = ConduitState(present=True, armed_s=30.0, isolating=True, owner=RUN)
ABSENT = ConduitState(present=False, armed_s=None, isolating=False)
LOOKS = (
    "ip -4 route show table all | grep -v 'proto kernel'",
    "ip -6 route show table all | grep -v 'proto kernel'",
    "ip -oneline address show dev eth1 | grep -v fe80",
    "ip neigh show nud permanent; ip -6 neigh show nud permanent; ip neigh show proxy",
)
PLANTED = (
    "ip route add 198.51.100.0/24 via 10.10.0.10 dev eth1 metric 7",
    "ip route add 203.0.113.0/24 via 10.10.0.10 dev eth1 table 77 proto static",
    "ip -6 route add 2001:db8:7::/48 via fd10:10::10 dev eth1",
    "ip -6 address add fd10:10::77/64 dev eth1",
    "ip neigh add 10.10.0.99 lladdr 02:00:00:00:00:99 nud permanent dev eth1",
    "ip -6 neigh add fd10:10::99 lladdr 02:00:00:00:00:98 nud permanent dev eth1",
    "ip neigh add proxy 10.10.0.98 dev eth1",
)


def test_isolating_is_believed_only_with_both_processes_and_the_interface_down() -> None:
    def state(look: str, state: ConduitState = ARMED) -> ConduitState:
        return hard.state_at(state, OFFICE[0], ("eth1",), hard.kept_of(f"{look}end\n"), RUN)

    whole = state(f"{ALIVE}held eth1 {RUN}\ndown eth1\n")
    assert (whole.isolating, whole.armed_s) == (True, 30.0)
    assert not state(ALIVE).isolating
    one = state(f"keeper 2 {RUN} {TABLE},eth1\nheld eth1 {RUN}\ndown eth1\n")
    assert (one.isolating, one.armed_s, one.present) == (False, None, True)
    left = state(f"held eth1 {RUN}\ndown eth1\n", ABSENT)
    assert (left.present, left.owner, left.ours, left.isolating) == (True, RUN, True, False)
    assert not state("held eth1 another\n", ABSENT).ours
    assert state("", ABSENT) == ABSENT
    with pytest.raises(ValueError, match="no end"):
        hard.kept_of(ALIVE)


@pytest.fixture
def planted(node: FirewallNode) -> Iterator[FirewallNode]:
    """Give the node's outer interface all that a link going down takes with it."""
    for line in PLANTED:
        node.run(line)
    yield node
    for line in PLANTED:
        node.run(f"{line.replace(' add ', ' del ').replace(' nud permanent', '')} 2>/dev/null; true")


def kept(node: FirewallNode) -> list[str]:
    return ["\n".join(sorted(node.run(f"{look}; true").splitlines())) for look in LOOKS]


def is_down(node: FirewallNode) -> bool:
    return "UP" not in node.run("ip -oneline link show dev eth1").partition("<")[2].partition(">")[0].split(",")


def play(story: Callable[[], Awaitable[None]]) -> None:
    anyio.run(story, backend="asyncio")


def hard_point(node: FirewallNode) -> PointOnNode:
    return make_point(node, plan=planned_hard(OFFICE))


async def isolated(made: PointOnNode, node: FirewallNode, for_s: float) -> None:
    armed = await made.point.arm(OFFICE, for_s, PATIENT_S)
    assert armed.done, armed.why
    assert not is_down(node)
    reading = await made.point.isolate(OFFICE, PATIENT_S)
    assert reading.done, reading.why
    assert is_down(node)


def wait_back(node: FirewallNode, before: list[str]) -> None:
    wait_until(lambda: kept(node) == before, "addresses, routes and neighbours are as before", every_s=0.5)
    assert not is_down(node)
    wait_until(lambda: "held" not in node.run("ls /run/islandmode-hard | grep -v keep; true"), "nothing is held")


@pytest.mark.lab
def test_a_restore_puts_back_what_the_interface_had(planted: FirewallNode) -> None:
    before = kept(planted)

    async def story() -> None:
        made = hard_point(planted)
        await isolated(made, planted, 120.0)
        assert kept(planted) != before
        restored = await made.point.restore(OFFICE, PATIENT_S)
        assert restored.value is not None, restored.why
        assert restored.value.clear
        assert not is_down(planted)
        await made.point.close()

    play(story)
    wait_back(planted, before)


@pytest.mark.lab
@pytest.mark.parametrize(
    "killed",
    [(), *(pytest.param(one, marks=pytest.mark.more) for one in (("-9", "1"), ("-9", "2"), ("-STOP", "1")))],
    ids=" ".join,
)
def test_the_firewall_puts_it_back_by_itself_also_with_one_of_the_two_dead(
    planted: FirewallNode, killed: tuple[str, ...]
) -> None:
    before = kept(planted)

    async def story() -> None:
        made = hard_point(planted)
        await isolated(made, planted, 20.0)
        if killed:
            how, which = killed
            planted.run(f"kill {how} $(cat /run/islandmode-hard/keeper.{which}.{RUN})")
            seen = await made.point.state(OFFICE, PATIENT_S)
            assert seen.value is not None, seen.why
            # The run takes that for a timer that is gone, and restores at once.
            assert seen.value.conduits[OFFICE[0]].armed_s is None
        # No session of the run is open any more.
        await made.point.close()

    play(story)
    wait_back(planted, before)
    asyncio.run(clean(planted))
    wait_back(planted, before)


async def clean(node: FirewallNode) -> None:
    made = hard_point(node)
    restored = await made.point.restore(OFFICE, PATIENT_S)
    assert restored.value is not None, restored.why
    assert restored.value.clear
    await made.point.close()


@pytest.mark.lab
def test_a_firewall_that_is_reached_by_what_goes_down_is_refused(node: FirewallNode) -> None:
    plan = planned_hard(OFFICE)
    plan = plan.model_copy(update={"interfaces": plan.interfaces | {"corporate": ("lo",)}})

    async def story() -> None:
        made = make_point(node, plan=plan)
        facts = (await made.point.facts(PATIENT_S)).value
        assert facts is not None
        (why,) = facts.unready
        assert why.startswith("is reached through lo (the way back to 127.0.0.1), which level hard takes down;"), why
        rights = (await made.point.rights(PATIENT_S)).value
        assert rights is not None
        assert any("NOPASSWD: /usr/sbin/nft, /bin/sh" in line for line in rights.least)
        await made.point.close()

    play(story)
