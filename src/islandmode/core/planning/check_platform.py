"""Platforms and times: whether a platform can keep what a drill demands, by what it needs, shows and takes back."""

from __future__ import annotations

from collections.abc import Iterator

from islandmode.core.capabilities import Capabilities
from islandmode.core.drill import Drill
from islandmode.core.plan import TAKES_BACK
from islandmode.core.planning.paths import isolated_by, shared_families
from islandmode.core.problem import Path, Problem
from islandmode.core.site import Site, SitePoint


def platform_problems(drill: Drill, site: Site, name: str, point: SitePoint, able: Capabilities) -> Iterator[Problem]:
    """Find what a way of isolating cannot keep of a drill's limits and stages."""
    whose = f"{name} ({point.platform})"
    yield from _one_timer(drill, point, able, whose)
    yield from _too_slow(drill, able, whose)
    yield from _too_coarse(drill, point, able, whose)
    yield from _not_covered(drill, site, name, point, able)
    yield from _lost_edits(name, point, able)
    yield from _nothing_restores(name, point, able)


def _stages_on(drill: Drill, point: SitePoint) -> list[int]:
    return [index for index, stage in enumerate(drill.stages) if set(stage.isolate) & set(point.isolates)]


def _one_timer(drill: Drill, point: SitePoint, able: Capabilities, whose: str) -> Iterator[Problem]:
    if able.timer != "device" or able.further != "confirms":
        return
    first, *others = _stages_on(drill, point)
    for index in others:
        sentence = (
            f"Stages {drill.stages[first].name} and {drill.stages[index].name} both isolate on {whose}, which has one timer for the "
            "whole device: the later stage's change would take the timer off what the earlier stage isolated, and nothing "
            "would restore that by itself; isolate both in one stage."
        )
        yield Problem("drill", ("stages", index, "isolate"), sentence)


def _too_slow(drill: Drill, able: Capabilities, whose: str) -> Iterator[Problem]:
    limits, works = drill.limits, able.works_s
    for key, value_s, works_s in (
        ("isolate_within", limits.isolate_within, works.isolate),
        ("restore_within", limits.restore_within, works.restore),
    ):
        if works_s >= value_s:
            sentence = f"{key} ({value_s:g} s) cannot be kept by {whose}, which needs {works_s:g} s for that change alone; lengthen it."
            yield Problem("drill", ("limits", key), sentence)
    changes_s = works.isolate + works.renew
    if able.renewable and changes_s and changes_s >= limits.dead_man / 2:
        sentence = (
            f"dead_man ({limits.dead_man:g} s) is too short for {whose}: it is set again when half of it is left, which "
            f"may wait for a stage to be isolated; both together take {changes_s:g} s, so make it longer than {2 * changes_s:g} s."
        )
        yield Problem("drill", ("limits", "dead_man"), sentence)
    if works.arm and works.arm >= limits.dead_man / 2:
        sentence = (
            f"dead_man ({limits.dead_man:g} s) is too short for {whose}, which needs {works.arm:g} s to be armed: the timers of all points "
            f"run meanwhile, and are set again when half of them is left; make it longer than {2 * works.arm:g} s."
        )
        yield Problem("drill", ("limits", "dead_man"), sentence)
    if able.late_s >= limits.dead_man:
        sentence = (
            f"dead_man ({limits.dead_man:g} s) means little on {whose}, whose own timer may be {able.late_s:g} s late; lengthen it to "
            f"more than {able.late_s:g} s, or use another isolation point."
        )
        yield Problem("drill", ("limits", "dead_man"), sentence)


def _too_coarse(drill: Drill, point: SitePoint, able: Capabilities, whose: str) -> Iterator[Problem]:
    if able.step_s <= able.read_every_s:
        return
    for index in _stages_on(drill, point):
        hold_s = drill.stages[index].hold
        if hold_s < able.step_s:
            sentence = (
                f"hold ({hold_s:g} s) is shorter than the step in which {whose} shows what is left of its timer ({able.step_s:g} s), so "
                "a timer that does not run would not be noticed during the hold; lengthen it."
            )
            yield Problem("drill", ("stages", index, "hold"), sentence)


def _not_covered(drill: Drill, site: Site, name: str, point: SitePoint, able: Capabilities) -> Iterator[Problem]:
    at = ("isolation_points", name, "platform")
    if able.cuts_established == "no" or "forward" not in able.covers:
        what = "connections that are open go on" if able.cuts_established == "no" else "what it forwards goes on"
        sentence = f"On {name} ({point.platform}) {what} while a conduit is isolated, so it isolates nothing; use another isolation point."
        yield Problem("site", at, sentence)
    for conduit in (conduit for conduit in isolated_by(drill) if conduit in point.isolates):
        missing = [family for family in shared_families(site, conduit) if family not in able.families]
        if missing:
            told = ", ".join(f"IPv{family}" for family in missing)
            sentence = f"{name} ({point.platform}) cannot isolate {told}, which {conduit} carries; use another isolation point for it."
            yield Problem("site", at, sentence)


def _lost_edits(name: str, point: SitePoint, able: Capabilities) -> Iterator[Problem]:
    more, accepted = TAKES_BACK[able.reverts], point.accept_lost_edits is not None
    if more and not accepted:
        sentence = (
            f"If nobody restores {name} ({point.platform}) in time, its timer takes back {more}. Use another isolation point, or "
            "have that accepted for this isolation point: accept_lost_edits: {accepted_by: NAME}."
        )
        yield Problem("site", ("isolation_points", name, "platform"), sentence)
    if accepted and not more:
        sentence = (
            f"The timer of {name} ({point.platform}) takes back nothing but the isolation, so there are no lost edits to "
            "accept; take accept_lost_edits out."
        )
        yield Problem("site", ("isolation_points", name, "accept_lost_edits"), sentence)


def _nothing_restores(name: str, point: SitePoint, able: Capabilities) -> Iterator[Problem]:
    """Refuse a device without a timer of its own, unless the site accepts that; what a person isolates has a rule of its own."""
    at: Path = ("isolation_points", name)
    if point.accepts_tier is not None:
        remedy = "write accept_no_timer: {accepted_by: NAME} in its place" if able.timer == "none" else "take it out"
        sentence = f"accepts_tier names nobody who accepts that nothing on {name} restores by itself; {remedy}."
        yield Problem("site", (*at, "accepts_tier"), sentence)
    if point.by_hand is not None and point.accept_no_timer is not None:
        sentence = f"{name} is isolated by a person, so write accept_no_timer under by_hand, beside who that person is."
        yield Problem("site", (*at, "accept_no_timer"), sentence)
    if point.by_hand is not None or point.accepts_tier is not None:
        return
    if able.timer == "none" and point.accept_no_timer is None:
        sentence = (
            f"Nothing on {name} ({point.platform}) restores by itself what is isolated there: if this machine dies, it stays isolated until somebody "
            "restores it. Use another isolation point, or have that accepted for this one: accept_no_timer: {accepted_by: NAME}."
        )
        yield Problem("site", (*at, "platform"), sentence)
    if able.timer != "none" and point.accept_no_timer is not None:
        sentence = f"The timer of {name} ({point.platform}) restores it by itself, so there is nothing to accept; take accept_no_timer out."
        yield Problem("site", (*at, "accept_no_timer"), sentence)
