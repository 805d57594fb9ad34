"""The simulated lifeline: both ends in one world, a claim in memory, and requests that a test puts in."""

from __future__ import annotations

import math
from collections.abc import Callable

import anyio

from islandmode.rehearse.simulated_clock import SimulatedClock
from islandmode.system.lifeline import READY, REFUSED


class SimulatedLine:
    """Implements the conductor's end; `hearing` is the guardian's."""

    def __init__(self, clock: SimulatedClock, starts: Callable[[], object]) -> None:
        """Lay the line; `starts` sets the guardian going when the conductor asks for it."""
        self._clock = clock
        self._starts = starts
        self._to_guardian, self._from_conductor = anyio.create_memory_object_stream[str](math.inf)
        self._to_conductor, self._from_guardian = anyio.create_memory_object_stream[str](math.inf)
        self._heard_us = 0
        self._guardian_gone = False
        self.hearing = _Hearing(self)

    async def ready(self, deadline_s: float) -> str | None:
        """Start the guardian and wait for its first word."""
        self._starts()
        line = None
        with anyio.move_on_after(deadline_s):
            line = await self._from_guardian.receive()
        self._heard_us = self._clock.monotonic_us()
        if line == READY:
            return None
        return "it did not say ready" if line is None else line.removeprefix(f"{REFUSED} ")

    def tell(self, line: str) -> None:
        """Say a line."""
        if not self._guardian_gone:
            self._to_guardian.send_nowait(line)

    def silent_s(self) -> float | None:
        """Tell how long ago the guardian was last heard; None when it is gone."""
        while self._from_guardian.statistics().current_buffer_used:
            self._from_guardian.receive_nowait()
            self._heard_us = self._clock.monotonic_us()
        if self._guardian_gone:
            return None
        return (self._clock.monotonic_us() - self._heard_us) / 1_000_000

    async def close(self) -> None:
        """Let go of the line."""
        self.conductor_ends()

    def conductor_ends(self) -> None:
        """End the line as the kernel does when a process dies."""
        self._to_guardian.close()

    def guardian_ends(self) -> None:
        """End the line from the other side."""
        self._guardian_gone = True

    async def next_line(self) -> str | None:
        """Wait for the conductor's next line."""
        try:
            return await self._from_conductor.receive()
        except anyio.EndOfStream:
            return None

    def answer(self, line: str) -> None:
        """Say a line to the conductor."""
        self._to_conductor.send_nowait(line)


class _Hearing:
    """Implements the guardian's end."""

    def __init__(self, line: SimulatedLine) -> None:
        self._line = line

    async def next_line(self) -> str | None:
        return await self._line.next_line()

    def answer(self, line: str) -> None:
        self._line.answer(line)


class SimulatedClaim:
    """Implements the claim in memory."""

    def __init__(self) -> None:
        """Start free."""
        self.free = True

    def take(self) -> bool:
        """Take the run; true for exactly one caller."""
        taken, self.free = self.free, False
        return taken


class SimulatedRequests:
    """Implements requests as a list that a test fills."""

    def __init__(self) -> None:
        """Start empty; both readers have a view of their own."""
        self._files: list[tuple[str, bytes]] = []
        self._read = 0

    def put(self, name: str, data: bytes) -> None:
        """Put a request's file into the folder."""
        self._files.append((name, data))

    def fresh(self) -> tuple[tuple[str, bytes], ...]:
        """Return files that were not there at the last call."""
        found, self._read = tuple(self._files[self._read :]), len(self._files)
        return found
