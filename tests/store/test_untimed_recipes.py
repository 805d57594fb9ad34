"""Recipes of devices on which nothing ends an isolation: what of them only a timer would give a meaning to is refused, and a timer left out elsewhere is too."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.core.recipe.derive import capabilities, latest_s, live_refusals
from islandmode.core.recipe.model import Recipe
from islandmode.store.recipes import read_recipe
from tests.store.recipe_texts import OWN_TIMER
from tests.store.test_recipes import said_of

FILE = "frr-shutdown.yaml"
PAGE = Path(__file__).parents[2] / "docs/minimal/inventory/recipes" / FILE
TEXT = PAGE.read_text(encoding="utf-8")
TIMER = "timer: {shown: remaining, least: 5 s, most: 2 h, grain: 1 s, renewable: true}\n"
LINE = "{send: shutdown, source: lab, confidence: seen}"
BAD = {
    "a timer": (
        "lock: checked\n",
        f"lock: checked\n{TIMER}",
        "Cycle none has no timer; take it out, or say how it works.",
    ),
    "a stronger tier": (
        "undo_tier: D",
        "undo_tier: B",
        "Nothing on the device ends what this isolates, which is undo tier D, and not B.",
    ),
    "lines that arm": (
        "isolate:\n",
        f"arm:\n  - lines:\n      - {LINE}\nisolate:\n",
        "cycle none has no timer, so that nothing is sent under arm",
    ),
    "a length": (
        "send: shutdown,",
        'send: "shutdown {for_s}",',
        "{for_s} sets a timer, and cycle none has none; say another cycle.",
    ),
    "no bound": (
        "late: {at_most: 30 s, confidence: unchecked}\n",
        "",
        "Nothing in these lines ends what a late one does",
    ),
    "a lock": (
        "lock: checked",
        "lock: atomic",
        "The lock of a recipe with this cycle (none) is checked, and not atomic.",
    ),
}


def untimed() -> Recipe:
    return read_recipe(PAGE, FILE).recipe


@pytest.mark.parametrize("name", BAD)
def test_what_only_a_timer_gives_a_meaning_to_is_refused(tmp_path: Path, name: str) -> None:
    good, bad, said = BAD[name]
    assert TEXT.count(good) == 1
    assert said in said_of(tmp_path, TEXT.replace(good, bad))


def test_a_timer_is_left_out_of_no_other_cycle(tmp_path: Path) -> None:
    assert "A recipe with this cycle (own-timer) ends by a timer; say which." in said_of(
        tmp_path, OWN_TIMER.replace(TIMER, "")
    )


def test_what_it_can_do_says_that_nothing_ends_it_and_keeps_it_from_a_plant() -> None:
    recipe = untimed()
    able = capabilities(recipe)
    assert (able.timer, able.undo_tier, able.arms, able.renewable) == ("none", "D", "with_isolate", False)
    assert (able.dead_man_max_s, latest_s(recipe, 300.0)) == (0.0, 30.0)
    assert (
        next(iter(live_refusals(recipe))) == "has nothing on the device that would restore it by itself (undo tier D)"
    )
