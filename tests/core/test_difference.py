"""What differs before and after, line by line: edits, ours, and what was only loaded again."""

from __future__ import annotations

import pytest

from islandmode.core.difference import changed_lines, compare_parts, made_anew

TABLE = "table inet site { # handle {}\n\tcounter seen { # handle 2\n\t}\n}\n"
OURS = "table inet islandmode_x { # handle 9\n}\n"


def site(handle: int) -> str:
    return TABLE.replace("{}", str(handle))


@pytest.mark.parametrize(
    ("before", "after", "ours", "changed", "anew"),
    [
        ("a\n", "a\nb\n", "", ["+ b"], []),
        ("a\n-- b\n", "a\n++ c\n", "", ["- -- b", "+ ++ c"], []),
        (site(1), site(5), "", [], ["table inet site {"]),
        (site(1), site(5) + "accept # handle 6\n", "", ["+ accept"], ["table inet site {"]),
        (site(1), site(1) + OURS, OURS, [], []),
        (site(1), site(5) + OURS + "drop\n", OURS, ["+ drop"], ["table inet site {"]),
        ("x # handle 1\n", "x # handle 2\nx # handle 3\n", "", ["+ x"], ["x"]),
        ("x\ny\n", "y\nx\n", "", ["+ y", "- y"], []),
    ],
)
def test_an_edit_is_told_from_what_is_ours_and_what_was_loaded_again(
    before: str, after: str, ours: str, changed: list[str], anew: list[str]
) -> None:
    diff = compare_parts({"running": before}, {"running": after})["running"]
    assert (changed_lines(diff, ours), made_anew(diff)) == (changed, anew)


def test_equal_parts_are_no_difference_and_one_that_is_missing_is() -> None:
    assert compare_parts({"a": "x\n"}, {"a": "x\n"}) == {}
    assert set(compare_parts({"a": "x\n"}, {"b": "x\n"})) == {"a", "b"}
