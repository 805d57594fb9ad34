"""Level hard: which interfaces go down, what else goes by them, and whether a restore could still log in. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from islandmode.core.drill import Drill
from islandmode.core.pair import member_of
from islandmode.core.planning.paths import HERE
from islandmode.core.problem import Path, Problem
from islandmode.core.site import Site, SitePoint


def level_problems(name: str, point: SitePoint, site: Site) -> Iterator[Problem]:
    """Find why a point of a site cannot isolate at level hard, by the site alone: it is managed by what goes down, or is one of a pair."""
    if point.level != "hard" or point.management is None:
        return
    at: Path = ("isolation_points", name, "level")
    ways = {point.management.zone: f"{name} is managed from zone {point.management.zone}"}
    if HERE in site.vantages:
        here = site.vantages[HERE].zone
        ways.setdefault(here, f"The operations host stands in zone {here}")
    down = _down(point, site, point.isolates)
    for zone, what in ways.items():
        for interface in point.interfaces.get(zone, ()):
            if interface in down:
                sentence = (
                    f"{what}, to which interface {interface} of {name} leads, and level hard takes {interface} down with {down[interface]}: no restore "
                    "could log in. Manage the device by another interface, or write level: deny."
                )
                yield Problem("site", at, sentence)
    member = member_of(site, name)
    if member is not None:
        sentence = (
            f"{name} is a member of pair {member.pair}, whose members watch each other by the interfaces that level hard takes down: the pair would "
            "change its roles in the drill. Write level: deny."
        )
        yield Problem("site", at, sentence)


def down_with_others(drill: Drill, site: Site, name: str, point: SitePoint) -> Iterator[Problem]:
    """Find conduits that go by an interface which a stage takes down, and that are not isolated by then."""
    if point.level != "hard":
        return
    isolated: list[str] = []
    for index, stage in enumerate(drill.stages):
        isolated += stage.isolate
        down = _down(point, site, stage.isolate)
        for other in site.conduits:
            by = _crossing(point, site, other) & set(down)
            if other not in isolated and by:
                interface = min(by)
                sentence = (
                    f"Stage {stage.name} takes interface {interface} of {name} down (level: hard) to isolate {down[interface]}, and {other} goes by it "
                    f"too; isolate {other} in the same stage or before, or write level: deny at {name}."
                )
                yield Problem("drill", ("stages", index, "isolate"), sentence)


def _down(point: SitePoint, site: Site, conduits: Sequence[str]) -> dict[str, str]:
    """Give the interfaces that go down, each with the conduit for which it does."""
    found: dict[str, str] = {}
    for conduit in conduits:
        if conduit in point.isolates:
            for interface in point.interfaces.get(site.conduits[conduit].outer, ()):
                found.setdefault(interface, conduit)
    return found


def _crossing(point: SitePoint, site: Site, conduit: str) -> set[str]:
    """Give the interfaces of a device by which a conduit crosses it; none where both ends lie behind the same interfaces."""
    outer, inner = (set(point.interfaces.get(zone, ())) for zone in site.conduits[conduit].between)
    return outer | inner if outer and inner and outer != inner else set()
