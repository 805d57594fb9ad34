"""A site that names a recipe is refused, with its place, until something can drive a device by one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.isolation.table import PLATFORMS
from islandmode.operate.check import check_workspace
from islandmode.operate.plan import plan_of
from islandmode.operate.rescue_points import rescue_of
from islandmode.store.recipes import own_recipes
from islandmode.ui.validating import validate_one, validate_workspace
from tests.store.recipe_texts import CLOCK, OWN_TIMER

MINIMAL = Path(__file__).resolve().parents[2] / "docs" / "minimal"
SITE = "inventory/north.yaml"
MINE = "inventory/recipes/mine.yaml"


def workspace_with(root: Path, platform: str, recipe: str = CLOCK) -> Path:
    shutil.copytree(MINIMAL, root, ignore=shutil.ignore_patterns("recipes"), dirs_exist_ok=True)
    site = root / SITE
    site.write_text(site.read_text().replace("platform: nftables", f"platform: {platform}"))
    (root / MINE).parent.mkdir()
    (root / MINE).write_text(recipe)
    return root


def sentence(platform: str) -> str:
    return (
        f"{SITE}:14:15: {platform} is a recipe, and this version reads and checks recipes but cannot drive a device by one, so that firewall could "
        "be neither isolated nor restored; use a platform that it drives: nftables."
    )


@pytest.mark.parametrize("platform", [*SHIPPED, "plain-clock"])
def test_a_site_that_names_a_recipe_is_refused_with_its_place(tmp_path: Path, platform: str) -> None:
    root = workspace_with(tmp_path, platform)
    assert sentence(platform) in [str(error) for error in check_workspace(root).errors]
    with pytest.raises(InputError) as refused:
        plan_of(root, "office")
    assert str(refused.value) == sentence(platform)


def test_a_recipe_that_is_bad_is_still_known_by_its_name(tmp_path: Path) -> None:
    root = workspace_with(tmp_path, "plain-clock", CLOCK.replace("errors: [^error]", "errors: []"))
    assert sentence("plain-clock") in [str(error) for error in check_workspace(root).errors]


def test_a_name_of_neither_is_no_platform(tmp_path: Path) -> None:
    root = workspace_with(tmp_path, "fortios-shedule")
    with pytest.raises(InputError, match=re.escape('There is no platform "fortios-shedule"; known: nftables.')):
        plan_of(root, "office")


def test_a_rescue_cannot_use_a_recipe_either(tmp_path: Path) -> None:
    root = workspace_with(tmp_path, "fortios-schedule")
    with pytest.raises(InputError, match="fortios-schedule is a recipe, and this version"):
        rescue_of(root, "office")


def test_nothing_that_drives_a_device_is_called_as_a_recipe() -> None:
    assert not {*SHIPPED} & PLATFORMS.keys()


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


def test_a_bad_recipe_is_told_with_its_place_and_stops_no_drill(tmp_path: Path) -> None:
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
    found, wrong = own_recipes(MINIMAL)
    assert (sorted(found), wrong) == (["routeros-lists"], ())
