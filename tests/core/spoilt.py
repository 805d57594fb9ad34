"""Ways to spoil the operators' files, and rows that say what must be told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.core.given import Documents, put

FIREWALL = ("isolation_points", "conduit-firewall")
ANN = "Ann Lee, plant manager"
HOST_V4 = {"zone": "vendors", "address": ["10.15.0.20"]}


@dataclass(frozen=True)
class Row:
    """A change to the operators' files, and the one problem it must make."""

    name: str
    spoil: Callable[[Documents], object]
    source: str
    path: tuple[str | int, ...]
    sentence: str


def without(*probes: str) -> Callable[[Documents], None]:
    """Take severed probes out of the drill."""

    def spoil(at: Documents) -> None:
        at.drill["severed"] = [name for name in at.drill["severed"] if name not in probes]

    return spoil


def adding(source: str, key: str, name: str, **probe: Any) -> Callable[[Documents], None]:
    """Add a probe to a list of the drill."""

    def spoil(at: Documents) -> None:
        at.probes[name] = probe
        at.drill[key].append(name)

    return spoil


def both(*spoils: Callable[[Documents], object]) -> Callable[[Documents], None]:
    """Make several changes."""

    def spoil(at: Documents) -> None:
        for each in spoils:
            each(at)

    return spoil


def tcp(vantage: str, target: str, port: int = 8080) -> dict[str, Any]:
    """Write a TCP probe."""
    return {"kind": "tcp", "vantage": vantage, "target": target, "port": port}


def second_firewall(at: Documents, **changes: Any) -> None:
    """Add another firewall that isolates the conduit between DMZ and line."""
    first = at.site["isolation_points"]["conduit-firewall"]
    own = {
        "management": {"address": "172.31.255.2", "zone": "line3"},
        "login": {"user": "islandmode", "password": "lab:inner-firewall"},
        "isolates": ["dmz-line3"],
    }
    other = {**first, **own, **changes}
    at.site["isolation_points"]["inner-firewall"] = other


def carrier_outside(at: Documents) -> None:
    """Join the corporate network with a carrier's: nothing of that is the plant's."""
    at.site["zones"]["carrier"] = {"level": 5, "owner": "Carrier", "networks": ["192.0.2.0/24"]}
    at.site["conduits"]["uplink"] = {"between": ["carrier", "corporate"], "owner": "Corporate IT"}


def lost_edits_accepted(at: Documents) -> object:
    """Have accepted that the firewall's timer takes back other people's edits too."""
    return put(at.site, *FIREWALL, "accept_lost_edits", {"accepted_by": ANN})
