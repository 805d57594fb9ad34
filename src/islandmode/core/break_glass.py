"""Breaking the glass: a live run that nobody approved and that no rehearsal stands behind, by a named person for a reason. Pure.

It skips what people and the past say: approvals, the go, the rungs of rehearsals and tabletops. It never skips what restores the plant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from islandmode.core.text import cleaned

TEXT_MAX = 200


@dataclass(frozen=True)
class BreakGlass:
    """Who broke the glass, and why."""

    by: str
    why: str

    @property
    def told(self) -> str:
        """Say it, as loud as letters are."""
        return f"BREAK GLASS by {self.by}: {self.why}"

    @property
    def loud(self) -> str:
        """Say for a page what it means."""
        return f"{self.told}. Nobody approved this run, and nobody said go."

    def words(self) -> dict[str, str]:
        """Write it for a record."""
        return {"by": self.by, "why": self.why}


def read_break_glass(words: object) -> BreakGlass | None:
    """Read what a record has of it; None where it has nothing, or something else."""
    if not isinstance(words, Mapping):
        return None
    by, why = (line(words.get(name)) for name in ("by", "why"))
    return BreakGlass(by, why) if by and why else None


def line(given: object) -> str:
    """Make a line of plain text of what somebody gave; empty where it is no text."""
    return cleaned(" ".join(given.split()))[:TEXT_MAX] if isinstance(given, str) else ""
