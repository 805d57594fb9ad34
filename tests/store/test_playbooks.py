"""Playbooks that a recipe names: read when the recipe is, carried by the plan, and refused with their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from islandmode.store.recipes import PLAYBOOK_MAX_BYTES, OwnRecipes, own_recipes
from tests.store.rows_plays import BAD_PLAYBOOKS, GOOD_PLAYBOOK, PLAYS

FILE = "inventory/recipes/mine.yaml"
PLAYBOOKS = ("playbooks/arm.yml", "playbooks/isolate.yml", "playbooks/look.yml")


def read(workspace: Path, **other: str | bytes | None) -> OwnRecipes:
    """Read the recipe of a workspace in which some playbooks are others, or not there."""
    (workspace / "playbooks").mkdir()
    (workspace / FILE).parent.mkdir(parents=True)
    (workspace / FILE).write_text(PLAYS)
    for name in PLAYBOOKS:
        text = other.get(Path(name).stem, GOOD_PLAYBOOK)
        if text is not None:
            (workspace / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return own_recipes(workspace)


def test_the_recipe_carries_its_playbooks_whole(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found.errors == ()
    plays = found.good["plain-plays"].recipe.plays
    assert plays is not None
    assert plays.texts == dict.fromkeys(PLAYBOOKS, GOOD_PLAYBOOK)


@pytest.mark.parametrize(
    ("name", "place"), [("arm", f"{FILE}:29:16"), ("isolate", f"{FILE}:32:16"), ("look", f"{FILE}:26:10")]
)
def test_a_playbook_that_is_missing_is_refused_where_it_is_named(tmp_path: Path, name: str, place: str) -> None:
    found = read(tmp_path, **{name: None})
    assert [str(error) for error in found.errors] == [
        f"{place}: The playbook playbooks/{name}.yml cannot be read (No such file or directory); add it, or correct its name."
    ]
    assert found.beside({}).wrong == {"plain-plays": FILE}


@pytest.mark.parametrize("name", BAD_PLAYBOOKS)
def test_a_playbook_that_a_plan_cannot_carry_is_refused_in_its_own_file(tmp_path: Path, name: str) -> None:
    good, bad, said = BAD_PLAYBOOKS[name]
    assert good in GOOD_PLAYBOOK
    found = read(tmp_path, arm=GOOD_PLAYBOOK.replace(good, bad))
    assert [str(error) for error in found.errors] == [f"playbooks/arm.yml:{said}"]


def test_a_playbook_that_is_no_text_or_too_long_is_refused(tmp_path: Path) -> None:
    found = read(tmp_path, arm=b"\xff\xfe", look=GOOD_PLAYBOOK + "#" * PLAYBOOK_MAX_BYTES)
    assert [str(error) for error in found.errors] == [
        f"{FILE}:26:10: The playbook playbooks/look.yml is too long for a plan to carry; at most {PLAYBOOK_MAX_BYTES} bytes.",
        f"{FILE}:29:16: The playbook playbooks/arm.yml is not UTF-8 text; save it as such.",
    ]
