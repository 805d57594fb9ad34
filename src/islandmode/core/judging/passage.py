"""Whether what came back to a severed probe passed the isolation. Pure.

An answer of any kind passed: a Modbus exception, an HTTP 503, a stale value, a handshake that was accepted. Silence did not. A
refusal (a reset, or an ICMP error) says it only together with its sender: if that is the target or lies beyond the isolation
point, something passed; if it lies on this side, nothing did. A firewall may answer in the target's name, so where its own
counter for the pair stood still the refusal is the firewall's. Where none of that is known, it cannot be told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from ipaddress import ip_address

from islandmode.core.episodes import Episode, Heard, Seen
from islandmode.core.frozen import Address, Network
from islandmode.core.site import zone_holding


class Passage(StrEnum):
    """What a sample says of the path: something passed, nothing did, it cannot be told, or the sample says nothing."""

    PASSED = "passed"
    STOPPED = "stopped"
    UNTOLD = "untold"
    UNKNOWN = "unknown"


SawNothing = Callable[[str, str], bool | None]
"""Conduit and direction to whether the firewall counted nothing there while it was isolated; None where it did not count."""


def not_counted(_conduit: str, _direction: str) -> bool | None:
    """Say nothing: no firewall counted."""
    return None


def passage_of(
    episode: Episode,
    *,
    target: Address,
    zones: Mapping[str, Sequence[Network]],
    near: str,
    beyond: str,
    saw_nothing: bool | None,
    translated: bool = False,
) -> Passage:
    """Judge what came back; `near` is the zone that was asked from, `beyond` the zone that was asked.

    A target that is `translated` is also the address of the device that translates it, on whichever side that stands.
    """
    if episode.seen is Seen.GOOD or episode.heard is Heard.ANSWER:
        return Passage.PASSED
    if episode.seen is Seen.UNKNOWN or episode.heard is Heard.UNKNOWN:
        return Passage.UNKNOWN
    if episode.heard is Heard.NOTHING:
        return Passage.STOPPED
    sender = _address(episode.sender)
    zone = zone_holding(zones, sender) if sender is not None else None
    if zone == beyond and sender != target:
        # A firewall lends no name but the target's: this came from beyond, perhaps round the firewall that counted nothing.
        return Passage.PASSED
    if saw_nothing:
        return Passage.STOPPED
    if sender == target:
        return Passage.UNTOLD if translated and saw_nothing is None else Passage.PASSED
    if zone == near:
        return Passage.STOPPED
    return Passage.UNTOLD if saw_nothing is None else Passage.PASSED


def _address(text: str) -> Address | None:
    try:
        # A far worker's text is no address until it was read as an address; a link-local address carries its link.
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None
