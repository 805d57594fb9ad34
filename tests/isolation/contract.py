"""What every platform keeps, whatever its device is. Each platform's own `test_contract.py` runs it over a bench of its own.

The arming rule, a dead-man that needs nobody, lines that come late, another run's object, a write that breaks off, a reply that
never comes, a device that is silent, and a restore that may be asked for at any time and as often as one likes. What is read
back is judged by the very functions that judge it in a run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import anyio

from islandmode.core.difference import compare_parts
from islandmode.core.entry import Entry
from islandmode.core.outcome import Outcome
from islandmode.core.plan import PlanPoint
from islandmode.core.site import SitePoint
from islandmode.isolation.platform import Platform, problems_at
from islandmode.isolation.point import IsolationPoint, PointState, logging_in, renewing, showing_configuration
from islandmode.run.deadman import arm_trouble, watch_trouble, watched_of
from islandmode.run.restore import restore_until_seen
from islandmode.system.clock import Clock

RUN, OTHER_RUN = "2026-11-23T114843Z-a-drill-4cd3", "2026-11-24T090000Z-another-0001"
BREAKS_ARMING_RULE = "the device took an isolate while no timer ran on it"
NOTES_MOST = 10_000
"""A line of the longest timer may act for half a day, in which the device is looked at every ten seconds."""
PATIENT_S = 60.0
"""For a call that must succeed: a busy test machine is no fault of a platform."""


class Bench(Protocol):
    """A device of a platform, and what can go wrong on it and on the way to it.

    A fault is named by the call that it is for: arm, isolate, renew, restore or state.
    """

    @property
    def platform(self) -> Platform:
        """The platform that is tested."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock of the world in which the device is."""
        ...

    @property
    def site_point(self) -> SitePoint:
        """The device as a site's file has it."""
        ...

    @property
    def conduits(self) -> tuple[str, str]:
        """Two conduits that are isolated on it."""
        ...

    @property
    def dead_man_s(self) -> float:
        """The shortest timer in which the device can be armed, isolated and looked at."""
        ...

    @property
    def short_s(self) -> float:
        """For a call that gets no answer: long enough for a line to leave."""
        ...

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        """Play a story in the device's world."""
        ...

    def planned(self) -> PlanPoint:
        """Plan the device with both conduits."""
        ...

    def point(self, run: str | None = RUN) -> IsolationPoint:
        """Make an edge to the device with sessions of its own, as another process would."""
        ...

    def owner_told(self, run: str) -> str | None:
        """Give what the device tells of a run whose object stands there; None where it tells only that it is another's."""
        ...

    def all_passes(self, conduit: str) -> bool:
        """Tell whether traffic passes both ways across a conduit, now."""
        ...

    def any_passes(self, conduit: str) -> bool:
        """Tell whether any traffic passes across a conduit, now."""
        ...

    def type_by_hand(self, commands: tuple[str, ...]) -> None:
        """Type commands on the device's console, as the card has them."""
        ...

    def hang(self, point: IsolationPoint) -> None:
        """Let the way to the device stand still for a point; nothing is lost on it."""
        ...

    def go_on(self, point: IsolationPoint) -> None:
        """Let it go on."""
        ...

    def lose_reply(self, call: str) -> None:
        """Let the next such call take effect on the device, and its answer not come."""
        ...

    def break_off(self, call: str) -> None:
        """Let only a part of the next such call reach the device, and no answer come."""
        ...

    def behave(self) -> None:
        """End the last two."""
        ...

    def look_takes(self, seconds: float) -> None:
        """Let each look at the device take so long from now on, by the world's clock."""
        ...

    def hold_up(self, call: str) -> None:
        """Let the next line of such a call wait on its way to the device, after it has left."""
        ...

    async def let_go(self) -> None:
        """Let it arrive; returns when nothing of it is under way."""
        ...


class _Notes:
    left = NOTES_MOST

    def note(self, make: Callable[..., Entry], *_: Any, **data: Any) -> object:
        """Keep nothing, and end a restore that would go on for ever: nothing cancels one."""
        self.left -= 1
        assert self.left, "the restore has no end"
        return None


def shown(bench: Bench, state: PointState | None, conduit: str) -> bool:
    """Tell whether a device says that it isolates a conduit, under a timer that will end it."""
    assert state is not None
    one = state.conduits[conduit]
    left_s = state.timer_s if bench.platform.capabilities.timer == "device" else one.armed_s
    return one.present and one.isolating and left_s is not None


async def wait_us(bench: Bench, until_us: int) -> None:
    await bench.clock.sleep(max(0, until_us - bench.clock.monotonic_us() + 1) / 1_000_000)


