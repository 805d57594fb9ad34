"""A device that a person isolates by hand, as a platform: the site gives the lines, the plan and the card carry them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from islandmode.core.capabilities import Calls, Capabilities, Works
from islandmode.core.described import Described
from islandmode.core.errors import Refused
from islandmode.core.hand import AFTER_S
from islandmode.core.masking import masked
from islandmode.core.plan import PlanPoint
from islandmode.core.problem import Path, Problem, unknown
from islandmode.core.rendering import Rendering, StageLines
from islandmode.core.site import MANUAL, Between, HandLines, Hands, Networks, SitePoint
from islandmode.isolation.by_hand import ByHand, Look
from islandmode.isolation.manual.eye import Eye
from islandmode.isolation.manual.point import HandPoint
from islandmode.isolation.platform import Access, Asked, Platform
from islandmode.isolation.point import IsolationPoint
from islandmode.system.clock import Clock

CAPABILITIES = Capabilities(
    arms="with_isolate",
    undo_tier="D",
    renewable=False,
    dead_man_min_s=0.0,
    dead_man_max_s=0.0,
    granularity_s=0.0,
    latest_s=0.0,
    timer="none",
    atomic_stage=False,
    logs_in=False,
    shows_configuration=False,
    covers=("forward",),
    after_restart="unknown",
)
READ_S = 5.0
"""How long one look by probes may take: the slowest of those that are asked, and a margin."""


def able_of(hands: Hands) -> Capabilities:
    """Say what the named person can do; a device for which nobody is named is planned only."""
    able = CAPABILITIES.model_copy(update={"covers": hands.covers})
    if hands.answers_within is None:
        return able
    within_s = hands.answers_within
    waits_s = within_s + AFTER_S + READ_S
    return able.model_copy(
        update={
            "asks_person": True,
            "latest_s": within_s + AFTER_S,
            "calls_s": Calls(arm=waits_s, isolate=waits_s, restore=waits_s, restore_anew=waits_s, read=READ_S),
            "works_s": Works(arm=within_s, isolate=within_s, restore=within_s),
        }
    )


def check(name: str, point: SitePoint, between: Between, networks: Networks) -> Iterator[Problem]:  # noqa: ARG001 - as every platform's
    """Find conduits without lines, lines that nothing can use, what would have to be logged in with, and what is said of a timer."""
    at: Path = ("isolation_points", name)
    for key in ("management", "login"):
        if getattr(point, key) is not None:
            sentence = f"Nothing logs in to {name}, which is isolated by hand, so take {key} out; where it stands is said under by_hand."
            yield Problem("site", (*at, key), sentence)
    for key in ("renewable", "dead_man_max"):
        if key in point.model_fields_set:
            sentence = f"{name} is isolated by hand and has no timer, so take {key} out; a person restores it, and nothing else does."
            yield Problem("site", (*at, key), sentence)
    hands = _hands(name, point.by_hand)
    for conduit in between:
        if conduit not in hands.lines:
            sentence = f"{name} isolates {conduit} and has no lines for it; add them under lines."
            yield Problem("site", (*at, "by_hand", "lines"), sentence)
    for conduit, lines in hands.lines.items():
        here: Path = (*at, "by_hand", "lines", conduit)
        if conduit not in between:
            yield unknown("site", here, f"conduit that {name} isolates named", conduit, between)
        yield from _lines(lines, here)


def _lines(lines: HandLines, at: Path) -> Iterator[Problem]:
    for number, look in enumerate(lines.looks):
        if look.must_show is None and look.must_not_show is None:
            sentence = "This look expects nothing, so that nobody could see whether a restore worked; say must_show or must_not_show."
            yield Problem("site", (*at, "looks", number), sentence)
    told: list[tuple[Path, str]] = [
        *(
            ((*at, key, index), line)
            for key in ("isolate", "restore")
            for index, line in enumerate(getattr(lines, key))
        ),
        *(((*at, "looks", index, "look"), look.look) for index, look in enumerate(lines.looks)),
    ]
    for path, line in told:
        if masked(line, lambda _: "\0") != line:
            sentence = "A secret seems to stand here; these lines are printed on plan and card, so no secret may stand in them."
            yield Problem("site", path, sentence)


def render(asked: Asked) -> Rendering:
    """Put the site's own lines into the stages of a drill."""
    hands = _hands(asked.name, asked.point.by_hand)
    conduits = tuple(conduit for group in asked.stages.values() for conduit in group)
    return Rendering(
        point=asked.name,
        platform=MANUAL,
        conduits=conduits,
        arm=(),
        stages=tuple(
            StageLines(stage=stage, conduits=group, isolate=_of(hands, group, "isolate"))
            for stage, group in asked.stages.items()
        ),
        renew=(),
        restore=_of(hands, conduits, "restore"),
        capabilities=able_of(hands),
    )


def _of(hands: Hands, conduits: Iterable[str], key: str) -> tuple[str, ...]:
    return tuple(line for conduit in conduits if conduit in hands.lines for line in getattr(hands.lines[conduit], key))


def _hands(name: str, hands: Hands | None) -> Hands:
    if hands is None:
        raise RuntimeError(f"{name} was read without by_hand")
    return hands


def open_point(name: str, planned: PlanPoint, access: Access, clock: Clock, run: str | None) -> IsolationPoint:  # noqa: ARG001 - as every platform's
    """Raise: there is nothing to log in to; `hand_point` makes the edge to the person."""
    raise Refused(f"{name} is isolated and restored by hand: {planned.place}. Nothing here drives it.")


def hand_point(name: str, planned: PlanPoint, eye: Eye, clock: Clock) -> IsolationPoint | None:
    """Make the edge to the person who is asked at a planned point; None where nobody is named."""
    hands = planned.by_hand
    if hands is None or hands.person is None or not planned.capabilities.asks_person:
        return None
    return HandPoint(name, hands, hands.person, planned.capabilities, eye, clock)


def by_hand(planned: PlanPoint) -> ByHand:
    """Say what a person does, in the site's own words."""
    hands = _hands(planned.rendering.point, planned.by_hand)
    looks = (look for conduit in planned.conduits for look in hands.lines[conduit].looks)
    return ByHand(
        become=hands.where,
        commands=planned.rendering.restore,
        answer="",
        looks=tuple(
            Look(
                look.look,
                () if look.must_not_show is None else (look.must_not_show,),
                look.otherwise,
                must_show=() if look.must_show is None else (look.must_show,),
            )
            for look in looks
        ),
        last_resort=hands.last_resort,
        in_order=True,
        is_typed=False,
    )


BY_HAND = Platform(
    name=MANUAL,
    capabilities=CAPABILITIES,
    check=check,
    render=render,
    open=open_point,
    by_hand=by_hand,
    described=Described(
        title="a person isolates and restores it, by the site's own lines",
        cycle="none",
        tried="untried",
        after_failover="unknown",
        versions="any device; nothing logs in to it",
    ),
)
