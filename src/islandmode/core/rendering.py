"""The exact device lines of an isolation point, rendered by `isolation` and carried as a value into the plan and the card."""

from __future__ import annotations

from pydantic import Field

from islandmode.core.capabilities import Capabilities
from islandmode.core.egress import Way
from islandmode.core.site import Frozen


class StageLines(Frozen):
    """The lines that put one stage's conduits into isolation."""

    stage: str
    conduits: tuple[str, ...]
    isolate: tuple[str, ...]


class Rendering(Frozen):
    """All lines for one isolation point of a drill; `restore` needs no run-time value, so the card can carry it.

    `ways` are, by conduit, the ways on which the device counts packets; empty where it cannot count.
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
