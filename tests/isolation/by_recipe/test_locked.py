"""Another session has locked the device's configuration: what is told at preflight, and what comes of a lock that is taken later."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from islandmode.core.outcome import Outcome
from islandmode.core.preflight import judge_point
from islandmode.core.rescue import Rescue
from islandmode.isolation.by_hand import ByHand
from islandmode.isolation.table import by_hand
from islandmode.operate.by_hand import lines_by_hand
from islandmode.run.restore import restore_until_seen
from tests.emulators.fortios_state import ONETIME, FortiState, Transaction
from tests.emulators.ios_state import ConfigLock, IosState
from tests.isolation.by_recipe.test_facts import facts_of
from tests.isolation.by_recipe.test_lost_sessions import FOR_S, Silent, call, put_back, until
from tests.isolation.by_recipe.world import CONDUITS, MADE, World
from tests.isolation.contract import PATIENT_S

ASKS = {
    "fortios-schedule": "diagnose sys config-transaction show txn-meta",
    "ios-revert": "show configuration lock",
    "ios-time-range": "show configuration lock",
}
SAID = {
    "fortios-schedule": "it has a configuration transaction open (workspace mode), which locks what it edits and may be committed in the middle "
    "of a drill; let its administrator commit or abort it there",
    "ios-revert": "it is locked for configuration by colleague; let them leave configuration mode (end), or take the lock from them: clear "
    "configuration lock",
}
SAID["ios-time-range"] = SAID["ios-revert"]
each_recipe = pytest.mark.parametrize("name", sorted(MADE))
each_clock = pytest.mark.parametrize("name", ["fortios-schedule", "ios-time-range"])


@dataclass(frozen=True)
class Way:
    """A recipe, and how its device words or places a refusal."""

    name: str
    other_words: bool = False

    def __str__(self) -> str:
        return f"{self.name}{', the other way' if self.other_words else ''}"


each_way = pytest.mark.parametrize(
    "way", [Way(name, other) for name in sorted(MADE) for other in (False, True)], ids=str
)


def lock(world: World) -> None:
    """Lock the configuration from a session that is no drill's."""
    device = world.device
    if isinstance(device, FortiState):
        device.transactions.append(Transaction(tuple((ONETIME, f"islandmode_{name}") for name in CONDUITS)))
    else:
        device.config_lock = ConfigLock("colleague", 3)


def unlock(world: World) -> None:
    """End the lock as the remedy says."""
    device = world.device
    if isinstance(device, FortiState):
        device.transactions.clear()
    else:
        assert device.new_session(0, "person").answer("clear configuration lock") == ""


def of(way: Way) -> World:
    world = World(way.name)
    if isinstance(world.device, FortiState):
        world.device.locks_at = "end" if way.other_words else "edit"
    else:
        world.device.says_lock_as_before_xe = way.other_words
    return world


@each_recipe
def test_a_lock_is_found_before_a_drill_with_its_login_and_what_to_do(name: str) -> None:
    world = World(name)
    lock(world)
    (trouble,) = facts_of(world).unready
    assert trouble.startswith(SAID[name])
    assert not world.device.was_touched
    judged = judge_point("edge", world.planned(), outcome=Outcome.DONE, unready=(trouble,), interfaces=None, present={})
    assert [(finding.code, finding.refuses) for finding in judged] == [("point-not-ready", True)]
    # A restore is never kept from trying.
    assert facts_of(world, run=None).unready == ()


@pytest.mark.parametrize("name", ["ios-revert", "ios-time-range"])
def test_the_lock_of_a_session_as_newer_releases_show_it(name: str) -> None:
    world = World(name)
    world.device.faults.rejected["^show configuration lock"] = (
        "Config Session Lock\n---------------------\nOwner PID   : 578\nTTY number  : 2\nTTY username    : colleague\n"
        "User debug info : CLI Session Lock\nLock Active time (in Sec)   : 17\n"
    )
    assert facts_of(world).unready == (SAID[name],)


