from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.recipe.known import MOMENTS, NUMBER, OWN_WORDS, RUN_TIME, known_in, placeholder_trouble
from islandmode.core.recipe.model import STEPS, Each
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.core.recipe.words import Placeholder
from tests.core.recipe_plant import recipe

EACH = get_args(Each)
FORM = "%H:%M %Y/%m/%d"


@pytest.mark.parametrize("name", sorted(RUN_TIME | {NUMBER}))
@pytest.mark.parametrize("each", EACH)
@pytest.mark.parametrize("shipped", SHIPPED)
def test_restore_knows_nothing_that_only_a_run_knows_and_no_number(shipped: str, each: Each, name: str) -> None:
    found = Placeholder(name, FORM if name in MOMENTS else None)
    assert placeholder_trouble(recipe(shipped), "restore", each, found)


@given(name=st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True), form=st.none() | st.text(max_size=12))
@pytest.mark.parametrize("step", [*STEPS, "reads", "needs", "card"])
def test_a_word_that_is_not_known_never_passes(step: str, name: str, form: str | None) -> None:
    shipped = recipe("ios-time-range")
    each: Each
    for each in EACH:
        passes = not placeholder_trouble(shipped, step, each, Placeholder(name, form))
        assert not passes or name in known_in(shipped, step, each)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_word_that_is_known_has_a_meaning(name: str) -> None:
    shipped = recipe(name)
    own = OWN_WORDS | shipped.names.keys() | shipped.options.keys()
    for step in STEPS:
        for each in EACH:
            assert known_in(shipped, step, each) <= own
