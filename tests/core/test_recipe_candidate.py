"""Whose a difference is: each line of it is the run's own, or the candidate is not committed."""

from __future__ import annotations

import pytest

from islandmode.core.recipe.candidate import ADDED, TAKEN_AWAY, foreign_line
from islandmode.core.recipe.model import Recipe
from islandmode.store.recipes import read_recipe
from tests.core.recipe_plant import OFFICE, VENDOR, point
from tests.isolation.by_candidate.world import HERE

AT = point(OFFICE, VENDOR)
OWN = """\
--- running
+++ candidate
@@ -12,3 +12,9 @@
 \t\tcounter packets 0 bytes 0
 \t}
 }
+table inet islandmode_office-line {
+\tchain forward {
+\t\ttype filter hook forward priority filter - 10; policy accept;
+\t\tiifname "port1" oifname "port5" drop
+\t\tiifname "port5" oifname "port1" drop
+\t}
+
+}
"""


@pytest.fixture(scope="module")
def known() -> Recipe:
    return read_recipe(HERE / "nftables-confirm.yaml", "nftables-confirm.yaml").recipe


def test_what_a_step_made_is_the_run_s_own(known: Recipe) -> None:
    assert foreign_line(known, AT, OWN, ADDED) is None
    assert foreign_line(known, AT, OWN.replace("\n+", "\n-").replace("\n-++", "\n+++"), TAKEN_AWAY) is None
    assert foreign_line(known, AT, "", ADDED) is None


@pytest.mark.parametrize(
    ("foreign", "mark"),
    [
        ('+		iifname "port9" oifname "port5" drop', ADDED),
        ("+table inet islandmode_other {", ADDED),
        ("+table inet site {", ADDED),
        ('-		iifname "port1" oifname "port5" drop', ADDED),
        ('+		iifname "port1" oifname "port5" drop', TAKEN_AWAY),
        ("! policy islandmode_office-line {", ADDED),
        ('+		iifname "port1" oifname "port5" drop comment "x"', ADDED),
    ],
    ids=["an interface", "another conduit", "a table", "taken away", "added", "moved", "with more behind"],
)
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_any_other_line_is_named(known: Recipe, foreign: str, mark: str, first: bool) -> None:  # noqa: FBT001 - parametrized
    own = OWN if mark == ADDED else OWN.replace("\n+", "\n-").replace("\n-++", "\n+++")
    whole = f"{foreign}\n{own}" if first else f"{own}{foreign}\n"
    assert foreign_line(known, AT, whole, mark) == foreign.strip()


def test_a_difference_whose_first_space_was_stripped_is_read(known: Recipe) -> None:
    stripped = "counter packets 0 bytes 0\n" + OWN.partition("@@\n")[2]
    assert foreign_line(known, AT, stripped.strip(), ADDED) is None
    assert foreign_line(known, AT, "+table inet site {\n" + stripped, ADDED) == "+table inet site {"
