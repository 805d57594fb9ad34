"""A person at a device without a session: slow, silent, forgetful, or saying *done* without having done it; and how a run sees them.

The production point asks this person, and looks with the world's own packets. What they do to the cable is on the device's tape, as a
line to a firewall would be, so the same invariants hold it against what the run said.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

from islandmode.core.capabilities import Capabilities
from islandmode.core.hand import HandAsk, seeing
from islandmode.core.plan import Plan, PlanPoint
from islandmode.core.site import HandLines, HandLook, HandPerson, Hands, NoTimer
from islandmode.isolation.manual.eye import Sight
from islandmode.isolation.manual.platform import able_of
from islandmode.isolation.manual.point import HandPoint
from islandmode.isolation.point import IsolationPoint
from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.device import OURS, Happening, SimulatedDevice
from islandmode.simulate.network import SimulatedNetwork
from islandmode.simulate.plant import SimulatedPlant

NAME, WITHIN_S = "R. Ortiz", 20.0
NEVER_S = 1e9


@dataclass(frozen=True)
class Habit:
    """What a person does when asked: after how many seconds each, `NEVER_S` for what they do not do."""

    there_s: float = 2.0
    pulls_s: float = 4.0
    """A pull that comes when it is not wanted any more may still come, but never after the time that the ask named."""
    says_s: float = 5.0
    puts_back_s: float = 5.0
    puts_back_at: int = 1
    """At which ask they put it back: who forgets needs several."""
    name: str = NAME
    """The name under which they confirm."""


HABITS: dict[str, Habit] = {
    "prompt": Habit(),
    "slow": Habit(there_s=18.0, pulls_s=17.0, says_s=18.5, puts_back_s=15.0),
    "never there": Habit(there_s=NEVER_S),
    "never answers and never acts": Habit(pulls_s=NEVER_S, says_s=NEVER_S),
    "acts and never answers": Habit(says_s=NEVER_S),
    "says it and has not done it": Habit(pulls_s=NEVER_S, says_s=4.0),
    "says it first and does it at the last moment": Habit(pulls_s=19.5, says_s=1.0),
    "does it too late to say so": Habit(pulls_s=WITHIN_S + 4.0, says_s=WITHIN_S + 4.5),
    "somebody else answers": Habit(name="J. Doe"),
    "puts it back when asked for the third time": Habit(puts_back_at=3),
    "never puts it back": Habit(puts_back_s=NEVER_S),
}


def draw_habit(dice: random.Random) -> Habit:
    """Draw somebody who does each thing early, late or never."""
    habit = dice.choice(tuple(HABITS.values()))
    return replace(
        habit,
        pulls_s=habit.pulls_s if habit.pulls_s >= WITHIN_S else dice.uniform(0.1, WITHIN_S),
        says_s=habit.says_s if habit.says_s >= WITHIN_S else dice.uniform(0.1, WITHIN_S + 3.0),
        puts_back_s=habit.puts_back_s if habit.puts_back_s >= WITHIN_S else dice.uniform(0.1, WITHIN_S),
    )


class SimulatedPerson:
    """Hears every ask of every process, and acts on each once."""

    def __init__(self, device: SimulatedDevice, habit: Habit, says: Callable[[HandAsk, str], None]) -> None:
        """Stand at a device; `says` puts a confirmation into the run's folder."""
        self._device, self._habit, self._says = device, habit, says
        self._clock: SimulatedClock = device.clock
        self._restores = 0

    def hear(self, ask: HandAsk) -> None:
        """Take in an ask, and act on it later."""
        habit = self._habit
        if ask.act == "be there":
            self._after(habit.there_s, partial(self._says, ask, habit.name))
        elif ask.act == "isolate":
            asked_us = self._clock.monotonic_us()
            for conduit in ask.conduits:
                self._after(habit.pulls_s, partial(self._pull, conduit, asked_us))
            self._after(habit.says_s, partial(self._says, ask, habit.name))
        else:
            self._restores += 1
            if self._restores >= habit.puts_back_at:
                for conduit in ask.conduits:
                    self._after(habit.puts_back_s, partial(self._put_back, conduit))

    def _after(self, seconds: float, act: Callable[[], None]) -> None:
        if seconds < NEVER_S:
            self._clock.at(self._clock.monotonic_us() + round(seconds * 1_000_000), act)

    def _pull(self, conduit: str, asked_us: int) -> None:
        now_us = self._clock.monotonic_us()
        if self._restores:
            # Who was asked meanwhile to put it back does not pull it any more.
            return
        self._device.network.block(conduit, self._reason(conduit), now_us)
        self._tape("isolating", conduit, now_us - asked_us)

    def _put_back(self, conduit: str) -> None:
        now_us = self._clock.monotonic_us()
        if self._reason(conduit) in self._device.network.blocked_by(conduit, now_us):
            self._device.network.unblock(conduit, self._reason(conduit), now_us)
            self._tape("deleted", conduit, 0)

    def _reason(self, conduit: str) -> str:
        return f"{self._device.name} isolates {conduit} for {OURS}"

    def _tape(self, what: str, conduit: str, late_us: int) -> None:
        now_us = self._clock.monotonic_us()
        self._device.tape.append(Happening(now_us, self._device.name, what, conduit, OURS, "request", late_us))


