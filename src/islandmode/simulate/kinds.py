"""Every kind of simulated device by its life cycle, with what its platform would say it can do, and a drill that fits it.

own timer   an object with a timer of its own for each conduit
clock       a rule that ends at a time of the device's clock, computed once at arm
pending     one pending change for the whole device, taken back by one timer
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from islandmode.core.rendering import Capabilities
from islandmode.simulate.clocked import ClockDevice, CommitDevice, LaggingDevice
from islandmode.simulate.device import SimulatedDevice
from islandmode.simulate.pending import ChangeTimer, CommitConfirmed
from islandmode.simulate.platforms import PairMember, PartialWrites, SlowRestore, StandbyRefuses, TimerProcess
from islandmode.simulate.point import LATEST_S

OWN_TIMER = "own timer"


@dataclass(frozen=True)
class Kind:
    """One kind of device: how it behaves, what is said of it, and how long things may take in a drill on it."""

    device: type[SimulatedDevice]
    said: Mapping[str, Any] = field(default_factory=dict)
    """What its capabilities say otherwise than those of nftables."""
    dead_man_s: float = 30.0
    isolate_within_s: float = 3.0
    restore_within_s: float = 5.0
    sample_every_s: float = 0.2
    one_stage: bool = False
    """Whether one stage isolates all of its conduits: with one pending change a second stage would confirm the first."""

    @property
    def platform(self) -> str:
        """Name the platform as a plan does."""
        return next(name for name, one in KINDS.items() if one is self)

    def capabilities(self, **more: Any) -> Capabilities:
        """Say what it can do."""
        plain: dict[str, Any] = {
            "arms": "before",
            "undo_tier": "A",
            "renewable": True,
            "dead_man_min_s": 1.0,
            "dead_man_max_s": 3600.0,
            "granularity_s": 0.001,
            "latest_s": LATEST_S + self.works_s,
        }
        return Capabilities(**plain | dict(self.said) | more)

    @property
    def works_s(self) -> float:
        """Tell how long it works on a change that could isolate, at most."""
        return max([0.0, *(self.device.takes_us.get(call, 0) / 1_000_000 for call in ("arm", "isolate", "renew"))])


_CLOCK = {"undo_tier": "B", "granularity_s": 60.0}
KINDS: dict[str, Kind] = {
    OWN_TIMER: Kind(SimulatedDevice),
    "schedule": Kind(ClockDevice, _CLOCK, dead_man_s=120.0),
    "lagging schedule": Kind(LaggingDevice, _CLOCK, dead_man_s=180.0),
    "slow commits": Kind(
        CommitDevice, _CLOCK, dead_man_s=600.0, isolate_within_s=70.0, restore_within_s=140.0, sample_every_s=0.5
    ),
    "commit confirmed": Kind(
        CommitConfirmed,
        {"arms": "with_isolate", "undo_tier": "B", "granularity_s": 60.0},
        dead_man_s=120.0,
        isolate_within_s=10.0,
        restore_within_s=20.0,
        one_stage=True,
    ),
    "change timer": Kind(ChangeTimer, {"undo_tier": "B", "granularity_s": 60.0}, dead_man_s=120.0),
    "slow restore": Kind(SlowRestore, restore_within_s=60.0, dead_man_s=120.0),
    "partial write": Kind(PartialWrites, one_stage=True),
    "pair": Kind(PairMember),
    "standby": Kind(StandbyRefuses),
    "timer process": Kind(TimerProcess),
}
