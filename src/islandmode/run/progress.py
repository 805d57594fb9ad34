"""What a run shows while it goes on, and how it is asked to stop. Values, and one small latch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from islandmode.core.entry import StopBy
from islandmode.core.lifecycle import Phase

Lamp = Literal["good", "bad", "unknown", "away", "waiting"]


@dataclass(frozen=True)
class TimerReading:
    """A dead-man's remaining time as the device said it, and when it said so (conductor's monotonic)."""

    armed_s: float | None
    read_us: int


@dataclass(frozen=True)
class Progress:
    """One moment of a run, for a display."""

    phase: Phase
    stage: str | None
    now_us: int
    lamps: Mapping[str, Lamp]
    timers: Mapping[str, TimerReading]
    sentence: str
    asked: tuple[str, ...] = ()
    """What people are asked for now, and how that is confirmed."""


Show = Callable[[Progress], None]


@dataclass(frozen=True)
class Stop:
    """Why a run was told to restore now. `proven` is false where that was not read from a device: it may be so, or not."""

    by: StopBy
    why: str
    proven: bool = True


@dataclass
class StopLatch:
    """The first reason to stop, and what to wake when it comes. Later reasons change nothing: the plant is being restored."""

    first: Stop | None = None
    _wake: list[Callable[[], object]] = field(default_factory=list)

    def pull(self, stop: Stop) -> None:
        """Ask for restore; idempotent, and safe to call at any time."""
        if self.first is None:
            self.first = stop
        for wake in tuple(self._wake):
            wake()

    def wakes_next(self, wake: Callable[[], object]) -> None:
        """Register what a later request ends, once the plant is back: a wait that nobody wants any more."""
        self._wake.append(wake)

    def wakes(self, wake: Callable[[], object]) -> None:
        """Register what ends the hold; called at once if the stop came earlier."""
        self._wake.append(wake)
        if self.first is not None:
            wake()
