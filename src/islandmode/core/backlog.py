"""What piles up while a plant is isolated, and must drain once it is restored: declared in a drill, told in its verdict. Values only."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from islandmode.core.frozen import Frozen
from islandmode.core.quantities import Name, Seconds, Words, written


class Backlog(Frozen):
    """A number of the plant that grows while it is isolated, and must be back at or below a level after the restore."""

    probe: Name = Field(
        description="A Modbus probe that asks from `here`, and that the drill lists nowhere else.",
        examples=["historian-buffer"],
    )
    tells: Words = Field(description="What the number counts.", examples=["rows that wait for the historian"])
    at_most: int = Field(description="The level: at most so much before the drill, and again after it.", examples=[100])
    within: Seconds = Field(
        description="How long after the order to restore it may take; the run goes on until then.", examples=["10 min"]
    )

    @property
    def told(self) -> str:
        """Say what must drain, to which level, and in what time."""
        return f"{self.tells}: at most {self.at_most} within {written(self.within)}"


class Drained(Frozen):
    """What became of a backlog, in seconds after the order to restore; `latest_s` is None where it was not seen to drain."""

    probe: str
    told: str
    outcome: Literal["in time", "late", "not drained", "unknown"]
    earliest_s: float | None
    latest_s: float | None

    @property
    def words(self) -> str:
        """Say what became of it."""
        if self.earliest_s is None or self.latest_s is None:
            what = "NOT drained when the run ended" if self.outcome == "not drained" else "not known whether it drained"
        else:
            late = " (late)" if self.outcome == "late" else ""
            what = f"drained between {self.earliest_s:.1f} and {self.latest_s:.1f} s after the order to restore{late}"
        return f"{self.told}: {what}"

    @property
    def is_drained(self) -> bool:
        """Tell whether it was seen to drain, late or not."""
        return self.latest_s is not None