async def flows(bench: Bench, *conduits: str) -> None:
    """See that everything passes across conduits; the bound is for a hang, not for speed."""
    for _ in range(240):
        if all(bench.all_passes(conduit) for conduit in conduits):
            return
        await bench.clock.sleep(0.25)
    raise AssertionError(f"traffic does not pass across {conduits}")


async def armed(bench: Bench, point: IsolationPoint, for_s: float | None = None) -> None:
    for_s = for_s or max(600.0, bench.dead_man_s)
    reading = await point.arm(bench.conduits, for_s, PATIENT_S)
    able = bench.platform.capabilities
    assert arm_trouble(point.name, able, bench.conduits, for_s, reading) is None


async def isolated(bench: Bench, point: IsolationPoint) -> None:
    """Isolate both conduits in one write: on some devices a further one would confirm it."""
    reading = await point.isolate(bench.conduits, PATIENT_S)
    assert reading.done, reading.why
    able, all_of_it = bench.platform.capabilities, bench.conduits
    assert watch_trouble(point.name, able, watched_of(able, all_of_it, all_of_it), all_of_it, reading, 0.0) is None
    assert not any(bench.any_passes(conduit) for conduit in all_of_it)


async def restored(bench: Bench, point: IsolationPoint) -> None:
    """Restore as a run does, and see it."""
    points, owed = {point.name: point}, {point.name: bench.conduits}
    seen = await restore_until_seen(points, owed, notes=_Notes(), clock=bench.clock, give_up_after_s=PATIENT_S)
    assert seen == {point.name}
    await flows(bench, *bench.conduits)


async def isolates_nothing(bench: Bench, point: IsolationPoint) -> None:
    """See that a device on which no timer runs takes no isolate; where arming and isolating are one act, an isolate is the arming."""
    if bench.platform.capabilities.arms == "before":
        assert (await point.isolate(bench.conduits, PATIENT_S)).outcome is Outcome.NOT_DONE, BREAKS_ARMING_RULE
    await flows(bench, *bench.conduits)


