"""What forbids arming, isolating or renewing: it is told, and the device's own log shows that nothing configuring was sent."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from islandmode.core.outcome import Outcome
from islandmode.core.recipe.words import write_moment
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.emulators.plant import NOW
from tests.isolation.by_recipe.test_lost_sessions import FOR_S, LONGER_S, put_back
from tests.isolation.by_recipe.world import CONDUITS, MADE, World
from tests.isolation.contract import OTHER_RUN, PATIENT_S

each_recipe = pytest.mark.parametrize("name", sorted(MADE))
CLOCKED = ("fortios-schedule", "ios-time-range")
each_clock = pytest.mark.parametrize("name", CLOCKED)


def configuring(world: World) -> int:
    return len(world.device.received(configuring=True))


def refuses_to_arm(world: World, why: str) -> None:
    """See that arming is refused, with a reason, and that nothing configuring was sent."""

    async def story() -> None:
        point = world.point()
        before = configuring(world)
        reading = await point.arm(CONDUITS, FOR_S, PATIENT_S)
        assert reading.outcome is Outcome.NOT_DONE
        assert why in reading.why
        assert configuring(world) == before
        assert point.late_until_us == 0
        await point.close()

    world.play(story)


def set_window(world: World, conduit: str, starts: datetime, ends: datetime) -> None:
    """Write a window as an administrator would."""
    device = world.device
    if isinstance(device, FortiDevice):
        moments = [f"set {key} {write_moment('%H:%M %Y/%m/%d', at)}" for key, at in (("start", starts), ("end", ends))]
        device.enter(["config firewall schedule onetime", f'edit "islandmode_{conduit}"', *moments, "end"])
    else:
        told = [write_moment("%H:%M %e %B %Y", at) for at in (starts, ends)]
        device.enter([f"time-range islandmode_{conduit}", f"absolute start {told[0]} end {told[1]}"])


@each_clock
@pytest.mark.parametrize("off_s", [-3600.0, -45.0, 45.0, 7200.0])
def test_a_wrong_clock(name: str, off_s: float) -> None:
    world = World(name)
    world.device.clock.set(NOW + timedelta(seconds=off_s))
    refuses_to_arm(world, "the time of Europe/Berlin")


@each_clock
def test_a_window_that_an_administrator_put_there(name: str) -> None:
    world = World(name)
    set_window(world, "vendor-line", NOW - timedelta(minutes=5), NOW + timedelta(minutes=55))
    refuses_to_arm(world, "an isolation already stands for vendor-line")
    set_window(world, "vendor-line", NOW + timedelta(minutes=5), NOW + timedelta(minutes=55))
    refuses_to_arm(world, "an isolation already stands for vendor-line")


def test_a_change_of_another_administrator_that_waits_is_never_confirmed() -> None:
    world = World("ios-revert")
    session = world.device.new_session(0, "colleague")
    for line in ("configure terminal revert timer 10", "logging host 10.20.0.5", "end"):
        session.answer(line)
    refuses_to_arm(world, "a change of colleague waits")

    async def story() -> None:
        point = world.point()
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).outcome is Outcome.NOT_DONE
        before = configuring(world)
        reading = await point.restore(CONDUITS, PATIENT_S)
        assert reading.value is not None
        assert reading.value.timer_s is None
        world.device.faults.hides_timer = True
        assert not (await point.restore(CONDUITS, PATIENT_S)).done
        world.device.faults.hides_timer = False
        assert configuring(world) == before
        assert isinstance(world.device, IosDevice)
        assert world.device.timer is not None
        await point.close()

    world.play(story)


def test_a_change_that_begins_between_look_and_line_is_another_s() -> None:
    world = World("ios-revert")

    async def story() -> None:
        point = world.point()
        assert isinstance(world.device, IosDevice)
        other = world.device.new_session(0, "colleague")
        world.device.faults.rejected["^configure terminal revert"] = (
            "%Error: a Rollback Confirmed Change is already pending\n"
        )
        world.at_line["configure terminal revert timer 5"] = lambda: other.answer("configure terminal revert timer 9")
        reading = await point.arm(CONDUITS, FOR_S, PATIENT_S)
        assert reading.outcome is Outcome.NOT_DONE
        assert reading.value is not None
        assert reading.value.clear
        await point.restore(CONDUITS, PATIENT_S)
        assert "configure confirm" not in world.device.received()
        assert world.device.timer is not None
        assert world.device.timer.user == "colleague"
        await point.close()

    world.play(story)


@each_recipe
def test_another_run_s_isolation_is_neither_isolated_with_nor_renewed(name: str) -> None:
    world = World(name)

    async def story() -> None:
        first, second = world.point(OTHER_RUN), world.point()
        assert (await first.arm(CONDUITS, FOR_S, PATIENT_S)).done
        before = configuring(world)
        assert (await second.arm(CONDUITS, FOR_S, PATIENT_S)).outcome is Outcome.NOT_DONE
        assert (await second.isolate(CONDUITS, PATIENT_S)).outcome is Outcome.NOT_DONE
        assert (await second.renew(CONDUITS, LONGER_S, PATIENT_S)).outcome is Outcome.NOT_DONE
        reading = await second.restore(CONDUITS, PATIENT_S)
        assert reading.done
        assert configuring(world) == before
        await put_back(world, first)
        await second.close()

    world.play(story)


@each_clock
def test_a_timer_that_is_not_shown(name: str) -> None:
    world = World(name)
    world.device.faults.hides_timer = True
    refuses_to_arm(world, "could not be read")


@each_recipe
def test_a_timer_that_is_not_shown_any_more_isolates_nothing_and_is_restored_all_the_same(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        assert (await point.isolate(CONDUITS[:1], PATIENT_S)).done
        before = configuring(world)
        world.device.faults.hides_timer = True
        for reading in (
            await point.isolate(CONDUITS, PATIENT_S),
            await point.renew(CONDUITS, LONGER_S, PATIENT_S),
            await point.state(CONDUITS, PATIENT_S),
        ):
            assert reading.outcome is Outcome.NOT_DONE
            assert "could not be read" in reading.why
        assert configuring(world) == before
        # The lines of restore are constant: they are sent for every conduit, and believed only when something is seen.
        blind = await point.restore(CONDUITS, PATIENT_S)
        assert blind.done is (name == "ios-revert")
        assert world.is_open
        world.device.faults.hides_timer = False
        await put_back(world, point)

    world.play(story)


@each_recipe
def test_a_timer_that_is_not_shown_after_arming_is_unknown(name: str) -> None:
    world = World(name)
    last = "end"

    async def story() -> None:
        point = world.point()

        def hide() -> None:
            world.device.faults.hides_timer = True

        world.at_line[last] = hide
        reading = await point.arm(CONDUITS, FOR_S, PATIENT_S)
        assert reading.outcome is Outcome.UNKNOWN
        assert "could not be read" in reading.why
        # Every line was answered: nothing of it acts later, whatever the look after it lacks.
        assert point.late_until_us == 0
        world.at_line.clear()
        world.device.faults.hides_timer = False
        await put_back(world, point)

    world.play(story)


@each_clock
def test_a_deny_that_is_not_in_place(name: str) -> None:
    world = World(name)
    if isinstance(world.device, FortiDevice):
        world.device.enter(["config firewall policy", "edit 2", "set status disable", "end"])
    else:
        world.device.enter(["interface port5", "no ip access-group OT-IN in"])
    refuses_to_arm(world, "is not in place; enter it first: islandmode devices provision edge")


@each_recipe
def test_without_a_session_to_restore_nothing_is_armed(name: str) -> None:
    world = World(name)
    world.device.faults.sessions_most = 0
    refuses_to_arm(world, "the restore session could not be opened")


@each_clock
@pytest.mark.parametrize("by_s", [-3600.0, -40.0, 40.0])
def test_a_clock_that_is_set_in_the_hold_is_told_and_nothing_more_is_written(name: str, by_s: float) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        assert (await point.isolate(CONDUITS[:1], PATIENT_S)).done
        world.device.clock.set(world.device.clock.local + timedelta(seconds=by_s))
        before = configuring(world)
        seen = await point.state(CONDUITS, PATIENT_S)
        assert seen.done
        assert "its clock was set" in seen.why
        assert seen.value is not None
        assert [(one.present, one.armed_s, one.isolating) for one in seen.value.conduits.values()] == [
            (True, None, False)
        ] * 2
        for refused in (
            await point.isolate(CONDUITS, PATIENT_S),
            await point.renew(CONDUITS, LONGER_S, PATIENT_S),
        ):
            assert refused.outcome is Outcome.NOT_DONE
            assert "its clock was set" in refused.why
        assert configuring(world) == before
        await put_back(world, point)

    world.play(story)


@each_recipe
def test_what_was_not_armed_is_not_isolated(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        for reading in (await point.isolate(CONDUITS, PATIENT_S), await point.renew(CONDUITS, FOR_S, PATIENT_S)):
            assert reading.outcome is Outcome.NOT_DONE
            assert "has no running timer" in reading.why
        assert not world.device.was_touched
        await point.close()

    world.play(story)
