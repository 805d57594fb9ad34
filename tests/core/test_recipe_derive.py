from __future__ import annotations

from typing import Any

import pytest

from islandmode.core.capabilities import Calls, Capabilities
from islandmode.core.plan import Plan
from islandmode.core.planning.digest import plan_digest, sha256_of
from islandmode.core.recipe.derive import capabilities, live_refusals
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.rendering import RecipeUsed
from tests.core.given import given
from tests.core.recipe_plant import recipe


def changed(name: str, **fields: Any) -> Recipe:
    return recipe(name).model_copy(update=fields)


def test_fortios() -> None:
    able = capabilities(recipe("fortios-schedule"), 300.0)
    assert (able.arms, able.undo_tier, able.timer, able.reverts) == ("before", "B", "conduit", "own")
    assert (able.granularity_s, able.rounding_s, able.step_s, able.lag_s) == (60.0, 60.0, 1.0, 60.0)
    assert (able.dead_man_min_s, able.dead_man_max_s, able.renewable) == (120.0, 43200.0, True)
    assert (able.families, able.covers, able.witness) == ((4, 6), ("forward", "to_device", "vpn"), "none")
    assert (able.cuts_established, able.after_restart, able.atomic_stage) == ("after_flush", "stays", False)
    assert able.shows_configuration


def test_ios_time_range() -> None:
    able = capabilities(recipe("ios-time-range"), 300.0)
    assert (able.arms, able.undo_tier, able.covers, able.witness) == ("before", "B", ("forward",), "denies")
    assert (able.cuts_established, able.after_restart) == ("itself", "reverts")


def test_ios_revert() -> None:
    able = capabilities(recipe("ios-revert"), 300.0)
    assert (able.arms, able.undo_tier, able.timer, able.reverts) == ("before", "B", "device", "everything")
    assert (able.further, able.rounding_s, able.lag_s) == ("keeps", 0.0, 30.0)
    assert (able.dead_man_min_s, able.dead_man_max_s, able.calls_s.arm) == (60.0, 7200.0, 45.0)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_timer_may_run_for_as_long_as_arming_takes_before_it_is_read_back(name: str) -> None:
    able = capabilities(recipe(name), 300.0)
    least_s, most_s = able.shown_after(300.0)
    assert least_s <= 300.0 - able.calls_s.arm
    assert most_s >= 300.0 + able.rounding_s


@pytest.mark.parametrize("name", SHIPPED)
def test_tier_a_is_for_relative_timers_only(name: str) -> None:
    assert recipe(name).undo_tier == "B"


def test_a_line_of_a_clock_recipe_acts_no_later_than_the_end_that_it_brings() -> None:
    shipped = recipe("fortios-schedule")
    assert capabilities(shipped, 300.0).latest_s == 300 + 60 + 60
    assert capabilities(shipped).latest_s == 43200 + 60 + 60


def test_where_no_line_says_so_the_recipe_says_how_late_one_may_act() -> None:
    assert capabilities(recipe("ios-revert"), 300.0).latest_s == 30.0


def test_what_an_armed_object_holds_acts_no_later_than_its_timer() -> None:
    own = changed("fortios-schedule", cycle="own-timer", undo_tier="A")
    assert capabilities(own, 300.0).latest_s == 300 + 60
    assert capabilities(own, 300.0).rounding_s == 0.0


def test_what_is_armed_by_isolating_says_so_and_is_refused_for_live() -> None:
    own = changed("fortios-schedule", cycle="own-timer", arm=())
    assert capabilities(own).arms == "with_isolate"
    assert [*live_refusals(own)] == [
        "isolates by the timed object itself, so that a line that comes late isolates for a whole timer"
    ]


def test_what_nobody_knows_is_refused_for_live() -> None:
    assert [*live_refusals(recipe("fortios-schedule"))] == []
    assert [*live_refusals(recipe("ios-time-range"))] == [
        "does not say what the other member of a pair does with an isolation"
    ]
    assert len([*live_refusals(recipe("ios-revert"))]) == 2


def test_calls_include_what_the_device_works_on_a_change() -> None:
    slow = changed("fortios-schedule", works={"isolate": 60.0, "restore": 45.0}, calls={})
    able = capabilities(slow)
    assert able.works_s.isolate == 60.0
    assert (able.calls_s.isolate, able.calls_s.restore) == (Calls().isolate + 60.0, Calls().restore + 45.0)
    assert able.calls_s.restore_anew >= able.calls_s.restore + able.calls_s.login


def test_what_a_recipe_says_of_calls_counts() -> None:
    able = capabilities(recipe("fortios-schedule"))
    assert (able.calls_s.isolate, able.calls_s.read, able.calls_s.login) == (10.0, 4.0, Calls().login)


@pytest.mark.parametrize(
    ("field", "value", "derived"),
    [
        ("cuts_established", "no", {"cuts_established": "no"}),
        ("families", (4,), {"families": (4,)}),
        ("further", "confirms", {"further": "confirms"}),
        ("denies_with", "refusal", {"denies_with": "refusal"}),
        ("after_restart", "unknown", {"after_restart": "unknown"}),
        ("configuration", (), {"shows_configuration": False}),
        ("atomic_stage", True, {"atomic_stage": True}),
        ("covers", ("forward",), {"covers": ("forward",)}),
    ],
)
def test_what_is_said_is_carried_over(field: str, value: object, derived: dict[str, object]) -> None:
    able = capabilities(changed("fortios-schedule", **{field: value}), 300.0)
    assert able == capabilities(recipe("fortios-schedule"), 300.0).model_copy(update=derived)
    assert able != capabilities(recipe("fortios-schedule"), 300.0)


def test_capabilities_of_a_recipe_are_read_back_as_they_were_written() -> None:
    able = capabilities(recipe("fortios-schedule"), 300.0)
    assert Capabilities.model_validate_json(able.model_dump_json()) == able


def plan_with(used: RecipeUsed | None) -> Plan:
    plan = given().plan()
    points = {
        name: point.model_copy(update={"rendering": point.rendering.model_copy(update={"recipe": used})})
        for name, point in plan.points.items()
    }
    return plan.model_copy(update={"points": points})


def test_name_version_and_hash_of_a_recipe_enter_the_plan_digest() -> None:
    used = RecipeUsed(name="fortios-schedule", version=1, sha256=sha256_of("a"))
    others = [
        used.model_copy(update={"name": "other"}),
        used.model_copy(update={"version": 2}),
        used.model_copy(update={"sha256": sha256_of("b")}),
    ]
    digests = {plan_digest(plan_with(recipe_used)) for recipe_used in (None, used, *others)}
    assert len(digests) == 5


def test_a_plan_without_a_recipe_keeps_the_digest_that_it_had() -> None:
    plan = given().plan()
    assert plan_digest(plan) == plan.plan_digest
    assert "recipe" not in next(iter(plan.points.values())).rendering.model_dump()
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan
