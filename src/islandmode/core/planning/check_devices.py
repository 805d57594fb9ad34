"""Devices and limits: whether the isolation points can do what the drill asks, and be reached to undo it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from islandmode.core.drill import Drill
from islandmode.core.planning.check_level import down_with_others
from islandmode.core.planning.check_platform import platform_problems
from islandmode.core.planning.paths import HERE, isolated_by, separating
from islandmode.core.probe import Probe
from islandmode.core.problem import Problem
from islandmode.core.quantities import to_us
from islandmode.core.rendering import Rendering
from islandmode.core.returning import returns_s
from islandmode.core.site import Site, SitePoint
from islandmode.core.spool_rows import SAMPLE_BYTES, SPOOL_MAX_BYTES

SAMPLE_EVERY_MIN_S = 0.02
"""A PLC answers beside its scan: fifty questions a second of one probe are more than any operator station asks."""
MARGIN_S = 5.0
"""Added to a run's length on a device that cannot renew: arming, reading back, and the way to the device."""


def limit_problems(drill: Drill) -> Iterator[Problem]:
    """Find limits that contradict each other; needs nothing but the drill."""
    limits = drill.limits
    for key, value_s in (("isolate_within", limits.isolate_within), ("restore_within", limits.restore_within)):
        if value_s >= limits.dead_man:
            sentence = (
                f"{key} ({value_s:g} s) must be less than dead_man ({limits.dead_man:g} s), or the device's own timer "
                "would act first; shorten it or lengthen dead_man."
            )
            yield Problem("drill", ("limits", key), sentence)
    if drill.sample_every < SAMPLE_EVERY_MIN_S:
        sentence = (
            f"sample_every ({drill.sample_every * 1000:g} ms) must be at least {SAMPLE_EVERY_MIN_S * 1000:g} ms: a probe must "
            "not burden the devices that run the plant; lengthen it."
        )
        yield Problem("drill", ("sample_every",), sentence)
    if drill.settle < 2 * drill.sample_every:
        sentence = (
            f"settle ({drill.settle:g} s) must be at least twice sample_every ({drill.sample_every:g} s): what comes back after a restore is seen by "
            "samples within it; lengthen settle or shorten sample_every."
        )
        yield Problem("drill", ("settle",), sentence)
    if limits.longest_ot_gap <= drill.sample_every:
        sentence = (
            f"longest_ot_gap ({limits.longest_ot_gap:g} s) must be more than sample_every ({drill.sample_every:g} s): "
            "a gap shorter than the time between two samples cannot be seen; lengthen longest_ot_gap or shorten sample_every."
        )
        yield Problem("drill", ("limits", "longest_ot_gap"), sentence)


def spool_problems(drill: Drill, probes: Mapping[str, Probe]) -> Iterator[Problem]:
    """Find a drill whose samples no vantage could keep; all names must be known."""
    lasts_s = sum(stage.hold for stage in drill.stages) + drill.limits.dead_man + returns_s(drill)
    counts = Counter(probes[name].vantage for name in drill.asked)
    for vantage, count in counts.most_common(1):
        needed = round(count * lasts_s / drill.sample_every) * SAMPLE_BYTES
        if needed > SPOOL_MAX_BYTES:
            sentence = (
                f"sample_every ({drill.sample_every:g} s) gives {count * lasts_s / drill.sample_every / 1e6:.0f} million samples at vantage "
                f"{vantage}, which may need {needed / 1e9:.0f} GB, and a vantage keeps at most {SPOOL_MAX_BYTES / 1e9:.0f} GB; lengthen it, or "
                "shorten the holds."
            )
            yield Problem("drill", ("sample_every",), sentence)


def device_problems(drill: Drill, site: Site, renderings: Mapping[str, Rendering]) -> Iterator[Problem]:
    """Find what the isolation points cannot do; `renderings` adds what is known of their platforms. All names must be known."""
    yield from _protected_flows(drill, site)
    yield from _conduits_without_point(drill, site)
    # All points are armed at once: the timer of each runs until the slowest is armed.
    arms_s = max((platform.capabilities.works_s.arm for platform in renderings.values()), default=0.0)
    for name, point in points_used(drill, site).items():
        yield from _management(drill, site, name, point)
        yield from down_with_others(drill, site, name, point)
        rendering = renderings.get(name)
        yield from _timer(drill, name, point, rendering, arms_s)
        if rendering is not None and rendering.capabilities.undo_tier > drill.limits.undo_tier:
            sentence = (
                f"undo_tier {drill.limits.undo_tier} is demanded, but {name} ({point.platform}) offers only tier "
                f"{rendering.capabilities.undo_tier}; use a stronger isolation point or have the demand lowered."
            )
            yield Problem("drill", ("limits", "undo_tier"), sentence)
        if rendering is not None:
            yield from platform_problems(drill, site, name, point, rendering.capabilities)


def points_used(drill: Drill, site: Site) -> dict[str, SitePoint]:
    """Give the isolation points that isolate something in this drill, in the site's order."""
    isolated = set(isolated_by(drill))
    return {name: point for name, point in site.isolation_points.items() if isolated & set(point.isolates)}


def _protected_flows(drill: Drill, site: Site) -> Iterator[Problem]:
    stage_of = {conduit: stage.name for stage in drill.stages for conduit in stage.isolate}
    for name, conduit in site.conduits.items():
        for index, flow in enumerate(conduit.flows):
            if flow.never_cut is not None and name in stage_of:
                sentence = (
                    f"Flow {flow.name} is marked never_cut: {flow.never_cut} (owner {flow.owner}), and stage "
                    f"{stage_of[name]} isolates its conduit {name}; take the conduit out of the drill or give the flow "
                    "a path of its own."
                )
                yield Problem("site", ("conduits", name, "flows", index, "never_cut"), sentence)


def _conduits_without_point(drill: Drill, site: Site) -> Iterator[Problem]:
    able = {conduit for point in site.isolation_points.values() for conduit in point.isolates}
    for index, stage in enumerate(drill.stages):
        for number, conduit in enumerate(stage.isolate):
            if conduit not in able:
                sentence = (
                    f"Conduit {conduit} has no isolation point; name it under isolates of the device that can "
                    "isolate it."
                )
                yield Problem("drill", ("stages", index, "isolate", number), sentence)


def _management(drill: Drill, site: Site, name: str, point: SitePoint) -> Iterator[Problem]:
    management = point.management
    if management is None:
        return
    conduit = separating(site, management.zone, isolated_by(drill))
    if conduit is not None:
        here = site.vantages[HERE].zone
        sentence = (
            f"{name} is managed at {management.address} in zone {management.zone}, out of reach of the operations host in zone "
            f"{here} once {conduit} is isolated; manage it from the operations host's side."
        )
        yield Problem("site", ("isolation_points", name, "management", "zone"), sentence)


def _timer(drill: Drill, name: str, point: SitePoint, rendering: Rendering | None, arms_s: float) -> Iterator[Problem]:
    able = rendering.capabilities if rendering is not None else None
    if point.by_hand is not None or (able is not None and able.timer == "none"):
        return
    dead_man_s, at = drill.limits.dead_man, ("limits", "dead_man")
    longest = [value for value in (point.dead_man_max, able.dead_man_max_s if able else None) if value is not None]
    if longest and dead_man_s > min(longest):
        sentence = f"dead_man ({dead_man_s:g} s) is longer than {name} allows ({min(longest):g} s); shorten it."
        yield Problem("drill", at, sentence)
    if able is not None and dead_man_s < able.dead_man_min_s:
        sentence = (
            f"dead_man ({dead_man_s:g} s) is shorter than {name} can do ({able.dead_man_min_s:g} s); lengthen it."
        )
        yield Problem("drill", at, sentence)
    if able is not None and able.granularity_s > 0 and to_us(dead_man_s) % to_us(able.granularity_s):
        sentence = (
            f"dead_man ({dead_man_s:g} s) is not a whole multiple of {able.granularity_s:g} s, the step of {name}'s "
            "timer, and would be rounded there; give a multiple."
        )
        yield Problem("drill", at, sentence)
    if point.renewable and (able is None or able.renewable):
        return
    allowed_s = min([dead_man_s, *longest])
    if run_s(drill, arms_s) > allowed_s:
        worst = max(range(len(drill.stages)), key=lambda index: drill.stages[index].hold)
        stages = len(drill.stages)
        sentence = (
            f"{name} cannot renew its timer and allows {allowed_s:g} s, but this drill needs {run_s(drill, arms_s):g} s: "
            f"{f'{arms_s:g} s to arm, ' if arms_s else ''}{hold_s(drill):g} s of hold, "
            f"{stages} x {drill.limits.isolate_within:g} s to isolate, "
            f"{drill.limits.restore_within + returns_s(drill):g} s to restore and {MARGIN_S:g} s of margin; shorten the holds."
        )
        yield Problem("drill", ("stages", worst, "hold"), sentence)


def hold_s(drill: Drill) -> float:
    """Sum the holds of all stages."""
    return sum(to_us(stage.hold) for stage in drill.stages) / 1_000_000


def run_s(drill: Drill, arms_s: float = 0.0) -> float:
    """Bound the time from arming to restored: every device is armed before the first stage and held through the last."""
    limits = drill.limits
    restores_s = limits.restore_within + returns_s(drill)
    return hold_s(drill) + len(drill.stages) * limits.isolate_within + restores_s + MARGIN_S + arms_s
