"""The boundary of what a drill isolates: every conduit across it, and whether anything of it stays open. Pure.

A drill isolates conduits; whether that makes an island is another question. The zones of that island are the inner
zones of the conduits that it isolates, and every OT zone that stays joined with them. A conduit with one end in them is
isolated, left open, or cannot be isolated because no isolation point stands on it. *Island* is said only if nothing is left,
no way round an isolated conduit leads over conduits that stay open, and the isolation points stop all that crosses them, also
what ends on a device or comes out of a tunnel there, which is not part of what it forwards; and if a severed probe goes by every
other way that the site declares round them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from islandmode.core.drill import Drill
from islandmode.core.frozen import Frozen
from islandmode.core.probe import CanaryProbe, Probe
from islandmode.core.site import Covered, Site
from islandmode.core.text import in_words

WAYS_MAX = 20
"""How many ways round are listed: a site in which everything is joined has more than anybody reads."""
TRIES_MAX = 20_000
"""How many unfinished ways are followed, shorter ways first."""


class BoundaryConduit(Frozen):
    """One conduit of the boundary: what the drill does with it, in which stage, and who accepted that it is left open."""

    conduit: str
    between: tuple[str, str]
    state: Literal["isolated", "left open", "not isolable"]
    stage: str | None = None
    accepted_by: str | None = None

    @property
    def told(self) -> str:
        """Say what becomes of the conduit."""
        if self.state == "isolated":
            return f"{self.conduit} is isolated in stage {self.stage}"
        why = "is left open" if self.state == "left open" else "cannot be isolated (no isolation point stands on it)"
        return f"{self.conduit} {why}, accepted by {self.accepted_by or 'nobody'}"


class WayRound(Frozen):
    """A way between the two ends of an isolated conduit, over conduits that stay open."""

    conduit: str
    zones: tuple[str, ...]
    over: tuple[str, ...]

    @property
    def told(self) -> str:
        """Say where the way leads."""
        return f"round {self.conduit}: {' to '.join(self.zones)}, over {', '.join(self.over)}"


class Uncovered(Frozen):
    """What an isolation point does not stop while it isolates a conduit."""

    point: str
    what: Literal["to_device", "vpn"]

    @property
    def told(self) -> str:
        """Say what still passes there."""
        return f"{UNCOVERED[self.what]} {self.point} is not isolated"


UNCOVERED = {"to_device": "what ends on", "vpn": "what comes out of a tunnel on"}


class OtherWayRound(Frozen):
    """An other way of the site round an isolated conduit, and the severed probes that go by it with fresh connections."""

    way: str
    conduit: str
    between: tuple[str, str]
    what: str
    owner: str
    probes: tuple[str, ...] = ()

    @property
    def named(self) -> str:
        """Name it, with what it is and whose."""
        return f"{self.way} ({self.what}, owner {self.owner})"

    @property
    def told(self) -> str:
        """Say whether anything tests it."""
        seen = f"tested by {', '.join(self.probes)}" if self.probes else "no severed probe goes by it"
        return f"round {self.conduit}: {self.named}, {' to '.join(self.between)}; {seen}"

    @property
    def left_told(self) -> str:
        """Say that nothing tests it."""
        return f"no severed probe goes by {self.named}, which leads round {self.conduit}"


class Boundary(Frozen):
    """Everything that joins the isolated zones with others."""

    zones: tuple[str, ...]
    conduits: tuple[BoundaryConduit, ...]
    ways_round: tuple[WayRound, ...]
    uncovered: tuple[Uncovered, ...] = ()
    """Stands in a plan only where something is uncovered."""
    other_ways: tuple[OtherWayRound, ...] = ()
    """Stands in a plan only where the site declares one round an isolated conduit."""

    @model_serializer(mode="wrap")
    def _leave_out_what_goes_without_saying(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = write(self)
        if not self.uncovered:
            told.pop("uncovered", None)
        if not self.other_ways:
            told.pop("other_ways", None)
        return told

    @property
    def untested(self) -> tuple[OtherWayRound, ...]:
        """List the other ways by which no severed probe goes."""
        return tuple(way for way in self.other_ways if not way.probes)

    @property
    def left(self) -> tuple[BoundaryConduit, ...]:
        """List what is not isolated."""
        return tuple(conduit for conduit in self.conduits if conduit.state != "isolated")

    @property
    def is_island(self) -> bool:
        """Tell whether the boundary is known and nothing of it stays open."""
        left = (*self.left, *self.ways_round, *self.uncovered, *self.untested)
        return bool(self.conduits) and not left

    @property
    def told(self) -> str:
        """Say whether what is isolated is an island, and if not, what is left."""
        if not self.conduits:
            return "What stays open is not known: the plan is of an earlier version."
        zones = in_words(self.zones)
        if self.is_island:
            tested = ", and a severed probe goes by every other way" if self.other_ways else ""
            return f"Every conduit that the site file names across the boundary of {zones} is isolated in this drill{tested}."
        left = [part.told for parts in (self.left, self.ways_round, self.uncovered) for part in parts]
        left += [way.left_told for way in self.untested]
        return f"No island of {zones}: {'; '.join(left)}."


UNKNOWN_BOUNDARY = Boundary(zones=(), conduits=(), ways_round=())
"""The boundary in a plan of an earlier version, which did not know boundaries."""


def boundary_of(
    drill: Drill, site: Site, covers: Mapping[str, Sequence[Covered]], probes: Mapping[str, Probe]
) -> Boundary:
    """Find the boundary of a drill; all names must be known. `covers` says what each isolation point of the drill stops."""
    stages = {conduit: stage.name for stage in drill.stages for conduit in stage.isolate}
    zones = isolated_zones(drill, site)
    accepted = {left.conduit: left.accepted_by for left in drill.left_open}
    isolable = {conduit for point in site.isolation_points.values() for conduit in point.isolates}
    conduits = []
    for name, conduit in sorted(site.conduits.items()):
        if name in stages:
            conduits.append(
                BoundaryConduit(conduit=name, between=conduit.between, state="isolated", stage=stages[name])
            )
        elif len(zones & set(conduit.between)) == 1:
            state: Literal["left open", "not isolable"] = "left open" if name in isolable else "not isolable"
            by = accepted.get(name)
            conduits.append(BoundaryConduit(conduit=name, between=conduit.between, state=state, accepted_by=by))
    ways = [way for name in sorted(stages) for way in _ways_round(site, name, frozenset(stages))]
    # In the order of names: what a file lists first says nothing, and the plan's digest must not change with it.
    return Boundary(
        zones=tuple(sorted(zones)),
        conduits=tuple(conduits),
        ways_round=tuple(ways[:WAYS_MAX]),
        uncovered=tuple(_uncovered(covers)),
        other_ways=tuple(_other_ways(drill, site, stages, probes)),
    )


def _other_ways(
    drill: Drill, site: Site, isolated: Collection[str], probes: Mapping[str, Probe]
) -> Iterator[OtherWayRound]:
    for name, way in sorted(site.other_ways.items()):
        if way.round in isolated:
            by = (probe for probe in drill.severed if probes[probe].by == name)
            yield OtherWayRound(
                way=name,
                conduit=way.round,
                between=site.ends_of(name),
                what=way.what,
                owner=way.owner,
                # A held connection does not show that no new one passes.
                probes=tuple(sorted(probe for probe in by if not isinstance(probes[probe], CanaryProbe))),
            )


def _uncovered(covers: Mapping[str, Sequence[Covered]]) -> Iterator[Uncovered]:
    for point, covered in sorted(covers.items()):
        if "to_device" not in covered:
            yield Uncovered(point=point, what="to_device")
        if "vpn" not in covered:
            yield Uncovered(point=point, what="vpn")


def isolated_zones(drill: Drill, site: Site) -> frozenset[str]:
    """Give the inner zones of what a drill isolates, and every OT zone that stays joined with them."""
    isolated = frozenset(conduit for stage in drill.stages for conduit in stage.isolate)
    found = {site.conduits[name].inner for name in isolated}
    edge = list(found)
    while edge:
        zone = edge.pop()
        for _, other in _open_from(site, zone, isolated):
            if site.zones[other].is_ot and other not in found:
                found.add(other)
                edge.append(other)
    return frozenset(found)


def _open_from(site: Site, zone: str, isolated: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield the conduits that stay open at a zone, each with the zone at its other end."""
    for name, conduit in sorted(site.conduits.items()):
        if name not in isolated and zone in conduit.between:
            yield name, conduit.inner if zone == conduit.outer else conduit.outer


def _ways_round(site: Site, name: str, isolated: frozenset[str]) -> Iterator[WayRound]:
    """Yield the ways between the ends of an isolated conduit that pass no zone twice, shorter ways first."""
    outer, inner = site.conduits[name].between
    found = tried = 0
    ways: deque[tuple[tuple[str, ...], tuple[str, ...]]] = deque([((outer,), ())])
    while ways and found < WAYS_MAX and tried < TRIES_MAX:
        tried += 1
        zones, over = ways.popleft()
        if zones[-1] == inner:
            found += 1
            yield WayRound(conduit=name, zones=zones, over=over)
            continue
        for conduit, other in _open_from(site, zones[-1], isolated):
            if other not in zones:
                ways.append(((*zones, other), (*over, conduit)))
