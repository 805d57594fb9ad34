"""The firewall, driven by netmiko and by every line of the recipe for FortiOS, from rest to rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from islandmode.core.recipe.preflight import VersionShown, read_version
from islandmode.core.recipe.reading import Unread
from islandmode.core.recipe.steps import RunValues
from islandmode.isolation.by_recipe.console import Console
from tests.core.recipe_plant import RUN, recipe
from tests.emulators.driving import Typist, carry_out, opened, shown_of, state_of, unmet
from tests.emulators.fortios import FortiDevice
from tests.emulators.plant import BOTH, firewall
from tests.emulators.rest_to_rest import WAYS, clock_run, isolated, passing, restored
from tests.emulators.server import SshServer

FORTI = recipe("fortios-schedule")


@pytest.fixture
def device() -> FortiDevice:
    return firewall()


@pytest.fixture
def console(device: FortiDevice, tmp_path: Path) -> Iterator[Console]:
    with SshServer(device) as server:
        found = opened(server, FORTI, tmp_path)
        yield found
        found.close()


def test_a_login_writes_nothing_and_finds_the_firewall_ready(device: FortiDevice, console: Console) -> None:
    assert unmet(console, FORTI, BOTH) == []
    assert read_version(FORTI, console.say(FORTI.versions.ask)) == VersionShown("7.6.4")
    assert not device.was_touched


@pytest.mark.parametrize("version", ["7.2.11", "7.4.8"])
def test_builds_that_may_never_end_are_known_by_their_version(version: str) -> None:
    device = firewall()
    device.version = version
    found = read_version(FORTI, Typist(device.log_in("drill")).say(FORTI.versions.ask))
    assert isinstance(found, VersionShown)
    assert found.refused


def test_from_rest_to_rest(device: FortiDevice, console: Console) -> None:
    before = device.configuration()
    run = isolated(device, console, FORTI)
    assert [device.reached_from("office", family) for family in (4, 6)] == [False, False]
    assert (device.reached_from("vendor"), device.reached_from("line")) == (True, True)
    restored(device, console, FORTI, run, before)


def test_open_connections_go_on_until_they_are_flushed_and_others_after_it(
    device: FortiDevice, console: Console
) -> None:
    run = clock_run(console, FORTI)
    kept = device.connect("vendor", "line")
    ended = [device.connect(source, target, family) for source, target, family in WAYS]
    carry_out(console, FORTI, "arm", BOTH, run)
    carry_out(console, FORTI, "isolate", BOTH, run, ["office-line"])
    assert all(device.goes_on(connection) for connection in ended)
    carry_out(console, FORTI, "flush", BOTH, run, ["office-line"])
    assert not any(device.goes_on(connection) for connection in ended)
    assert device.goes_on(kept)


def test_the_end_comes_by_the_clock_and_a_renewal_moves_it(device: FortiDevice, console: Console) -> None:
    run = clock_run(console, FORTI)
    assert run.ends is not None
    later = RunValues(RUN, 600.0, run.ends + timedelta(minutes=4))
    for step, values in (("arm", run), ("isolate", run), ("renew", later)):
        carry_out(console, FORTI, step, BOTH, values)
    device.clock.move_to(run.ends)
    assert passing(device) == [False] * 4
    assert later.ends is not None
    device.clock.move_to(later.ends)
    assert passing(device) == [True] * 4
    assert shown_of(console, FORTI, BOTH, "office-line").at_rest


def test_a_build_that_never_ends_it_shows_a_window_that_is_over(device: FortiDevice, console: Console) -> None:
    """Tip 426506: nothing that the recipe asks tells it, which is why such builds are refused."""
    run = clock_run(console, FORTI)
    device.faults.end_lag_s = float("inf")
    carry_out(console, FORTI, "arm", BOTH, run)
    carry_out(console, FORTI, "isolate", BOTH, run)
    device.clock.move(3600)
    assert passing(device) == [False] * 4
    assert shown_of(console, FORTI, BOTH, "office-line").at_rest
    carry_out(console, FORTI, "restore", BOTH, run)
    assert passing(device) == [True] * 4


def test_a_restart_keeps_the_isolation_and_the_end_still_comes(device: FortiDevice, console: Console) -> None:
    run = clock_run(console, FORTI)
    carry_out(console, FORTI, "arm", BOTH, run)
    carry_out(console, FORTI, "isolate", BOTH, run)
    device.restart()
    console.abort()
    assert passing(device) == [False] * 4
    assert run.ends is not None
    device.clock.move_to(run.ends)
    assert passing(device) == [True] * 4


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["config system console", "set output more", "end"], "paging"),
        (["config system settings", "set ses-denied-traffic enable", "end"], "denied-sessions"),
        (["config system global", "set cfg-save manual", "end"], "cfg-save"),
    ],
)
def test_what_is_not_ready_is_found(lines: list[str], code: str) -> None:
    device = firewall()
    device.enter(lines)
    assert [found.code for found in unmet(Typist(device.log_in("drill")), FORTI, BOTH)] == [code]


def test_a_pair_out_of_step_and_a_clock_that_is_not_kept_are_found() -> None:
    device = firewall()
    device.pair, device.clock.is_kept = "out-of-sync", False
    codes = {found.code for found in unmet(Typist(device.log_in("drill")), FORTI, BOTH)}
    assert codes == {"pair-out-of-sync", "clock-not-kept"}


@pytest.mark.parametrize(
    "lines",
    [
        ["config firewall policy", "edit 2", "set status disable", "end"],
        ["config firewall policy", "edit 3", "set action accept", "end"],
        ["config firewall local-in-policy", "edit 1", "set schedule always", "end"],
    ],
    ids=["disabled", "accepts", "always"],
)
def test_a_deny_that_denies_nothing_is_not_in_place(lines: list[str]) -> None:
    device = firewall()
    device.enter(lines)
    assert shown_of(Typist(device.log_in("drill")), FORTI, BOTH, "office-line").in_place is False


def test_a_deny_that_is_gone_is_never_taken_for_one_that_is_there() -> None:
    device = firewall()
    device.enter(["config firewall policy", "delete 2", "end"])
    state = state_of(Typist(device.log_in("drill")), FORTI, BOTH, "office-line")
    assert isinstance(state, Unread)
