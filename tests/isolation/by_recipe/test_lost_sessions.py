"""Sessions that are lost after any line, answers that do not come, and lines that are refused: what is told, and that the plant is put back."""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from islandmode.core.entry import Entry
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.recipe.steps import RunValues, step_lines
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.isolation.point import PointState
from islandmode.run.restore import restore_until_seen
from tests.core.recipe_plant import ENDS
from tests.isolation.by_recipe.world import AT, CONDUITS, MADE, World
from tests.isolation.contract import PATIENT_S, RUN
from tests.more import first_of, one_in

FOR_S, LONGER_S = 300.0, 600.0
BEFORE: dict[str, tuple[str, ...]] = {"arm": (), "isolate": ("arm",), "renew": ("arm", "isolate")}
NO = {"fortios-schedule": "Command fail. Return code -61\n"}
each_recipe = pytest.mark.parametrize("name", sorted(MADE))
STEPS = ("arm", "isolate", "renew")
each_step = pytest.mark.parametrize("step", STEPS)


def lines_of(name: str, step: str) -> list[str]:
    """Every line of a step, by what is the same in every run: its first words."""
    steps = (step, "flush") if step == "isolate" else (step,)
    found = World(name).recipe
    sent = (line for each in steps for line in step_lines(found, each, AT, RunValues(RUN, FOR_S, ENDS)))
    return [line.send for line in sent]


async def call(point: RecipePoint, step: str, deadline_s: float = PATIENT_S) -> Reading[PointState]:
    if step == "isolate":
        return await point.isolate(CONDUITS, deadline_s)
    for_s = LONGER_S if step == "renew" else FOR_S
    return await (point.renew if step == "renew" else point.arm)(CONDUITS, for_s, deadline_s)


async def until(point: RecipePoint, step: str) -> None:
    """Bring a point to where a step comes next."""
    for earlier in BEFORE[step]:
        reading = await call(point, earlier)
        assert reading.done, reading.why


class Silent:
    """Keeps no notes."""

    def note(self, make: Callable[..., Entry], *_: Any, **data: Any) -> object:
        return None


async def put_back(world: World, point: RecipePoint) -> None:
    """Restore at once, by the point and not by the device's timer; then as a run does, until it is seen."""
    reading = await point.restore(CONDUITS, PATIENT_S)
    assert reading.done, reading.why
    assert reading.value is not None
    assert reading.value.clear
    assert world.is_open
    assert world.device.configuration() == world.before
    owed = {point.name: CONDUITS}
    seen = await restore_until_seen(
        {point.name: point}, owed, notes=Silent(), clock=world.clock, give_up_after_s=PATIENT_S
    )
    assert seen == {point.name}
    await point.close()


def played(world: World, story: Callable[[], Awaitable[None]]) -> None:
    world.play(story)
    assert world.is_open


def moments(name: str, step: str) -> Iterator[tuple[int, str]]:
    """Give the number of each configuring line of a step, with a pattern that finds those lines and no question."""
    pattern = "|".join(sorted({f"^{re.escape(' '.join(line.split()[:2]))}" for line in lines_of(name, step)}))
    # Some questions begin as a line of restore does; a crash there is one more moment.
    yield from ((number, pattern) for number in range(1, len(lines_of(name, step)) + 1))


@pytest.mark.parametrize(("name", "step"), one_in(8, itertools.product(sorted(MADE), STEPS)))
@pytest.mark.parametrize("executes", first_of([True, False]), ids=["carried out", "not carried out"])
def test_wherever_a_session_is_lost_it_is_unknown_until_when_is_told_and_it_is_restored(
    name: str,
    step: str,
    executes: bool,  # noqa: FBT001 - parametrized
) -> None:
    for number, pattern in moments(name, step):
        world = World(name)

        async def story(world: World = world, number: int = number, pattern: str = pattern) -> None:
            point = world.point()
            await until(point, step)
            world.device.faults.crash_after(number, executes=executes, matching=pattern)
            reading = await call(point, step)
            assert world.device.faults.crash is None
            assert (reading.outcome, reading.value) == (Outcome.UNKNOWN, None), number
            assert point.late_until_us > world.clock.monotonic_us()
            await put_back(world, point)

        played(world, story)


@each_recipe
@pytest.mark.parametrize("executes", first_of([True, False]), ids=["carried out", "not carried out"])
def test_a_restore_whose_session_is_lost_goes_on_through_a_fresh_session(name: str, executes: bool) -> None:  # noqa: FBT001
    for number, pattern in moments(name, "restore"):
        world = World(name)

        async def story(world: World = world, number: int = number, pattern: str = pattern) -> None:
            point = world.point()
            await until(point, "renew")
            world.device.faults.crash_after(number, executes=executes, matching=pattern)
            await put_back(world, point)

        played(world, story)


@pytest.mark.parametrize(("name", "step"), one_in(4, itertools.product(sorted(MADE), STEPS)))
def test_a_refused_line_is_looked_at_and_nothing_more_is_said_in_its_session(name: str, step: str) -> None:
    for line in dict.fromkeys(lines_of(name, step)):
        world = World(name)
        # Moments and numbers differ from run to run.
        told = " ".join(line.split()[:2]) if re.search(r"\d:\d\d", line) else line
        words = re.sub(r"\d+", r"\\d+", re.escape(told))

        async def story(world: World = world, words: str = words) -> None:
            point = world.point()
            await until(point, step)
            already = len(world.device.log)
            world.device.faults.rejected[f"^{words}"] = NO.get(name, "% Invalid input detected at '^' marker.\n")
            reading = await call(point, step)
            world.device.faults.rejected.clear()
            assert reading.outcome is Outcome.NOT_DONE, words
            assert "refused" in reading.why
            said = world.device.log[already:]
            refused = next(at for at, sent in enumerate(said) if re.search(f"^{words}", sent.text))
            assert said[refused].session not in {sent.session for sent in said[refused + 1 :]}
            assert reading.value is not None
            look = (await world.point().state(CONDUITS, PATIENT_S)).value
            assert look is not None
            assert {n: s.present for n, s in reading.value.conduits.items()} == {
                n: s.present for n, s in look.conduits.items()
            }
            await put_back(world, point)

        played(world, story)


@each_recipe
@each_step
@pytest.mark.parametrize("held", ["answers_held", "prompts_held"])
def test_a_prompt_that_does_not_come_is_unknown(name: str, step: str, held: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        await until(point, step)
        assert (await point.state(CONDUITS, PATIENT_S)).done
        setattr(world.device.faults, held, True)
        reading = await call(point, step, 0.5)
        setattr(world.device.faults, held, False)
        assert reading.outcome is not Outcome.DONE
        assert reading.value is None
        await put_back(world, point)

    played(world, story)
