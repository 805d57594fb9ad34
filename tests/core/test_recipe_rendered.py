from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.recipe.reading import Shown, read_state
from islandmode.core.recipe.rendered import rendering
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.recipe.steps import RunValues, planned, step_lines
from islandmode.core.recipe.window import owner_of
from islandmode.core.rendering import Rendering
from islandmode.store.recipes import shipped_recipes
from tests.core.recipe_plant import ACLS, ENDS, NOW, OFFICE, VENDOR, point, recipe, sent
from tests.core.test_recipe_reading import ONE_PAIR, fortios, ios

STAGES = {"vendors first": ("vendor-line",), "then the office": ("office-line",), "nothing here": ()}


def rendered(name: str) -> Rendering:
    loaded = shipped_recipes()[name]
    return rendering(loaded.recipe, loaded.used, point(OFFICE, VENDOR, options=ACLS), STAGES, 300.0)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_rendering_has_every_line_of_a_drill_and_its_recipe(name: str) -> None:
    found, at, run = rendered(name), point(OFFICE, VENDOR, options=ACLS), planned(300.0)
    assert (found.platform, found.conduits, found.capabilities.dead_man_max_s > 0) == (
        name,
        ("office-line", "vendor-line"),
        True,
    )
    assert [stage.stage for stage in found.stages] == ["vendors first", "then the office"]
    for stage in found.stages:
        both = [
            line for step in ("isolate", "flush") for line in step_lines(recipe(name), step, at, run, stage.conduits)
        ]
        assert list(stage.isolate) == sent(tuple(both))
    assert list(found.restore) == sent(step_lines(recipe(name), "restore", at, run))
    assert found.recipe == shipped_recipes()[name].used


@pytest.mark.parametrize("name", SHIPPED)
def test_a_rendering_is_read_back_as_it_was_written(name: str) -> None:
    found = rendered(name)
    assert Rendering.model_validate_json(found.model_dump_json()) == found


def test_ending_open_connections_is_part_of_isolating() -> None:
    stage = rendered("fortios-schedule").stages[0]
    assert stage.isolate[-1] == "diagnose sys session filter clear"
    assert "diagnose sys session clear" in stage.isolate


def moments_in(name: str, lines: list[str]) -> tuple[str, str]:
    """Take the two moments out of what was sent, as the device keeps them."""
    if name == "fortios-schedule":
        starts, ends = (line.split(" ", 2)[2] for line in lines if line.startswith(("set start", "set end")))
    else:
        (line,) = (line for line in lines if line.startswith("absolute"))
        starts, ends = line.removeprefix("absolute start ").split(" end ")
    return starts, ends


def read_after(name: str, step: str, run: str) -> Shown:
    at = point(ONE_PAIR if name == "ios-time-range" else OFFICE, options=ACLS)
    lines = sent(step_lines(recipe(name), step, at, RunValues(run, 300.0, ENDS)))
    starts, ends = moments_in(name, lines)
    answers = (
        fortios(starts, ends)
        if name == "fortios-schedule"
        else ios(starts, ends, "active" if step == "isolate" else "inactive")
    )
    found = read_state(recipe(name), at, "office-line", answers, NOW)
    assert isinstance(found, Shown), found
    return found


@given(run=st.text(min_size=1, max_size=40))
@pytest.mark.parametrize("name", ["fortios-schedule", "ios-time-range"])
def test_what_a_step_writes_is_read_back_as_it_was_meant(name: str, run: str) -> None:
    armed, isolating, restored = (read_after(name, step, run) for step in ("arm", "isolate", "restore"))
    assert armed.window is not None
    assert isolating.window is not None
    assert (armed.window.says, armed.window.owner, armed.window.ends, armed.isolating) == (
        "armed",
        owner_of(run),
        ENDS,
        False,
    )
    assert (isolating.window.says, isolating.window.owner, isolating.window.ends) == ("isolating", owner_of(run), ENDS)
    assert (isolating.isolating, restored.at_rest) == (True, True)
    assert read_after(name, "renew", run).window == isolating.window


def test_a_device_with_one_conduit_gets_lines_of_that_one() -> None:
    loaded = shipped_recipes()["fortios-schedule"]
    at = replace(point(OFFICE), conduits=(OFFICE,))
    found = rendering(loaded.recipe, loaded.used, at, {"all": ("office-line",)}, 300.0)
    assert found.conduits == ("office-line",)
    assert not [line for line in (*found.arm, *found.restore) if "vendor" in line]