class SimulatedEye:
    """Asks the plan's own probes through the world's packets."""

    def __init__(self, plan: Plan, network: SimulatedNetwork, clock: SimulatedClock) -> None:
        """Know the plan's probes."""
        self._plan, self._network, self._clock = plan, network, clock
        self._seq = 1 << 20

    async def look(self, conduits: tuple[str, ...]) -> dict[str, Sight]:
        """Ask every probe across these conduits once."""
        asked_us = self._clock.monotonic_us()
        probes = {conduit: seeing(self._plan, conduit) for conduit in conduits}
        longest_s = max(planned.probe.timeout for mine in probes.values() for planned in mine.values())
        await self._clock.sleep(longest_s)
        self._seq += 1
        found = {}
        for conduit, mine in probes.items():
            good = {
                name: self._network.observe(name, planned, self._seq, asked_us).seen.value == "good"
                for name, planned in mine.items()
            }
            passed = tuple(name for name, well in good.items() if well)
            found[conduit] = Sight(passed=passed, silent=tuple(name for name in good if name not in passed))
        return found


def hands_of(conduits: tuple[str, ...]) -> Hands:
    """Say what a person does at a device, with its own lines for each conduit."""
    look = HandLook(look="the lamp", must_show="green", otherwise="Push it in.")
    lines = {
        name: HandLines(isolate=(f"Pull {name}.",), restore=(f"Put {name} back.",), looks=(look,)) for name in conduits
    }
    return Hands(
        where="hall",
        lines=lines,
        last_resort="Call.",
        person=HandPerson(name=NAME, position="shift lead", reached="radio 4"),
        answers_within=WITHIN_S,
        accept_no_timer=NoTimer(accepted_by="the plant manager"),
    )


def with_hand(plan: Plan, name: str) -> Plan:
    """Give one point of a plan to a person, with limits that a person can keep."""
    point: PlanPoint = plan.points[name]
    hands = hands_of(point.conduits)
    able: Capabilities = able_of(hands)
    changed = point.model_copy(
        update={"platform": "manual", "by_hand": hands, "management": None, "login": None, "capabilities": able}
    )
    limits = plan.drill.limits.model_copy(update={"isolate_within": 30.0, "restore_within": 60.0, "undo_tier": "D"})
    drill = plan.drill.model_copy(update={"limits": limits})
    return plan.model_copy(update={"points": {**plan.points, name: changed}, "drill": drill})


def stand_at(plant: SimulatedPlant, name: str, habit: Habit) -> None:
    """Put a person at a point of a plant: every process asks them through a point of its own."""
    planned = plant.plan.points[name]
    hands = planned.by_hand
    if hands is None or hands.person is None:
        raise RuntimeError(f"{name} is nobody's")
    person = SimulatedPerson(plant.devices[name], habit, plant.confirm)
    for points in (plant.points, plant.guardian_points, plant.resume_points):
        eye = SimulatedEye(plant.plan, plant.network, plant.clock)
        point = HandPoint(name, hands, hands.person, planned.capabilities, eye, plant.clock)
        point.tells(person.hear)
        cast("dict[str, IsolationPoint]", points)[name] = point
