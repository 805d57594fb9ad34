from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.recipe.patterns import groups_in, pattern_trouble, repeats_within_repeat
from islandmode.core.recipe.words import Placeholder, filled, filled_pattern


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a*)*b", "((a|b)+c)*", "(a{2,})+", "([ab]+x)*", "(?:\\d+,?)+", "(a+){3,}"]
)
def test_a_repeat_within_a_repeat_is_seen(pattern: str) -> None:
    assert repeats_within_repeat(pattern)


@pytest.mark.parametrize("pattern", ["^(?:a{1,9})+$", "(?:ab|a|b)+", "x(ab?)*", "(?P<x>a|aa)+", "((?:a{2,})){1,}"])
def test_a_part_that_matches_in_several_ways_is_not_repeated_without_end(pattern: str) -> None:
    """The first took half a second for 24 letters, and twice that for each further letter."""
    assert "may take for ever" in pattern_trouble(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a+)b+", "(ab)+", "[(a+)+]x", r"\(a+\)+", "(a+)?", "(a+){2}", "a{2,}b{3,}", "(?!x)a+"]
)
def test_a_repeat_beside_a_repeat_is_taken(pattern: str) -> None:
    assert not repeats_within_repeat(pattern)


@pytest.mark.parametrize("pattern", [".*", "^", "$", "x?", "a|", r"\s*"])
def test_what_is_found_everywhere_tells_nothing(pattern: str) -> None:
    assert "says nothing" in pattern_trouble(pattern)


@pytest.mark.parametrize("pattern", ["(", "[a", "a**", "(?P<x>a)(?P<x>b)"])
def test_what_is_no_pattern(pattern: str) -> None:
    assert "no regular expression" in pattern_trouble(pattern)


@given(text=st.text(max_size=40))
def test_no_pattern_breaks_the_check(text: str) -> None:
    assert isinstance(pattern_trouble(text), str)


@given(
    value=st.text(alphabet=st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=20)
)
def test_a_value_in_a_pattern_is_looked_for_as_it_stands(value: str) -> None:
    made = filled_pattern("^<{object}>$", lambda _: value)
    assert made.search(f"<{value}>")
    assert not made.search(f"<{value}x>")


def test_words_of_a_value_may_be_further_apart_in_an_answer() -> None:
    made = filled_pattern("deny {outer_network4(wildcard)} log", lambda _: "10.0.0.0 0.0.0.255")
    assert made.search("deny 10.0.0.0   0.0.0.255 log")
    assert not made.search("deny 10x0.0.0 0.0.0.255 log")
    assert not made.search("deny 10.0.0.0 0.0.0.2555 log")


def test_braces_that_are_meant_are_sent() -> None:
    assert filled("a {{ b }} {object}", lambda found: found.name.upper()) == "a { b } OBJECT"
    assert filled("{end(%H:%M)}", lambda found: f"{found.name}|{found.form}") == "end|%H:%M"
    assert Placeholder("object", None) != Placeholder("object", "")


def test_groups_are_counted() -> None:
    assert groups_in(r"(a)(?:b)(\d{4}) {object}") == 2
