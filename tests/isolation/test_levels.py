"""The level that a site asks for, against the levels that a platform has."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode import isolation
from islandmode.core.recipe.loaded import Recipes
from islandmode.core.site import Site
from islandmode.store.recipes import read_recipe, shipped_recipes
from tests.core.given import Documents, given, put
from tests.core.spoilt import FIREWALL

FRR = Path(__file__).parents[2] / "docs/minimal/inventory/recipes/frr-shutdown.yaml"
POINT = FIREWALL[-1]


@pytest.fixture
def recipes() -> Recipes:
    return Recipes({**shipped_recipes(), "frr-shutdown": read_recipe(FRR, FRR.name)}, {})


def site(platform: str, level: str | None) -> Site:
    def spoil(at: Documents) -> None:
        put(at.site, *FIREWALL, "platform", platform)
        if level is not None:
            put(at.site, *FIREWALL, "level", level)

    return given(spoil).site


def said(site: Site, recipes: Recipes) -> list[str]:
    return [one.sentence for one in isolation.problems(site, recipes) if one.path[-1] == "level"]


def test_a_recipe_that_shuts_an_interface_down_must_be_asked_for_that(recipes: Recipes) -> None:
    meant = (
        "frr-shutdown takes interfaces of conduit-firewall down, which is level hard, and the site asks for deny there, as it does where nothing is said. "
        "Write level: hard if that is meant, or use another platform."
    )
    assert said(site("frr-shutdown", None), recipes) == said(site("frr-shutdown", "deny"), recipes) == [meant]
    assert said(site("frr-shutdown", "hard"), recipes) == []


def test_a_platform_without_a_hard_level_refuses_it(recipes: Recipes) -> None:
    (sentence,) = said(site("ios-time-range", "hard"), recipes)
    assert sentence == (
        "conduit-firewall asks for level hard, and ios-time-range has only deny, which leaves every interface up; take level out, or use another platform."
    )
    assert said(site("ios-time-range", None), recipes) == []
