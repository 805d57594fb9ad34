"""Faults of a device, without SSH: what is left after each, and that the restore of each recipe brings it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta

import pytest

from islandmode.core.recipe.device_clock import ClockRead, TimeZone, clock_trouble
from islandmode.core.recipe.reading import Shown, Unread
from islandmode.core.recipe.steps import RunValues, step_lines
from tests.core.recipe_plant import ENDS, RUN, recipe, sent
from tests.emulators.device import Device
from tests.emulators.driving import RefusedError, Typist, carry_out, send, shown_of, state_of, time_of
from tests.emulators.plant import BOTH, NOW, firewall, router

MADE: dict[str, Callable[[], Device]] = {
    "fortios-schedule": firewall,
    "ios-time-range": router,
    "ios-revert": lambda: router("ios-revert"),
}
CLOCKED = ["fortios-schedule", "ios-time-range"]
RUNNING = RunValues(RUN, 300.0, ENDS)
each_recipe = pytest.mark.parametrize("name", sorted(MADE))


def all_lines(name: str) -> list[tuple[str, int]]:
    """Every moment at which an isolation may be left: after so many lines of a step."""
    counts = {step: len(step_lines(recipe(name), step, BOTH, RUNNING)) for step in ("arm", "isolate", "restore")}
    return [(step, number) for step, count in counts.items() for number in range(1, count + 1)]


def typist(device: Device) -> Typist:
    return Typist(device.log_in("drill"))


def is_open(device: Device) -> bool:
    ways = [("office", "line"), ("line", "office")]
    return all(device.passes(source, target, family) for source, target in ways for family in (4, 6))


@each_recipe
@pytest.mark.parametrize("executes", [True, False], ids=["carried out", "not carried out"])
def test_wherever_a_session_is_lost_a_new_one_restores(name: str, executes: bool) -> None:  # noqa: FBT001 - parametrized
    found = recipe(name)
    for step, number in all_lines(name):
        device = MADE[name]()
        before = device.configuration()
        session = typist(device)
        for earlier in {"arm": (), "isolate": ("arm",), "restore": ("arm", "isolate")}[step]:
            carry_out(session, found, earlier, BOTH, RUNNING)
        device.faults.crash_after(number, executes=executes)
        with pytest.raises(ConnectionError):
            carry_out(session, found, step, BOTH, RUNNING)
        again = typist(device)
        carry_out(again, found, "restore", BOTH, RUNNING)
        assert is_open(device), (step, number)
        assert shown_of(again, found, BOTH, "office-line").at_rest, (step, number)
        assert device.configuration() == before, (step, number)


@each_recipe
def test_wherever_a_session_is_lost_the_device_restores_by_itself(name: str) -> None:
    found = recipe(name)
    for number in range(1, len(step_lines(found, "isolate", BOTH, RUNNING)) + 1):
        device = MADE[name]()
        session = typist(device)
        carry_out(session, found, "arm", BOTH, RUNNING)
        device.faults.crash_after(number)
        with pytest.raises(ConnectionError):
            carry_out(session, found, "isolate", BOTH, RUNNING)
        device.clock.move(360)
        assert is_open(device), number
        assert shown_of(typist(device), found, BOTH, "office-line").at_rest, number


@each_recipe
def test_a_device_that_restarts_in_the_middle(name: str) -> None:
    device, found = MADE[name](), recipe(name)
    session = typist(device)
    carry_out(session, found, "arm", BOTH, RUNNING)
    carry_out(session, found, "isolate", BOTH, RUNNING)
    device.faults.crash_after(1, restarts=True)
    with pytest.raises(ConnectionError):
        session.say("show version")
    assert device.passes("office", "line") is (found.after_restart == "reverts")
    device.clock.move(360)
    assert is_open(device)


@each_recipe
def test_a_line_that_is_refused_in_the_middle_leaves_those_before_it_in_force(name: str) -> None:
    device, found = MADE[name](), recipe(name)
    session = typist(device)
    carry_out(session, found, "arm", BOTH, RUNNING)
    said = (
        "Command fail. Return code -61\n" if name == "fortios-schedule" else "% Invalid input detected at '^' marker.\n"
    )
    device.faults.rejected["set end|vendor-line$|OT-OUT"] = said
    with pytest.raises(RefusedError):
        carry_out(session, found, "isolate", BOTH, RUNNING)
    device.faults.rejected.clear()
    state = state_of(typist(device), found, BOTH, "office-line")
    assert isinstance(state, Shown)
    isolating, partly = {
        "fortios-schedule": (False, False),
        "ios-time-range": (True, False),
        "ios-revert": (False, True),
    }[name]
    assert (state.isolating, state.partly) == (isolating, partly)
    again = typist(device)
    carry_out(again, found, "restore", BOTH, RUNNING)
    assert is_open(device)


@each_recipe
def test_a_timer_that_is_not_shown_is_unknown_and_never_armed(name: str) -> None:
    device, found = MADE[name](), recipe(name)
    session = typist(device)
    carry_out(session, found, "arm", BOTH, RUNNING)
    device.faults.hides_timer = True
    assert isinstance(state_of(session, found, BOTH, "office-line"), Unread)
    device.faults.hides_timer = False
    assert not shown_of(session, found, BOTH, "office-line").at_rest


@pytest.mark.parametrize("name", CLOCKED)
def test_a_wrong_clock_is_told_by_the_device(name: str) -> None:
    device, found = MADE[name](), recipe(name)
    zone = TimeZone(name="Europe/Berlin", ahead_s=3600)
    utc = (NOW - timedelta(hours=1)).replace(tzinfo=UTC)

    for off_s, is_wrong in ((0, False), (20, False), (45, True), (-3600, True)):
        device.clock.set(NOW + timedelta(seconds=off_s))
        read = ClockRead(time_of(typist(device), found), 0, 0, utc)
        assert bool(clock_trouble(read, zone, read.utc + timedelta(minutes=10))) is is_wrong, off_s


@pytest.mark.parametrize("name", CLOCKED)
def test_a_change_that_takes_effect_late(name: str) -> None:
    device, found = MADE[name](), recipe(name)
    session = typist(device)
    device.clock.move(60)
    carry_out(session, found, "arm", BOTH, RUNNING)
    device.clock.move(60)
    device.faults.change_lag_s = 30.0
    carry_out(session, found, "isolate", BOTH, RUNNING)
    assert is_open(device)
    device.clock.move(30)
    assert not device.passes("office", "line")
    carry_out(session, found, "restore", BOTH, RUNNING)
    assert not device.passes("office", "line")
    device.clock.move(30)
    assert is_open(device)


@pytest.mark.parametrize("name", CLOCKED)
def test_a_line_that_lands_after_its_end_isolates_nothing(name: str) -> None:
    device, found = MADE[name](), recipe(name)
    session = typist(device)
    carry_out(session, found, "arm", BOTH, RUNNING)
    device.clock.move_to(ENDS)
    device.faults.end_lag_s = 60.0
    carry_out(session, found, "isolate", BOTH, RUNNING)
    assert is_open(device)


@each_recipe
def test_a_configuring_line_before_arm_is_kept_as_too_early(name: str) -> None:
    device, found = MADE[name](), recipe(name)
    arm = step_lines(found, "arm", BOTH, RUNNING)
    device.expect_arm(sent(arm))
    session = typist(device)
    ask, write, leave = (
        ("get system status", "config system console", "end")
        if name == "fortios-schedule"
        else ("show clock", "configure terminal ", "end")
    )
    session.say(ask)
    assert (device.too_early, device.was_touched) == ([], False)
    session.say(write)
    session.say(leave)
    assert device.too_early[0].text == write
    assert device.log[1].at == device.clock.local


@each_recipe
def test_nothing_after_arm_is_too_early(name: str) -> None:
    device, found = MADE[name](), recipe(name)
    session = typist(device)
    device.expect_arm(sent(step_lines(found, "arm", BOTH, RUNNING)))
    for step in ("arm", "isolate", "restore"):
        send(session, found, step_lines(found, step, BOTH, RUNNING))
    assert device.too_early == []
    assert device.was_touched
