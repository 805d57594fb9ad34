"""What lists and pages say of a recipe. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from islandmode.core.described import Described, Tried
from islandmode.core.recipe.shipped import SHIPPED

if TYPE_CHECKING:
    from islandmode.core.recipe.model import Recipe


def tried(name: str) -> Tried:
    """Tell how far a recipe was tried: each that ships is driven on an emulator in the tests, and nobody has benched any."""
    return "emulated" if name in SHIPPED else "untried"


def described(recipe: Recipe) -> Described:
    """Say in words what a recipe is."""
    return Described(
        title=recipe.title,
        cycle=recipe.cycle,
        tried=tried(recipe.recipe),
        after_failover=recipe.after_failover,
        versions="; ".join(_versions(recipe)),
        not_covered=recipe.not_covered or "",
    )


def _versions(recipe: Recipe) -> Iterator[str]:
    yield f"tried on a device: {', '.join(recipe.versions.proved) or 'none'}"
    for fault in recipe.versions.refused:
        yield f"refused where `{fault.match}` is found in the version, because it {fault.why}"
