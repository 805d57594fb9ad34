"""The order of a return to service: every conduit once, in a time that the dead-man allows, by devices that can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from islandmode.core.drill import Drill
from islandmode.core.planning.paths import isolated_by
from islandmode.core.problem import Problem, listed
from islandmode.core.rendering import Rendering
from islandmode.core.returning import Return, returns_of, returns_s
from islandmode.core.site import Site, SitePoint
from islandmode.core.text import in_words

AT = "restore_order"


def return_problems(drill: Drill, site: Site, renderings: Mapping[str, Rendering]) -> Iterator[Problem]:
    """Find what is wrong with the order in which a drill gives its conduits back; nothing where it gives no order."""
    steps = returns_of(drill)
    if not steps:
        return
    names = tuple(_names(drill, steps))
    yield from names
    yield from _too_long(drill)
    if not names:
        for name, point in site.isolation_points.items():
            yield from _apart(steps, name, point, renderings.get(name))


def _names(drill: Drill, steps: tuple[Return, ...]) -> Iterator[Problem]:
    isolated, seen = isolated_by(drill), dict[str, int]()
    stages = {stage.name for stage in drill.stages}
    for index, entry in enumerate(drill.restore_order):
        for number, name in enumerate(entry.restore):
            if name not in isolated and name not in stages:
                sentence = f"{name} is no conduit that this drill isolates and no stage of it; known: {listed((*isolated, *stages))}."
                yield Problem("drill", (AT, index, "restore", number), sentence)
    for step in steps:
        for conduit in step.conduits:
            if conduit in seen:
                sentence = f"Conduit {conduit} is restored in step {seen[conduit]} already; name it once."
                yield Problem("drill", (AT, step.number - 1, "restore"), sentence)
            seen.setdefault(conduit, step.number)
    missing = [conduit for conduit in isolated if conduit not in seen]
    if missing:
        sentence = f"restore_order leaves out {in_words(missing)}; add a step that restores what this drill isolates."
        yield Problem("drill", (AT,), sentence)


def _too_long(drill: Drill) -> Iterator[Problem]:
    limits = drill.limits
    needed_s = returns_s(drill) + limits.restore_within
    if needed_s >= limits.dead_man:
        sentence = (
            f"The whole restore in order may take {needed_s:g} s: {limits.restore_within:g} s for each step, and the waits for a person's word. "
            f"That must be less than dead_man ({limits.dead_man:g} s), or the device's own timer would act first; shorten the waits, or "
            "lengthen dead_man."
        )
        yield Problem("drill", (AT,), sentence)


def _apart(steps: tuple[Return, ...], name: str, point: SitePoint, rendering: Rendering | None) -> Iterator[Problem]:
    """Find a device whose conduits come back in several steps and that cannot give them back one by one."""
    mine = [step for step in steps if set(step.conduits) & set(point.isolates)]
    if point.by_hand is not None and any(step is not steps[-1] for step in mine):
        sentence = f"{name} is restored by a person's hand, which takes its time; put its conduits into the last step."
        yield Problem("drill", (AT, mine[0].number - 1), sentence)
    if len(mine) < 2 or rendering is None or gives_back_in_parts(point, rendering):
        return
    sentence = f"{name} ({point.platform}) gives all its conduits back at once; put them into one step."
    yield Problem("drill", (AT, mine[1].number - 1), sentence)


def gives_back_in_parts(point: SitePoint, rendering: Rendering) -> bool:
    """Tell whether a device can give some of its conduits back, and go on isolating the others under a timer that is read."""
    able = rendering.capabilities
    has_own_timers = able.timer == "conduit" and able.arms == "before"
    return has_own_timers and rendering.recipe is None and point.level == "deny"
