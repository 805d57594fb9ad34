"""The simulated lifeline: both ends in one world, a claim in memory, and requests that a test puts in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import anyio

from islandmode.simulate.clock import SimulatedClock
from islandmode.system.lifeline import READY, REFUSED, TAKEN


class _Way:
    """Lines one way: said at once, heard in order; the end is heard after the last line."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._ended = False
        self._changed = anyio.Event()

    def say(self, line: str) -> None:
        if not self._ended:
            self._lines.append(line)
            self._changed.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    async def next_line(self) -> str | None:
        while not self._lines:
            if self._ended:
                return None
            self._changed = anyio.Event()
            await self._changed.wait()
        return self._lines.popleft()

    def take_all(self) -> tuple[str, ...]:
        """Take every line that was said so far."""
        lines = tuple(self._lines)
        self._lines.clear()
        return lines


class SimulatedLine:
    """Implements the conductor's end; `hearing` is the guardian's."""

    def __init__(self, clock: SimulatedClock, starts: Callable[[], object]) -> None:
        """Lay the line; `starts` sets the guardian going when the conductor asks for it."""
        self._clock = clock
        self._starts = starts
        self._to_guardian, self._to_conductor = _Way(), _Way()
        self._heard_us = 0
        self._guardian_gone = self._taken = False
        self.hearing = _Hearing(self._to_guardian, self._to_conductor, clock)

    async def ready(self, deadline_s: float) -> str | None:
        """Start the guardian and wait for its first word."""
        self._starts()
        line = None
        with anyio.move_on_after(deadline_s):
            line = await self._to_conductor.next_line()
        self._heard_us = self._clock.monotonic_us()
        if line == READY:
            return None
        return "it did not say ready" if line is None else line.removeprefix(f"{REFUSED} ")

    def tell(self, line: str) -> None:
        """Say a line."""
        self._clock.refuse_if_over()
        self._to_guardian.say(line)

    def silent_s(self) -> float | None:
        """Tell how long ago the guardian was last heard; None when it is gone."""
        lines = self._to_conductor.take_all()
        self._taken = self._taken or TAKEN in lines
        if lines:
            self._heard_us = self._clock.monotonic_us()
        if self._guardian_gone:
            return None
        return (self._clock.monotonic_us() - self._heard_us) / 1_000_000

    def taken_over(self) -> bool:
        """Tell whether the guardian has said that it takes the run over."""
        self.silent_s()
        return self._taken

    async def close(self) -> None:
        """Let go of the line."""
        self.conductor_ends()

    def conductor_ends(self) -> None:
        """End the line as the kernel does when a process dies."""
        self._to_guardian.end()

    def guardian_ends(self) -> None:
        """End the line from the other side."""
        self._guardian_gone = True
        self._to_conductor.end()


class _Hearing:
    """Implements the guardian's end."""

    def __init__(self, said: _Way, answers: _Way, clock: SimulatedClock) -> None:
        self._said, self._answers, self._clock = said, answers, clock

    async def next_line(self) -> str | None:
        self._clock.refuse_if_over()
        return await self._said.next_line()

    def answer(self, line: str) -> None:
        self._answers.say(line)


class SimulatedClaim:
    """Implements the claim in memory."""

    def __init__(self) -> None:
        """Start free."""
        self._free = True

    async def take(self) -> bool | None:
        """Take the run; true for exactly one caller."""
        taken, self._free = self._free, False
        return taken

    async def is_free(self) -> bool | None:
        """Tell whether it is still free."""
        return self._free


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
