"""Simulated devices that isolate until a time of day: the end is computed once, at arm, from the device's own clock.

A schedule has an end and no countdown. Each line that isolates brings that end with it, so a line that comes after the end
isolates nothing, and a line that comes after a restore isolates until the end and no longer. Renewing writes a later end.

ClockDevice     ends on whole minutes, and its clock can be set while the rule stands (FortiOS, IOS time-range)
LaggingDevice   lets traffic pass again long after the end (ASA: the range is looked at every minute or so)
CommitDevice    works on each change for a minute, and refuses another change meanwhile (PAN-OS)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from islandmode.simulate.clock import SimulatedClock
from islandmode.simulate.device import OURS, DeviceObject, SimulatedDevice
from islandmode.simulate.network import SimulatedNetwork

SECOND_US = 1_000_000
COMMIT_US = 60 * SECOND_US


class ClockDevice(SimulatedDevice):
    """Its rule ends at a whole minute of its own clock."""

    gives_tickets = False
    step_us: ClassVar[int] = 60 * SECOND_US
    rounding_us = 60 * SECOND_US

    def __init__(self, name: str, network: SimulatedNetwork, clock: SimulatedClock) -> None:
        """Start with a clock that is in step."""
        super().__init__(name, network, clock)
        self.ahead_us = 0
        self._ends: dict[tuple[str, str], int] = {}
        """The end that the lines of each owner bring for a conduit, on the device's clock."""

    def set_clock(self, by_us: int) -> None:
        """Step the device's own clock; every rule that ends at a time of day ends earlier or later."""
        self.ahead_us += by_us
        now_us = self.clock.monotonic_us()
        for conduit, made in self.made:
            if made.armed_until_us is not None and made.timer_runs:
                # A time of day that has passed ends the rule now.
                made.armed_until_us = max(made.armed_until_us - by_us, now_us)
                self._watch_timer(conduit, made)

    def _until_us(self, for_us: int) -> int:
        """Count from when the line arrived: that is when the clock was read, and a commit comes after it."""
        now_us = self.clock.monotonic_us() if self.arrived_us is None else self.arrived_us
        return self._whole_step_us(now_us + for_us)

    def _whole_step_us(self, until_us: int) -> int:
        return -(-(until_us + self.ahead_us) // self.step_us) * self.step_us - self.ahead_us

    def create(self, conduits: tuple[str, ...], for_us: int, owner: str = OURS) -> str:
        """Write the owner and the end down beside each rule, which is at rest."""
        refused = super().create(conduits, for_us, owner)
        if not refused:
            self._remember(conduits, owner)
        return refused

    def renew(self, conduits: tuple[str, ...], for_us: int, owner: str = OURS) -> str:
        """Write a later end."""
        refused = super().renew(conduits, for_us, owner)
        if not refused:
            self._remember(conduits, owner)
        return refused

    def _remember(self, conduits: tuple[str, ...], owner: str) -> None:
        for conduit in conduits:
            until_us = self.objects[conduit].armed_until_us
            if until_us is not None:
                self._ends[owner, conduit] = until_us + self.ahead_us

    def isolate(self, conduits: tuple[str, ...], owner: str = OURS) -> str:
        """Set the rules to their end; where that has passed the line isolates nothing."""
        for conduit in conduits:
            left_us = self._ends.get((owner, conduit), 0) - self.ahead_us - self.clock.monotonic_us()
            if conduit not in self.objects and left_us > 0:
                made = DeviceObject(owner, left_us, self.clock.monotonic_us() + left_us)
                made.made_us, made.timer_runs = self.clock.monotonic_us(), not self.fakes_timers
                self.objects[conduit] = made
                self.made.append((conduit, made))
                self._watch_timer(conduit, made)
        return super().isolate(conduits, owner)

    def may_isolate(self, conduit: str) -> str:
        """Say why an isolate has no effect now; empty when it has."""
        made = self.objects.get(conduit)
        ended = (
            made is not None and made.armed_until_us is not None and made.armed_until_us <= self.clock.monotonic_us()
        )
        return f"the end for {conduit} has passed" if ended else super().may_isolate(conduit)

    def _timer_ended(self, conduit: str, made: DeviceObject, until_us: int) -> None:
        ends = made.armed_until_us == until_us and made.timer_runs
        super()._timer_ended(conduit, made, until_us)
        if ends and self.objects.get(conduit) is made:
            # A rule whose end has passed is at rest, as before the drill.
            self._forget(conduit)


class LaggingDevice(ClockDevice):
    """Looks at its time ranges so seldom that traffic passes again only long after the end."""

    lag_us = 100 * SECOND_US


class CommitDevice(ClockDevice):
    """Needs a minute for each commit; a second commit meanwhile is refused, and a session that ends stops none."""

    one_write_at_a_time = True
    lands_in_part = False
    takes_us: ClassVar[Mapping[str, int]] = MappingProxyType(
        dict.fromkeys(("arm", "isolate", "renew", "restore"), COMMIT_US)
    )
