"""What a plan says of the recipe behind a point: how sure it is, how far it was tried, and what keeps it from a plant. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.described import tried
from islandmode.core.text import how_many

if TYPE_CHECKING:
    from islandmode.core.bench.counting import Standing
    from islandmode.core.recipe.model import Recipe

TRIED = {
    "emulated": "emulated: tried on an emulator that was written from documents, and on no device",
    "untried": "untried: nothing that is known here shows that a device takes its lines",
}
"""How far a recipe was tried, by its status."""


def status_of(recipe: Recipe) -> str:
    """Tell how far a recipe was tried."""
    return tried(recipe.recipe)


def recipe_told(point: PlanPoint, benched: str = "") -> tuple[str, ...]:
    """Say of the recipe of a point which it is and how sure it is, in a few sentences; empty where it goes by none.

    `benched` is what `benched_told` says of the device.
    """
    recipe, used = point.recipe, point.rendering.recipe
    if recipe is None or used is None:
        return ()
    name = f"recipe {used.name}, version {used.version}, sha256 {used.sha256[:12]}: {recipe.title}"
    how_far = benched or TRIED[status_of(recipe)]
    return (name, f"{_confidence(recipe)}; {how_far}", *_lock(recipe), *_late_arm(recipe), *_whose(point, recipe))


def benched_told(bench: Standing | None) -> str:
    """Say by whom and when a device was benched, where its record counts; else nothing."""
    return "" if bench is None or not bench.counts else bench_counts(bench)


def bench_counts(bench: Standing) -> str:
    """Say of a record that counts who made it, when, with which firmware, and until when it counts."""
    by_clock = ", seen by its clock alone" if bench.record.seen_by == "clock" else ""
    return (
        f"benched by {bench.record.person} on {bench.record.at:%Y-%m-%d}, with firmware {bench.record.firmware}{by_clock}; that counts until "
        f"{bench.until:%Y-%m-%d}, and for no other firmware"
    )


def _confidence(recipe: Recipe) -> str:
    """Count what a recipe says of its device, by how sure each is."""
    from islandmode.core.recipe.parts import grounded_of  # noqa: PLC0415 - a plan without a recipe needs none of it

    sure = [fact.confidence for fact, _ in grounded_of(recipe)]
    counted = [f"{sure.count(how)} {how}" for how in ("documented", "seen", "unchecked") if how in sure]
    return f"{how_many(len(sure), 'fact')}: {', '.join(counted)}"


def _lock(recipe: Recipe) -> Iterator[str]:
    if recipe.lock == "checked":
        yield "another machine that drills it is noticed by looking, not held off: both may write in the same moment, and one is then refused"


def _late_arm(recipe: Recipe) -> Iterator[str]:
    """Say what is promised of a late line that isolates, and not of one that arms."""
    if recipe.cycle == "own-timer" and recipe.arm:
        yield (
            "a line of arm that comes late starts a whole timer, also after a restore: its object isolates nothing, stands on the device until that "
            "timer ends, and until then another drill is refused there"
        )


def _whose(point: PlanPoint, recipe: Recipe) -> Iterator[str]:
    """Say by what a change that waits is taken for the run's: no such device keeps the name of a run."""
    if recipe.cycle != "pending":
        return
    names_login = any(find.gives == "owner" for read in recipe.reads.state for find in read.finds)
    if names_login and point.login is not None:
        user = point.login.user
        yield (
            f"the device shows the login of a change that waits, and no run: what anybody begins as {user} in the drill is taken for the "
            f"drill's, and is confirmed or undone with it; let nobody else log in as {user}"
        )
    else:
        yield (
            "the device does not show whose a change is that waits: what anybody begins in the drill is taken for the drill's, and is confirmed "
            "or undone with it"
        )


def live_refusals_of(point: PlanPoint, bench: Standing | None = None) -> Iterator[str]:
    """Say why a point may not be isolated in a plant by its recipe; each ends a sentence that begins with the point's name."""
    if point.recipe is None:
        return
    if point.pair is not None and point.recipe.pair is None:
        yield f"is a member of pair {point.pair.pair}, and its recipe has no question for whether it is active"
    from islandmode.core.recipe.derive import live_refusals  # noqa: PLC0415 - a plan without a recipe needs none of it

    if bench is None or not bench.counts:
        yield f"goes by a recipe that was not benched on such a device ({status_of(point.recipe)})"
    yield from live_refusals(point.recipe)
