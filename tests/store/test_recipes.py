from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from islandmode.core.errors import InputError
from islandmode.core.recipe.shipped import SHIPPED
from islandmode.store.recipes import SHIPPED_FOLDER, own_recipes, read_recipe, shipped_recipes
from tests.store.recipe_texts import CLOCK, OWN_TIMER, PENDING
from tests.store.rows_candidates import CANDIDATE, CANDIDATES
from tests.store.rows_plays import BAD_PLAYS, PLAYS, RENEWED
from tests.store.rows_recipes import FILE
from tests.store.rows_recipes import ROWS as OTHER_ROWS
from tests.store.rows_stand_in import BENCHED, STAND_IN

ROWS = OTHER_ROWS | {f"stand-in: {name}": row for name, row in STAND_IN.items()}

BAD = ROWS | {f"candidate: {name}": row for name, row in CANDIDATES.items()}
BAD |= {f"plays: {name}": row for name, row in BAD_PLAYS.items()}


def write(workspace: Path, name: str, text: str) -> Path:
    path = workspace / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def said_of(workspace: Path, text: str) -> str:
    with pytest.raises(InputError) as error:
        read_recipe(write(workspace, FILE, text), FILE)
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [CLOCK, OWN_TIMER, PENDING, BENCHED, CANDIDATE, PLAYS, RENEWED],
    ids=["clock", "own timer", "pending", "with a stand-in", "candidate", "plays", "renewed by a play"],
)
def test_the_recipes_that_are_spoilt_below_are_good(tmp_path: Path, text: str) -> None:
    assert read_recipe(write(tmp_path, FILE, text), FILE).recipe.version == 1


@pytest.mark.parametrize("name", BAD)
def test_a_bad_recipe_is_refused_when_it_is_loaded(tmp_path: Path, name: str) -> None:
    text, good, bad, said = BAD[name]
    assert text.count(good) >= 1, "the row replaces nothing"
    answer = said_of(tmp_path, text.replace(good, bad, 1))
    assert [line for line in answer.splitlines() if line.startswith(f"{FILE}:{said}")], answer


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = OWN_TIMER.replace("link {object}", "write memory").replace("remove {object}", "no 5")
    said = said_of(tmp_path, text).splitlines()
    assert [line.split(": ")[0] for line in said] == [f"{FILE}:26:16", f"{FILE}:32:16"]


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_good_and_has_the_name_of_its_file(name: str) -> None:
    loaded = shipped_recipes()[name]
    assert loaded.recipe.recipe == name
    assert loaded.used.sha256 == hashlib.sha256((SHIPPED_FOLDER / f"{name}.yaml").read_bytes()).hexdigest()


def test_the_list_of_what_ships_is_whole() -> None:
    files = [entry.name for entry in SHIPPED_FOLDER.iterdir() if not entry.name.startswith("__")]
    assert sorted(files) == sorted(f"{name}.yaml" for name in SHIPPED)


def test_a_workspace_has_recipes_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "inventory/recipes/mine.yaml", CLOCK)
    write(tmp_path, "inventory/recipes/other.yml", PENDING)
    write(tmp_path, "inventory/recipes/.#mine.yaml", "an editor's lock")
    found = own_recipes(tmp_path)
    assert (sorted(found.good), found.errors) == (["plain-clock", "plain-pending"], ())


@pytest.mark.parametrize("taken", [*SHIPPED, "nftables", "manual"])
def test_a_name_that_is_taken_cannot_be_shadowed(tmp_path: Path, taken: str) -> None:
    write(tmp_path, "inventory/recipes/mine.yaml", CLOCK.replace("plain-clock", taken))
    found = own_recipes(tmp_path)
    assert found.good == {}
    assert str(found.errors[0]).startswith(f'inventory/recipes/mine.yaml:1:9: The name "{taken}" is that of a ')


def test_two_recipes_of_a_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "inventory/recipes/a.yaml", CLOCK)
    write(tmp_path, "inventory/recipes/b.yaml", CLOCK)
    found = own_recipes(tmp_path)
    assert list(found.good) == ["plain-clock"]
    assert 'b.yaml:1:9: The name "plain-clock" is already used in inventory/recipes/a.yaml' in str(found.errors[0])
    # A site that names it could mean either.
    assert found.beside({}).wrong == {"plain-clock": "inventory/recipes/b.yaml"}
    assert found.beside({}).good == {}


def test_a_recipe_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    write(tmp_path, "inventory/recipes/a.yaml", "recipe: [")
    write(tmp_path, "inventory/recipes/b.yaml", CLOCK)
    found = own_recipes(tmp_path)
    assert (list(found.good), len(found.errors)) == (["plain-clock"], 1)


def test_an_edit_of_a_recipe_changes_its_digest(tmp_path: Path) -> None:
    before = read_recipe(write(tmp_path, FILE, CLOCK), FILE).used
    after = read_recipe(write(tmp_path, FILE, CLOCK.replace("A clock", "Another clock")), FILE).used
    assert (before.name, before.version) == (after.name, after.version)
    assert before.sha256 != after.sha256
