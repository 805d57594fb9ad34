"""What a way of isolating can do, derived from its recipe: every deadline and limit of a run comes from here. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from islandmode.core.capabilities import Calls, Capabilities, Works
from islandmode.core.recipe.model import Recipe


def capabilities(recipe: Recipe, dead_man_s: float | None = None) -> Capabilities:
    """Say what a recipe can do, for a drill with such a timer; for the longest that it takes, if none is given."""
    timer = recipe.ends_by
    longest_s = timer.most if dead_man_s is None else dead_man_s
    works = Works(**recipe.works)
    usual = Calls()
    calls = {
        "arm": usual.arm + works.arm,
        "isolate": usual.isolate + works.isolate,
        "renew": usual.renew + works.renew,
        "restore": usual.restore + works.restore,
    } | dict(recipe.calls)
    restore_s, login_s = calls["restore"], calls.get("login", usual.login)
    return Capabilities(
        arms="before" if recipe.arm else "with_isolate",
        undo_tier=recipe.undo_tier,
        renewable=timer.renewable,
        dead_man_min_s=timer.least,
        dead_man_max_s=timer.most,
        granularity_s=timer.grain,
        latest_s=latest_s(recipe, longest_s),
        witness=recipe.witness,
        denies_with=recipe.denies_with,
        timer={"pending": "device", "none": "none"}.get(recipe.cycle, "conduit"),
        further=recipe.further,
        reverts=recipe.reverts,
        calls_s=Calls(**calls, restore_anew=max(usual.restore_anew + works.restore, restore_s + login_s)),
        works_s=works,
        shown_step_s=timer.shown_in,
        # From the device telling its time, or starting its timer, to the look that tells what is left, the whole of `arm` may pass.
        read_back_s=calls["arm"],
        rounding_s=timer.grain if recipe.cycle == "clock" else 0.0,
        lag_s=timer.lag or 0.0,
        atomic_stage=recipe.atomic_stage,
        cuts_established="after_flush" if recipe.cuts_established == "after-flush" else recipe.cuts_established,
        families=recipe.families,
        covers=recipe.covers,
        after_restart=recipe.after_restart,
        shows_configuration=bool(recipe.configuration),
    )


def latest_s(recipe: Recipe, dead_man_s: float) -> float:
    """Say how long after it left a line may still act.

    A line of a clock recipe brings its end, and one that only refers to an armed object is nothing without it: neither acts after the timer
    of its drill. Where nothing in the lines says so, the recipe does.
    """
    if recipe.late is not None and recipe.plays is None:
        return recipe.late.at_most
    if recipe.late is not None and recipe.plays is not None:
        # What another process knows of a play: that it had begun, and for how long one may go on.
        return min(dead_man_s, recipe.late.at_most + max(recipe.calls.get(step, 0.0) for step in recipe.plays.steps))
    return dead_man_s + (recipe.ends_by.grain if recipe.cycle == "clock" else 0.0) + (recipe.ends_by.lag or 0.0)


def live_refusals(recipe: Recipe) -> Iterator[str]:
    """Say why a recipe may not isolate a plant, benched or not; each ends a sentence that begins with its name."""
    if recipe.cycle == "none":
        yield "has nothing on the device that would restore it by itself (undo tier D)"
    if recipe.cycle == "own-timer" and not recipe.arm:
        yield "isolates by the timed object itself, so that a line that comes late isolates for a whole timer"
    if recipe.after_failover == "unknown":
        yield "does not say what the other member of a pair does with an isolation"
    if recipe.late is not None and recipe.late.confidence == "unchecked":
        yield "does not know for how long a line that was given up may still act"
