"""Three-valued outcomes: done, not done, unknown.

A timed-out commit is *unknown* and counts as isolated until it is seen otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Outcome(StrEnum):
    """Whether an action took effect, as far as was seen."""

    DONE = "done"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Reading(Generic[T]):
    """What came back from an edge: outcome, value if any, a sentence, and when it was asked and answered.

    `asked_us` and `answered_us` are the conductor's monotonic clock in microseconds. `failed_here` says that this machine had
    no memory, thread or descriptor for the call, so that it tells nothing of the device.
    """

    outcome: Outcome
    value: T | None = None
    why: str = ""
    asked_us: int = 0
    answered_us: int = 0
    failed_here: bool = False

    @property
    def done(self) -> bool:
        """Tell whether the action is known to have taken effect."""
        return self.outcome is Outcome.DONE
