"""Which declared flows die in a stage, whose they are, and how much of each a severed probe really tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from islandmode.core.plan import DyingFlow
from islandmode.core.probe import IcmpProbe, Probe
from islandmode.core.site import Address, Flow, Site


def dying_flows(
    site: Site, conduits: Sequence[str], severed: Sequence[str], probes: Mapping[str, Probe]
) -> tuple[DyingFlow, ...]:
    """List the declared flows of some conduits, each with the severed probes that test it."""
    asked = {name: probes[name] for name in severed}
    return tuple(_dying(site, conduit, flow, asked) for conduit in conduits for flow in site.conduits[conduit].flows)


def _dying(site: Site, conduit: str, flow: Flow, severed: Mapping[str, Probe]) -> DyingFlow:
    pairs = pairs_of(flow)
    tested = {name: {pair for pair in pairs if covers(site, probe, flow, *pair)} for name, probe in severed.items()}
    covered = set().union(*tested.values()) if tested else set()
    return DyingFlow(
        flow=flow.name,
        conduit=conduit,
        owner=flow.owner,
        service=flow.service,
        covered=len(covered) / len(pairs) if pairs else 0.0,
        probes=tuple(name for name, hit in tested.items() if hit),
    )


def pairs_of(flow: Flow) -> tuple[tuple[Address, Address], ...]:
    """List the (source, destination) pairs of a flow that can talk at all: both ends of one family."""
    return tuple(
        (source, destination)
        for source in flow.source
        for destination in flow.destination
        if source.version == destination.version
    )


def covers(site: Site, probe: Probe, flow: Flow, source: Address, destination: Address) -> bool:
    """Tell whether a probe tests one pair of a flow: from its source, to its destination, on its service."""
    if probe.target != destination or source not in site.vantages[probe.vantage].address:
        return False
    if isinstance(probe, IcmpProbe):
        return flow.service == "icmp"
    return flow.service == f"tcp/{probe.port}"
