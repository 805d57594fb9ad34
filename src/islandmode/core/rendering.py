"""The exact device lines of an isolation point, rendered by `isolation` and carried as a value into the plan and the card."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from islandmode.core.egress import Way
from islandmode.core.site import Frozen


class Capabilities(Frozen):
    """What a way of isolating can do, from our own table, never from a driver's signature.

    `arms`: "before" when traffic still passes after arming; "with_isolate" when arming and isolating are one act.
    `latest_s`: how long after it left a line may still act on the device, whatever held it up on its way.
    `witness`: what the device itself can say of an isolation. "egress": it counts what still leaves it across the conduit.
    "denies": it counts only what it dropped, which never proves that nothing passed. "none": it counts nothing.
    `denies_with`: "refusal" where the isolation itself may answer in the target's name, with a reset or an ICMP error.
    """

    arms: Literal["before", "with_isolate"]
    undo_tier: Literal["A", "B", "C", "D"]
    renewable: bool
    dead_man_min_s: float
    dead_man_max_s: float
    granularity_s: float
    latest_s: float = 30.0
    """What a plan of an earlier version says nothing of: its lines had no latest moment."""
    witness: Literal["egress", "denies", "none"] = "none"
    denies_with: Literal["silence", "refusal"] = "silence"


class StageLines(Frozen):
    """The lines that put one stage's conduits into isolation."""

    stage: str
    conduits: tuple[str, ...]
    isolate: tuple[str, ...]


class Rendering(Frozen):
    """All lines for one isolation point of a drill; `restore` needs no run-time value, so the card can carry it.

    `ways` are those on which the device counts packets, by conduit; empty where it cannot.
    """

    point: str
    platform: str
    conduits: tuple[str, ...]
    arm: tuple[str, ...]
    stages: tuple[StageLines, ...]
    renew: tuple[str, ...]
    restore: tuple[str, ...]
    capabilities: Capabilities
    ways: dict[str, tuple[Way, ...]] = Field(default_factory=dict)
