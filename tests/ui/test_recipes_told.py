"""What a person reads of devices that go by recipes or by hand: to the word on a page, and what of it must never be otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from shutil import copytree

import pytest

from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.recipe.told import TRIED, recipe_told, status_of
from islandmode.isolation.table import by_hand
from islandmode.operate.plan import plan_of
from islandmode.ui.report.records_behind import tiers
from tests.core.given import given
from tests.core.recipe_plant import recipe
from tests.pages import written
from tests.ui.card_reading import words
from tests.ui.cards import card_of
from tests.ui.test_boundary_told import plan_text
from tests.ui.told_recipes import KIRKBY, PAGE, plan, told


@pytest.mark.parametrize("story", ["the plan", "the card", "by hand, on a screen"])
def test_what_is_read_is_what_stands_on_the_page(story: str) -> None:
    assert told()[story] == written(PAGE)[story]


def test_a_plan_says_how_far_a_recipe_was_tried_and_how_sure_it_is() -> None:
    said = " ".join(line.strip("│ ") for line in plan_text(plan()).splitlines())
    for name in ("fortios-schedule", "ios-time-range"):
        assert f"recipe {name}, version 5, sha256 " in said
    assert said.count(TRIED["emulated"]) == 2
    assert said.count("not for live: it goes by a recipe that was not benched on such a device (emulated)") == 2
    assert said.count("not for live: it does not say what the other member of a pair does with an isolation") == 1
    # A timer that ends at whole minutes of a device's clock, which may be late, is told with both.
    assert said.count("undone by the device itself at most 720 s after its timer was last set") == 2


def test_a_recipe_that_does_not_ship_was_not_even_emulated() -> None:
    assert {status_of(recipe(name)) for name in SHIPPED} == {"emulated"}
    assert status_of(recipe(SHIPPED[0]).model_copy(update={"recipe": "mine"})) == "untried"


@pytest.mark.parametrize("platform", ["ios-time-range", "ios-revert"])
def test_a_plan_says_that_a_pair_of_routers_is_two_points_with_nothing_in_sync(tmp_path: Path, platform: str) -> None:
    copytree(KIRKBY, tmp_path, dirs_exist_ok=True)
    site = tmp_path / "inventory" / "kirkby.yaml"
    text = site.read_text(encoding="utf-8")
    if platform == "ios-revert":
        text = text.replace("ios-time-range", platform).replace(
            "options: {time_zone: Europe/London, acl_in",
            "accept_lost_edits: {accepted_by: A. Novak}\n    options: {acl_in",
        )
    (entry,) = re.findall(r"(?m)^  vendor-router:\n(?:    .*\n)+", text)
    second = entry.replace("vendor-router:", "vendor-router-b:", 1).replace("10.20.0.2,", "10.20.0.3,")
    pairs = "pairs:\n  vendor-way:\n    members: [vendor-router, vendor-router-b]\n"
    site.write_text(text.replace(entry, entry + second) + pairs, encoding="utf-8")
    made = plan_of(tmp_path, "all-ways")[1]
    assert {point.platform for name, point in made.points.items() if name.startswith("vendor")} == {platform}
    said = " ".join(line.strip("│ ") for line in plan_text(made).splitlines())
    for other in ("vendor-router-b", "vendor-router"):
        assert said.count(f"member of pair vendor-way, with {other}: all of them are isolated, or none") == 1
    alone = "its members have nothing in common, and keep nothing in sync: each takes its own lines"
    assert said.count(alone) == 2
    assert "has no question for whether it is active" not in said
    # What becomes of the isolation at a failover was seen by nobody.
    assert said.count("not for live: it does not say what the other member of a pair does with an isolation") == 2


def test_a_plan_without_a_recipe_says_nothing_of_any() -> None:
    assert [recipe_told(point) for point in given().plan().points.values()] == [()]


def test_a_report_says_how_far_a_recipe_was_tried() -> None:
    told = {name: (tier, more) for name, tier, more in tiers(plan(), ())}
    assert told["press-modem"][0] == "D"
    assert told["press-modem"][1].startswith("nothing restores this by itself")
    tier, more = told["edge-firewall"]
    assert tier == "B"
    assert more.startswith("recipe fortios-schedule, version 5, sha256 ")
    assert TRIED["emulated"] in more


def test_a_card_says_what_must_be_seen_and_keeps_the_order_of_lines() -> None:
    said = words(card_of(plan()))
    assert (
        'show firewall schedule onetime "islandmode_corporate-line1" must show set end 00:01 2001/01/01. If it does not: '
        "Type the lines again, letter by letter."
    ) in said
    assert "2. Type 5 commands, with Enter after each, in this order" in said
    assert "2. Do 1 step" in said
    assert not any("in another order" in line for line in said)
    assert any("keep the order on each page" in line for line in said)


@pytest.mark.parametrize(
    ("shows", "hides", "said"),
    [
        (("on",), (), "must show on. If it does not: Push it in."),
        ((), ("off", "dim"), "must NOT show off, dim. If it does: Push it in."),
        (("on",), ("off",), "must show on and must NOT show off. If that is not so: Push it in."),
    ],
)
def test_a_look_says_what_it_must_show_and_what_not(shows: tuple[str, ...], hides: tuple[str, ...], said: str) -> None:
    made = plan()
    point = made.points["press-modem"]
    assert point.by_hand is not None
    (lines,) = point.by_hand.lines.values()
    shown = {"look": "the lamp", "otherwise": "Push it in."}
    shown |= {
        key: words for key, words in (("must_show", ", ".join(shows)), ("must_not_show", ", ".join(hides))) if words
    }
    look = lines.looks[0].model_validate(shown)
    hands = point.by_hand.model_copy(update={"lines": {"maker-line1": lines.model_copy(update={"looks": (look,)})}})
    points = made.points | {"press-modem": point.model_copy(update={"by_hand": hands})}
    assert f"the lamp {said}" in words(card_of(made.model_copy(update={"points": points})))


def test_a_card_does_not_promise_that_no_later_line_isolates_where_the_device_would_take_one() -> None:
    """A line of a clock recipe isolates until the end that it brings, whatever stands on the device by then."""
    said = " ".join(words(card_of(plan())))
    assert "A drill that still runs may isolate again in its next stage" in said
    assert "cannot isolate again" not in said
    nftables = " ".join(words(card_of(given().plan())))
    assert "cannot isolate again" in nftables


def test_looks_that_several_conduits_share_are_written_once_and_others_for_each() -> None:
    plan = plan_of(KIRKBY, "devices-only")[1]
    point = plan.points["vendor-router"]
    assert point.recipe is not None
    both = {
        "conduits": ("vendor-line1", "other-line1"),
        "between": {**point.between, "other-line1": ("vendors", "line1")},
    }
    two = by_hand(point.model_copy(update=both))
    assert [look.command for look in two.looks] == [
        "show time-range islandmode_vendor-line1",
        "show time-range islandmode_other-line1",
    ]
    same = point.recipe.model_copy(
        update={"card": point.recipe.card.model_copy(update={"looks": (_shared(point.recipe.card.looks[0]),)})}
    )
    (look,) = by_hand(point.model_copy(update={**both, "recipe": same})).looks
    assert (look.command, look.must_show) == ("show time-range", ("islandmode_vendor-line1", "islandmode_other-line1"))


def _shared(look: object) -> object:
    return look.model_copy(update={"ask": "show time-range", "must_show": "{object}"})  # type: ignore[attr-defined]
