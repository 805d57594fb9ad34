"""The table of platforms is held to what the emulators do: each recipe that ships is played, and its cells must say what was seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from islandmode.core.quantities import written
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.recipe.steps import RunValues
from scripts import platforms_page
from tests.core.recipe_plant import RUN, recipe
from tests.emulators.driving import Typist, carry_out
from tests.emulators.fortios import FortiDevice
from tests.emulators.fortios_state import OpenConnection
from tests.emulators.ios import IosDevice
from tests.emulators.network import Family, Packet
from tests.emulators.plant import BOTH, ZONES, firewall, router
from tests.emulators.rest_to_rest import WAYS, clock_run

DEVICES: dict[str, Callable[[], FortiDevice | IosDevice]] = {
    "fortios-schedule": firewall,
    "ios-revert": lambda: router("ios-revert"),
    "ios-time-range": lambda: router("ios-time-range"),
}
TIMER_S = 300.0
COLLEAGUE = {
    "fortios-schedule": ["config firewall policy", "edit 1", "set name 10.20.0.5", "next", "end"],
    "ios-revert": ["logging host 10.20.0.5"],
    "ios-time-range": ["logging host 10.20.0.5"],
}
"""What a colleague enters once the device is armed."""


@dataclass
class Played:
    """A device on which the office's conduit is isolated by a recipe, and the timer that ends it; `flush` is not sent yet."""

    device: FortiDevice | IosDevice
    recipe: Recipe
    run: RunValues
    opened: tuple[OpenConnection, ...]
    """The connections that were open before, where the device remembers any."""

    def carry_out(self, step: str, run: RunValues) -> None:
        carry_out(Typist(self.device.log_in("drill")), self.recipe, step, BOTH, run, ["office-line"])

    def move_to_end(self) -> None:
        """Let the clock run to the last second of the timer."""
        if self.run.ends is None:
            self.device.clock.move(TIMER_S - 1)
        else:
            self.device.clock.move_to(self.run.ends - timedelta(seconds=1))

    def passing(self, *families: Family) -> set[bool]:
        return {self.device.passes(*way) for way in WAYS if way[2] in (families or (4, 6))}

    def going_on(self) -> set[bool]:
        """Tell of connections that were open before; their packets meet a list without memory as all others do."""
        if isinstance(self.device, IosDevice):
            return self.passing()
        return {self.device.goes_on(connection) for connection in self.opened}


@pytest.fixture(params=SHIPPED)
def played(request: pytest.FixtureRequest) -> Played:
    device, known = DEVICES[request.param](), recipe(request.param)
    typist = Typist(device.log_in("drill"))
    run = clock_run(typist, known) if known.cycle == "clock" else RunValues(RUN, TIMER_S)
    opened = tuple(device.connect(*way) for way in WAYS) if isinstance(device, FortiDevice) else ()
    carry_out(typist, known, "arm", BOTH, run)
    device.enter(COLLEAGUE[request.param])
    carry_out(typist, known, "isolate", BOTH, run, ["office-line"])
    return Played(device, known, run, opened)


def told(played: Played, row: str) -> str:
    return platforms_page.told()[row][played.recipe.recipe]


def test_every_recipe_has_an_emulator_and_every_row_that_the_page_names_is_there() -> None:
    assert set(DEVICES) == set(SHIPPED)
    assert set(platforms_page.PLAYED) <= platforms_page.ROWS.keys()


def test_it_ends_by_its_own_timer_no_later_than_told(played: Played) -> None:
    lag_s = played.recipe.ends_by.lag or 0.0
    assert told(played, "may end later by").startswith(written(lag_s))
    played.device.faults.end_lag_s = lag_s
    played.move_to_end()
    assert played.passing() == {False}
    played.device.clock.move(1 + lag_s)
    assert played.passing() == {True}


def test_it_is_renewed_where_told(played: Played) -> None:
    ends = played.run.ends
    later = RunValues(RUN, TIMER_S, None if ends is None else ends + timedelta(minutes=4))
    played.device.clock.move(TIMER_S / 2)
    played.carry_out("renew", later)
    played.device.clock.move(TIMER_S * 0.75)
    assert played.passing() == {False}
    assert told(played, "can be renewed") == "yes"


def test_it_isolates_the_families_that_are_told(played: Played) -> None:
    families: tuple[Family, ...] = (4, 6)
    stopped = [f"IPv{family}" for family in families if played.passing(family) == {False}]
    assert told(played, "address families") == " and ".join(stopped) == "IPv4 and IPv6"


def test_it_stops_what_ends_on_the_device_where_told(played: Played) -> None:
    office = ZONES["office"]
    to_device = Packet(office.interfaces[0], None, next(office.hosts(4)), BOTH.management)
    stops, _, goes_on = told(played, "stops").partition("; ")
    reaches = played.device.lets_through(to_device)
    assert ("to and from the device itself" in stops, "the device itself" in goes_on) == (not reaches, reaches)


def test_open_connections_stop_as_told(played: Played) -> None:
    at_once = played.going_on() == {False}
    played.carry_out("flush", played.run)
    assert played.going_on() == {False}
    assert told(played, "open connections").startswith("stop with the isolation" if at_once else "stop once they are")


def test_a_restart_does_what_is_told(played: Played) -> None:
    played.device.restart()
    assert told(played, "a restart of the device").startswith("keeps" if played.passing() == {False} else "takes")


def test_the_timer_takes_back_what_is_told(played: Played) -> None:
    assert "10.20.0.5" in played.device.configuration()
    played.move_to_end()
    played.device.clock.move(1 + (played.recipe.ends_by.lag or 0.0))
    assert played.passing() == {True}
    kept = "10.20.0.5" in played.device.configuration()
    assert told(played, "its timer takes back other people's edits") == ("no" if kept else "**all since it was armed**")
