"""The simulated clock: the world's virtual time as monotonic microseconds, and a UTC that can be stepped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context

import anyio

START_US = 1_000_000_000
"""The conductor's machine has been up for a while: a forgotten zero must look wrong."""
UTC_START_US = 1_781_244_000_000_000
"""A Saturday morning in June 2026."""


WORLD = Context()
"""What happens in the world belongs to no process: it goes on after the process that began it has died."""


class SimulatedClock:
    """Implements the clock edge on the running world; outside it keeps the last moment it was read at."""

    def __init__(self, boot_id: str = "simulated-boot") -> None:
        """Start with UTC in step."""
        self.boot_id_value = boot_id
        self._utc_ahead_us = 0
        self._last_us = START_US
        self.over = False
        """Whether the world has ended: what is still cancelled then must change nothing that was seen of it."""

    @property
    def boot_id(self) -> str:
        """Name the boot that the monotonic clock belongs to."""
        return self.boot_id_value

    def monotonic_us(self) -> int:
        """Read the world's time in microseconds."""
        loop = asyncio._get_running_loop()
        if loop is not None:
            self._last_us = START_US + round(loop.time() * 1_000_000)
        return self._last_us

    def utc_us(self) -> int:
        """Read UTC, with every step that was made so far."""
        return UTC_START_US + self.monotonic_us() - START_US + self._utc_ahead_us

    async def sleep(self, seconds: float) -> None:
        """Wait in virtual time."""
        self.refuse_if_over()
        await anyio.sleep(seconds)

    def refuse_if_over(self) -> None:
        """End every task that is still active after the end of the world."""
        if self.over:
            raise asyncio.CancelledError

    def step_utc(self, by_us: int) -> None:
        """Step UTC, as an administrator or a time server does; the monotonic clock must not notice."""
        self._utc_ahead_us += by_us

    def at(self, when_us: int, act: Callable[[], None]) -> None:
        """Let something happen in the world at a moment, even if no task waits for it."""
        asyncio.get_running_loop().call_at((when_us - START_US) / 1_000_000, act, context=WORLD)
