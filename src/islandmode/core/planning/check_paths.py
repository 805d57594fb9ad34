"""Paths: what a drill's probes really show.

A severed probe that crosses nothing shows nothing, a conduit that no severed probe crosses is not tested, and a
continuity probe that crosses the isolation would call a working isolation an outage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from islandmode.core.drill import Drill
from islandmode.core.planning.paths import (
    DIRECTIONS,
    HERE,
    Crossing,
    ProbePath,
    is_far,
    isolated_by,
    path_of,
    permitted_ways,
    shared_families,
)
from islandmode.core.probe import CanaryProbe, Probe
from islandmode.core.problem import Problem, listed
from islandmode.core.site import Site

FAMILY_NAMES = {4: "IPv4", 6: "IPv6"}


def path_problems(drill: Drill, site: Site, probes: Mapping[str, Probe]) -> Iterator[Problem]:
    """Find probes that show nothing, conduits that are not tested, and stop rules whose probe is not heard; all names must be known."""
    paths = {name: path_of(site, probes[name]) for name in drill.asked}
    isolated = set(isolated_by(drill))
    for index, name in enumerate(drill.severed):
        sentence = _severed(name, site, probes[name], paths[name], isolated)
        if sentence:
            yield Problem("drill", ("severed", index), sentence)
    for index, name in enumerate(drill.continuity):
        sentence = _continuity(name, site, probes[name], paths[name], isolated)
        if sentence:
            yield Problem("drill", ("continuity", index), sentence)
    yield from _unseen_stages(drill, paths)
    direct = [name for name in drill.severed if paths[name].by is None]
    fresh = {paths[name].crossing for name in direct if not isinstance(probes[name], CanaryProbe)}
    held = {paths[name].crossing for name in direct} - fresh
    yield from _untested(drill, site, fresh, held)
    yield from _unwatched_zones(drill, site, paths)
    yield from _deaf_rules(drill, probes)


def _why_unknown(name: str, site: Site, probe: Probe, path: ProbePath) -> str | None:
    """Say why a probe's path is not known; None when it is."""
    if path.source is None:
        family = FAMILY_NAMES[path.family]
        return f"Probe {name} asks {probe.asked_told}, but its vantage {probe.vantage} has no {family} address to ask from; give the vantage such an address."
    if path.target_zone is None and probe.stands_for is not None:
        return f"Probe {name} asks {probe.asked_told}, and that lies in no zone's networks, so its path is not known; correct the address."
    if path.target_zone is None:
        return f"Probe {name} asks {probe.target}, which lies in no zone's networks, so its path is not known; correct the address."
    if probe.by is not None and path.conduit is None:
        return _beside_its_way(name, site, probe.by, path)
    if not path.known:
        return (
            f"Probe {name} goes from zone {path.source_zone} to zone {path.target_zone}, and the site has no conduit "
            "between them, so its path is not known; declare that conduit, or take the probe out."
        )
    return None


def _beside_its_way(name: str, site: Site, way: str, path: ProbePath) -> str:
    outer, inner = site.ends_of(way)
    goes = f"from zone {path.source_zone} to zone {path.target_zone}"
    return (
        f"Probe {name} goes by {way}, which joins {outer} and {inner}, but {goes}; ask from a vantage beyond that way, for a host on "
        "its other side."
    )


def _severed(name: str, site: Site, probe: Probe, path: ProbePath, isolated: set[str]) -> str | None:
    lost = _why_unknown(name, site, probe, path)
    if lost or path.conduit in isolated:
        return lost
    if path.by is not None:
        return (
            f"Severed probe {name} goes by {path.by}, which leads round {path.conduit}, and this drill does not isolate that "
            f"({listed(isolated)}); isolate {path.conduit} in a stage, or take the probe out."
        )
    way = f"it crosses {path.conduit}" if path.conduit else f"it stays inside zone {path.source_zone}"
    isolate = f", isolate {path.conduit} in a stage" if path.conduit else ""
    return (
        f"Severed probe {name} crosses no conduit that this drill isolates ({listed(isolated)}): {way}. "
        f"Give it a vantage on the other side{isolate}, or take it out."
    )


