"""The exact device lines of an isolation point, rendered by `isolation` and carried as a value into the plan and the card."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from islandmode.core.capabilities import Capabilities
from islandmode.core.egress import Way
from islandmode.core.frozen import Frozen


class StageLines(Frozen):
    """The lines that put one stage's conduits into isolation."""

    stage: str
    conduits: tuple[str, ...]
    isolate: tuple[str, ...]


class RecipeUsed(Frozen):
    """The recipe that wrote a point's lines: its name, its version, and the digest of its file, so that editing it changes the plan's."""

    name: str
    version: int
    sha256: str


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
    recipe: RecipeUsed | None = None
    """None where the platform is code; then it stands in no plan, so that such a plan keeps its digest."""

    @model_serializer(mode="wrap")
    def _leave_out_what_is_not_there(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in write(self).items() if name != "recipe" or value is not None}
