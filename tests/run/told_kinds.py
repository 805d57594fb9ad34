"""Tells how a run ends on every kind of device, and writes `kinds.txt`.

    python -m tests.run.told_kinds     writes it anew; read the difference before it is committed

A line for each kind and story: how the run ended, what was judged, how long anything was isolated, and which invariants broke.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from islandmode.core.lifecycle import Phase
from islandmode.core.problem import PlanRefused
from islandmode.simulate.faults import Fault, Kind
from islandmode.simulate.kinds import KINDS
from islandmode.simulate.person import HABITS
from tests.pages import write
from tests.run.simulated_drill import Shape
from tests.run.simulated_run import Ended, run

PAGE = Path(__file__).with_name("kinds.txt")
FIREWALL = "conduit-firewall"


@dataclass(frozen=True)
class Story:
    """What goes wrong on a kind of device."""

    faults: tuple[Fault, ...] = ()
    only: tuple[str, ...] = tuple(KINDS)
    shape: dict[str, Any] = field(default_factory=dict)
    long: bool = False
    """Whether the holds are together longer than the dead-man, so that it must be renewed."""


def _late(by_s: float) -> tuple[Fault, ...]:
    return (Fault(Kind.SLOW_WRITE, Phase.PREFLIGHT, call="restore", amount_s=by_s),)


def _held(kind: Kind, **more: Any) -> tuple[Fault, ...]:
    return (Fault(kind, Phase.HOLDING, 1.0, target=FIREWALL, **more),)


PENDING = ("commit confirmed", "change timer")
STORIES: dict[str, Story] = {
    "nothing": Story(),
    "two stages": Story(shape={"one_stage": False}),
    "the host is lost in the first hold": Story((Fault(Kind.HOST_LOST, Phase.HOLDING, 1.0),)),
    "two stages, the host is lost in the second hold": Story(
        (Fault(Kind.HOST_LOST, Phase.HOLDING, 1.0, nth=2),), shape={"one_stage": False}
    ),
    "the conductor is killed while it isolates": Story((Fault(Kind.CONDUCTOR_KILLED, Phase.ISOLATING, 0.01),)),
    "Ctrl-C while it isolates": Story((Fault(Kind.SIGNAL, Phase.ISOLATING, 0.01),)),
    "Ctrl-C while it arms": Story((Fault(Kind.SIGNAL, Phase.ARMED, 0.005),)),
    "holds longer than the timer": Story(long=True),
    "restores land 3.5 s late": Story(_late(3.5)),
    "restores land 6 s late": Story(_late(6.0)),
    "somebody confirms": Story(_held(Kind.TIMER_STOPPED, conduit="remote-access"), only=PENDING),
    "a colleague commits": Story(_held(Kind.EDIT), only=PENDING),
    "the standby takes over": Story(_held(Kind.RESTART, amount_s=8.0), only=("pair", "standby")),
    "the timer's process dies": Story(_held(Kind.TIMER_STOPPED, conduit="remote-access"), only=("timer process",)),
}


HAND = "a person's hand"
"""Beside the kinds of devices; its lines are told by what the person is like."""
BY_HAND: dict[str, tuple[tuple[Fault, ...], tuple[str, ...]]] = {
    "nothing": ((), tuple(HABITS)),
    "the host is lost in the first hold": (
        (Fault(Kind.HOST_LOST, Phase.HOLDING, 1.0),),
        ("prompt", "slow", "puts it back when asked for the third time", "never puts it back"),
    ),
    "the conductor is killed while it isolates": (
        (Fault(Kind.CONDUCTOR_KILLED, Phase.ISOLATING, 4.5),),
        ("prompt", "acts and never answers", "never puts it back"),
    ),
    "Ctrl-C while it isolates": (
        (Fault(Kind.SIGNAL, Phase.ISOLATING, 4.5),),
        ("prompt", "acts and never answers", "does it too late to say so"),
    ),
}
"""Each fault with the people for whom it makes a difference."""
PAGES = (*KINDS, HAND)


def told(kind: str) -> Iterator[str]:
    """Tell every story of a kind of device, a line for each."""
    if kind == HAND:
        for name, (faults, habits) in BY_HAND.items():
            for habit in habits:
                shape = Shape(two_points=True, dead_man_s=120.0, sample_every_s=0.5, habit=HABITS[habit])
                yield f"{habit}; {name}: {_told(run(1, shape, faults))}"
        return
    for name, story in STORIES.items():
        if kind in story.only:
            yield f"{name}: {_ended(kind, story)}"


def _ended(kind: str, story: Story) -> str:
    holds_s = {"holds_s": (KINDS[kind].dead_man_s * 0.7,) * 2} if story.long else {}
    try:
        ended = run(1, Shape.of(kind, **story.shape, **holds_s), story.faults)
    except PlanRefused as refused:
        return f"NO PLAN: {refused}"
    return _told(ended)


def _told(ended: Ended) -> str:
    broken = f"; BROKEN: {' '.join(ended.violations)}" if ended.violations else ""
    return f"{_said(ended)}; isolated for {_longest_s(ended):.1f} s{broken}"


def _said(ended: Ended) -> str:
    seen = "seen restored" if ended.claims.restored else "NOT SEEN RESTORED"
    if ended.claims.refused:
        return f"refused ({ended.why}), {seen}"
    if ended.verdict is None:
        return f"no verdict, {seen}"
    stop = ended.conducted.stop if ended.conducted is not None else None
    reason = ended.why or (stop.why if stop is not None else "")
    why = f" ({reason})" if reason else ""
    return f"{ended.verdict.verdict.value}, {ended.verdict.restoration.value}, {seen}{why}"


def _longest_s(ended: Ended) -> float:
    network = ended.plant.network
    ours = [one for name in network.conduits for one in network.stretches(name) if " isolates " in one.by]
    return max([0.0, *((min(one.until_us, ended.claims.over_us) - one.from_us) / 1_000_000 for one in ours)])


if __name__ == "__main__":
    write(PAGE, {name: list(told(name)) for name in PAGES})
