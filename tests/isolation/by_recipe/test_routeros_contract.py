"""The contract of every platform, over the recipe that docs/minimal has as an example of a site's own, with an own timer, and an emulated router."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.core.outcome import Outcome
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.steps import planned, step_lines
from islandmode.store.recipes import read_recipe
from tests.emulators.clock import DeviceClock
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.emulators.network import Family
from tests.emulators.plant import ACCOUNTS, NOW, ZONES
from tests.emulators.routeros import RouterOsDevice
from tests.isolation.by_recipe.test_contract import RecipeBench
from tests.isolation.by_recipe.world import AT, World
from tests.isolation.contract import PATIENT_S, Contract, armed, flows, restored, wait_us

EXAMPLE = Path(__file__).parents[3] / "docs/minimal/inventory/recipes/routeros-lists.yaml"
ISOLATES = "address-list add list="
FOR_S = 600.0


class RouterOsWorld(World):
    """A router that goes by the example; its recipe isolates IPv4."""

    families: tuple[Family, ...] = (4,)

    def made(self, name: str) -> tuple[Recipe, FortiDevice | IosDevice]:
        found = read_recipe(EXAMPLE, EXAMPLE.name).recipe
        device = RouterOsDevice("edge", DeviceClock(NOW), ZONES, ACCOUNTS)
        session = device.new_session(0, "console")
        for line in step_lines(found, "provision", AT, planned(0)):
            assert session.answer(line.send) == ""
        return found, device  # type: ignore[return-value] # a device of another kind, of which the world asks what every device has


class RouterOsBench(RecipeBench):
    """The emulated router."""

    def __init__(self) -> None:
        super().__init__("routeros-lists", RouterOsWorld)

    def owner_told(self, run: str) -> str | None:
        """Each entry has its run as a comment."""
        return run

    def _fault(self, what: str, lines: int = 1, matching: str = "") -> None:
        super()._fault(what, lines, matching or ISOLATES)


class TestRouterOsLists(Contract):
    @pytest.fixture
    def bench(self) -> RouterOsBench:
        return RouterOsBench()

    @pytest.mark.parametrize("call", ["arm", "isolate"])
    def test_a_line_that_comes_after_its_latest_moment_changes_nothing(self, bench: RouterOsBench, call: str) -> None:  # type: ignore[override] # each call by itself
        """A timeout counts from when its line lands. So an arm that lands late stands as armed, isolates nothing, and goes by itself."""

        async def story() -> None:
            point = bench.point()
            await point.state(bench.conduits, PATIENT_S)
            if call == "isolate":
                await armed(bench, point)
            bench.hold_up(call)
            given_up = await (
                point.arm(bench.conduits, FOR_S, bench.short_s)
                if call == "arm"
                else point.isolate(bench.conduits, bench.short_s)
            )
            assert given_up.outcome is Outcome.UNKNOWN
            await wait_us(bench, point.late_until_us)
            await bench.let_go()
            await flows(bench, *bench.conduits)
            after = bench.point()
            state = (await after.state(bench.conduits, PATIENT_S)).value
            assert state is not None
            assert {name: one.isolating for name, one in state.conduits.items()} == dict.fromkeys(bench.conduits, False)
            assert state.conduits["office-line"].present
            if call == "arm":
                await bench.clock.sleep(FOR_S)
                gone = (await after.state(bench.conduits, PATIENT_S)).value
                assert gone is not None
                assert gone.clear
            await restored(bench, after)
            for each in (point, after):
                await each.close()

        bench.play(story)

    @pytest.mark.parametrize("finds", ["left", "owner"])
    def test_arming_alone_shows_as_armed_and_not_as_a_part_of_an_isolation(
        self, bench: RouterOsBench, finds: str
    ) -> None:
        """What tells the timer or the run must not tell an isolation beside: the example could not be armed while it did."""
        (read,) = (read for read in bench.world.recipe.reads.state if finds in [find.gives for find in read.finds])
        assert [find.gives for find in read.finds] == [finds]
