"""A bench that is stopped while a line of it is under way: nothing of it stays logged in until that line's last moment."""

from __future__ import annotations

import re
from pathlib import Path

import anyio
import pytest

from islandmode.core.recipe.place import planned_at
from islandmode.core.recipe.stand_in import with_stand_in
from islandmode.isolation.by_recipe.stand_in import RecipeStandIn
from islandmode.isolation.platform import Access
from islandmode.operate.bench_firing import Benching
from islandmode.operate.telling import Kept
from islandmode.run.progress import Stop, StopLatch
from tests.emulators.plant import USER
from tests.isolation.by_recipe.world import FakeConsole, Fault, Way, World
from tests.patience import wait_until

RUN = "bench-20261127T100000Z-4cd3"
LONG_WAIT_S = 30.0


class Watched(World):
    """A device, and a clock that sees at each long wait that nobody is logged in."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.waits = 0
        sleep = self.clock.sleep

        async def watched(seconds: float) -> None:
            if seconds > LONG_WAIT_S:
                wait_until(lambda: all(session.is_over for session in self.device.sessions), "every session has ended")
                self.waits += 1
            await sleep(seconds)

        object.__setattr__(self.clock, "sleep", watched)


@pytest.mark.parametrize(("name", "line"), [("fortios-schedule", "^set end"), ("ios-time-range", "^absolute")])
def test_a_bench_that_is_stopped_keeps_no_session_in_the_configuration_of_a_device(name: str, line: str) -> None:
    world, latch = Watched(name), StopLatch()
    planned = with_stand_in(world.planned())
    assert planned is not None
    assert planned.recipe is not None
    access = Access(host="edge", port=22, user=USER, become="", known_hosts=Path("/dev/null"))
    way, at = Way(), planned_at("edge", planned)
    point = RecipeStandIn(
        "edge", planned, planned.recipe, at, access, world.clock, RUN, lambda *_: FakeConsole(world, way)
    )
    # The second of its lines that tells an end: the one that arms.
    fault = world.fault = Fault("held", re.compile(line), 2)

    async def story() -> None:
        async with anyio.create_task_group() as beside:

            async def stop() -> None:
                await anyio.to_thread.run_sync(wait_until, fault.has_left.is_set, "the line leaves")
                latch.pull(Stop("signal", "Somebody stopped it."))

            beside.start_soon(stop)
            seen = await Benching(point, planned, 1, Kept(), world.clock).carry_out(latch)
        assert (seen.gone, seen.same_configuration) == (True, True)

    world.play(story)
    assert world.waits
    assert world.device.configuration() == world.before
