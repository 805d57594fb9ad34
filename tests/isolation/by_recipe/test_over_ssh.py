"""A recipe's point through the real console and SSH, against the emulated devices, on this machine's own clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from islandmode.core.outcome import Outcome
from islandmode.core.recipe.known import TIME_ZONE
from islandmode.isolation.by_recipe.console import Console
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.isolation.platform import Access
from islandmode.isolation.point import PointState
from islandmode.system.clock import MachineClock
from tests.core.recipe_plant import OFFICE, VENDOR, point
from tests.emulators.clock import DeviceClock
from tests.emulators.ios import IosDevice
from tests.emulators.plant import PASSWORD, USER
from tests.emulators.server import SshServer
from tests.isolation.by_recipe.world import CONDUITS, MADE, OPTIONS, World
from tests.isolation.contract import RUN
from tests.patience import PATIENCE_S

FOR_S = 600.0
AT = point(OFFICE, VENDOR, options={**OPTIONS, TIME_ZONE: "UTC"})
each_recipe = pytest.mark.parametrize("world", sorted(MADE), indirect=True)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    found = World(request.param)
    found.device.clock = DeviceClock(datetime.now(UTC).replace(tzinfo=None), follows=time.monotonic)
    return found


@pytest.fixture
def edge(world: World, tmp_path: Path) -> Iterator[RecipePoint]:
    with SshServer(world.device) as server:
        known_hosts = tmp_path / "known_hosts"
        known_hosts.write_text(server.known_host, encoding="ascii")
        access = Access(
            host=server.host, port=server.port, user=USER, become="", known_hosts=known_hosts, password=PASSWORD
        )
        clock = MachineClock.of_this_boot()
        yield RecipePoint("edge", world.planned(FOR_S, AT), world.recipe, AT, access, clock, RUN, Console)


def isolating(state: PointState | None) -> list[bool]:
    assert state is not None
    return [conduit.isolating for conduit in state.conduits.values()]


async def isolated(edge: RecipePoint) -> None:
    armed = await edge.arm(CONDUITS, FOR_S, PATIENCE_S)
    assert armed.done, armed.why
    reading = await edge.isolate(CONDUITS, PATIENCE_S)
    assert reading.done, reading.why


async def put_back(world: World, edge: RecipePoint) -> None:
    reading = await edge.restore(CONDUITS, PATIENCE_S)
    assert reading.done, reading.why
    assert reading.value is not None
    assert reading.value.clear
    assert world.is_open


@each_recipe
def test_from_rest_to_rest(world: World, edge: RecipePoint) -> None:
    async def story() -> None:
        facts = await edge.facts(PATIENCE_S)
        assert facts.value is not None, facts.why
        assert (facts.value.trouble, facts.value.unready) == ("", ())
        before = (await edge.configuration(PATIENCE_S)).value
        assert not world.device.was_touched
        await isolated(edge)
        assert not any(way for conduit in CONDUITS for way in world.passes(conduit))
        assert (await edge.try_login(PATIENCE_S)).done
        assert (await edge.renew(CONDUITS, 2 * FOR_S, PATIENCE_S)).done
        assert isolating((await edge.state(CONDUITS, PATIENCE_S)).value) == [True, True]
        await put_back(world, edge)
        after = (await edge.configuration(PATIENCE_S)).value
        assert before is not None
        assert after is not None
        assert world.device.configuration() == world.before
        await edge.close()

    anyio.run(story, backend="asyncio")


@each_recipe
def test_a_prompt_that_does_not_come_and_a_prompt_that_somebody_changed(world: World, edge: RecipePoint) -> None:
    async def story() -> None:
        await isolated(edge)
        world.device.faults.prompts_held = True
        assert (await edge.state(CONDUITS, 0.5)).outcome is Outcome.UNKNOWN
        world.device.faults.prompts_held = False
        if isinstance(world.device, IosDevice):
            world.device.enter(["hostname other"])
        else:
            world.device.enter(["config system global", "set hostname other", "end"])
        # The session that was opened when arming knows the prompt of before.
        await put_back(world, edge)
        await edge.close()

    anyio.run(story, backend="asyncio")


@each_recipe
def test_a_wrong_password_is_tried_once(world: World, tmp_path: Path) -> None:
    async def story() -> None:
        with SshServer(world.device) as server:
            known_hosts = tmp_path / "known_hosts"
            known_hosts.write_text(server.known_host, encoding="ascii")
            access = Access(
                host=server.host,
                port=server.port,
                user=USER,
                become="",
                known_hosts=known_hosts,
                password="guessed-canary",
            )
            clock = MachineClock.of_this_boot()
            edge = RecipePoint("edge", world.planned(FOR_S, AT), world.recipe, AT, access, clock, RUN, Console)
            reading = await edge.facts(PATIENCE_S)
            assert (reading.outcome, reading.value) == (Outcome.NOT_DONE, None)
            assert not world.device.logins
            await edge.close()

    anyio.run(story, backend="asyncio")
