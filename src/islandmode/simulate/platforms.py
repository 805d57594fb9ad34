"""Simulated devices as platforms really differ: whose timers are coarse, whose undo is a whole configuration, whose writes land half.

CoarseTimers         tells what is left in whole steps, rounded up or down, as a command line with whole minutes does
HalfWrites           a write for several conduits lands for the first of them only, and is said to have failed, or not
SlowRestore          works on a restore for most of a minute
PathMember           a device of its own, as its peer is: a failover moves the path to the peer, and leaves on each what stands there
PairMember           one address, two members: when one restarts the other takes over, and knows nothing of what was armed
StandbyRefuses       the member that was asked so far becomes the standby: it shows what it had, and takes no change for a while
TimerProcess         its timers are a process of their own; when that dies, all of them are gone
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from islandmode.isolation.point import ConduitState
from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.device import OURS, SimulatedDevice
from islandmode.simulate.network import SimulatedNetwork

SECOND_US = 1_000_000


class CoarseTimers(SimulatedDevice):
    """Its timers end when they should; what is left of them is told in whole steps."""

    step_us = 60 * SECOND_US
    rounds_up = True

    def _state(self, conduit: str, owner: str) -> ConduitState:
        exact = super()._state(conduit, owner)
        if exact.armed_s is None:
            return exact
        steps = -(-round(exact.armed_s * SECOND_US) // self.step_us) if self.rounds_up else 0
        steps = steps or round(exact.armed_s * SECOND_US) // self.step_us
        left_s = steps * self.step_us / SECOND_US
        return replace(exact, armed_s=left_s)


class Seconds(CoarseTimers):
    """Tells whole seconds."""

    step_us = SECOND_US


class RoundsDown(CoarseTimers):
    """Tells less than is left."""

    rounds_up = False


class HalfWrites(SimulatedDevice):
    """The first write of each kind that names several conduits lands for the first of them only."""

    half = frozenset({"arm", "isolate", "restore"})
    admits = True

    def __init__(self, name: str, network: SimulatedNetwork, clock: SimulatedClock) -> None:
        """Start with every write still to be halved."""
        super().__init__(name, network, clock)
        self._halves = set(self.half)

    def _takes(self, call: str, conduits: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        if len(conduits) < 2 or call not in self._halves:
            return conduits, ""
        self._halves.remove(call)
        return conduits[:1], "the commit failed half-way" if self.admits else ""

    def create(self, conduits: tuple[str, ...], for_us: int, owner: str = OURS) -> str:
        """Make the objects, or the first of them."""
        lands, failed = self._takes("arm", conduits)
        return super().create(lands, for_us, owner) or failed

    def isolate(self, conduits: tuple[str, ...], owner: str = OURS) -> str:
        """Isolate all, or the first."""
        lands, failed = self._takes("isolate", conduits)
        return super().isolate(lands, owner) or failed

    def delete(self, conduits: tuple[str, ...], owner: str = OURS) -> str:
        """Take all away, or the first."""
        lands, failed = self._takes("restore", conduits)
        return super().delete(lands, owner) or failed


class PartialWrites(HalfWrites):
    """The second line of a stage's isolate is rejected, the first stays in force."""

    half = frozenset({"isolate"})


class SlowRestore(SimulatedDevice):
    """Works on each restore for most of a minute."""

    takes_us: ClassVar[Mapping[str, int]] = MappingProxyType({"restore": 45 * SECOND_US})


class PathMember(SimulatedDevice):
    """One of two devices that stand in for each other; in the plan both isolate the same conduits."""

    def restart(self, for_us: int) -> None:
        """Boot, while the other member carries the packets."""
        self.network.step_down(self.name, self.clock.monotonic_us())
        super().restart(for_us)

    def edit(self, text: str) -> None:
        """Take in what a colleague changes: that the other member is to be active."""
        super().edit(text)
        self.network.step_down(self.name, self.clock.monotonic_us())


class PairMember(SimulatedDevice):
    """A pair at one address; objects are not copied between its members."""

    def restart(self, for_us: int) -> None:
        """Let the standby take over: it knows nothing of what was armed on the other."""
        self._leave(for_us)
        for conduit in tuple(self.objects):
            self._forget(conduit)

    def _leave(self, _for_us: int) -> None:
        self.boots += 1
        for conduit, made in self.made:
            if self.objects.get(conduit) is made:
                self._write("lost", conduit, made, "failover")
            made.timer_runs = False
            self._let_pass(conduit, made)


class StandbyRefuses(PairMember):
    """The member that is asked becomes the standby, and takes the other member's configuration later on."""

    stays_us = 20 * SECOND_US

    def __init__(self, name: str, network: SimulatedNetwork, clock: SimulatedClock) -> None:
        """Start as the active member."""
        super().__init__(name, network, clock)
        self._shown: dict[str, ConduitState] = {}

    def restart(self, for_us: int) -> None:
        """Step down: no packet comes this way any more, and nothing may be changed here."""
        self._shown = {name: self._state(name, made.owner) for name, made in self.objects.items() if made.isolating}
        self._leave(for_us)
        self.standby_until_us = self.clock.monotonic_us() + self.stays_us
        self.clock.at(self.standby_until_us, self._follow)

    def _follow(self) -> None:
        self._shown = {}
        for conduit in tuple(self.objects):
            self._forget(conduit)

    def _state(self, conduit: str, owner: str) -> ConduitState:
        # By its own word it isolates as before; no packet comes to it, so it counts none.
        exact, shown = super()._state(conduit, owner), self._shown.get(conduit)
        if shown is None or not exact.present:
            return exact
        return replace(exact, isolating=True, egress=shown.egress)


class TimerProcess(SimulatedDevice):
    """Its timers are jobs of one process."""

    def stop_timer(self, _conduit: str) -> None:
        """Let that process die."""
        for conduit in tuple(self.objects):
            super().stop_timer(conduit)