def _continuity(name: str, site: Site, probe: Probe, path: ProbePath, isolated: set[str]) -> str | None:
    lost = _why_unknown(name, site, probe, path)
    if lost or path.conduit not in isolated:
        return lost
    if path.by is not None:
        return (
            f"Continuity probe {name} must stay alive, but goes by {path.by}, by which nothing may pass while {path.conduit} is "
            f"isolated; ask from a vantage in zone {path.target_zone}, or list it under severed."
        )
    return (
        f"Continuity probe {name} must stay alive, but its path crosses {path.conduit}, which this drill isolates; "
        f"ask from a vantage in zone {path.target_zone}."
    )


def _untested(drill: Drill, site: Site, fresh: Collection[Crossing], held: Collection[Crossing]) -> Iterator[Problem]:
    """Find what no severed probe crosses, and what only held connections cross: they need not come back."""
    for index, stage in enumerate(drill.stages):
        for number, conduit in enumerate(stage.isolate):
            families, permitted = shared_families(site, conduit), permitted_ways(site, conduit)
            ways = [(conduit, direction, family) for direction in DIRECTIONS for family in families]
            missing = [_way_told(way) for way in ways if way[1:] in permitted and way not in {*fresh, *held}]
            path = ("stages", index, "isolate", number)
            outer, inner = site.conduits[conduit].between
            if not families:
                sentence = f"Zones {outer} and {inner} share no address family, so no probe can cross {conduit}; give both networks of one family."
                yield Problem("drill", path, sentence)
            if missing:
                sentence = (
                    f"Stage {stage.name} isolates {conduit}, but no severed probe crosses it {', '.join(missing)} "
                    f"(inward is {outer} to {inner}); what no probe crosses is not tested, so add one for each."
                )
                yield Problem("drill", path, sentence)
            only_held = [_way_told(way) for way in ways if way in held]
            if only_held:
                sentence = (
                    f"Stage {stage.name} isolates {conduit}, but only a canary crosses it {', '.join(only_held)} (inward is "
                    f"{outer} to {inner}); a held connection need not come back, so nothing would show that this is restored. "
                    "Add a probe that opens fresh connections for each."
                )
                yield Problem("drill", path, sentence)


def _way_told(way: Crossing) -> str:
    return f"{way[1]} over {FAMILY_NAMES[way[2]]}"


def _unseen_stages(drill: Drill, paths: Mapping[str, ProbePath]) -> Iterator[Problem]:
    crossed = {paths[name].conduit for name in drill.severed if paths[name].by is None}
    for index, stage in enumerate(drill.stages):
        if not crossed & set(stage.isolate):
            sentence = (
                f"No severed probe crosses what stage {stage.name} isolates ({listed(stage.isolate)}), so nothing would show "
                "that it came into effect; add probes, or isolate it in a stage that has some."
            )
            yield Problem("drill", ("stages", index, "isolate"), sentence)


def _unwatched_zones(drill: Drill, site: Site, paths: Mapping[str, ProbePath]) -> Iterator[Problem]:
    watched = {paths[name].target_zone for name in drill.continuity}
    beside = dict.fromkeys(zone for conduit in isolated_by(drill) for zone in site.conduits[conduit].between)
    for zone in beside:
        if site.zones[zone].is_ot and zone not in watched:
            sentence = (
                f"No continuity probe asks anything in OT zone {zone}, which lies next to a conduit that this drill "
                "isolates; without one nobody would see the plant stop."
            )
            yield Problem("drill", ("continuity",), sentence)


def _deaf_rules(drill: Drill, probes: Mapping[str, Probe]) -> Iterator[Problem]:
    for index, rule in enumerate(drill.abort_when):
        vantage = probes[rule.probe].vantage
        sentence = ""
        if is_far(vantage):
            sentence = (
                f'abort_when watches {rule.probe}, but nothing is heard from its vantage "{vantage}" while the plant '
                f'is isolated; use a probe from vantage "{HERE}".'
            )
        elif rule.probe in drill.severed:
            sentence = (
                f"abort_when watches {rule.probe}, which must die in this drill and so would always stop it; "
                "use a continuity probe."
            )
        if sentence:
            yield Problem("drill", ("abort_when", index, "probe"), sentence)
