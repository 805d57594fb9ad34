"""A step that is given up in the middle of its lines, as when another device of its stage refuses, or somebody stops the run.

No further line of it is sent. What is under way is heard out beside the restore, so that the restoration is proven at once, and not only when
the end that the line brings has passed.
"""

from __future__ import annotations

import re
import threading

import anyio
import pytest

from islandmode.core.recipe.steps import planned, step_lines
from islandmode.isolation import session
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.run.restore import restore_until_seen
from tests.isolation.by_recipe.test_hold import each_clock
from tests.isolation.by_recipe.test_lost_sessions import Silent, call, each_recipe, moments, until
from tests.isolation.by_recipe.world import AT, CONDUITS, FakeConsole, Fault, World
from tests.isolation.contract import PATIENT_S
from tests.patience import PATIENCE_S, wait_until

AT_ONCE_S = 1.0
"""Of the world's own time, which only waiting moves."""


@pytest.fixture(autouse=True)
def _a_busy_machine_is_no_silent_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LAST_ANSWER_S", PATIENCE_S)


async def appears(event: threading.Event) -> None:
    await anyio.to_thread.run_sync(wait_until, event.is_set, "the line leaves")


async def given_up(world: World, point: RecipePoint, step: str, number: int, pattern: str) -> Fault:
    """Begin a step, and give it up while the line with a number is under way."""
    fault = world.fault = Fault("held", re.compile(pattern), number)
    async with anyio.create_task_group() as stage:
        stage.start_soon(call, point, step)
        await appears(fault.has_left)
        stage.cancel_scope.cancel()
    return fault


async def proven(world: World, point: RecipePoint) -> None:
    """Restore as a run does, until it is seen, which needs no time to pass."""
    began_s, owed = world.clock.now_s, {point.name: CONDUITS}
    seen = await restore_until_seen(
        {point.name: point}, owed, notes=Silent(), clock=world.clock, give_up_after_s=PATIENT_S
    )
    assert seen == {point.name}
    assert world.clock.now_s - began_s < AT_ONCE_S
    assert world.is_open
    assert world.device.configuration() == world.before


def restores(world: World) -> int:
    """Count how often the last line of a whole restore has come, whatever else it is for."""
    *_, last = step_lines(world.recipe, "restore", AT, planned(0), CONDUITS)
    return world.device.received().count(last.send)


def in_one_restore(world: World) -> int:
    *_, last = lines = [line.send for line in step_lines(world.recipe, "restore", AT, planned(0), CONDUITS)]
    return lines.count(last)


@each_recipe
@pytest.mark.parametrize("step", ["isolate", "renew"])
def test_wherever_a_step_is_given_up_nothing_more_is_sent_and_the_restoration_is_proven_at_once(
    name: str, step: str
) -> None:
    for number, pattern in moments(name, step):
        world = World(name)

        async def story(world: World = world, number: int = number, pattern: str = pattern) -> None:
            point = world.point()
            await until(point, step)
            fault = await given_up(world, point, step, number, pattern)
            assert point.late_until_us > world.clock.monotonic_us()
            already, own = len(world.device.log), world.device.log[-1].session
            fault.may_land.set()
            await proven(world, point)
            # Behind the last line come questions, until the session is reset.
            said = [line.text for line in world.device.log[already:] if line.session == own]
            assert len([line for line in said if re.search(pattern, line)]) == 1, number
            assert point.late_until_us <= world.clock.monotonic_us()
            await point.close()

        world.play(story)


@each_recipe
def test_a_restore_waits_for_no_line_and_takes_back_what_one_isolates_after_it(name: str) -> None:
    """The restore is over on the device before the line lands that was under way."""
    for number, pattern in moments(name, "isolate"):
        world = World(name)

        async def story(world: World = world, number: int = number, pattern: str = pattern) -> None:
            point = world.point()
            await until(point, "isolate")
            fault = await given_up(world, point, "isolate", number, pattern)
            last = restores(world) + in_one_restore(world)
            async with anyio.create_task_group() as beside:
                beside.start_soon(proven, world, point)
                await anyio.to_thread.run_sync(
                    wait_until, lambda: restores(world) >= last, "the lines of the restore come"
                )
                fault.may_land.set()
            await point.close()

        world.play(story)


@each_clock
@pytest.mark.parametrize("asked", [1, 2], ids=["before its lines", "after them"])
def test_a_step_that_is_given_up_while_it_looks_may_not_act_any_more(name: str, asked: int) -> None:
    world = World(name)
    shows = "^show time-range islandmode_office" if name == "ios-time-range" else "^show firewall schedule.*office"

    async def story() -> None:
        point = world.point()
        await until(point, "isolate")
        await given_up(world, point, "isolate", asked, shows)
        assert point.late_until_us == 0
        await proven(world, point)
        await point.close()

    world.play(story)


@each_clock
def test_a_look_that_waits_behind_a_step_ends_no_line_of_it(name: str) -> None:
    """The device is watched on the same session; when a run is stopped both are given up at once."""
    world = World(name)

    async def story() -> None:
        point = world.point()
        await until(point, "isolate")
        telling = "^end$" if name == "fortios-schedule" else "^absolute"
        fault = world.fault = Fault("held", re.compile(telling))
        async with anyio.create_task_group() as stage:
            stage.start_soon(point.state, CONDUITS, PATIENT_S)
            stage.start_soon(call, point, "isolate")
            stage.start_soon(point.state, CONDUITS, PATIENT_S)
            await appears(fault.has_left)
            stage.cancel_scope.cancel()
        fault.may_land.set()
        await proven(world, point)
        await point.close()

    world.play(story)


@each_clock
def test_a_session_that_keeps_the_device_from_taking_a_restore_is_not_heard_out(name: str) -> None:
    """As where the configuration is locked while a session is in it; the answer to its line does not come."""
    world = World(name)
    first = step_lines(world.recipe, "restore", AT, planned(0), CONDUITS)[0].send
    telling = "^set start" if name == "fortios-schedule" else "^time-range"

    async def story() -> None:
        point = world.point()
        await until(point, "isolate")
        await given_up(world, point, "isolate", 1, telling)
        work = point._sessions.work.driver
        assert isinstance(work, FakeConsole)

        def lock() -> None:
            world.device.faults.rejected.clear()
            if not work.is_over:
                world.device.faults.rejected[f"^{first}$"] = "Command fail. Return code -61\n% Invalid: locked\n"

        world.at_line[first] = lock
        assert not (await point.restore(CONDUITS, PATIENT_S)).done
        again = await point.restore(CONDUITS, PATIENT_S)
        assert again.done, again.why
        assert again.value is not None
        assert again.value.clear
        assert world.is_open
        await point.close()

    world.play(story)
