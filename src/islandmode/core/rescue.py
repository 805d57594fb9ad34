"""A rescue: all that a restore needs of a drill and its site, and nothing else of either.

A plan vouches for a whole drill, so everything in it must be right. A restore by a drill's name comes when something is
wrong already: it needs the conduits of the stages and the points that isolate them. Values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from islandmode.core.frozen import Network
from islandmode.core.plan import PlanPoint
from islandmode.core.quantities import Name, as_tuple
from islandmode.core.site import SitePoint


class Restorable(Protocol):
    """What can be restored: a plan, or a rescue."""

    @property
    def points(self) -> Mapping[str, PlanPoint]:
        """Every isolation point that may hold an Islandmode object, by name."""
        ...

    @property
    def conduits(self) -> tuple[str, ...]:
        """Every conduit that may be isolated."""
        ...


class _Needed(BaseModel):
    """A part of a file: whatever else stands there is not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RescueStage(_Needed):
    """The conduits of one stage."""

    isolate: Annotated[tuple[Name, ...], BeforeValidator(as_tuple), Field(min_length=1)]


class RescueDrill(_Needed):
    """What a rescue needs of a drill."""

    drill: str = ""
    site: Name
    stages: Annotated[tuple[RescueStage, ...], BeforeValidator(as_tuple), Field(min_length=1)]

    @property
    def conduits(self) -> tuple[str, ...]:
        """Every conduit that some stage isolates, in order, each once."""
        return tuple(dict.fromkeys(conduit for stage in self.stages for conduit in stage.isolate))


class RescueConduit(_Needed):
    """The zones on both sides of a conduit."""

    between: Annotated[tuple[Name, Name], BeforeValidator(as_tuple)]


class RescueZone(_Needed):
    """The networks of a zone, which lines of a recipe may name."""

    networks: Annotated[tuple[Network, ...], BeforeValidator(as_tuple)]


class RescueSite(_Needed):
    """What a rescue needs of a site; a rescue looks at one point and its conduits at a time."""

    conduits: dict[Name, RescueConduit]
    isolation_points: dict[Name, SitePoint]


class RescueZones(_Needed):
    """What a rescue needs of a site's zones, where a recipe is what restores."""

    zones: dict[Name, RescueZone]


class Rescue(_Needed):
    """A drill's points, ready to be restored."""

    site: str
    points: dict[str, PlanPoint]
    conduits: tuple[str, ...]
