"""The exact device lines of an isolation point, rendered by `isolation` and carried as a value into the plan and the card."""

from __future__ import annotations

from typing import Literal

from islandmode.core.site import Frozen


class Capabilities(Frozen):
    """What a way of isolating can do, from our own table, never from a driver's signature.

    `arms`: "before" when traffic still passes after arming; "with_isolate" when arming and isolating are one act.
    `latest_s`: how long after it left a line may still act on the device, whatever held it up on its way.
    """

    arms: Literal["before", "with_isolate"]
    undo_tier: Literal["A", "B", "C", "D"]
    renewable: bool
    dead_man_min_s: float
    dead_man_max_s: float
    granularity_s: float
    latest_s: float


class StageLines(Frozen):
    """The lines that put one stage's conduits into isolation."""

    stage: str
    conduits: tuple[str, ...]
    isolate: tuple[str, ...]


class Rendering(Frozen):
    """All lines for one isolation point of a drill; `restore` needs no run-time value, so the card can carry it."""

    point: str
    platform: str
    conduits: tuple[str, ...]
    arm: tuple[str, ...]
    stages: tuple[StageLines, ...]
    renew: tuple[str, ...]
    restore: tuple[str, ...]
    capabilities: Capabilities
