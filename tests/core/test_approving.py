"""Roles are filled by persons: each role by a person of its own, and as many as can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from islandmode.core.approving import filled

ROLES = ("plant-operations", "ot-security", "plant-management")
offers = st.dictionaries(st.sampled_from("abcd"), st.lists(st.sampled_from(ROLES), max_size=3, unique=True), max_size=4)


def most(needed: Sequence[str], offered: Mapping[str, Sequence[str]]) -> int:
    """Try every way in which each person takes one of their roles, or none."""
    ways = product(*(("", *roles) for roles in offered.values()))
    return max((len(set(way) & set(needed)) for way in ways), default=0)


@given(offers)
def test_as_many_roles_are_filled_as_persons_can_fill(offered: dict[str, list[str]]) -> None:
    found = filled(ROLES, offered)
    assert len(found) == most(ROLES, offered)
    assert all(any(role in roles for roles in offered.values()) for role in found)


def test_a_person_with_two_roles_fills_the_one_that_nobody_else_can() -> None:
    offered = {"a": ["plant-operations", "ot-security"], "b": ["plant-operations"]}
    assert filled(ROLES[:2], offered) == set(ROLES[:2])
    assert filled(ROLES[:2], {"a": list(ROLES[:2])}) == {"plant-operations"}
