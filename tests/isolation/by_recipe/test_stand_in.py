"""The stand-in of a bench, as a point of an emulated device: what a session that is slow, refused or lost leaves of it."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from islandmode.core.bench.stand_in import STAND_IN
from islandmode.core.outcome import Outcome
from islandmode.core.recipe.place import planned_at
from islandmode.core.recipe.stand_in import with_stand_in
from islandmode.isolation.by_recipe.stand_in import RecipeStandIn
from islandmode.isolation.platform import Access
from islandmode.isolation.session import RESTORE_TRY_S
from tests.emulators.plant import USER
from tests.isolation.by_recipe.world import FakeConsole, Fault, Way, World
from tests.isolation.contract import RUN
from tests.patience import PATIENCE_S

NAME, ONLY = "islandmode_STAND_IN", (STAND_IN,)
SHOWS = {"fortios-schedule": "show", "ios-time-range": "show running-config"}
REMOVES = {"fortios-schedule": f'delete "{NAME}"', "ios-time-range": f"no time-range {NAME}"}
TIMER_S = 120.0


@pytest.fixture(params=sorted(SHOWS))
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


def stand_in(world: World, run: str | None = RUN) -> RecipeStandIn:
    planned = with_stand_in(world.planned())
    assert planned is not None
    assert planned.recipe is not None
    access = Access(host="edge", port=22, user=USER, become="", known_hosts=Path("/dev/null"))
    at = planned_at("edge", planned)
    way = Way()
    return RecipeStandIn(
        "edge", planned, planned.recipe, at, access, world.clock, run, lambda *_: FakeConsole(world, way)
    )


def removed(world: World) -> int:
    """Count how often the object was removed."""
    return sum(line.text == REMOVES[world.recipe.recipe] for line in world.device.log)


async def acting(made: RecipeStandIn) -> None:
    laid = await made.lay(PATIENCE_S)
    assert laid.done, laid.why
    armed = await made.arm(ONLY, TIMER_S, PATIENCE_S)
    assert armed.done, armed.why
    acts = await made.isolate(ONLY, PATIENCE_S)
    assert acts.done, acts.why
    assert (await made.acts(PATIENCE_S)).value is True


def plays(world: World, made: RecipeStandIn, story: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await acting(made)
        await story()
        await made.close()

    world.play(whole)


def test_it_acts_ends_by_itself_and_leaves_nothing(world: World) -> None:
    made = stand_in(world)

    async def story() -> None:
        assert world.is_open
        await world.clock.sleep(TIMER_S + 90)
        assert (await made.acts(PATIENCE_S)).value is False
        late = await made.late_line(PATIENCE_S)
        assert late.value is not None, late.why
        assert (late.value.acted, late.value.after_s > 0) == (False, True)
        taken = await made.take_away(PATIENCE_S)
        assert taken.value is not None, taken.why
        assert not taken.value.present

    plays(world, made, story)
    assert world.device.configuration() == world.before
    assert removed(world) == 1


def test_a_device_that_is_slow_to_show_its_configuration_is_taken_back_by_one_session_alone(world: World) -> None:
    """A restore tries a second session beside one that is slow; here the slower would make the object anew."""
    made = stand_in(world)

    said: list[int] = []

    async def story() -> None:
        said.append(len(world.device.log))
        world.at_line[SHOWS[world.recipe.recipe]] = lambda: time.sleep(1.5 * RESTORE_TRY_S)
        taken = await made.take_away(PATIENCE_S)
        assert taken.value is not None, taken.why
        assert not taken.value.present

    plays(world, made, story)
    assert world.device.configuration() == world.before
    assert len({line.session for line in world.device.log[said[0] :]}) == 1
    assert removed(world) == 1


def test_a_late_line_before_its_end_is_never_sent(world: World) -> None:
    made = stand_in(world)
    sent: list[int] = []

    async def story() -> None:
        sent.append(len(world.device.received(configuring=True)))
        late = await made.late_line(PATIENCE_S)
        assert (late.outcome, late.value) == (Outcome.NOT_DONE, None)
        assert "the end of the last timer is still to come" in late.why
        sent.append(len(world.device.received(configuring=True)))

    plays(world, made, story)
    assert sent[0] == sent[1]


def test_a_late_line_that_the_device_refuses_has_done_nothing(world: World) -> None:
    made = stand_in(world)

    async def story() -> None:
        await world.clock.sleep(TIMER_S + 90)
        word = "Command fail. Return code -61\n" if world.recipe.recipe == "fortios-schedule" else "% Invalid input\n"
        world.device.faults.rejected["^set end|^absolute"] = word
        late = await made.late_line(PATIENCE_S)
        assert late.value is not None, late.why
        assert late.value.acted is False
        assert "the device refused" in late.value.said

    plays(world, made, story)


def test_a_late_line_that_is_not_answered_is_unknown(world: World) -> None:
    made = stand_in(world)

    async def story() -> None:
        await world.clock.sleep(TIMER_S + 90)
        world.fault = Fault("reply lost", re.compile("^set end|^absolute"))
        late = await made.late_line(1.0)
        assert (late.outcome, late.value) == (Outcome.UNKNOWN, None)

    plays(world, made, story)


def test_what_runs_is_told_with_its_time_and_what_is_over_without(world: World) -> None:
    made, other = stand_in(world), stand_in(world, "another-bench")

    async def story() -> None:
        seen = (await other.stand_in(PATIENCE_S)).value
        assert seen is not None
        assert seen.present
        assert seen.runs_for_s is not None
        assert 0 < seen.runs_for_s <= TIMER_S + 60
        refused = await other.lay(PATIENCE_S)
        assert (refused.outcome, "runs for" in refused.why) == (Outcome.NOT_DONE, True)
        await world.clock.sleep(TIMER_S + 90)
        seen = (await other.stand_in(PATIENCE_S)).value
        assert seen is not None
        assert (seen.present, seen.runs_for_s) == (True, None)
        await other.close()

    plays(world, made, story)


def test_an_answer_that_is_not_whole_is_never_taken_for_absence(world: World) -> None:
    made = stand_in(world)

    async def story() -> None:
        world.device.faults.rejected[f"^{SHOWS[world.recipe.recipe]}$"] = "config broken off\n"
        seen = await made.stand_in(PATIENCE_S)
        assert (seen.outcome, seen.value) == (Outcome.NOT_DONE, None)
        taken = await made.take_away(PATIENCE_S)
        assert taken.value is None
        world.device.faults.rejected.clear()

    plays(world, made, story)
    assert NAME in world.device.configuration()


def test_an_object_that_was_removed_while_its_timer_ran_did_not_end_by_itself(world: World) -> None:
    """By a colleague, by a bench from elsewhere, or by a restart of a device on which it was not saved."""
    made, other = stand_in(world), stand_in(world, "another-bench")

    async def story() -> None:
        assert (await other.take_away(PATIENCE_S)).done
        await other.close()
        await world.clock.sleep(TIMER_S + 90)
        acts = await made.acts(PATIENCE_S)
        assert (acts.outcome, acts.value) == (Outcome.NOT_DONE, None)

    plays(world, made, story)


def test_an_object_that_was_put_to_rest_while_its_timer_ran_did_not_end_by_itself(world: World) -> None:
    made, person = stand_in(world), stand_in(world, None)

    async def story() -> None:
        assert (await person.restore(ONLY, PATIENCE_S)).done
        await person.close()
        await world.clock.sleep(TIMER_S + 90)
        acts = await made.acts(PATIENCE_S)
        assert (acts.outcome, acts.value) == (Outcome.NOT_DONE, None)
        assert f"{NAME} is not there any more as it was armed" in acts.why

    plays(world, made, story)
