"""Names: everything that a drill, a site or a probe refers to must exist, and exist once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv6Address

from islandmode.core.drill import Drill
from islandmode.core.frozen import Address
from islandmode.core.planning.check_backlogs import backlog_names
from islandmode.core.planning.check_pairs import pair_name_problems
from islandmode.core.planning.paths import HERE
from islandmode.core.probe import Probe
from islandmode.core.problem import Path, Problem, listed, unknown
from islandmode.core.site import Site


def name_problems(drill: Drill, site: Site, probes: Mapping[str, Probe]) -> Iterator[Problem]:
    """Find names that do not exist, and names given twice."""
    if drill.site != site.site:
        yield Problem(
            "drill",
            ("site",),
            f'The drill is for site "{drill.site}", but this site is "{site.site}"; correct the name.',
        )
    yield from site_name_problems(site)
    yield from stage_problems(drill, site)
    yield from probe_list_problems(drill, probes)
    yield from _probe_vantages(drill, site, probes)


def stage_problems(drill: Drill, site: Site) -> Iterator[Problem]:
    """Find stages and conduits of a drill that the site does not know, or that are named twice."""
    yield from _stage_names(drill, site)
    yield from _left_open(drill, site)


def site_name_problems(site: Site) -> Iterator[Problem]:
    """Find names within a site that nothing in it has."""
    for name, conduit in site.conduits.items():
        yield from _unknown_items("zone", conduit.between, site.zones, ("conduits", name, "between"))
        if conduit.outer == conduit.inner:
            sentence = f'Conduit {name} has zone "{conduit.outer}" on both ends; it must join two zones.'
            yield Problem("site", ("conduits", name, "between"), sentence)
    yield from _twin_conduits(site)
    yield from _other_ways(site)
    for name, point in site.isolation_points.items():
        at = ("isolation_points", name)
        yield from _unknown_items("conduit", point.isolates, site.conduits, (*at, "isolates"))
        for zone in point.interfaces:
            if zone not in site.zones:
                yield unknown("site", (*at, "interfaces", zone), "zone", zone, site.zones)
        if point.management is not None and point.management.zone not in site.zones:
            yield unknown("site", (*at, "management", "zone"), "zone", point.management.zone, site.zones)
    yield from pair_name_problems(site)
    yield from _declared(site)
    for name, vantage in site.vantages.items():
        if vantage.zone not in site.zones:
            yield unknown("site", ("vantages", name, "zone"), "zone", vantage.zone, site.zones)
    if HERE not in site.vantages:
        sentence = (
            f'The site needs a vantage named "{HERE}": the operations host, from which the drill is run and the '
            f"plant is watched; known: {listed(site.vantages)}."
        )
        yield Problem("site", ("vantages",), sentence)


def _declared(site: Site) -> Iterator[Problem]:
    """Find services that something unknown carries, and backups of devices that the site does not have."""
    carriers = (*site.conduits, *(flow.name for conduit in site.conduits.values() for flow in conduit.flows))
    for key, answer in site.asked_for.each():
        for index, name in enumerate(answer.carried_by if answer is not None and answer.crosses else ()):
            if name not in carriers:
                yield unknown("site", ("asked_for", key, "carried_by", index), "flow or conduit", name, carriers)
    for name in site.backups.isolation_points if site.backups is not None else ():
        if name not in site.isolation_points:
            yield unknown("site", ("backups", "isolation_points", name), "isolation point", name, site.isolation_points)


def _twin_conduits(site: Site) -> Iterator[Problem]:
    seen: dict[frozenset[str], str] = {}
    for name, conduit in site.conduits.items():
        first = seen.setdefault(frozenset(conduit.between), name)
        if first != name and conduit.outer != conduit.inner:
            sentence = (
                f"Conduits {first} and {name} both join {conduit.outer} and {conduit.inner}; a conduit is the only "
                "path between two zones, so write them as one conduit."
            )
            yield Problem("site", ("conduits", name, "between"), sentence)


def _other_ways(site: Site) -> Iterator[Problem]:
    for name, way in site.other_ways.items():
        at = ("other_ways", name)
        if way.round not in site.conduits:
            yield unknown("site", (*at, "round"), "conduit", way.round, site.conduits)
        if name in site.conduits:
            sentence = f"Other way {name} has the name of a conduit; give it a name of its own."
            yield Problem("site", at, sentence)
        ends: tuple[str, ...] = way.between or ()
        yield from _unknown_items("zone", ends, site.zones, (*at, "between"))
        if len(ends) > len(set(ends)):
            sentence = f'Other way {name} has zone "{ends[0]}" on both ends; it must join two zones.'
            yield Problem("site", (*at, "between"), sentence)


def _stage_names(drill: Drill, site: Site) -> Iterator[Problem]:
    for index in _repeated([stage.name for stage in drill.stages]):
        sentence = f'Two stages are named "{drill.stages[index].name}"; give each stage a name of its own.'
        yield Problem("drill", ("stages", index, "name"), sentence)
    taken: dict[str, str] = {}
    for index, stage in enumerate(drill.stages):
        yield from _unknown_items("conduit", stage.isolate, site.conduits, ("stages", index, "isolate"), source="drill")
        for number, conduit in enumerate(stage.isolate):
            if conduit in taken:
                sentence = (
                    f"Conduit {conduit} is isolated twice, in stages {taken[conduit]} and {stage.name}; a stage keeps "
                    "what earlier stages isolated, so name it once."
                )
                yield Problem("drill", ("stages", index, "isolate", number), sentence)
            taken.setdefault(conduit, stage.name)


def _left_open(drill: Drill, site: Site) -> Iterator[Problem]:
    isolated = {conduit: stage.name for stage in drill.stages for conduit in stage.isolate}
    names = [left.conduit for left in drill.left_open]
    for index, name in enumerate(names):
        path = ("left_open", index, "conduit")
        if name not in site.conduits:
            yield unknown("drill", path, "conduit", name, site.conduits)
        elif name in isolated:
            sentence = (
                f"Conduit {name} is left open, but stage {isolated[name]} isolates it; take it out of one of the two."
            )
            yield Problem("drill", path, sentence)
        elif name in names[:index]:
            yield Problem("drill", path, f"Conduit {name} is left open twice; accept it once.")


def probe_list_problems(drill: Drill, probes: Collection[str]) -> Iterator[Problem]:
    """Find probes of a drill that no pack has, or that are listed twice."""
    for key, names in (("continuity", drill.continuity), ("severed", drill.severed)):
        yield from _unknown_items("probe", names, probes, (key,), source="drill")
        for index in _repeated(names):
            yield Problem("drill", (key, index), f"Probe {names[index]} is listed twice under {key}; list it once.")
    for index, name in enumerate(drill.severed):
        if name in drill.continuity:
            sentence = f"Probe {name} is listed under continuity and under severed; it cannot stay alive and die."
            yield Problem("drill", ("severed", index), sentence)
    for index, rule in enumerate(drill.abort_when):
        if rule.probe not in drill.continuity and rule.probe not in drill.severed:
            known = (*drill.continuity, *drill.severed)
            yield unknown("drill", ("abort_when", index, "probe"), "probe in this drill named", rule.probe, known)
    yield from _interlocks(drill, probes)
    yield from backlog_names(drill, probes)


def _interlocks(drill: Drill, probes: Collection[str]) -> Iterator[Problem]:
    """Find interlocks that no pack has, or whose probe the drill lists a second time."""
    names = [interlock.probe for interlock in drill.interlocks]
    for index, name in enumerate(names):
        path = ("interlocks", index, "probe")
        if name not in probes:
            yield unknown("drill", path, "probe", name, probes)
        elif name in (*drill.continuity, *drill.severed, *names[:index]):
            sentence = f"Probe {name} is listed twice, once under interlocks; give the interlock a probe of its own."
            yield Problem("drill", path, sentence)


def _probe_vantages(drill: Drill, site: Site, probes: Mapping[str, Probe]) -> Iterator[Problem]:
    # Packs may serve several sites, so only the probes of this drill must fit this site.
    for name in dict.fromkeys(drill.asked):
        probe = probes.get(name)
        if probe is not None and probe.vantage not in site.vantages:
            yield unknown("probes", (name, "vantage"), "vantage", probe.vantage, site.vantages)
        if probe is not None and probe.by is not None and probe.by not in site.other_ways:
            yield unknown("probes", (name, "by"), "other way", probe.by, site.other_ways)


def address_problems(site: Site) -> Iterator[Problem]:
    """Find two devices at one address, and vantages that do not stand in the zone they name."""
    holders: dict[Address, str] = {}
    for owner, address, path in _device_addresses(site):
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            sentence = (
                f"{owner[0].upper()}{owner[1:]} has the address {address}, which is valid on one interface of one machine only; "
                'write an address without "%".'
            )
            yield Problem("site", path, sentence)
        plain = getattr(address, "ipv4_mapped", None) or address
        first = holders.setdefault(plain, owner)
        if first != owner:
            sentence = f"{owner[0].upper()}{owner[1:]} has the address {address} of {first}; two devices cannot share one, so correct one of them."
            yield Problem("site", path, sentence)
    for name, point in site.isolation_points.items():
        management = point.management
        if management is None:
            continue
        zone = site.zone_of(management.address)
        if zone is not None and management.zone in site.zones and zone != management.zone:
            sentence = (
                f"Isolation point {name} is managed from zone {management.zone}, but its management address "
                f"{management.address} lies in zone {zone}; correct the zone or the address."
            )
            yield Problem("site", ("isolation_points", name, "management", "zone"), sentence)
    for name, vantage in site.vantages.items():
        for index, address in enumerate(vantage.address):
            zone = site.zone_of(address)
            if vantage.zone in site.zones and zone != vantage.zone:
                where = f"zone {zone}" if zone is not None else "no zone's networks"
                sentence = f"Vantage {name} stands in zone {vantage.zone}, but its address {address} lies in {where}; correct the zone or the address."
                yield Problem("site", ("vantages", name, "address", index), sentence)


def _device_addresses(site: Site) -> Iterator[tuple[str, Address, Path]]:
    for name, point in site.isolation_points.items():
        if point.management is not None:
            address = point.management.address
            yield f"isolation point {name}", address, ("isolation_points", name, "management", "address")
    for name, vantage in site.vantages.items():
        for index, address in enumerate(vantage.address):
            yield f"vantage {name}", address, ("vantages", name, "address", index)


def _unknown_items(
    what: str, names: Sequence[str], known: Iterable[str], path: Path, *, source: str = "site"
) -> Iterator[Problem]:
    there = set(known)
    for index, name in enumerate(names):
        if name not in there:
            yield unknown("drill" if source == "drill" else "site", (*path, index), what, name, there)


def _repeated(names: Sequence[str]) -> Iterator[int]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield index
