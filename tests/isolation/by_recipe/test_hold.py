"""What happens while a point is armed and isolates: renewals, lags, lines that come late, other people's hands, and the way back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from islandmode.core.outcome import Outcome
from islandmode.core.recipe.reading import refused_by
from islandmode.core.recipe.steps import RunValues, planned, step_lines
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.run.deadman import arm_trouble, watch_trouble, watched_of
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.isolation.by_recipe.test_lost_sessions import FOR_S, put_back
from tests.isolation.by_recipe.world import AT, CONDUITS, MADE, World
from tests.isolation.contract import OTHER_RUN, PATIENT_S, RUN

each_recipe = pytest.mark.parametrize("name", sorted(MADE))
each_clock = pytest.mark.parametrize("name", ["fortios-schedule", "ios-time-range"])
OFFICE = CONDUITS[:1]


async def isolated(world: World, conduits: tuple[str, ...] = OFFICE) -> RecipePoint:
    """Arm both conduits, and isolate some."""
    point = world.point()
    armed = await point.arm(CONDUITS, FOR_S, PATIENT_S)
    assert arm_trouble("edge", point.capabilities, CONDUITS, FOR_S, armed) is None
    reading = await point.isolate(conduits, PATIENT_S)
    assert reading.done, reading.why
    assert not any(world.passes("office-line"))
    return point


def lines(world: World, step: str, point: RecipePoint, *only: str) -> list[str]:
    run = RunValues(RUN, FOR_S, point._end.ends)
    return [line.send for line in step_lines(world.recipe, step, AT, run, only or None)]


@each_recipe
def test_exactly_the_lines_of_each_step_are_sent_and_nothing_else_configures(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        await point.facts(PATIENT_S)
        assert not world.device.was_touched
        sent: list[str] = []
        for step in ("arm", "isolate"):
            call = point.arm(CONDUITS, FOR_S, PATIENT_S) if step == "arm" else point.isolate(CONDUITS, PATIENT_S)
            assert (await call).done
            expected = lines(world, step, point)
            told = world.device.received()[len(sent) :]
            asked = {line for line in told if line not in expected}
            assert [line for line in told if line in set(expected)][: len(expected)] == expected
            assert all(re.match("show|get|diagnose", line) for line in asked)
            sent += told
        await put_back(world, point)
        # What is so already is not written again.
        before = world.device.received(configuring=True)
        assert (await world.point().restore(CONDUITS, PATIENT_S)).done
        assert world.device.received(configuring=True) == before

    world.play(story)


def test_a_late_start_is_not_isolating_and_a_late_end_is_not_clear() -> None:
    world = World("ios-time-range")

    async def story() -> None:
        point = world.point()
        await world.clock.sleep(60)
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        await world.clock.sleep(60)
        world.device.faults.change_lag_s = 30.0
        reading = await point.isolate(OFFICE, PATIENT_S)
        assert reading.outcome is Outcome.NOT_DONE
        assert reading.why == "office-line was not isolated when read back"
        assert reading.value is not None
        assert reading.value.conduits["office-line"].present
        await world.clock.sleep(30)
        assert not any(world.passes("office-line"))
        # At rest by its window, and still in effect: not clear.
        late = await point.restore(CONDUITS, PATIENT_S)
        assert late.value is not None
        assert not late.value.clear
        # Another run does not take it for nothing either.
        other = await world.point(OTHER_RUN).arm(CONDUITS, FOR_S, PATIENT_S)
        assert "its end has come, and the device still isolates" in other.why
        await world.clock.sleep(30)
        await put_back(world, point)

    world.play(story)


def test_an_isolation_that_outlasts_its_end_stands_until_the_device_shows_it_gone() -> None:
    world = World("ios-time-range")

    async def story() -> None:
        point = await isolated(world)
        world.device.faults.end_lag_s = 1e9
        await world.clock.sleep(FOR_S + 120)
        seen = await point.state(CONDUITS, PATIENT_S)
        assert seen.value is not None
        office = seen.value.conduits["office-line"]
        assert (office.present, office.isolating, office.armed_s) == (True, False, None)
        assert not seen.value.clear
        await put_back(world, point)

    world.play(story)


def test_a_colleague_who_confirms_the_change_leaves_no_timer() -> None:
    world = World("ios-revert")

    async def story() -> None:
        point = await isolated(world)
        assert isinstance(world.device, IosDevice)
        world.device.timer = None
        seen = await point.state(CONDUITS, PATIENT_S)
        assert seen.value is not None
        assert seen.value.timer_s is None
        able = point.capabilities
        told = watch_trouble("edge", able, watched_of(able, CONDUITS, OFFICE), OFFICE, seen, 200.0)
        assert told is not None
        assert not seen.value.conduits["office-line"].isolating
        assert not seen.value.clear
        await put_back(world, point)

    world.play(story)


def test_both_conduits_of_a_device_with_one_timer_go_back_together() -> None:
    world = World("ios-revert")

    async def story() -> None:
        point = await isolated(world, CONDUITS)
        reading = await point.restore(OFFICE, PATIENT_S)
        assert reading.done
        assert world.is_open
        assert isinstance(world.device, IosDevice)
        assert world.device.timer is None
        await put_back(world, point)

    world.play(story)


@each_clock
def test_a_clock_that_was_set_is_why_the_run_is_told_that_its_dead_man_stopped(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = await isolated(world)
        world.device.clock.set(world.device.clock.local - timedelta(minutes=10))
        seen = await point.state(CONDUITS, PATIENT_S)
        able = point.capabilities
        told = watch_trouble("edge", able, CONDUITS, OFFICE, seen, 200.0)
        assert told is not None
        assert "its clock was set back by 5" in told
        await put_back(world, point)

    world.play(story)


def test_connections_that_were_not_ended_are_no_isolation() -> None:
    world = World("fortios-schedule")

    async def story() -> None:
        point = world.point()
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        assert isinstance(world.device, FortiDevice)
        kept = world.device.connect("office", "line")
        world.device.faults.crash_after(1, matching="session clear", executes=False)
        assert (await point.isolate(OFFICE, PATIENT_S)).outcome is Outcome.UNKNOWN
        assert world.device.goes_on(kept)
        seen = await point.state(CONDUITS, PATIENT_S)
        assert seen.value is not None
        assert not seen.value.conduits["office-line"].isolating
        assert seen.why == "open connections across office-line were not ended"
        again = await point.isolate(OFFICE, PATIENT_S)
        assert again.done
        assert not world.device.goes_on(kept)
        assert (await point.state(CONDUITS, PATIENT_S)).why == ""
        await put_back(world, point)

    world.play(story)


@each_clock
def test_a_conduit_whose_restore_is_refused_keeps_no_other_isolated(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = await isolated(world, CONDUITS)
        name_of = "edit" if name == "fortios-schedule" else "time-range"
        no = "Command fail. Return code -61\n" if name == "fortios-schedule" else "% Invalid input detected\n"
        world.device.faults.rejected[f'^{name_of} "?islandmode_office-line'] = no
        reading = await point.restore(CONDUITS, PATIENT_S)
        assert reading.outcome is Outcome.UNKNOWN
        assert "refused" in reading.why
        assert all(world.passes("vendor-line"))
        world.device.faults.rejected.clear()
        await put_back(world, point)

    world.play(story)


@each_recipe
def test_a_session_that_the_device_ended_is_opened_anew(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        assert (await point.state(CONDUITS, PATIENT_S)).done
        world.device._end_sessions()
        lost = await point.state(CONDUITS, PATIENT_S)
        assert lost.outcome is Outcome.UNKNOWN
        assert (await point.state(CONDUITS, PATIENT_S)).done
        await point.close()

    world.play(story)


def test_a_deny_that_a_site_keeps_closed_is_not_touched() -> None:
    world = World("fortios-schedule")
    assert isinstance(world.device, FortiDevice)
    world.device.enter(
        [
            *("config firewall policy", "edit 0", "set name islandmode_keep_closed", "set srcintf port3"),
            *("set dstintf port5", "set srcaddr all", "set dstaddr all", "set service ALL"),
            *("set schedule always", "set action deny", "next", "end"),
        ]
    )
    world.before = world.device.configuration()

    async def story() -> None:
        point = await isolated(world, CONDUITS)
        await put_back(world, point)
        rescue = world.point(run=None)
        assert (await rescue.restore(CONDUITS, PATIENT_S)).done
        assert world.device.configuration() == world.before
        await rescue.close()

    world.play(story)


@each_clock
def test_what_a_person_keeps_closed_by_the_recipe_s_lines_is_not_touched_and_is_no_drill_s(name: str) -> None:
    world = World(name)
    at_rest = world.device.configuration()
    session = world.device.new_session(0, "console")
    for line in step_lines(world.recipe, "keep_closed", AT, planned(0)):
        assert refused_by(world.recipe, session.answer(line.send)) is None
    if isinstance(world.device, FortiDevice):
        closed = [
            key
            for key, values in world.device.tables["firewall policy"].entries.items()
            if values["schedule"] == ("always",) and key != "1"
        ]
        world.device.enter(["config firewall policy", *(f"move {key} before 1" for key in closed), "end"])
    world.before = world.device.configuration()
    assert world.before != at_rest
    assert not any(way for conduit in CONDUITS for way in world.passes(conduit))

    async def story() -> None:
        point = world.point(dead_man_s=FOR_S)
        facts = (await point.facts(PATIENT_S)).value
        assert facts is not None
        assert (facts.unready, facts.standing) == ((), None)
        seen = (await point.state(CONDUITS, PATIENT_S)).value
        assert seen is not None
        assert not any(state.present or state.isolating for state in seen.conduits.values())
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        assert (await point.isolate(CONDUITS, PATIENT_S)).done
        restored = await point.restore(CONDUITS, PATIENT_S)
        assert restored.value is not None
        assert restored.value.clear
        await point.close()
        rescue = world.point(run=None)
        assert (await rescue.restore(CONDUITS, PATIENT_S)).done
        await rescue.close()

    world.play(story)
    assert world.device.configuration() == world.before
    assert not any(way for conduit in CONDUITS for way in world.passes(conduit))


@each_clock
def test_an_arm_that_takes_long_is_armed_all_the_same(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()

        def wait() -> None:
            world.clock.now_s += 5

        world.at_line["end"] = wait
        # The minute in which the timer would end begins just when it would.
        for_s = 279.0
        armed = await point.arm(CONDUITS, for_s, PATIENT_S)
        assert arm_trouble("edge", point.capabilities, CONDUITS, for_s, armed) is None
        assert armed.value is not None
        assert armed.value.conduits["office-line"].armed_s == 270.0
        await put_back(world, point)

    world.play(story)


def test_a_deny_that_somebody_took_away_does_not_keep_the_others_from_being_restored() -> None:
    world = World("ios-revert")

    async def story() -> None:
        point = await isolated(world, CONDUITS)
        world.device.enter(["ip access-list extended OT-IN", "no 1"])
        before = len(world.device.log)
        await put_back(world, point)
        assert "configure confirm" in [line.text for line in world.device.log[before:]]

    world.play(story)


def test_connections_are_not_ended_by_a_filter_that_is_not_shown() -> None:
    world = World("fortios-schedule")

    async def story() -> None:
        point = world.point()
        assert isinstance(world.device, FortiDevice)
        kept = world.device.connect("vendor", "line")
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        world.device.faults.rejected["^diagnose sys session filter$"] = "session filter:\n\tsintf: any\n\tdintf: any\n"
        reading = await point.isolate(OFFICE, PATIENT_S)
        assert reading.outcome is Outcome.NOT_DONE
        assert (
            'does not show what "diagnose sys session filter" must show; the lines before it took effect' in reading.why
        )
        assert "diagnose sys session clear" not in world.device.received()
        assert world.device.goes_on(kept)
        assert reading.value is not None
        assert reading.value.conduits["office-line"].stands
        await put_back(world, point)

    world.play(story)


def test_a_change_that_waits_without_a_timer_that_can_be_read_is_neither_armed_nor_clear() -> None:
    world = World("ios-revert")

    async def story() -> None:
        point = world.point()
        told = "Timer type: absolute timer\nTimer value: 5 min\nUser: drill\n"

        def lose() -> None:
            world.device.faults.rejected["^show archive config rollback timer"] = told

        world.at_line["end"] = lose
        armed = await point.arm(CONDUITS, FOR_S, PATIENT_S)
        assert armed.outcome is Outcome.NOT_DONE
        assert "has no running timer" in armed.why
        assert armed.value is not None
        assert not armed.value.clear
        world.at_line.clear()
        world.device.faults.rejected.clear()
        await put_back(world, point)

    world.play(story)


def test_denies_that_nobody_takes_back_are_not_armed_over() -> None:
    world = World("ios-revert")
    world.device.enter(["ip access-list extended OT-IN", "1 deny ip 10.20.0.0 0.0.0.255 10.10.0.0 0.0.255.255 log"])

    async def story() -> None:
        point = world.point()
        refused = await point.arm(CONDUITS, FOR_S, PATIENT_S)
        assert refused.outcome is Outcome.NOT_DONE
        assert refused.why == (
            "an isolation already stands for office-line; no timer takes it back any more, and the device does not say whose it is"
        )
        assert not world.device.was_touched
        rescue = world.point(run=None)
        seen = (await rescue.state(CONDUITS, PATIENT_S)).value
        assert seen is not None
        # In part, and without a timer: it does not isolate, and it stands.
        assert (seen.conduits["office-line"].isolating, seen.clear) == (False, False)
        await rescue.restore(CONDUITS, PATIENT_S)
        assert world.is_open
        await rescue.close()
        await point.close()

    world.play(story)


def test_a_change_is_not_confirmed_while_a_deny_is_still_shown() -> None:
    world = World("ios-revert")

    async def story() -> None:
        point = await isolated(world, CONDUITS)
        # Taken without a word, and not carried out.
        world.device.faults.rejected["^no deny ip 10.20"] = ""
        reading = await point.restore(CONDUITS, PATIENT_S)
        assert reading.outcome is Outcome.UNKNOWN
        assert 'shows what "show ip access-lists OT-IN" must not show' in reading.why
        assert "configure confirm" not in world.device.received()
        assert isinstance(world.device, IosDevice)
        assert world.device.timer is not None
        world.device.faults.rejected.clear()
        await put_back(world, point)

    world.play(story)


@each_recipe
def test_a_restore_first_ends_the_session_that_could_still_write(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = await isolated(world)
        isolating = world.device.log[-1].session
        already = len(world.device.log)
        assert (await point.restore(CONDUITS, PATIENT_S)).done
        assert isolating not in {session.number for session in world.device.sessions if not session.is_over}
        assert isolating not in {line.session for line in world.device.log[already:]}
        await put_back(world, point)

    world.play(story)


def test_what_is_isolated_once_it_is_armed_is_not_armed() -> None:
    world = World("ios-revert")

    async def story() -> None:
        point = world.point()
        deny = "1 deny ip 10.20.0.0 0.0.0.255 10.10.0.0 0.0.255.255 log"
        world.at_line["end"] = lambda: world.device.enter(["ip access-list extended OT-IN", deny])
        reading = await point.arm(CONDUITS, FOR_S, PATIENT_S)
        world.at_line.clear()
        assert reading.outcome is Outcome.NOT_DONE
        assert reading.why == "office-line is isolated by arming alone"
        assert reading.value is not None
        assert not reading.value.clear
        await put_back(world, point)

    world.play(story)
