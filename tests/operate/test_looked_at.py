"""A look at devices that cannot name a run: what a run that goes on may have made is not called left behind."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

import pytest

from islandmode.core.rescue import Restorable
from islandmode.operate.devices import Going, _look_at
from islandmode.operate.ground import Ground, Opened
from islandmode.operate.telling import Kept
from islandmode.run.outermost import STRANDED
from islandmode.system.clock import Clock
from tests.emulators.ios import IosDevice
from tests.isolation.by_recipe.test_hold import isolated
from tests.isolation.by_recipe.world import AT, CONDUITS, World
from tests.isolation.contract import OTHER_RUN, RUN

each_clock = pytest.mark.parametrize("name", ["fortios-schedule", "ios-time-range"])
PLACE = str(AT.management)
HERE = frozenset((PLACE, conduit) for conduit in CONDUITS)
ELSEWHERE = frozenset({(PLACE, "another-line"), ("192.0.2.7", "office-line")})


@dataclass
class FakeGround:
    """A ground with one emulated device."""

    world: World

    def open_points(
        self, plan: Restorable, clock: Clock, run: str | None, only: Collection[str] | None = None
    ) -> Opened:
        """Open it."""
        return Opened({name: self.world.point(run) for name in plan.points}, {})


def looked(world: World, going: Going) -> tuple[int, list[str]]:
    """Look, and give the exit code and what was said."""
    listener, planned = Kept(), world.planned()
    assert planned.place == PLACE
    code = _look_at({"edge": planned}, cast(Ground, FakeGround(world)), going, listener)
    assert listener.warned == []
    return code, listener.said


def isolate(world: World) -> None:
    """Isolate the first conduit by a run, and arm the second."""

    async def story() -> None:
        await (await isolated(world)).close()

    world.play(story)


@each_clock
def test_a_window_is_known_by_its_mark_to_be_of_a_run_that_goes_on(name: str) -> None:
    world = World(name)
    isolate(world)
    code, said = looked(world, {OTHER_RUN: HERE, RUN: ELSEWHERE})
    assert code == 0
    assert [line.rpartition(", ")[2] for line in said] == [f"made by run {RUN}."] * 2
    assert ["IS ISOLATED" in line for line in said] == [True, False]


@each_clock
def test_a_window_of_another_run_is_left_behind(name: str) -> None:
    world = World(name)
    isolate(world)
    for going in ({}, {OTHER_RUN: HERE}):
        code, said = looked(world, going)
        assert code == STRANDED
        assert [line.rpartition(", ")[2] for line in said] == ["made by no run that goes on."] * 2


@pytest.mark.parametrize("isolates", [HERE, None], ids=["isolates there", "of which no plan can be read"])
def test_a_deny_under_the_device_s_timer_may_be_of_a_run_that_goes_on(
    isolates: Collection[tuple[str, str]] | None,
) -> None:
    world = World("ios-revert")
    isolate(world)
    code, said = looked(world, {RUN: isolates})
    assert code == 0
    waits, denied, open_one = said
    assert waits.endswith("unless somebody confirms it; the device does not say which run made it.")
    assert "office-line IS ISOLATED, its timer ends in " in denied
    assert denied.endswith(f"the device does not say by which run; {RUN} goes on and may have made it.")
    assert open_one.endswith("vendor-line has no Islandmode object, so Islandmode does not isolate it.")


@pytest.mark.parametrize("going", [{}, {RUN: ELSEWHERE}], ids=["no run goes on", "it goes on elsewhere"])
def test_a_deny_that_no_run_that_goes_on_isolates_is_left_behind(going: Going) -> None:
    world = World("ios-revert")
    isolate(world)
    code, said = looked(world, going)
    assert code == STRANDED
    assert said[1].endswith("whose run is not known.")


def test_a_change_that_waits_and_isolates_nothing_is_told_and_is_no_isolation() -> None:
    world = World("ios-revert")
    colleague = world.device.new_session(0, "colleague")
    for line in ("configure terminal revert timer 10", "end"):
        colleague.answer(line)
    code, said = looked(world, {})
    assert code == 0
    assert "a change of the whole device waits, and goes back in 600 s" in said[0]
    assert all("has no Islandmode object" in line for line in said[1:])


def test_a_deny_whose_timer_somebody_ended_has_none() -> None:
    world = World("ios-revert")
    isolate(world)
    assert isinstance(world.device, IosDevice)
    world.device.timer = None
    code, said = looked(world, {})
    assert code == STRANDED
    assert said[0] == f"edge ({PLACE}): office-line may be isolated, no timer runs, whose run is not known."
