"""Which declared flows die in a stage, whose they are, and how much of each a severed probe really tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import TypeVar

from islandmode.core.conduit import Flow, is_part, is_within, serves
from islandmode.core.frozen import Network
from islandmode.core.plan import DyingFlow
from islandmode.core.probe import IcmpProbe, Probe
from islandmode.core.site import Site

Entry = TypeVar("Entry")


def dying_flows(
    site: Site, conduits: Sequence[str], severed: Sequence[str], probes: Mapping[str, Probe]
) -> tuple[DyingFlow, ...]:
    """List the declared flows of some conduits, each with the severed probes that test it."""
    # What goes by an other way says nothing of the conduit's own flows.
    asked = {name: probes[name] for name in severed if probes[name].by is None}
    return tuple(_dying(site, conduit, flow, asked) for conduit in conduits for flow in site.conduits[conduit].flows)


def _dying(site: Site, conduit: str, flow: Flow, severed: Mapping[str, Probe]) -> DyingFlow:
    parts = _parts(flow)
    tested = {
        name: {part for part in parts if covers(site, probe, *part[0], part[1])} for name, probe in severed.items()
    }
    covered = set().union(*tested.values()) if tested else set()
    return DyingFlow(
        flow=flow.name,
        conduit=conduit,
        owner=flow.owner,
        service=", ".join(flow.service),
        purpose=flow.purpose,
        covered=len(covered) / len(parts) if parts else 0.0,
        sampled=any(_is_many(*part[0], part[1]) for part in covered),
        probes=tuple(name for name, hit in tested.items() if hit),
        if_cut=flow.if_cut,
        reviewed_by=flow.reviewed_by,
        reviewed_on=flow.reviewed_on,
        cut_accepted_by=flow.cut_accepted_by,
    )


def _parts(flow: Flow) -> tuple[tuple[tuple[Network, Network], str], ...]:
    """List the distinct parts of a flow: a source, a destination and a service; what another entry contains counts once."""
    sources, destinations = _widest(flow.source, is_within), _widest(flow.destination, is_within)
    pairs = dict.fromkeys(
        (source, other) for source, other in flow.pairs if source in sources and other in destinations
    )
    return tuple(product(pairs, _widest(flow.service, is_part)))


def _widest(entries: Sequence[Entry], within: Callable[[Entry, Entry], bool]) -> list[Entry]:
    """Leave out what lies within another entry; of two that are the same, such as tcp/80 and tcp/80-80, the first stays."""
    found: list[Entry] = []
    for entry in entries:
        if not any(within(entry, other) for other in found):
            found = [other for other in found if not within(other, entry)]
            found.append(entry)
    return found


def _is_many(source: Network, destination: Network, service: str) -> bool:
    """Tell whether a part of a flow is more than one host asking another for one thing, so that a probe tries only some of it."""
    protocol, _, ports = service.partition("/")
    one_thing = protocol == "icmp" or (ports and "-" not in ports)
    return source.num_addresses > 1 or destination.num_addresses > 1 or not one_thing


def covers(site: Site, probe: Probe, source: Network, destination: Network, service: str) -> bool:
    """Tell whether a probe tries one part of a flow: from a host of its source, to one of its destination, by its service."""
    asks_from = site.vantages[probe.vantage].address
    if probe.host not in destination or not any(address in source for address in asks_from):
        return False
    if isinstance(probe, IcmpProbe):
        return serves(service, "icmp", None)
    return serves(service, "tcp", probe.port)
