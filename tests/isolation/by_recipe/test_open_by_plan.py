"""A plan alone opens the edge to a device that goes by a recipe: no file is read, and nothing is contacted."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.core.plan import Plan
from islandmode.core.recipe.place import planned_at
from islandmode.isolation import open_point
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.operate.plan import plan_of
from islandmode.system.clock import MachineClock

KIRKBY = Path(__file__).resolve().parents[3] / "examples" / "kirkby"


@pytest.mark.parametrize("run", ["a-run", None])
@pytest.mark.parametrize("name", ["edge-firewall", "vendor-router"])
def test_a_plan_that_was_read_back_opens_every_device(name: str, run: str | None) -> None:
    kept = Plan.model_validate_json(plan_of(KIRKBY, "devices-only")[1].model_dump_json(by_alias=True))
    planned = kept.points[name]
    made = open_point(
        name,
        planned,
        secrets=lambda reference: f"secret of {reference}",
        known_hosts=Path("/k"),
        clock=MachineClock.of_this_boot(),
        run=run,
    )
    assert isinstance(made, RecipePoint)
    assert (made.name, made.capabilities) == (name, planned.capabilities)
    assert (made._recipe, made._at) == (planned.recipe, planned_at(name, planned))
    assert "secret of" not in repr(vars(made))
