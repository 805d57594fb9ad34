"""Sites that name recipes: planned by what the files say, restored by what the plan carries, and refused with a place where a recipe is wrong."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.core.plan import Plan
from islandmode.core.recipe.place import at_point, planned_at
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.isolation.table import IN_CODE, by_hand, comparable, mend_saved, platform_of_plan
from islandmode.operate.by_hand import lines_by_hand
from islandmode.operate.check import check_workspace, refuse_unlike_lab
from islandmode.operate.plan import plan_of
from islandmode.operate.rescue_points import rescue_of
from islandmode.rehearse.topology import read_topology
from islandmode.store import catalog
from islandmode.store.recipes import own_recipes, shipped_recipes
from islandmode.ui.validating import validate_one, validate_workspace
from tests.store.recipe_texts import CLOCK, OWN_TIMER

PROJECT = Path(__file__).resolve().parents[2]
MINIMAL, KIRKBY = PROJECT / "docs" / "minimal", PROJECT / "examples" / "kirkby"
SITE = "inventory/north.yaml"
MINE = "inventory/recipes/mine.yaml"
NEEDS = {
    "nftables": "",
    "fortios-schedule": "{time_zone: Europe/Berlin}",
    "ios-time-range": "{time_zone: Europe/Berlin, acl_in: IN, acl_out: OUT}",
    "ios-revert": "{acl_in: IN, acl_out: OUT}",
    "plain-clock": "{time_zone: Europe/Berlin}",
}


def workspace_with(root: Path, platform: str, recipe: str = CLOCK, **more: str) -> Path:
    """Copy the smallest workspace, with another platform, a recipe of its own, and limits that such a device can keep."""
    shutil.copytree(MINIMAL, root, ignore=shutil.ignore_patterns("recipes"), dirs_exist_ok=True)
    options = more.get("options", NEEDS.get(platform, ""))
    keys = "\n".join((f"platform: {platform}", *(f"    {key}" for key in [f"options: {options}"] * bool(options))))
    if platform == "ios-revert":
        keys += "\n    accept_lost_edits: {accepted_by: A. Novak}"
    site, drill = root / SITE, root / "drills" / "office.yaml"
    site.write_text(site.read_text().replace("platform: nftables", keys))
    limits = (
        ("isolate_within: 5 s, restore_within: 10 s", "isolate_within: 60 s, restore_within: 60 s"),
        ("undo_tier: A", "undo_tier: B"),
    )
    text = drill.read_text().replace("hold: 10 s", "hold: 2 min")
    for old, new in limits:
        text = text.replace(old, new)
    drill.write_text(text)
    (root / MINE).parent.mkdir()
    (root / MINE).write_text(recipe)
    return root


@pytest.mark.parametrize("platform", [*SHIPPED, "plain-clock"])
def test_a_site_that_names_a_recipe_is_planned_by_it(tmp_path: Path, platform: str) -> None:
    root = workspace_with(tmp_path, platform)
    assert [str(error) for error in check_workspace(root).errors] == []
    point = plan_of(root, "office")[1].points["firewall"]
    loaded = shipped_recipes().get(platform) or own_recipes(root).good[platform]
    assert (point.recipe, point.rendering.recipe) == (loaded.recipe, loaded.used)
    assert (point.platform, point.capabilities.undo_tier) == (platform, "B")
    assert {zone: [str(network) for network in networks] for zone, networks in point.networks.items()} == {
        "office": ["10.1.0.0/24"],
        "line1": ["10.2.0.0/24", "10.9.0.0/24"],
    }


@pytest.mark.parametrize("platform", [*SHIPPED, "plain-clock"])
def test_a_plan_is_read_back_as_it_was_and_restored_without_any_file(tmp_path: Path, platform: str) -> None:
    root = workspace_with(tmp_path, platform)
    plan = plan_of(root, "office")[1]
    site = catalog.load(root, "office").site
    text = plan.model_dump_json(by_alias=True)
    shutil.rmtree(root / "inventory")
    kept = Plan.model_validate_json(text)
    assert kept == plan
    point = kept.points["firewall"]
    assert point.recipe == plan.points["firewall"].recipe
    of_site = at_point(
        "firewall",
        site.isolation_points["firewall"],
        {"office-line1": ("office", "line1")},
        {name: zone.networks for name, zone in site.zones.items()},
    )
    assert planned_at("firewall", point) == of_site
    found = platform_of_plan(point)
    assert found is not None
    assert found.name == platform
    assert by_hand(point).commands == point.rendering.restore
    assert lines_by_hand(kept)[0].startswith("on firewall (10.9.0.1). ")


def test_an_nftables_plan_carries_neither_recipe_nor_networks() -> None:
    written = plan_of(MINIMAL, "office")[1].model_dump(mode="json", by_alias=True)["points"]["firewall"]
    assert {"recipe", "networks", "by_hand"} & written.keys() == set()


def test_every_edit_of_a_recipe_changes_the_plan_s_digest(tmp_path: Path) -> None:
    digests = set()
    for number, text in enumerate((CLOCK, CLOCK.replace("A clock", "Another clock"), CLOCK + "# a comment\n")):
        root = workspace_with(tmp_path / str(number), "plain-clock", text)
        digests.add(plan_of(root, "office")[1].plan_digest)
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("spoil", "value"), [("recipe", None), ("version", 7), ("name", "other")], ids=["none", "version", "name"]
)
def test_a_plan_whose_recipe_did_not_write_its_lines_is_refused(tmp_path: Path, spoil: str, value: object) -> None:
    written = plan_of(workspace_with(tmp_path, "plain-clock"), "office")[1].model_dump(mode="json", by_alias=True)
    point = written["points"]["firewall"]
    holder = point if spoil == "recipe" else point["rendering"]["recipe"]
    holder[spoil] = value
    with pytest.raises(ValueError, match="the recipe that wrote the lines"):
        Plan.model_validate(written)


def test_what_a_recipe_leaves_out_stands_in_no_plan(tmp_path: Path) -> None:
    """A field that a later version adds must change no digest of a plan that is there."""
    written = plan_of(workspace_with(tmp_path, "plain-clock"), "office")[1].model_dump(mode="json", by_alias=True)
    carried = written["points"]["firewall"]["recipe"]
    assert "denies_with" not in carried
    assert "denies_with" not in CLOCK
    assert carried["recipe"] == "plain-clock"


def test_a_recipe_that_is_wrong_is_told_with_the_site_that_names_it(tmp_path: Path) -> None:
    root = workspace_with(tmp_path, "plain-clock", CLOCK.replace("errors: [^error]", "errors: []"))
    named = f"{SITE}:14:15: firewall goes by the recipe plain-clock, and {MINE} is wrong; mend that file first."
    said = [str(error) for error in check_workspace(root).errors]
    assert named in said
    assert any(one.startswith(f"{MINE}:") for one in said)
    with pytest.raises(InputError) as refused:
        plan_of(root, "office")
    assert named in str(refused.value)
    assert f"{MINE}:" in str(refused.value)


def test_a_name_of_neither_is_no_platform_and_all_that_there_are_are_told(tmp_path: Path) -> None:
    root = workspace_with(tmp_path, "fortios-shedule")
    known = ", ".join(sorted((*IN_CODE, *SHIPPED, "plain-clock")))
    sentence = f'There is no platform "fortios-shedule"; known: {known}. Did you mean "fortios-schedule"?'
    with pytest.raises(InputError, match=re.escape(sentence)):
        plan_of(root, "office")


@pytest.mark.parametrize(
    ("platform", "options", "known"),
    [
        ("fortios-schedule", "{time_zone: UTC, vdom: root}", "time_zone"),
        ("ios-revert", "{acl_in: IN, acl_out: OUT, vdom: root}", "acl6_in, acl6_out, acl_in, acl_out"),
    ],
)
def test_an_option_that_a_recipe_does_not_have(tmp_path: Path, platform: str, options: str, known: str) -> None:
    root = workspace_with(tmp_path, platform, options=options)
    with pytest.raises(InputError) as refused:
        plan_of(root, "office")
    assert str(refused.value).endswith(f'There is no option of {platform} named "vdom"; known: {known}.')
    assert str(refused.value).startswith(f"{SITE}:15:")


def test_a_time_zone_that_does_not_exist_is_told_with_its_place(tmp_path: Path) -> None:
    root = workspace_with(tmp_path, "fortios-schedule", options="{time_zone: Europe/Berln}")
    with pytest.raises(InputError) as refused:
        plan_of(root, "office")
    assert str(refused.value).startswith(
        f'{SITE}:15:26: There is no time zone "Europe/Berln" on this machine; write its name'
    )


def test_a_device_that_the_lab_does_not_have_is_refused_before_a_lab_comes_up() -> None:
    loaded, plan = plan_of(KIRKBY, "devices-only")
    topology = read_topology(MINIMAL / "lab" / "north.clab.yml")
    with pytest.raises(InputError) as refused:
        refuse_unlike_lab(loaded, plan, topology)
    for name in ("edge-firewall", "vendor-router"):
        assert f"No node of the lab (north.clab.yml) is isolation point {name}; give the node" in str(refused.value)


def test_a_rescue_goes_by_the_recipe_too(tmp_path: Path) -> None:
    root = workspace_with(tmp_path, "ios-time-range")
    plan = plan_of(root, "office")[1]
    rescue, lost, _ = rescue_of(root, "office")
    assert lost == ()
    point = rescue.points["firewall"]
    assert (point.rendering.restore, point.recipe) == (
        plan.points["firewall"].rendering.restore,
        plan.points["firewall"].recipe,
    )
    assert planned_at("firewall", point) == planned_at("firewall", plan.points["firewall"])


def test_a_rescue_says_of_a_recipe_that_is_wrong_what_is_wrong_with_it(tmp_path: Path) -> None:
    root = workspace_with(tmp_path, "plain-clock", CLOCK.replace("errors: [^error]", "errors: []"))
    with pytest.raises(InputError, match=re.escape(f"{MINE}:")):
        rescue_of(root, "office")


def test_a_rescue_of_nftables_needs_no_zones_and_one_by_a_recipe_says_which_are_missing(tmp_path: Path) -> None:
    for platform in ("nftables", "fortios-schedule"):
        root = workspace_with(tmp_path / platform, platform)
        site = root / SITE
        site.write_text(site.read_text().replace("networks: 10.1.0.0/24", "networks: anywhere"))
        if platform == "nftables":
            assert set(rescue_of(root, "office")[0].points) == {"firewall"}
        else:
            with pytest.raises(InputError, match="must be a network"):
                rescue_of(root, "office")


def test_what_a_recipe_s_device_changes_by_itself_is_left_out_of_a_comparison(tmp_path: Path) -> None:
    point = plan_of(workspace_with(tmp_path, "ios-time-range"), "office")[1].points["firewall"]
    kept = comparable(point).kept
    assert kept("running", "ntp clock-period 17180000") is None
    assert kept("running", "hostname edge") == "hostname edge"
    assert mend_saved(point) == "copy running-config startup-config"
    assert point.mended_as == ""


def test_a_workspace_s_recipes_are_checked_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = workspace_with(tmp_path, "nftables")
    assert validate_workspace(root) == 0
    assert f"{MINE}: good. 8 facts, 0 unchecked facts." in capsys.readouterr().out


def test_one_recipe_is_checked_by_its_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = workspace_with(
        tmp_path,
        "nftables",
        OWN_TIMER.replace("source: book, confidence: documented}\nrenew", "confidence: unchecked}\nrenew"),
    )
    assert validate_one(root, MINE) == 0
    assert capsys.readouterr().out == f"{MINE}: good. 6 facts, 1 unchecked fact.\n"


def test_a_bad_recipe_that_nothing_names_stops_no_drill(tmp_path: Path) -> None:
    root = workspace_with(tmp_path, "nftables", OWN_TIMER.replace("link {object}", "write memory"))
    said = f"{MINE}:26:16: isolate saves here"
    with pytest.raises(InputError, match=said):
        validate_workspace(root)
    with pytest.raises(InputError, match=said):
        validate_one(root, MINE)
    assert plan_of(root, "office")[1].points["firewall"].platform == "nftables"


def test_a_recipe_of_another_workspace_is_checked_there(tmp_path: Path) -> None:
    here, there = workspace_with(tmp_path / "here", "nftables"), workspace_with(tmp_path / "there", "nftables")
    with pytest.raises(InputError, match="belongs to another workspace") as refused:
        validate_one(here, str(there / MINE))
    assert f"`islandmode validate {MINE} --workspace {there}` checks it there." in str(refused.value)


def test_the_example_of_the_reference_is_good() -> None:
    found = own_recipes(MINIMAL)
    assert (sorted(found.good), found.errors) == (["frr-shutdown", "routeros-lists"], ())
