"""A bench of a real firewall: the stand-in is armed, held and ended by the kernel, and not one packet meets it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest

from islandmode.core.bench.stand_in import STAND_IN
from islandmode.core.errors import Refused
from islandmode.isolation.nftables import recipe
from islandmode.isolation.nftables.platform import NFTABLES
from islandmode.isolation.nftables.point import NftAccess
from islandmode.isolation.nftables.reading import comparable
from islandmode.isolation.nftables.stand_in import NftablesStandIn
from islandmode.operate.bench_firing import Benching, BenchSeen
from islandmode.operate.telling import Kept
from islandmode.run.progress import Stop, StopLatch
from islandmode.system.clock import MachineClock
from tests.isolation.nftables.plant import ACROSS, BESIDE, passing, planned
from tests.napalm_nftables.firewall_node import PASSWORD, FirewallNode
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.lab, pytest.mark.anyio]
TABLE, RUN = "islandmode_STAND_IN", "bench-20261127T100000Z-4cd3"
EVERYWHERE = {*ACROSS, *BESIDE}
CLOCK = MachineClock.of_this_boot()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def bench(node: FirewallNode, firings: int = 1, run: str = RUN) -> tuple[Benching, Kept]:
    made, heard, relay = NFTABLES.stand_in(planned()), Kept(), node.relay()
    assert made is not None
    access = NftAccess("127.0.0.1", relay.port, "drill", "sudo", node.known_hosts(relay), PASSWORD)
    point = NftablesStandIn("fw", made, access, CLOCK, run)
    return Benching(point, made, firings, heard, CLOCK), heard


def ruleset(node: FirewallNode) -> str:
    """List all rules with their numbers; what a set of the site has learnt moves by itself."""
    return comparable(node.run("nft -a -s list ruleset"))


@contextmanager
def leaves_everything(node: FirewallNode) -> Iterator[None]:
    before, ways = ruleset(node), passing(node, tuple(EVERYWHERE))
    yield
    assert ruleset(node) == before
    assert passing(node, tuple(EVERYWHERE)) == ways


async def test_timers_end_by_themselves_and_a_late_line_does_nothing(node: FirewallNode) -> None:
    benching, heard = bench(node)
    with leaves_everything(node):
        seen = await benching.carry_out(StopLatch())
    assert (seen.gone, seen.same_configuration, seen.stopped) == (True, True, "")
    (firing,) = seen.firings
    assert firing.gone_s is not None
    # What is left of a timer is told in whole seconds.
    assert firing.still_s is None or firing.still_s <= 1
    assert seen.late_line is not None
    assert (seen.late_line.acted, seen.late_line.after_s > 0) == (False, True)
    assert "No such file" in seen.late_line.said
    assert (seen.object_name, seen.says_itself) == (TABLE, True)
    assert heard.warned == []


async def test_no_packet_meets_it_while_it_acts(node: FirewallNode) -> None:
    benching, _ = bench(node)
    ways = passing(node, tuple(EVERYWHERE))
    point = benching.point
    assert (await point.arm((STAND_IN,), 60.0, 20.0)).done
    acting = await point.isolate((STAND_IN,), 20.0)
    assert acting.done, acting.why
    assert passing(node, tuple(EVERYWHERE)) == ways
    assert TABLE in ruleset(node)
    taken = await point.take_away(20.0)
    assert taken.value is not None
    assert not taken.value.present
    assert TABLE not in ruleset(node)
    await point.close()


async def test_an_interface_of_its_name_is_refused_and_nothing_is_touched(node: FirewallNode) -> None:
    node.run(f"ip link add {recipe.BENCH_OUT} type veth peer name {recipe.BENCH_IN}")
    try:
        benching, _ = bench(node)
        with (
            leaves_everything(node),
            pytest.raises(Refused, match=rf"interface {recipe.BENCH_OUT}; interface {recipe.BENCH_IN} names {TABLE}"),
        ):
            await benching.carry_out(StopLatch())
    finally:
        node.run(f"ip link delete {recipe.BENCH_OUT}")


async def test_a_bench_that_goes_on_refuses_another_and_what_a_dead_bench_left_is_taken_away(
    node: FirewallNode,
) -> None:
    first, _ = bench(node)
    before = ruleset(node)
    assert (await first.point.arm((STAND_IN,), 30.0, 20.0)).done
    await first.point.close()
    second, heard = bench(node, 1, "bench-20261127T100001Z-77aa")
    with pytest.raises(Refused, match=r"a timer of islandmode_STAND_IN runs for \d+ s more. It isolates nothing. Wait"):
        await second.carry_out(StopLatch())
    with anyio.fail_after(PATIENCE_S):
        while (await first.point.acts(20.0)).value:
            await anyio.sleep(0.2)
    await first.point.close()
    third, heard = bench(node, 1, "bench-20261127T100002Z-77ab")
    seen = await third.carry_out(StopLatch())
    assert (seen.gone, seen.same_configuration) == (True, True)
    assert f"{TABLE} was left on fw by an earlier bench; it is taken away first." in heard.said
    assert ruleset(node) == before


async def test_who_stops_it_has_it_taken_away(node: FirewallNode) -> None:
    benching, heard = bench(node, 10)
    latch, ended = StopLatch(), list[BenchSeen]()
    with leaves_everything(node):

        async def carry_out() -> None:
            ended.append(await benching.carry_out(latch))

        async with anyio.create_task_group() as group:
            group.start_soon(carry_out)
            with anyio.fail_after(PATIENCE_S):
                while not any("Logged out until then." in sentence for sentence in heard.said):
                    await anyio.sleep(0.05)
            latch.pull(Stop("signal", "SIGINT was received."))
    (seen,) = ended
    assert (seen.gone, seen.same_configuration, seen.stopped) == (True, True, "SIGINT was received.")
    assert seen.firings == ()
