"""What differs before and after, line by line: edits, Islandmode's lines, and what was only loaded again."""

from __future__ import annotations

import pytest

from islandmode.core.difference import changed_lines, compare_parts, made_anew
from islandmode.isolation.nftables.reading import COMPARABLE

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
    diff = compare_parts({"running": before}, {"running": after}, COMPARABLE)["running"]
    assert (changed_lines(diff, ours, COMPARABLE), made_anew(diff, COMPARABLE)) == (changed, anew)


def test_where_a_platform_says_nothing_of_numbers_every_word_counts() -> None:
    diff = compare_parts({"running": "x # handle 1\n"}, {"running": "x # handle 2\n"})["running"]
    assert (changed_lines(diff), made_anew(diff)) == (["- x # handle 1", "+ x # handle 2"], [])
    assert compare_parts({"routes": ""}, {"routes": "10.1.0.0/24 proto kernel"}).keys() == {"routes"}


def test_texts_made_of_the_same_lines_over_and_over_are_compared_all_the_same() -> None:
    """To align these would take hours; what went and what came is known at once."""
    lines = [f"line {number % 500}" for number in range(40_000)]
    before, after = "\n".join(lines), "\n".join([*reversed(lines), "new"])
    diff = compare_parts({"saved": before}, {"saved": after})["saved"]
    assert changed_lines(diff) == ["+ new"]
    assert compare_parts({"saved": before}, {"saved": before}) == {}
    moved = compare_parts({"saved": before}, {"saved": "\n".join(reversed(lines))})
    assert changed_lines(moved["saved"]) == []
    assert "too many equal lines" in moved["saved"]


def test_equal_parts_are_no_difference_and_one_that_is_missing_is() -> None:
    assert compare_parts({"a": "x\n"}, {"a": "x\n"}) == {}
    assert set(compare_parts({"a": "x\n"}, {"b": "x\n"})) == {"a", "b"}


BEFORE = """\
10.10.0.0/24 dev eth1 proto kernel scope link src 10.10.0.1
default via 10.10.0.254 dev eth1
fe80::/64 dev eth1 proto kernel metric 256 pref medium"""
AFTER = """\
anycast fd10:10:: dev eth1 table local proto kernel metric 0 pref medium
default via 10.10.0.254 dev eth1
local fd10:10::1 dev eth1 table local proto kernel metric 0 pref medium"""


@pytest.mark.parametrize("part", ["routes", "routes-v6"])
def test_what_the_kernel_does_by_itself_is_no_edit(part: str) -> None:
    assert compare_parts({part: BEFORE}, {part: AFTER}, COMPARABLE) == {}
    more = AFTER + "\n10.99.0.0/16 via 10.10.0.9 dev eth1 proto static"
    edited = compare_parts({part: BEFORE}, {part: more}, COMPARABLE)
    assert changed_lines(edited[part]) == ["+ 10.99.0.0/16 via 10.10.0.9 dev eth1 proto static"]


@pytest.mark.parametrize("flag", ["tentative", "dadfailed tentative", "optimistic"])
def test_how_far_the_kernel_has_looked_for_a_twin_of_an_address_is_no_edit(flag: str) -> None:
    line = "eth1 UP 10.10.0.1/24 fd10:10::1/64"
    assert compare_parts({"addresses": f"{line} {flag}"}, {"addresses": line}, COMPARABLE) == {}
    moved = compare_parts({"addresses": f"{line} {flag}"}, {"addresses": line.replace("::1", "::2")}, COMPARABLE)
    assert changed_lines(moved["addresses"]) == [f"- {line}", f"+ {line.replace('::1', '::2')}"]


@pytest.mark.parametrize("part", ["running", "saved"])
def test_in_rules_every_word_is_somebodys(part: str) -> None:
    assert set(compare_parts({part: 'comment "proto kernel"'}, {part: ""}, COMPARABLE)) == {part}
