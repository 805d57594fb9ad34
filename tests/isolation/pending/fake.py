"""A fake platform whose arming and isolating are one act: a commit that goes back by itself unless it is confirmed.

The device behind it is the simulation's truthful one (`simulate.pending.CommitConfirmed`): one pending commit for the whole device,
any commit confirms the pending one, and each commit takes seconds. Only the command line is made up.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import ip_address
from typing import Any

from islandmode.core.capabilities import Capabilities
from islandmode.core.plan import PlanPoint
from islandmode.core.problem import Problem
from islandmode.core.rendering import Rendering, StageLines
from islandmode.core.site import Between, Login, Management, Networks, SitePoint
from islandmode.isolation.by_hand import ByHand, Look, ssh_to
from islandmode.isolation.platform import Access, Asked, Platform
from islandmode.isolation.point import IsolationPoint
from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.faults import Fault, FaultBook, Kind
from islandmode.simulate.kinds import KINDS
from islandmode.simulate.network import SimulatedNetwork
from islandmode.simulate.pending import PendingDevice
from islandmode.simulate.point import SimulatedPoint
from islandmode.simulate.world import run_world
from islandmode.system.clock import Clock
from tests.isolation.contract import RUN

NAME, POLICY = "fake-commit-confirmed", "policy"
HELD_S = 60.0
DELETE = "delete policy {policy} term islandmode-{conduit}"


def check(name: str, point: SitePoint, between: Between, networks: Networks) -> Iterator[Problem]:
    """Find a policy that is missing, or is no name."""
    policy = point.options.get(POLICY)
    if not isinstance(policy, str) or not policy:
        sentence = f"{name} needs the name of the policy that its rules stand in; write it under options, as {POLICY}."
        yield Problem("site", ("isolation_points", name, "options", POLICY), sentence)


def render(asked: Asked, capabilities: Capabilities) -> Rendering:
    """Write the lines of a configuration that is committed with a timer."""
    policy, minutes = asked.point.options[POLICY], round(asked.dead_man_s / 60)

    def deny(conduit: str) -> str:
        outer, inner = asked.between[conduit]
        return f"set policy {policy} term islandmode-{conduit} from {outer} to {inner} deny"

    conduits = tuple(conduit for group in asked.stages.values() for conduit in group)
    return Rendering(
        point=asked.name,
        platform=NAME,
        conduits=conduits,
        arm=("show system commit pending",),
        stages=tuple(
            StageLines(stage=stage, conduits=group, isolate=(*map(deny, group), f"commit confirmed {minutes}"))
            for stage, group in asked.stages.items()
            if group
        ),
        renew=(f"commit confirmed {minutes}",),
        restore=(*(DELETE.format(policy=policy, conduit=conduit) for conduit in conduits), "commit"),
        capabilities=capabilities,
    )


def by_hand(point: PlanPoint) -> ByHand:
    """Say how to take the rules away by hand."""
    return ByHand(
        become="Type: configure",
        commands=point.rendering.restore,
        answer="The last command answers: commit complete.",
        looks=(Look("show configuration | match islandmode", ("islandmode",), "Type the commands again."),),
        last_resort="Load the configuration from before the drill.",
        console=ssh_to(point.management),
    )


class Rescuer(SimulatedPoint):
    """A point without a run: whatever stands there is its own."""

    @property
    def _owner(self) -> str:
        device = self._device
        return next((made.owner for made in device.objects.values()), RUN)

    @_owner.setter
    def _owner(self, _owner: str) -> None:
        return


class PendingBench:
    """The fake device in a world of its own."""

    kind = "commit confirmed"
    conduits = ("corporate-line3", "corporate-dmz")
    dead_man_s = 120.0
    short_s = 30.0
    site_point = SitePoint(
        platform=NAME,
        management=Management(address=ip_address("10.40.0.1"), zone="line3"),
        login=Login(user="drill"),
        options={POLICY: "plant-edge"},
        isolates=conduits,
    )

    def __init__(self, seed: int = 1) -> None:
        """Put the device into the world."""
        self._clock = SimulatedClock()
        self._seed = seed
        self._dice = random.Random(seed)
        self._network = SimulatedNetwork(self.conduits, seed)
        self._faults = FaultBook((), self._clock)
        device = KINDS[self.kind].device
        assert issubclass(device, PendingDevice)
        self._device = device("fw", self._network, self._clock)
        self._able = able = KINDS[self.kind].capabilities()
        self.platform = Platform(
            name=NAME,
            capabilities=able,
            options={POLICY: "the policy that its rules stand in"},
            check=check,
            render=lambda asked: render(asked, able),
            open=self._open,
            by_hand=by_hand,
        )

    @property
    def clock(self) -> Clock:
        """The world's clock."""
        return self._clock

    def _open(
        self, name: str, planned: PlanPoint, access: Access | None, clock: Clock, run: str | None
    ) -> IsolationPoint:
        kind = Rescuer if run is None else SimulatedPoint
        return kind(self._device, self._able, (), self._clock, self._faults, self._dice, run or "")

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        """Play a story in virtual time."""
        run_world(self._seed, story)

    def planned(self) -> PlanPoint:
        """Plan the device with both conduits in one stage."""
        point = self.site_point
        between: dict[str, tuple[str, str]] = {
            "corporate-line3": ("corporate", "line3"),
            "corporate-dmz": ("corporate", "dmz"),
        }
        asked = Asked("fw", point, between, {"only": self.conduits}, self.dead_man_s, {})
        return PlanPoint(
            platform=NAME,
            management=point.management,
            login=point.login,
            interfaces=point.interfaces,
            options=point.options,
            conduits=self.conduits,
            between=between,
            rendering=render(asked, self._able),
            capabilities=self._able,
        )

    def point(self, run: str | None = RUN) -> IsolationPoint:
        """Make an edge with sessions of its own."""
        return self._open("fw", self.planned(), None, self._clock, run)

    def owner_told(self, run: str) -> str:
        """Give the run: the device keeps its name."""
        return run

    def all_passes(self, conduit: str) -> bool:
        """Ask the simulated network."""
        return not self._network.blocked_by(conduit, self._clock.monotonic_us())

    def any_passes(self, conduit: str) -> bool:
        """Ask the simulated network, which passes all or nothing."""
        return self.all_passes(conduit)

    def type_by_hand(self, commands: tuple[str, ...]) -> None:
        """Do what the card's commands say; any other is a fault of the card."""
        known = {DELETE.format(policy="plant-edge", conduit=conduit): conduit for conduit in self.conduits}
        for command in commands:
            made = self._device.objects.get(known[command]) if command != "commit" else None
            if made is not None:
                self._device.delete((known[command],), made.owner)

    def _fault(self, kind: Kind, call: str = "", **more: Any) -> None:
        self._faults._set_off(Fault(kind, target="fw", call=call, **more))

    def hang(self, point: IsolationPoint) -> None:
        """Answer nothing."""
        self._fault(Kind.HANG)

    def go_on(self, point: IsolationPoint) -> None:
        """Answer again."""
        self.behave()

    def lose_reply(self, call: str) -> None:
        """Lose the next reply."""
        self._fault(Kind.LOST_REPLY, call, times=1)

    def break_off(self, call: str) -> None:
        """Break off the next write."""
        self._fault(Kind.HALF_WRITE, call, times=1)

    def behave(self) -> None:
        """End every fault."""
        self._faults._active.clear()

    def look_takes(self, seconds: float) -> None:
        """Let every answer to a question be so late."""
        self._fault(Kind.SLOW_WRITE, "state", amount_s=seconds)

    def hold_up(self, call: str) -> None:
        """Let the next line be under way for long."""
        self._fault(Kind.SLOW_WRITE, call, times=1, amount_s=HELD_S)

    async def let_go(self) -> None:
        """Wait until it has arrived, and the device has worked on it."""
        await self._clock.sleep(HELD_S + self._able.works_s.isolate)
