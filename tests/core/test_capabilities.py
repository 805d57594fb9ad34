"""What a platform can do: deadlines and limits derive from it, nftables keeps those it had, and old plans mean what they meant."""

from __future__ import annotations

import pytest

from islandmode.core import limits
from islandmode.core.capabilities import Calls, Capabilities, Works
from islandmode.core.plan import Plan
from islandmode.core.planning.digest import plan_digest
from islandmode.isolation.nftables.recipe import CAPABILITIES
from tests.core.given import given

USUAL = {
    "fresh_s": 3.0,
    "silent_s": 10.0,
    "look_s": 3.0,
    "check_s": 10.0,
    "configuration_s": 20.0,
    "facts_s": 40.0,
    "ready_s": 20.0,
    "restoring_s": 4.0,
    "stranded_s": 15.0,
    "step_s": 1.0,
    "late_s": 0.0,
    "needs_look": False,
}
SLOW = Capabilities(
    arms="before",
    undo_tier="B",
    renewable=True,
    dead_man_min_s=600.0,
    dead_man_max_s=3600.0,
    granularity_s=60.0,
    works_s=Works(arm=60.0, isolate=60.0, renew=60.0, restore=60.0),
    calls_s=Calls(restore=63.0, restore_anew=72.0),
    rounding_s=60.0,
    lag_s=100.0,
    read_every_s=5.0,
)


@pytest.mark.parametrize("name", USUAL)
def test_nftables_keeps_what_it_had(name: str) -> None:
    assert getattr(CAPABILITIES, name) == USUAL[name]


def test_the_calls_of_nftables_keep_their_deadlines() -> None:
    assert CAPABILITIES.calls_s.model_dump() == {
        "login": 15.0,
        "arm": 15.0,
        "isolate": 5.0,
        "renew": 3.0,
        "read": 2.0,
        "restore": 3.0,
        "restore_anew": 12.0,
    }
    assert (CAPABILITIES.shown_after(30.0), CAPABILITIES.settable_s(7.5)) == ((28.0, 32.0), 7.5)


def test_what_goes_without_saying_stands_in_no_plan() -> None:
    said = given(lambda _: None).plan().model_dump(mode="json")["points"]["conduit-firewall"]["capabilities"]
    assert set(said) == {
        *("arms", "undo_tier", "renewable", "dead_man_min_s", "dead_man_max_s", "granularity_s", "latest_s"),
        *("witness", "denies_with"),
    }


def test_a_plan_says_what_its_platform_does_otherwise_and_is_read_back_so() -> None:
    plan = given(lambda _: None).plan(timer="device", lag_s=100.0, works_s=Works(restore=5.0))
    read = Plan.model_validate_json(plan.model_dump_json(by_alias=True))
    assert (read, plan_digest(read)) == (plan, plan.plan_digest)
    able = read.points["conduit-firewall"].capabilities
    assert (able.timer, able.lag_s, able.works_s.restore, able.calls_s) == ("device", 100.0, 5.0, Calls())
    assert plan.plan_digest != given(lambda _: None).plan().plan_digest


def test_the_limits_of_a_run_are_those_of_its_slowest_device() -> None:
    plan = given(lambda _: None).plan()
    (name, point) = next(iter(plan.points.items()))
    slow = plan.model_copy(update={"points": {**plan.points, name: point.model_copy(update={"capabilities": SLOW})}})
    assert limits.window_s(slow) == limits.window_s(plan) + 60.0
    assert limits.sampling_s(slow) == limits.sampling_s(plan) + 160.0 + 60.0 + 2 * 60.0 + 2 * 60.0
    assert (limits.stranded_s(plan), limits.stranded_s(slow)) == (180.0 + 15.0, 180.0 + 160.0 + 135.0)
    assert limits.ready_s(slow) == limits.ready_s(plan) == 20.0 + 20.0


def test_a_guardian_has_longer_to_be_ready_with_each_further_device() -> None:
    plan = given(lambda _: None).plan()
    (point,) = plan.points.values()
    many = plan.model_copy(update={"points": {f"firewall-{number}": point for number in range(7)}})
    assert limits.ready_s(many) == 20.0 + 20.0 + 6 * 2.0


def test_whether_a_timer_ended_by_itself_is_asked_within_what_the_device_shows() -> None:
    assert (CAPABILITIES.differs_s, SLOW.differs_s) == (2.0, 60.0)


def test_a_slow_device_is_given_its_time() -> None:
    assert SLOW.shown_after(600.0) == (480.0, 720.0)
    assert (SLOW.fresh_s, SLOW.silent_s, SLOW.restoring_s, SLOW.needs_look) == (67.0, 110.0, 64.0, True)
    assert (SLOW.settable_s(600.0), SLOW.settable_s(599.0), SLOW.settable_s(59.0)) == (600.0, 540.0, 0.0)
