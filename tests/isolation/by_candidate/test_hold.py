"""A commit that waits on the device: what others do to it meanwhile, and a restore at any moment of it, by a fake firewall."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.core.outcome import Outcome
from islandmode.isolation.by_recipe.napalm_session import NapalmSession
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.isolation.platform import Access
from islandmode.isolation.under_way import GivenUp, Lines
from islandmode.run.deadman import watch_trouble
from tests.isolation.by_candidate.fake_junos import COLLEAGUE, SITES_OWN, FakeJunosDriver, Way
from tests.isolation.by_candidate.world import FAKE, FakeBench
from tests.isolation.contract import OTHER_RUN, PATIENT_S, armed, isolated, restored

FOR_S = 600.0


class Said:
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def sent(self, line: str) -> None:
        self.lines.append(f"> {line}")

    def heard(self, text: str) -> None:
        self.lines.append(f"< {text}")


def commits_by(bench: FakeBench, user: str) -> int:
    return sum(revision.user == user for revision in bench.device.revisions)


async def isolating(bench: FakeBench) -> RecipePoint:
    point = bench.point()
    await armed(bench, point)
    await isolated(bench, point)
    return point


def test_a_commit_that_confirms_the_isolation_is_seen_named_and_restored() -> None:
    bench = FakeBench()

    async def story() -> None:
        point = await isolating(bench)
        bench.device.colleague_commits()
        reading = await point.state(bench.conduits, PATIENT_S)
        assert reading.done
        told = watch_trouble("edge", point.capabilities, bench.conduits, bench.conduits, reading, 500.0)
        assert told == (
            "edge: the device's dead-man is not running any more; the newest change on the device is that of colleague cli, "
            "and it confirmed the isolation."
        )
        assert not any(bench.any_passes(conduit) for conduit in bench.conduits)
        await restored(bench, point)
        assert bench.device.active == [*SITES_OWN, COLLEAGUE]
        await point.close()

    bench.play(story)


def test_where_the_timer_runs_nobody_is_said_to_have_confirmed_anything() -> None:
    bench = FakeBench()

    async def story() -> None:
        point = await isolating(bench)
        reading = await point.state(bench.conduits, PATIENT_S)
        assert (reading.done, reading.why) == (True, "")
        assert reading.value is not None
        assert reading.value.timer_s == pytest.approx(FOR_S)
        await restored(bench, point)
        assert (await point.state(bench.conduits, PATIENT_S)).why == ""
        await point.close()

    bench.play(story)


def test_what_a_colleague_commits_between_arm_and_isolate_is_neither_confirmed_nor_taken_back() -> None:
    bench = FakeBench()

    async def story() -> None:
        point = bench.point()
        await armed(bench, point)
        bench.device.load((COLLEAGUE,))
        bench.device.commit("colleague", "cli", minutes=5)
        refused = await point.isolate(bench.conduits, PATIENT_S)
        assert refused.outcome is Outcome.NOT_DONE
        assert refused.why == "a change of somebody waits on the device to be confirmed, or goes back; wait for its end"
        assert (await point.restore(bench.conduits, PATIENT_S)).done
        assert (bench.device.waits, commits_by(bench, "drill")) == (True, 0)
        await bench.clock.sleep(301)
        assert not bench.device.waits
        assert bench.device.active == list(SITES_OWN)
        await point.close()

    bench.play(story)


def test_a_restore_by_a_process_that_cannot_tell_whose_commit_waits_leaves_it_to_its_end() -> None:
    bench = FakeBench()

    async def story() -> None:
        bench.device.load((COLLEAGUE,))
        bench.device.commit("colleague", "cli", minutes=5)
        guardian = bench.point()
        reading = await guardian.restore(bench.conduits, PATIENT_S)
        assert reading.value is not None
        # What waits may be an isolation of this run that cannot be seen: it is not called clear before its end.
        assert not reading.value.clear
        assert (bench.device.waits, commits_by(bench, "drill")) == (True, 0)
        await bench.clock.sleep(301)
        await restored(bench, guardian)
        assert commits_by(bench, "drill") == 0
        await guardian.close()

    bench.play(story)


def test_an_isolation_of_another_run_is_not_committed_over() -> None:
    bench = FakeBench()

    async def story() -> None:
        first, second = bench.point(), bench.point(OTHER_RUN)
        # Arming makes no object here, so that both pass.
        await armed(bench, first)
        await armed(bench, second)
        await isolated(bench, first)
        refused = await second.isolate(bench.conduits, PATIENT_S)
        assert refused.outcome is Outcome.NOT_DONE
        assert (await second.restore(bench.conduits, PATIENT_S)).done
        assert not any(bench.any_passes(conduit) for conduit in bench.conduits)
        assert bench.device.waits
        await restored(bench, first)
        for each in (first, second):
            await each.close()

    bench.play(story)


def test_edits_that_wait_in_the_candidate_are_known_before_anything_isolates_and_stay() -> None:
    bench = FakeBench()

    async def story() -> None:
        point = bench.point()
        bench.device.load((COLLEAGUE,))
        refused = await point.arm(bench.conduits, FOR_S, PATIENT_S)
        assert refused.outcome is Outcome.NOT_DONE
        assert refused.why == (
            "the device does not let its configuration be edited now (error: configuration database modified): it has edits that nobody "
            "committed; commit or discard them first"
        )
        assert bench.device.candidate == [*SITES_OWN, COLLEAGUE]
        assert commits_by(bench, "drill") == 0
        await point.close()

    bench.play(story)


def test_a_candidate_whose_step_was_given_up_before_its_commit_is_forgotten() -> None:
    bench = FakeBench()
    access = Access(host="edge", port=22, user="drill", become="", known_hosts=Path("/dev/null"))
    driver = FakeJunosDriver(bench.wire, Way())
    session = NapalmSession(access, bench.recipe, bench.clock, make=lambda *_: driver, known=FAKE)
    session.open()
    lines = Lines(bench.clock)
    lines.give_up()
    with pytest.raises(GivenUp):
        session.put_in((COLLEAGUE,), lambda _: None, lambda: lines.about_to_send(1.0), lines.answered, 60)
    assert bench.device.candidate == bench.device.active == [*SITES_OWN]
    assert commits_by(bench, "drill") == 0


@pytest.mark.parametrize("call", ["arm", "isolate"])
def test_where_nobody_locks_a_shared_candidate_it_is_not_committed_with_foreign_edits(call: str) -> None:
    bench = FakeBench()
    bench.device.is_locked_by_drivers = False

    async def story() -> None:
        point = bench.point()
        if call == "isolate":
            await armed(bench, point)
        bench.device.load((COLLEAGUE,))
        refused = await (
            point.arm(bench.conduits, FOR_S, PATIENT_S) if call == "arm" else point.isolate(bench.conduits, PATIENT_S)
        )
        assert refused.outcome is Outcome.NOT_DONE
        assert refused.why == (
            'the candidate holds "+   system syslog host 10.20.0.5;", which this run did not write: somebody\'s uncommitted edit would be '
            "committed with it"
        )
        assert bench.device.active == list(SITES_OWN)
        # As the page says: what is discarded is the whole candidate, and the colleague's edit is lost with it.
        assert bench.device.candidate == list(SITES_OWN)
        await point.close()

    bench.play(story)


def test_a_session_that_is_closed_or_reset_discards_nobody_s_edit() -> None:
    bench = FakeBench()
    bench.device.is_locked_by_drivers = False

    async def story() -> None:
        point = bench.point()
        await armed(bench, point)
        bench.device.load((COLLEAGUE,))
        await point.close()
        assert COLLEAGUE in bench.device.candidate

    bench.play(story)


def test_a_restore_commits_no_uncommitted_edit_of_somebody_else() -> None:
    bench = FakeBench()
    bench.device.is_locked_by_drivers = False

    async def story() -> None:
        point = await isolating(bench)
        bench.device.load((COLLEAGUE,))
        await restored(bench, point)
        assert bench.device.active == list(SITES_OWN)
        await point.close()

    bench.play(story)


@pytest.mark.parametrize(
    "after_s", [0.0, 599.0, 601.0], ids=["at once", "right before the timer ends", "right after it"]
)
def test_a_restore_is_right_at_any_moment_of_the_timer(after_s: float) -> None:
    bench = FakeBench()

    async def story() -> None:
        point = await isolating(bench)
        await bench.clock.sleep(after_s)
        for _ in range(2):
            reading = await point.restore(bench.conduits, PATIENT_S)
            assert reading.value is not None
            assert reading.value.clear
            assert bench.device.active == list(SITES_OWN)
        assert not bench.device.waits
        # Isolating is one commit, and a restore is one more only where something was left.
        assert commits_by(bench, "drill") == (1 if after_s > FOR_S else 2)
        await point.close()

    bench.play(story)


@pytest.mark.parametrize("call", ["load", "commit"])
def test_a_timer_that_ends_while_the_restore_is_being_written_harms_nothing(call: str) -> None:
    bench = FakeBench()

    async def story() -> None:
        point = await isolating(bench)

        def timer_ends() -> None:
            bench.clock.now_s += FOR_S + 1
            bench.device.settle()
            # What is to be deleted is not there any more, and the device says so.
            bench.device.says_what_is_missing = True

        bench.wire.at[call] = timer_ends
        await restored(bench, point)
        assert bench.device.active == list(SITES_OWN)
        await bench.clock.sleep(2 * FOR_S)
        bench.device.settle()
        assert bench.device.active == list(SITES_OWN)
        await point.close()

    bench.play(story)


def test_an_isolate_is_refused_by_the_device_before_it_is_sent_where_the_timer_is_no_whole_minute() -> None:
    bench = FakeBench()

    async def story() -> None:
        point = bench.point()
        assert (await point.arm(bench.conduits, 90.0, PATIENT_S)).done
        reading = await point.isolate(bench.conduits, PATIENT_S)
        assert reading.outcome is not Outcome.DONE
        assert all(bench.all_passes(conduit) for conduit in bench.conduits)
        await restored(bench, point)
        await point.close()

    bench.play(story)


def test_what_isolates_has_a_latest_moment_and_what_restores_may_come_at_any_time() -> None:
    bench = FakeBench()

    async def story() -> None:
        point = await isolating(bench)
        await restored(bench, point)
        assert bench.recipe.late is not None
        assert bench.wire.lives_s == [bench.recipe.late.at_most, None]
        await point.close()

    bench.play(story)


def test_what_is_said_stands_in_the_transcript_and_no_password_does() -> None:
    bench, said = FakeBench(), Said()

    async def story() -> None:
        point = bench.point(password="canary-7f31c0", transcript=lambda _name: said)
        await armed(bench, point)
        await isolated(bench, point)
        await restored(bench, point)
        await point.close()

    bench.play(story)
    for line in ("> show configuration | display set", "> commit, taken back in 600 s", "> commit"):
        assert line in said.lines
    assert any(line.startswith("< ") and "islandmode_office-line then deny" in line for line in said.lines)
    assert not any("canary" in line for line in said.lines)


def test_a_timer_that_only_the_recipe_finds_is_none() -> None:
    bench = FakeBench()

    async def story() -> None:
        point = bench.point()
        await armed(bench, point)
        bench.wire.denies_waiting = True
        refused = await point.isolate(bench.conduits, PATIENT_S)
        assert refused.outcome is not Outcome.DONE
        assert "its answers show a commit that waits, and NAPALM's driver finds none" in refused.why
        # It is restored all the same: that needs no timer.
        await restored(bench, point)
        assert bench.device.active == list(SITES_OWN)
        await point.close()

    bench.play(story)
