"""Simulated devices that go by the recipes that ship. Their numbers are the recipe's own, as the plan has them.

Window              FortiOS and IOS with a deny at rest: every line brings the end that was computed before the first of them left, and may
                    act until then, however long it was on its way. One that lands after a restore isolates until that end
ConfigurationTimer  IOS with its own revert timer: nothing in a line says when it is too late, but a line that is older than the recipe says
                    is lost

A device at a command line is slow beside nftables: a step is several lines, each after the answer to the one before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from islandmode.core.capabilities import Capabilities
from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.clocked import SECOND_US, ClockDevice
from islandmode.simulate.device import OURS, SimulatedDevice
from islandmode.simulate.network import SimulatedNetwork
from islandmode.simulate.pending import UnarmedChangeTimer


def _fit(device: SimulatedDevice, able: Capabilities) -> None:
    device.lag_us = round(able.lag_s * SECOND_US)
    device.rounding_us = round(able.rounding_s * SECOND_US)
    device.life_us = round(able.latest_s * SECOND_US) - max(device.takes_us.values())


class Window(ClockDevice):
    """A time range or a schedule that ends at a whole minute of its own clock."""

    takes_us: ClassVar[Mapping[str, int]] = MappingProxyType(
        dict.fromkeys(("arm", "isolate", "renew", "restore"), SECOND_US)
    )

    def __init__(self, name: str, network: SimulatedNetwork, clock: SimulatedClock) -> None:
        """Start at rest."""
        super().__init__(name, network, clock)
        self._isolated: set[tuple[str, str]] = set()
        """What the lines of each owner have isolated: a renewal brings them anew."""

    def fit(self, able: Capabilities) -> None:
        """Take the numbers of the recipe."""
        _fit(self, able)

    def _until_us(self, for_us: int) -> int:
        """Count from when the line was sent: the end stands in it."""
        now_us = self.clock.monotonic_us() if self.sent_us is None else self.sent_us
        return self._whole_step_us(now_us + for_us)

    def create(self, conduits: tuple[str, ...], for_us: int, owner: str = OURS) -> str:
        """Write the window down; one that is over already is at rest."""
        return "" if self._until_us(for_us) <= self.clock.monotonic_us() else super().create(conduits, for_us, owner)

    def isolate(self, conduits: tuple[str, ...], owner: str = OURS) -> str:
        """Set the window to its end."""
        refused = super().isolate(conduits, owner)
        if not refused:
            self._isolated.update((owner, conduit) for conduit in conduits)
        return refused

    def renew(self, conduits: tuple[str, ...], for_us: int, owner: str = OURS) -> str:
        """Set what isolated to the new end, also where it was restored meanwhile."""
        if self._until_us(for_us) <= self.clock.monotonic_us():
            return ""
        gone = tuple(name for name in conduits if name not in self.objects and (owner, name) in self._isolated)
        for conduit in gone:
            self._ends[owner, conduit] = self._until_us(for_us) + self.ahead_us
        there = tuple(name for name in conduits if name in self.objects)
        refused = super().renew(there, for_us, owner) if there or not gone else ""
        return refused or (self.isolate(gone, owner) if gone else "")


class SavedWindow(Window):
    """Saves what it is told by itself: a restart keeps the isolation, and its end."""

    def restart(self, for_us: int) -> None:
        """Be away, and come back as before."""
        self.boots += 1
        self._go_down(for_us)


class ConfigurationTimer(UnarmedChangeTimer):
    """Takes a copy of its configuration before it starts the timer, which takes a while."""

    takes_us: ClassVar[Mapping[str, int]] = MappingProxyType(
        {"arm": 10 * SECOND_US, "isolate": SECOND_US, "renew": SECOND_US, "restore": 2 * SECOND_US}
    )

    def fit(self, able: Capabilities) -> None:
        """Take the numbers of the recipe."""
        _fit(self, able)