@each_recipe
@pytest.mark.parametrize("said", ["not known", ""])
def test_where_a_device_does_not_tell_that_is_not_seen_and_refuses_nothing(name: str, said: str) -> None:
    world = World(name)
    unknown = (
        "Unknown action 0\nCommand fail. Return code -1\n"
        if name == "fortios-schedule"
        else "% Invalid input detected at '^' marker.\n"
    )
    world.device.faults.rejected[f"^{ASKS[name]}"] = unknown if said else ""
    facts = facts_of(world)
    assert facts.unready == ()
    assert ASKS[name] in facts.lock_unread
    (finding,) = judge_point(
        "edge", world.planned(), outcome=Outcome.DONE, lock_unread=facts.lock_unread, interfaces=None, present={}
    )
    assert (finding.code, finding.refuses) == ("point-lock-unread", False)
    assert "did not show whether another session has locked its configuration" in finding.sentence
    assert facts_of(world, run=None).lock_unread == ""


@each_way
@pytest.mark.parametrize("step", ["arm", "isolate"])
def test_a_lock_that_is_taken_after_preflight_keeps_a_step_from_everything(way: Way, step: str) -> None:
    world = of(way)

    async def story() -> None:
        point = world.point()
        await until(point, step)
        before = world.device.configuration()
        lock(world)
        reading = await call(point, step)
        assert reading.outcome is Outcome.NOT_DONE
        assert SAID[way.name] in reading.why
        assert reading.value is not None
        assert not any(state.isolating for state in reading.value.conduits.values())
        assert (world.device.configuration(), world.is_open) == (before, True)
        unlock(world)
        await put_back(world, point)

    world.play(story)


@each_way
def test_a_lock_in_the_hold_is_said_and_the_restore_gets_through_once_it_is_gone(way: Way) -> None:
    world = of(way)

    async def story() -> None:
        point = world.point()
        await until(point, "renew")
        lock(world)
        reading = await point.restore(CONDUITS, PATIENT_S)
        assert not reading.done
        assert SAID[way.name] in reading.why
        assert not world.is_open
        unlock(world)
        await put_back(world, point)

    world.play(story)


@each_recipe
def test_a_lock_that_stays_does_not_keep_the_device_s_own_timer_from_its_end(name: str) -> None:
    world = World(name)

    async def story() -> None:
        point = world.point()
        await until(point, "renew")
        lock(world)
        owed = {point.name: CONDUITS}
        seen = await restore_until_seen(
            {point.name: point}, owed, notes=Silent(), clock=world.clock, give_up_after_s=10.0
        )
        assert (seen, world.is_open) == (frozenset(), False)
        seen = await restore_until_seen(
            {point.name: point}, owed, notes=Silent(), clock=world.clock, give_up_after_s=FOR_S + 120.0
        )
        assert (seen, world.is_open) == (frozenset(owed), True)
        # What could not be written shows in the comparison, and is no isolation.
        found = await point.configuration(PATIENT_S)
        assert found.value is not None
        assert bool(found.value.ours["running"]) is (name != "ios-revert")
        unlock(world)
        await point.close()

    world.play(story)


@pytest.mark.parametrize("name", ["ios-revert", "ios-time-range"])
def test_a_router_on_which_every_session_that_configures_locks_is_drilled_as_any_other(name: str) -> None:
    world = World(name)
    assert isinstance(world.device, IosState)
    world.device.enter(["configuration mode exclusive auto"])
    world.before = world.device.configuration()

    async def story() -> None:
        point = world.point()
        await until(point, "renew")
        assert world.device.config_lock is None  # type: ignore[union-attr] # a router's
        await put_back(world, point)

    world.play(story)


@each_recipe
def test_who_restores_by_hand_is_told_what_to_do_about_a_lock(name: str) -> None:
    planned = World(name).planned()
    hands: ByHand = by_hand(planned)
    assert hands.locked
    told = lines_by_hand(Rescue(site="plant", points={"edge": planned}, conduits=planned.conduits))
    assert f"  If a line is refused because another session has locked the configuration: {hands.locked}." in told
