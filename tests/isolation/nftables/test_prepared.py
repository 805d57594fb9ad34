"""A ticket that was taken before the order: for which order it counts, and that none counts longer than it should."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import anyio

from tests.isolation.nftables.fake_firewall import FakeFirewall, FakePoint
from tests.patience import PATIENCE_S

ONE, OTHER = ("corporate-line3",), ("corporate-dmz",)


def tickets(device: FakeFirewall) -> list[str]:
    return [line for line in device.tape if re.search(r"add element inet \S+ ticket ", line)]


def played(story: Callable[[FakePoint, FakeFirewall], Awaitable[None]]) -> FakeFirewall:
    device = FakeFirewall()

    async def whole() -> None:
        point = FakePoint(device, (*ONE, *OTHER))
        assert (await point.arm((*ONE, *OTHER), 60.0, PATIENCE_S)).done
        await story(point, device)
        await point.close()

    anyio.run(whole, backend="asyncio")
    return device


def test_the_order_that_follows_names_the_ticket_that_was_taken_for_it() -> None:
    async def story(point: FakePoint, device: FakeFirewall) -> None:
        assert (await point.prepare(ONE, PATIENCE_S)).done
        assert len(tickets(device)) == 1
        assert (await point.isolate(ONE, PATIENCE_S)).done

    assert len(tickets(played(story))) == 1


def test_a_ticket_is_named_once() -> None:
    async def story(point: FakePoint, device: FakeFirewall) -> None:
        assert (await point.prepare(ONE, PATIENCE_S)).done
        assert (await point.isolate(ONE, PATIENCE_S)).done
        assert (await point.renew(ONE, 60.0, PATIENCE_S)).done
        assert len(tickets(device)) == 2

    played(story)


def test_an_order_for_other_conduits_takes_a_ticket_of_its_own() -> None:
    async def story(point: FakePoint, device: FakeFirewall) -> None:
        assert (await point.prepare(ONE, PATIENCE_S)).done
        assert (await point.isolate(OTHER, PATIENCE_S)).done
        assert len(tickets(device)) == 2

    played(story)


def test_when_half_of_its_life_is_over_another_is_taken() -> None:
    async def story(point: FakePoint, device: FakeFirewall) -> None:
        assert (await point.prepare(ONE, PATIENCE_S)).done
        await device.clock.sleep(1.0)
        assert (await point.isolate(ONE, PATIENCE_S)).done
        assert len(tickets(device)) == 2

    played(story)


def test_nothing_is_isolated_by_a_ticket_alone() -> None:
    async def story(point: FakePoint, _: FakeFirewall) -> None:
        assert (await point.prepare(ONE, PATIENCE_S)).done
        state = await point.state(ONE, PATIENCE_S)
        assert state.value is not None
        assert not state.value.conduits[ONE[0]].isolating

    played(story)


def test_where_nothing_is_armed_there_is_no_ticket() -> None:
    async def story(point: FakePoint, _: FakeFirewall) -> None:
        assert (await point.restore(ONE, PATIENCE_S)).done
        prepared = await point.prepare(ONE, PATIENCE_S)
        assert not prepared.done
        assert prepared.why

    played(story)
