"""The end of a run's timers: computed once, moved by a renewal, and until when a line that was given up may act."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import count

import anyio

from islandmode.core.outcome import Outcome
from tests.isolation.by_recipe.test_hold import OFFICE, each_clock, each_recipe, isolated, lines
from tests.isolation.by_recipe.test_lost_sessions import FOR_S, LONGER_S, put_back
from tests.isolation.by_recipe.world import CONDUITS, Fault, World
from tests.isolation.contract import PATIENT_S

MANY = 200


@each_clock
def test_a_renewal_isolates_nothing_more_and_every_later_line_brings_the_new_end(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = await isolated(world)
        first = point._end.ends
        assert first is not None
        await world.clock.sleep(200)
        renewed = await point.renew(CONDUITS, LONGER_S, PATIENT_S)
        assert renewed.done, renewed.why
        assert renewed.value is not None
        assert {shown: state.isolating for shown, state in renewed.value.conduits.items()} == {
            "office-line": True,
            "vendor-line": False,
        }
        assert all((state.armed_s or 0) >= LONGER_S for state in renewed.value.conduits.values())
        assert all(world.passes("vendor-line"))
        # Past the end that was computed at arm, what was isolated before holds, and what comes now ends with it.
        await world.clock.sleep((first - world.device.clock.local).total_seconds() + 1)
        assert not any(world.passes("office-line"))
        assert (await point.isolate(CONDUITS, PATIENT_S)).done
        second = point._end.ends
        assert second is not None
        await world.clock.sleep((second - world.device.clock.local).total_seconds())
        assert world.is_open
        await put_back(world, point)

    world.play(story)


@each_clock
def test_an_old_line_that_lands_after_a_renewal_only_shortens_it(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = await isolated(world)
        old, first = lines(world, "isolate", point, "office-line"), point._end.ends
        await world.clock.sleep(100)
        assert (await point.renew(CONDUITS, LONGER_S, PATIENT_S)).done
        late = world.device.new_session(0, "drill")
        for line in old:
            late.answer(line)
        assert first is not None
        await world.clock.sleep((first - world.device.clock.local).total_seconds())
        assert world.is_open
        await put_back(world, point)

    world.play(story)


@each_clock
def test_a_renewal_that_is_given_up_may_act_until_the_later_end(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = await isolated(world)
        telling = "^end$" if name == "fortios-schedule" else "^absolute"
        world.fault = Fault("under way", re.compile(telling))
        assert (await point.renew(CONDUITS, LONGER_S, 0.5)).outcome is Outcome.UNKNOWN
        until_us = point.late_until_us
        assert until_us >= world.clock.monotonic_us() + LONGER_S * 1_000_000
        # The device's lag after the end that the renewal brings.
        ends = point._end.ends
        assert ends is not None
        left_s = (until_us - world.clock.monotonic_us()) / 1_000_000
        assert 60 <= left_s - (ends - world.device.clock.local).total_seconds() <= 61
        assert (await point.restore(CONDUITS, PATIENT_S)).done
        assert world.is_open
        # The worst moment: it lands after the restore, and isolates. It is over when the point says so.
        world.arrive()
        assert not any(world.passes("office-line"))
        await world.clock.sleep((until_us - world.clock.monotonic_us()) / 1_000_000)
        assert world.is_open
        await put_back(world, point)

    world.play(story)


@each_clock
def test_what_is_told_of_a_line_that_is_given_up_is_within_what_the_plan_says(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point(dead_man_s=FOR_S)
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        world.fault, sent_us = Fault("under way", re.compile("^end$")), world.clock.monotonic_us()
        assert (await point.isolate(CONDUITS, 0.5)).outcome is Outcome.UNKNOWN
        # A guardian lets the conductor have this long, and no longer.
        assert 0 < point.late_until_us - sent_us <= point.capabilities.latest_s * 1_000_000
        assert (await point.restore(CONDUITS, PATIENT_S)).done
        await put_back(world, point)

    world.play(story)


@each_clock
def test_a_renewal_into_a_change_of_the_clocks_is_refused(name: str) -> None:
    world = World(name)
    # Europe/Berlin goes back at 03:00 on 25 October 2026.

    async def story() -> None:
        point = world.point()
        refused = await point.arm(CONDUITS, LONGER_S + 600, PATIENT_S)
        assert refused.outcome is Outcome.NOT_DONE
        assert "the clocks of Europe/Berlin are changed at 2026-10-25 01:00:00 UTC" in refused.why
        assert not world.device.was_touched
        await point.close()

    world.starts_at("2026-10-25T02:40:00")
    world.play(story)

    async def renewal() -> None:
        point = await isolated(world)
        before = world.device.received(configuring=True)
        refused = await point.renew(CONDUITS, 3600.0, PATIENT_S)
        assert refused.outcome is Outcome.NOT_DONE
        assert "are changed at" in refused.why
        assert world.device.received(configuring=True) == before
        await put_back(world, point)

    world.starts_at("2026-10-25T02:20:00")
    world.play(renewal)


@each_recipe
def test_a_step_that_is_cancelled_says_until_when_it_may_act(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        telling = {"fortios-schedule": "^end$", "ios-time-range": "^absolute", "ios-revert": "deny "}[name]
        world.fault = Fault("under way", re.compile(telling))
        with anyio.move_on_after(0.5):
            await point.isolate(OFFICE, PATIENT_S)
        assert world.under_way
        assert point.late_until_us > world.clock.monotonic_us()
        await put_back(world, point)

    world.play(story)


@each_clock
def test_a_clock_that_is_set_back_lets_a_line_that_was_given_up_act_for_longer(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        world.fault = Fault("under way", re.compile("^end$" if name == "fortios-schedule" else "^absolute"))
        assert (await point.isolate(OFFICE, 0.5)).outcome is Outcome.UNKNOWN
        until_us = point.late_until_us
        world.device.clock.set(world.device.clock.local - timedelta(minutes=30))
        assert (await point.restore(CONDUITS, PATIENT_S)).done
        world.arrive()
        await world.clock.sleep((until_us - world.clock.monotonic_us()) / 1_000_000)
        assert not any(world.passes("office-line"))
        assert point.late_until_us >= until_us + 1_790_000_000
        await world.clock.sleep((point.late_until_us - world.clock.monotonic_us()) / 1_000_000)
        assert world.is_open
        await put_back(world, point)

    world.play(story)


@each_clock
def test_what_is_armed_already_keeps_its_end_and_is_not_written_again(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        ends, before = point._end.ends, world.device.received(configuring=True)
        await world.clock.sleep(70)
        assert (await point.arm(CONDUITS, FOR_S, PATIENT_S)).done
        assert point._end.ends == ends
        world.device.clock.set(world.device.clock.local - timedelta(seconds=20))
        refused = await point.arm(CONDUITS, FOR_S, PATIENT_S)
        assert refused.outcome is Outcome.NOT_DONE
        assert "its clock was set back" in refused.why
        assert world.device.received(configuring=True) == before
        await put_back(world, point)

    world.play(story)


@each_clock
def test_a_clock_that_was_set_after_arming_arms_nothing_more(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        assert (await point.arm(OFFICE, FOR_S, PATIENT_S)).done
        before = world.device.received(configuring=True)
        world.device.clock.set(world.device.clock.local + timedelta(seconds=20))
        refused = await point.arm(CONDUITS, FOR_S, PATIENT_S)
        assert refused.outcome is Outcome.NOT_DONE
        assert "its clock was set forward" in refused.why
        assert world.device.received(configuring=True) == before
        await put_back(world, point)

    world.play(story)


@each_recipe
def test_a_renewal_that_the_device_takes_without_a_word_and_does_not_carry_out_is_not_done(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = await isolated(world)
        await world.clock.sleep(100)
        world.device.faults.rejected["^set end|^absolute|^configure revert"] = ""
        reading = await point.renew(CONDUITS, LONGER_S, PATIENT_S)
        world.device.faults.rejected.clear()
        assert reading.value is not None
        assert reading.outcome is Outcome.NOT_DONE
        told = "does not show the end that was written" if world.recipe.cycle == "clock" else "where 600 s were set"
        assert told in reading.why
        await put_back(world, point)

    world.play(story)


@each_clock
def test_a_clock_that_drifts_away_in_the_hold_is_trusted_no_more(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = await isolated(world)
        # No step: the device's clock ran on, and is off by now.
        world.clock.utc_began_us -= 60_000_000
        seen = await point.state(CONDUITS, PATIENT_S)
        assert "ahead of the time of Europe/Berlin" in seen.why
        assert seen.value is not None
        assert {state.armed_s for state in seen.value.conduits.values()} == {None}
        await put_back(world, point)

    world.play(story)


@each_clock
def test_a_restore_after_a_line_that_was_given_up_ends_although_every_look_takes_time(name: str) -> None:
    """Past the last moment every look told a moment after itself, so that none ever proved the restoration, with a login each time."""
    world = World(name)

    def pass_time(look: int) -> None:
        # No longer than that, so that a restore without an end ends here.
        world.clock.now_s += 0.3 if look < MANY else 0.0

    async def story() -> None:
        point = await isolated(world)
        telling = "^end$" if name == "fortios-schedule" else "^absolute"
        world.fault = Fault("under way", re.compile(telling))
        assert (await point.renew(CONDUITS, LONGER_S, 0.5)).outcome is Outcome.UNKNOWN
        device_time = world.recipe.device_time
        assert device_time is not None

        looks = count(1)
        world.at_line[device_time.ask] = lambda: pass_time(next(looks))
        await put_back(world, point)
        assert next(looks) < MANY

    world.play(story)
