"""The moments of the rows on emulated devices are the lines that their recipes write, and an isolation stands where a row says so."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from islandmode.core.recipe.steps import RunValues
from tests.core.recipe_plant import ACLS, ENDS, RUN, VENDOR, point, recipe
from tests.crash.emulated import WATCHED, Struck, line_of
from tests.crash.scenarios import (
    EMULATED,
    FORTIOS,
    IOS,
    IOS_REVERT,
    KILLED_AT,
    LINES,
    RENEWED_AT,
    RENEWS,
    TAKES_EFFECT,
    Layer,
)
from tests.emulators.driving import Typist, carry_out
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.emulators.plant import firewall, router
from tests.lab.drills import Drill
from tests.lab.three_platforms import PlantOfThree

AT = point(VENDOR, options=ACLS)
MADE: dict[str, Callable[[], FortiDevice | IosDevice]] = {
    FORTIOS: lambda: firewall(at=AT),
    IOS: lambda: router(IOS, at=AT),
    IOS_REVERT: lambda: router(IOS_REVERT, at=AT),
}
RUNNING = RunValues(RUN, 300.0, ENDS)


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_lines_of_a_step_have_the_numbers_by_which_rows_name_them(name: str) -> None:
    device, heard = MADE[name](), list[tuple[int, bool, bool]]()

    def passes() -> bool:
        return device.passes("vendor", "line") and device.passes("line", "vendor")

    device.faults.strikes = lambda number, done: heard.append((number, done, passes()))
    session = Typist(device.log_in("drill"))
    for step, (first, last) in LINES[name].items():
        heard.clear()
        carry_out(session, recipe(name), step, AT, RUNNING)
        numbers = [number for number, _, _ in heard]
        assert (min(numbers), max(numbers)) == (first, last), step
        assert [done for _, done, _ in heard] == [False, True] * (last - first + 1)
        if step == "isolate":
            effect = TAKES_EFFECT[name].partition(":")[2]
            number = {"amid": last - 1, "after": last}[effect]
            assert [is_open for at, done, is_open in heard if (at, done) == (number, True)] == [False]
            assert all(is_open for at, done, is_open in heard if (at, done) == (first, False))
    assert passes()


@pytest.mark.parametrize("name", sorted(RENEWS))
def test_a_renewal_has_the_numbers_by_which_rows_name_its_lines(name: str) -> None:
    device, heard = MADE[name](), list[int]()
    device.faults.strikes = lambda number, _done: heard.append(number)
    session = Typist(device.log_in("drill"))
    for step in ("arm", "isolate", "renew"):
        heard.clear()
        carry_out(session, recipe(name), step, AT, RUNNING)
    assert (min(heard), max(heard)) == RENEWS[name]
    assert not device.passes("vendor", "line")


@pytest.mark.parametrize("name", sorted(RENEWS))
def test_a_restore_over_its_own_session_is_not_taken_for_a_renewal(name: str) -> None:
    device = MADE[name]()
    row = next(row for row in EMULATED if row.recipe == name and row.at == "renew:after")
    plant = cast("PlantOfThree", SimpleNamespace(devices={name: device}))
    struck = Struck(row, plant, name, cast("Drill", None))
    watching, restoring = Typist(device.log_in("drill")), Typist(device.log_in("drill"))
    for step in ("arm", "isolate"):
        carry_out(watching, recipe(name), step, AT, RUNNING)
    for _ in range(WATCHED):
        watching.say("")
    carry_out(watching, recipe(name), "renew", AT, RUNNING)
    assert struck.is_said_by_who_watches()
    carry_out(restoring, recipe(name), "restore", AT, RUNNING)
    assert not struck.is_said_by_who_watches()


def test_every_moment_has_a_row_on_both_devices_and_both_die_where_something_stands() -> None:
    guarded = {(row.recipe, row.at) for row in EMULATED if row.guardian == "real" and row.do == "kill"}
    assert guarded >= {(name, at) for name in (FORTIOS, IOS) for at in (*KILLED_AT, *RENEWED_AT)}
    for row in EMULATED:
        if row.layer is Layer.TIMER:
            assert row.at in {"hold", "renew:after", "restore:before", TAKES_EFFECT[row.recipe]}
        if row.at != "hold":
            assert line_of(row)[0] in range(1, 20)