class Contract:
    """The contract; a subclass gives the bench."""

    def test_what_it_says_it_can_do_is_there_to_be_called(self, bench: Bench) -> None:
        async def story() -> None:
            point, able = bench.point(), bench.platform.capabilities
            assert point.capabilities == able
            assert not able.renewable or hasattr(point, "renew")
            assert not able.logs_in or (hasattr(point, "ready") and hasattr(point, "try_login"))
            assert not able.shows_configuration or hasattr(point, "configuration")
            await point.close()

        bench.play(story)

    def test_an_option_that_it_does_not_have_is_refused_at_its_place(self, bench: Bench) -> None:
        planned = bench.planned()
        assert not list(problems_at(bench.platform, "fw", bench.site_point, planned.between, planned.networks))
        odd = bench.site_point.model_copy(update={"options": {**bench.site_point.options, "no-such-option": 1}})
        found = list(problems_at(bench.platform, "fw", odd, planned.between, planned.networks))
        assert [one.path for one in found] == [("isolation_points", "fw", "options", "no-such-option")]
        assert all(name in found[0].sentence for name in bench.platform.options)

    def test_its_lines_name_every_conduit_and_restore_without_a_run(self, bench: Bench) -> None:
        rendering = bench.planned().rendering
        assert rendering.platform == bench.platform.name
        assert rendering.capabilities == bench.platform.capabilities
        assert rendering.conduits == bench.conduits
        assert tuple(name for stage in rendering.stages for name in stage.conduits) == bench.conduits
        assert rendering.restore

    def test_facts_change_nothing(self, bench: Bench) -> None:
        async def story() -> None:
            point = bench.point()
            facts = await point.facts(PATIENT_S)
            assert facts.value is not None, facts.why
            assert (facts.value.trouble, facts.value.unready) == ("", ())
            assert not facts.value.saved_has_ours
            state = (await point.state(bench.conduits, PATIENT_S)).value
            assert state is not None
            assert [state.conduits[name].present for name in bench.conduits] == [False, False]
            await flows(bench, *bench.conduits)
            await point.close()

        bench.play(story)

    def test_arming_isolates_nothing_and_a_restore_can_be_asked_for_again(self, bench: Bench) -> None:
        async def story() -> None:
            point = bench.point()
            await armed(bench, point)
            await flows(bench, *bench.conduits)
            await isolated(bench, point)
            for asking in (point, point, bench.point(), bench.point(run=None)):
                reading = await asking.restore(bench.conduits, PATIENT_S)
                assert reading.value is not None, reading.why
                assert reading.value.clear
                await flows(bench, *bench.conduits)
                await asking.close()

        bench.play(story)

    def test_a_restore_without_a_run_takes_away_whatever_stands_there(self, bench: Bench) -> None:
        async def story() -> None:
            point, rescue = bench.point(), bench.point(run=None)
            await armed(bench, point)
            await isolated(bench, point)
            await restored(bench, rescue)
            for one in (point, rescue):
                await one.close()

        bench.play(story)

    def test_the_device_restores_by_itself_and_nothing_isolates_after_that(self, bench: Bench) -> None:
        async def story() -> None:
            point, able = bench.point(), bench.platform.capabilities
            await armed(bench, point, bench.dead_man_s)
            await isolated(bench, point)
            await bench.clock.sleep(bench.dead_man_s + able.late_s)
            await flows(bench, *bench.conduits)
            renews = renewing(point)
            if renews is not None:
                reading = await renews.renew(bench.conduits, bench.dead_man_s, PATIENT_S)
                assert reading.outcome is Outcome.NOT_DONE
            await isolates_nothing(bench, point)
            await restored(bench, point)
            await point.close()

        bench.play(story)

    def test_nothing_isolates_after_a_restore(self, bench: Bench) -> None:
        async def story() -> None:
            point = bench.point()
            await armed(bench, point)
            await isolated(bench, point)
            await restored(bench, point)
            await isolates_nothing(bench, point)
            await point.close()

        bench.play(story)

    def test_a_line_that_comes_after_its_latest_moment_changes_nothing(self, bench: Bench) -> None:
        async def story() -> None:
            for call in ("arm", "isolate"):
                point = bench.point()
                # Logged in already, so that the time is spent on the line.
                await point.state(bench.conduits, PATIENT_S)
                sessions = logging_in(point)
                assert sessions is None or (await sessions.ready(PATIENT_S)).done
                if call == "isolate":
                    await armed(bench, point)
                bench.hold_up(call)
                given_up = await (
                    point.arm(bench.conduits, 600.0, bench.short_s)
                    if call == "arm"
                    else point.isolate(bench.conduits, bench.short_s)
                )
                assert given_up.outcome is Outcome.UNKNOWN
                assert given_up.value is None
                assert given_up.asked_us < point.late_until_us
                await wait_us(bench, point.late_until_us)
                await bench.let_go()
                await flows(bench, *bench.conduits)
                after = bench.point()
                state = (await after.state(bench.conduits, PATIENT_S)).value
                assert state is not None
                assert not any(one.isolating for one in state.conduits.values())
                assert call == "isolate" or state.clear
                await restored(bench, after)
                for one in (point, after):
                    await one.close()

        bench.play(story)

    def test_another_runs_object_is_never_touched(self, bench: Bench) -> None:
        async def story() -> None:
            first, second = bench.point(), bench.point(OTHER_RUN)
            await armed(bench, first)
            await isolated(bench, first)
            refused = await second.arm(bench.conduits, 600.0, PATIENT_S)
            assert refused.outcome is Outcome.NOT_DONE
            assert refused.why
            seen = (await second.state(bench.conduits, PATIENT_S)).value
            assert seen is not None
            told = (True, False, bench.owner_told(RUN))
            assert [(one.present, one.ours, one.owner) for one in seen.conduits.values()] == [told] * 2
            assert (await second.restore(bench.conduits, PATIENT_S)).value is not None
            assert not any(bench.any_passes(conduit) for conduit in bench.conduits)
            still = (await first.state(bench.conduits, PATIENT_S)).value
            assert all(shown(bench, still, conduit) for conduit in bench.conduits)
            await restored(bench, first)
            for one in (first, second):
                await one.close()

        bench.play(story)

    def test_a_write_that_breaks_off_is_told_as_it_is_and_restored(self, bench: Bench) -> None:
        async def story() -> None:
            point, fresh = bench.point(), bench.point()
            await armed(bench, point)
            bench.break_off("isolate")
            reading = await point.isolate(bench.conduits, bench.short_s)
            assert reading.outcome is not Outcome.DONE
            bench.behave()
            await wait_us(bench, point.late_until_us)
            state = (await fresh.state(bench.conduits, PATIENT_S)).value
            assert state is not None
            for conduit in bench.conduits:
                if state.conduits[conduit].isolating:
                    assert not bench.any_passes(conduit)
                else:
                    await flows(bench, conduit)
            await restored(bench, point)
            for one in (point, fresh):
                await one.close()

        bench.play(story)

    def test_a_reply_that_never_comes_is_unknown_and_a_look_tells(self, bench: Bench) -> None:
        async def story() -> None:
            point = bench.point()
            await armed(bench, point)
            bench.lose_reply("isolate")
            reading = await point.isolate(bench.conduits, bench.short_s)
            assert reading.outcome is Outcome.UNKNOWN
            assert reading.value is None
            bench.behave()
            state = (await point.state(bench.conduits, PATIENT_S)).value
            assert all(shown(bench, state, conduit) for conduit in bench.conduits)
            assert not any(bench.any_passes(conduit) for conduit in bench.conduits)
            await restored(bench, point)
            await point.close()

        bench.play(story)

    def test_a_silent_device_is_unknown_and_is_restored_when_it_answers_again(self, bench: Bench) -> None:
        async def story() -> None:
            point = bench.point()
            await armed(bench, point)
            await isolated(bench, point)
            bench.hang(point)
            with anyio.fail_after(PATIENT_S):
                assert (await point.state(bench.conduits, 0.3)).outcome is Outcome.UNKNOWN
                assert (await point.restore(bench.conduits, 0.9)).outcome is not Outcome.DONE
            assert not any(bench.any_passes(conduit) for conduit in bench.conduits)
            bench.go_on(point)
            await restored(bench, point)
            await point.close()

        bench.play(story)

    def test_a_device_that_is_slow_to_show_its_state_is_armed_isolated_and_restored(self, bench: Bench) -> None:
        """A look takes a quarter of what the platform gives it: what it tells is old by then, and still true."""

        async def story() -> None:
            point, able = bench.point(), bench.platform.capabilities
            bench.look_takes(able.calls_s.read / 4)
            await armed(bench, point)
            await isolated(bench, point)
            seen = await point.state(bench.conduits, PATIENT_S)
            assert seen.done, seen.why
            assert all(shown(bench, seen.value, conduit) for conduit in bench.conduits)
            watched = watched_of(able, bench.conduits, bench.conduits)
            assert watch_trouble(point.name, able, watched, bench.conduits, seen, 0.0) is None
            await restored(bench, point)
            await point.close()

        bench.play(story)

    def test_a_restore_after_a_lost_reply_ends_although_each_look_takes_time(self, bench: Bench) -> None:
        """Each look ends later than it began: one that asks for a later look each time would never end."""

        async def story() -> None:
            point = bench.point()
            await armed(bench, point)
            bench.lose_reply("isolate")
            assert (await point.isolate(bench.conduits, bench.short_s)).outcome is Outcome.UNKNOWN
            bench.behave()
            until_us = point.late_until_us
            bench.look_takes(bench.platform.capabilities.calls_s.read / 4)
            await restored(bench, point)
            assert bench.clock.monotonic_us() > until_us
            await point.close()

        bench.play(story)

    def test_its_abilities_do_what_they_are_for(self, bench: Bench) -> None:
        async def story() -> None:
            point, able = bench.point(), bench.platform.capabilities
            shows, sessions, renews = showing_configuration(point), logging_in(point), renewing(point)
            before = None if shows is None else (await shows.configuration(PATIENT_S)).value
            await armed(bench, point)
            await isolated(bench, point)
            if sessions is not None:
                assert (await sessions.try_login(PATIENT_S)).done
            if renews is not None:
                reading = await renews.renew(bench.conduits, 1200.0, PATIENT_S)
                assert reading.value is not None, reading.why
                left = {reading.value.timer_s} if able.timer == "device" else _armed_s(reading.value)
                assert all(one is not None and one > 1200.0 - PATIENT_S for one in left)
            await restored(bench, point)
            if shows is not None:
                after = (await shows.configuration(PATIENT_S)).value
                assert before is not None
                assert after is not None
                assert set(before.parts) >= {"running", "saved"}
                assert not any(after.ours.values())
                assert compare_parts(before.parts, after.parts, bench.platform.comparable) == {}
            await point.close()

        bench.play(story)

    def test_the_cards_commands_restore_whatever_run_it_was(self, bench: Bench) -> None:
        async def story() -> None:
            point = bench.point()
            hands = bench.platform.by_hand(bench.planned())
            assert hands.become
            assert hands.last_resort
            await armed(bench, point)
            await isolated(bench, point)
            for _ in range(2):
                bench.type_by_hand(hands.commands)
                await flows(bench, *bench.conduits)
            reading = await point.state(bench.conduits, PATIENT_S)
            assert reading.value is not None
            assert reading.value.clear
            await point.close()

        bench.play(story)


def _armed_s(state: PointState) -> set[float | None]:
    return {one.armed_s for one in state.conduits.values()}
