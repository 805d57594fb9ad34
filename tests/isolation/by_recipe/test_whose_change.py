"""A change that waits on the device names a login and no run: what another login began is never confirmed by a process that cannot tell."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from islandmode.core.outcome import Outcome
from islandmode.core.recipe.told import recipe_told
from islandmode.run.restore import restore_until_seen
from islandmode.run.resume import KeptFile, resume
from islandmode.store.journal import Journal
from islandmode.system.disk import MachineDisk
from tests.emulators.device import CliSession
from tests.emulators.ios import IosDevice
from tests.emulators.plant import USER
from tests.isolation.by_recipe.test_lost_sessions import FOR_S, each_recipe, put_back
from tests.isolation.by_recipe.world import CONDUITS, Fault, World
from tests.isolation.contract import OTHER_RUN, PATIENT_S, RUN

OWED = {"edge": CONDUITS}
SHORT_S = 3.0
"""For a line whose answer never comes."""
LOGGING = "logging host 10.20.0.5"
TOLD = (
    "a change of colleague waits on the device, and nothing that a drill isolates stands there; whether the change is this run's cannot be "
    "told, so it was neither confirmed nor undone. It goes back by itself in {left} s. Ask colleague: the lines to restore by hand would confirm it"
)


def router() -> World:
    return World("ios-revert")


def timer_of(world: World) -> str | None:
    """Name who began the change that waits."""
    assert isinstance(world.device, IosDevice)
    with world.device.lock:
        world.device.settle()
        return None if world.device.timer is None else world.device.timer.user


def call_it_otherwise(world: World) -> None:
    """Let the device name the line of who began the change that waits, and not the login."""
    assert isinstance(world.device, IosDevice)
    if world.device.timer is not None:
        world.device.timer = replace(world.device.timer, user="vty0")


def begins(world: World, minutes: int = 10) -> CliSession:
    """A colleague begins a change of their own."""
    session = world.device.new_session(0, "colleague")
    for line in (f"configure terminal revert timer {minutes}", LOGGING, "end"):
        assert "%Error" not in session.answer(line)
    return session


async def dies_before_its_arm_lands(world: World) -> None:
    """A conductor sends the line that arms, and it never arrives: the record says only that it was about to be sent."""
    conductor = world.point()
    assert (await conductor.ready(PATIENT_S)).done
    world.fault = Fault("not sent", re.compile("revert timer"))
    assert (await conductor.arm(CONDUITS, FOR_S, SHORT_S)).outcome is Outcome.UNKNOWN
    await conductor.close()
    assert timer_of(world) is None


def noted(world: World) -> Journal:
    return Journal(KeptFile(), world.clock, site="plant", run=RUN, writer="guardian")


def configured_by_us(world: World, since: int) -> list[str]:
    return [line.text for line in world.device.log[since:] if line.configures and line.user != "colleague"]


@pytest.mark.parametrize("confirms", [True, False], ids=["they confirm it", "it goes back"])
def test_a_guardian_waits_for_the_end_of_a_colleague_s_change(confirms: bool) -> None:  # noqa: FBT001 - parametrized
    world = router()

    async def story() -> None:
        await dies_before_its_arm_lands(world)
        colleague, since, notes = begins(world), len(world.device.log), noted(world)
        asked = 0

        def confirm_at_the_third_look() -> None:
            nonlocal asked
            asked += 1
            if asked == 3 and confirms:
                colleague.answer("configure confirm")

        world.at_line["show archive config rollback timer"] = confirm_at_the_third_look
        guardian = world.point()
        began_s = world.clock.now_s
        seen = await restore_until_seen(
            {"edge": guardian}, OWED, notes=notes, clock=world.clock, give_up_after_s=float("inf")
        )
        assert seen == {"edge"}
        assert configured_by_us(world, since) == []
        assert timer_of(world) is None
        assert (LOGGING in world.device.configuration()) is confirms
        # It waited for the device, and not for a number of attempts.
        assert (world.clock.now_s - began_s < 60) is confirms
        whys = [str(record.data["why"]) for record in notes.records if record.kind == "restore.attempt"]
        assert whys[0] == TOLD.format(left=600)
        await guardian.close()

    world.play(story)


@pytest.mark.parametrize("run", [RUN, None], ids=["by the run", "by the drill"])
def test_a_restore_by_a_person_leaves_it_alone_and_says_what_to_do(run: str | None, tmp_path: Path) -> None:
    world = router()

    async def story() -> None:
        await dies_before_its_arm_lands(world)
        begins(world, minutes=60)
        since = len(world.device.log)
        resumed = await resume(
            {"edge": world.point(run)},
            OWED,
            names=("plant", RUN),
            by="somebody",
            path=tmp_path / "restore.jsonl",
            clock=world.clock,
            disk=MachineDisk(),
        )
        assert resumed.seen == frozenset()
        assert not resumed.is_whole(OWED)
        assert re.fullmatch(re.escape(TOLD).replace(r"\{left\}", r"\d+"), resumed.unseen["edge"])
        assert configured_by_us(world, since) == []
        assert timer_of(world) == "colleague"

    world.play(story)


def test_a_change_of_this_run_s_login_is_ended_by_any_of_its_processes() -> None:
    world = router()

    async def story() -> None:
        conductor = world.point()
        assert (await conductor.ready(PATIENT_S)).done
        # The line lands, and its answer does not come.
        world.fault = Fault("reply lost", re.compile("revert timer"))
        assert (await conductor.arm(CONDUITS, FOR_S, SHORT_S)).outcome is Outcome.UNKNOWN
        assert timer_of(world) == "drill"
        guardian = world.point()
        reading = await guardian.restore(CONDUITS, PATIENT_S)
        assert reading.done
        assert timer_of(world) is None
        assert world.device.configuration() == world.before
        for each in (conductor, guardian):
            await each.close()

    world.play(story)


@pytest.mark.parametrize("of", [CONDUITS, CONDUITS[1:]], ids=["of all", "of one that is open"])
def test_where_a_deny_stands_it_is_restored_whatever_the_device_calls_who_wrote_it(of: tuple[str, ...]) -> None:
    world = router()

    async def story() -> None:
        conductor = world.point()
        assert (await conductor.arm(CONDUITS, FOR_S, PATIENT_S)).done
        assert (await conductor.isolate(CONDUITS[:1], PATIENT_S)).done
        call_it_otherwise(world)
        guardian = world.point()
        assert (await guardian.restore(of, PATIENT_S)).done
        assert world.is_open
        assert timer_of(world) is None
        for each in (conductor, guardian):
            await each.close()

    world.play(story)


def test_who_armed_knows_its_own_change_by_whatever_the_device_calls_it() -> None:
    world = router()

    async def story() -> None:
        conductor = world.point()
        world.at_line["show archive config rollback timer"] = lambda: call_it_otherwise(world)
        assert (await conductor.arm(CONDUITS, FOR_S, PATIENT_S)).done
        guardian = world.point()
        # Armed and isolating nothing, under a name that is not the login's: another process cannot tell.
        assert (await guardian.restore(CONDUITS, PATIENT_S)).outcome is Outcome.NOT_DONE
        assert timer_of(world) == "vty0"
        await put_back(world, conductor)
        assert timer_of(world) is None
        await guardian.close()

    world.play(story)


@each_recipe
def test_a_plan_says_that_a_change_that_waits_is_known_by_its_login_and_by_no_run(name: str) -> None:
    planned = World(name).planned()
    told = [sentence for sentence in recipe_told(planned) if "a change that waits" in sentence]
    if name != "ios-revert":
        assert told == []
        return
    assert told == [
        (
            f"the device shows the login of a change that waits, and no run: what anybody begins as {USER} in the drill is taken for the drill's, "
            f"and is confirmed or undone with it; let nobody else log in as {USER}"
        )
    ]
    assert planned.recipe is not None
    reads = planned.recipe.reads
    ask, *others = reads.state
    finds = tuple(find for find in ask.finds if find.gives != "owner")
    nameless = planned.recipe.model_copy(
        update={"reads": reads.model_copy(update={"state": (ask.model_copy(update={"finds": finds}), *others)})}
    )
    told = [
        sentence for sentence in recipe_told(planned.model_copy(update={"recipe": nameless})) if "waits" in sentence
    ]
    assert told == [
        (
            "the device does not show whose a change is that waits: what anybody begins in the drill is taken for the drill's, and is confirmed or "
            "undone with it"
        )
    ]


def test_what_the_drills_own_login_begins_beside_an_armed_run_is_taken_for_the_runs() -> None:
    """That is why the plan says so: the device has no more to tell one from the other by."""
    world = World("ios-revert")

    async def story() -> None:
        point = world.point(OTHER_RUN)
        session = world.device.new_session(0, USER)
        for line in ("configure terminal revert timer 30", "end"):
            session.answer(line)
        assert timer_of(world) == USER
        # A process of the drill that did not arm ends the change, as the login is its own.
        assert (await point.restore(CONDUITS, PATIENT_S)).done
        assert timer_of(world) is None
        await point.close()

    world.play(story)
