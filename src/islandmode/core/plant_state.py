"""The state of the plant in a drill, and the interlocks that show it. Values, and the sentences that say what an idle drill shows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from islandmode.core.frozen import Frozen
from islandmode.core.quantities import Name, Seconds, Words

PlantState = Literal["idle", "running"]
IDLE_SHOWS = "OT reachable, production not running"
"""What an idle drill shows at best."""
IDLE_SERVICE = "not part of this drill, whose plant state is idle"


class Interlock(Frozen):
    """A value of the plant that must be as the drill's plant state needs it: in batch, an alarm open, a bypass active."""

    probe: Name = Field(
        description="A Modbus probe that asks from `here`, and that the drill lists nowhere else.",
        examples=["filler-running"],
    )
    tells: Words = Field(
        description="What the value tells, where it is not 0 for a bit.", examples=["the filler is in batch"]
    )
    running: int | None = Field(
        default=None, description="What the probe must read in a drill whose plant runs.", examples=[1]
    )
    idle: int | None = Field(
        default=None, description="What the probe must read in a drill whose plant is idle.", examples=[0]
    )
    bad_for: Seconds = Field(
        description="While isolated: how long it may be otherwise, or unknown, before everything is restored.",
        examples=["2 s"],
    )

    @model_validator(mode="after")
    def _says_something(self) -> Interlock:
        """Refuse an interlock that demands nothing in either state."""
        if self.running is None and self.idle is None:
            raise ValueError("have running or idle, or both: what the probe must read in that plant state")
        return self

    @property
    def tells_the_state(self) -> bool:
        """Tell whether it reads otherwise in a plant that runs than in one that is idle."""
        return self.running is not None and self.idle is not None and self.running != self.idle

    def must_read(self, state: PlantState) -> int | None:
        """Give what it must read in a plant state; None where it says nothing of that."""
        return self.running if state == "running" else self.idle

    def needed_told(self, state: PlantState) -> str:
        """Say what it must read, and what that value is about."""
        return f"{self.must_read(state)} ({self.tells})"
