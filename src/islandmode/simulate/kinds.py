"""Every kind of simulated device by its life cycle, with what its platform would say it can do, and a drill that fits it.

own timer   an object with a timer of its own for each conduit
clock       a rule that ends at a time of the device's clock, computed once at arm
pending     one pending change for the whole device, taken back by one timer

The recipes that ship are kinds too, under their own names: what is said of them is derived from the recipe, as for a plant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from islandmode.core.capabilities import Calls, Capabilities, Works
from islandmode.core.recipe.derive import capabilities
from islandmode.simulate.by_recipe import ConfigurationTimer, SavedWindow, Window
from islandmode.simulate.clocked import SECOND_US, ClockDevice, CommitDevice, LaggingDevice
from islandmode.simulate.device import SimulatedDevice
from islandmode.simulate.pending import CommitConfirmed, UnarmedChangeTimer
from islandmode.simulate.platforms import PairMember, PartialWrites, SlowRestore, StandbyRefuses, TimerProcess
from islandmode.simulate.point import LATEST_S
from islandmode.store.recipes import shipped_recipes

OWN_TIMER = "simulated"
"""The plain kind, with objects that expire by themselves as those of nftables do."""


@dataclass(frozen=True)
class DeviceKind:
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
    recipe: str = ""
    """The recipe by which it goes, if it does."""

    def capabilities(self, **more: Any) -> Capabilities:
        """Say what it can do."""
        if self.recipe:
            able = capabilities(shipped_recipes()[self.recipe].recipe, self.dead_man_s)
            return able.model_copy(update=more)
        works, usual = self.works, Calls()
        plain: dict[str, Any] = {
            "arms": "before",
            "undo_tier": "A",
            "renewable": True,
            "dead_man_min_s": 1.0,
            "dead_man_max_s": 3600.0,
            "granularity_s": 0.001,
            "latest_s": LATEST_S + max(works.arm, works.isolate, works.renew),
            "works_s": works,
            "calls_s": Calls(
                arm=usual.arm + works.arm,
                isolate=usual.isolate + works.isolate,
                renew=usual.renew + works.renew,
                restore=usual.restore + works.restore,
                restore_anew=usual.restore_anew + works.restore,
            ),
            "lag_s": self.device.lag_us / SECOND_US,
            "rounding_s": self.device.rounding_us / SECOND_US,
        }
        return Capabilities(**plain | dict(self.said) | more)

    @property
    def works(self) -> Works:
        """Tell how long it works on changes."""
        if self.recipe:
            return self.capabilities().works_s
        return Works(**{call: us / SECOND_US for call, us in self.device.takes_us.items()})


def _by_recipe(name: str, device: type[SimulatedDevice]) -> DeviceKind:
    return DeviceKind(
        device, dead_man_s=180.0, isolate_within_s=12.0, restore_within_s=20.0, sample_every_s=0.5, recipe=name
    )


_CLOCK = {"undo_tier": "B", "granularity_s": 60.0, "shown_step_s": 1.0}
_PENDING = {"undo_tier": "B", "granularity_s": 60.0, "shown_step_s": 1.0, "timer": "device"}
KINDS: dict[str, DeviceKind] = {
    OWN_TIMER: DeviceKind(SimulatedDevice),
    "schedule": DeviceKind(ClockDevice, _CLOCK, dead_man_s=120.0),
    "lagging schedule": DeviceKind(LaggingDevice, _CLOCK, dead_man_s=180.0),
    "slow commits": DeviceKind(
        CommitDevice, _CLOCK, dead_man_s=600.0, isolate_within_s=70.0, restore_within_s=140.0, sample_every_s=0.5
    ),
    "commit confirmed": DeviceKind(
        CommitConfirmed,
        {**_PENDING, "arms": "with_isolate", "further": "confirms", "reverts": "commit"},
        dead_man_s=120.0,
        isolate_within_s=10.0,
        restore_within_s=20.0,
        one_stage=True,
    ),
    "change timer": DeviceKind(
        UnarmedChangeTimer, {**_PENDING, "reverts": "everything", "atomic_stage": False}, dead_man_s=120.0
    ),
    "slow restore": DeviceKind(SlowRestore, restore_within_s=60.0, dead_man_s=120.0),
    "partial write": DeviceKind(PartialWrites, {"atomic_stage": False}, one_stage=True),
    "pair": DeviceKind(PairMember),
    "standby": DeviceKind(StandbyRefuses),
    "timer process": DeviceKind(TimerProcess),
    "fortios-schedule": _by_recipe("fortios-schedule", SavedWindow),
    "ios-time-range": _by_recipe("ios-time-range", Window),
    "ios-revert": _by_recipe("ios-revert", ConfigurationTimer),
}
