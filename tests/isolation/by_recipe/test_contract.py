"""The contract of every platform, over the recipes that ship and the emulators of their devices."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.steps import asks_of
from islandmode.core.site import SitePoint
from islandmode.isolation.by_recipe.platform import platform_of
from islandmode.isolation.point import IsolationPoint
from tests.emulators.plant import USER
from tests.isolation.by_recipe.world import AT, CONDUITS, INTERFACES, OPTIONS, Fault, World
from tests.isolation.contract import RUN, Contract

# The line with which something takes effect: what is lost, broken off or late is that line.
TELLING = {"fortios-schedule": "^end$", "ios-time-range": "^absolute", "ios-revert": "revert timer|deny "}


class RecipeBench:
    """An emulated device; its platform is as much of one as the contract asks for."""

    conduits = ("office-line", "vendor-line")
    short_s = 1.0

    def __init__(self, name: str, world: type[World] = World) -> None:
        self.world = world(name)
        recipe = self.world.recipe
        self.clock = self.world.clock
        self.dead_man_s = recipe.ends_by.least
        used = self.planned().rendering.recipe
        assert used is not None
        self.platform = replace(platform_of(recipe, used), open=lambda *_: self.point())

    @property
    def site_point(self) -> SitePoint:
        known = self.planned()
        options = {key: value for key, value in OPTIONS.items() if key in self.platform.options}
        return SitePoint(
            platform=known.platform,
            management=known.management,
            login=known.login,
            interfaces=INTERFACES,
            options=options,
            isolates=CONDUITS,
        )

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        self.world.play(story)

    def planned(self) -> PlanPoint:
        return self.world.planned()

    def point(self, run: str | None = RUN) -> IsolationPoint:
        return self.world.point(run)

    def owner_told(self, run: str) -> str | None:
        """A window tells whether it is a run's, and a change that waits only who logged in."""
        return None

    def all_passes(self, conduit: str) -> bool:
        return all(self.world.passes(conduit))

    def any_passes(self, conduit: str) -> bool:
        return any(self.world.passes(conduit))

    def type_by_hand(self, commands: tuple[str, ...]) -> None:
        session = self.world.device.new_session(0, USER)
        for command in commands:
            session.answer(command)

    def hang(self, point: IsolationPoint) -> None:
        self.world.way_of(point).is_open.clear()

    def go_on(self, point: IsolationPoint) -> None:
        self.world.way_of(point).is_open.set()

    def _fault(self, what: str, lines: int = 1, matching: str = "") -> None:
        pattern = re.compile(matching or TELLING[self.world.recipe.recipe])
        self.world.fault = Fault(what, pattern, lines)

    def lose_reply(self, call: str) -> None:
        assert call == "isolate"
        if self.world.recipe.flush:
            # The last line of the whole call: each interface pair of both conduits, in both families, is flushed and left clean.
            lines = self.planned().rendering.stages
            clears = [line for stage in lines for line in stage.isolate if line.endswith(" filter clear")]
            self._fault("reply lost", len(clears), " filter clear$")
        else:
            self._fault("reply lost", 6 if self.world.recipe.cycle == "pending" else 2)

    def break_off(self, call: str) -> None:
        assert call == "isolate"
        self._fault("not sent")

    def behave(self) -> None:
        self.world.fault = None

    def look_takes(self, seconds: float) -> None:
        recipe = self.world.recipe
        # A look ends with the device's time, where that is asked.
        *_, last = asks_of(recipe, recipe.reads.state, AT, self.conduits[-1])
        ask = last.send if recipe.device_time is None else recipe.device_time.ask
        self.world.at_line[ask] = lambda: self.world.clock.pass_by(seconds)

    def hold_up(self, call: str) -> None:
        self._fault("under way")

    async def let_go(self) -> None:
        self.world.arrive()


class TestFortiosSchedule(Contract):
    @pytest.fixture
    def bench(self) -> RecipeBench:
        return RecipeBench("fortios-schedule")


class TestIosTimeRange(Contract):
    @pytest.fixture
    def bench(self) -> RecipeBench:
        return RecipeBench("ios-time-range")


class TestIosRevert(Contract):
    @pytest.fixture
    def bench(self) -> RecipeBench:
        return RecipeBench("ios-revert")
