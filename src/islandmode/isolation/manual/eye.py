"""The only way to see what a person's hand did: probes across each conduit, asked from where this process stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Sight:
    """What the probes across one conduit met, by their names; `why` says what kept those that are unknown from asking."""

    passed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    """Something came back that was not the answer; it may be the target's, or of something on this side."""
    silent: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    why: str = ""


class Eye(Protocol):
    """Looks by probes; never changes anything."""

    async def look(self, conduits: tuple[str, ...]) -> dict[str, Sight]:
        """Ask every probe across these conduits once, all at the same time, each within its own time."""
        ...
