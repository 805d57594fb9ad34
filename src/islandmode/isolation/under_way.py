"""The lines of a step that writes: whether one of them is under way, and what becomes of it when the step is given up.

A step that is given up sends no further line. Of a line that is under way nobody knows when it acts, up to its latest moment, which is
minutes away where a line brings its end as a time of day. A device that is well answers it at once, and then nothing of the step can act
any more. So its answer is still heard, beside the restore and never before it; then, or when it does not come, the session is reset.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from islandmode.system.clock import Clock


class GivenUp(Exception):
    """The step was given up before this line left; every line before it was answered."""


class Lines:
    """The lines of one step; they are sent in the session's thread, and given up in another."""

    def __init__(self, clock: Clock) -> None:
        """Nothing was sent yet."""
        self._clock = clock
        self._lock = threading.Lock()
        self._is_given_up = False
        self._tell: Callable[[], object] = _nobody
        self._answered = 0
        self.sent = 0
        self.until_us = 0
        """Until when the last one may act, where its answer is never heard."""
        self.over_us = 0
        """When the session was reset in which the last one had been answered; 0 where that is not so."""

    def about_to_send(self, may_act_s: float) -> None:
        """Count a line that is about to leave, and that may act for so long; `GivenUp` where none may leave any more."""
        with self._lock:
            if self._is_given_up:
                raise GivenUp("the step was given up")
            self.sent += 1
            self.until_us = self._clock.monotonic_us() + round(may_act_s * 1_000_000)

    def answered(self) -> None:
        """Count the answer to it, whatever it says."""
        with self._lock:
            self._answered = self.sent
            tell = self._tell
        tell()

    @property
    def is_under_way(self) -> bool:
        """Tell whether a line left whose answer was not heard."""
        return self.sent > self._answered

    @property
    def late_until_us(self) -> int:
        """Until when one of them may still act; a look that is asked for after this moment shows what they did."""
        return self.over_us or self.until_us

    def give_up(self) -> bool:
        """Let no further line leave; tells whether one is under way."""
        with self._lock:
            self._is_given_up = True
            return self.is_under_way

    async def answer(self) -> None:
        """Wait until none is under way; for a step that was given up."""
        loop = asyncio.get_running_loop()
        heard: asyncio.Future[None] = loop.create_future()

        def hear() -> None:
            if not heard.done():
                heard.set_result(None)

        def tell() -> None:
            # The loop may be gone when a device answers hours late.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(hear)

        with self._lock:
            self._tell = tell
            is_under_way = self.is_under_way
        if is_under_way:
            await heard

    def was_reset(self) -> None:
        """Hear that the session of the step is no more."""
        if not self.is_under_way:
            # A look that was asked for before this moment may not have seen what the last line did.
            self.over_us = self._clock.monotonic_us() + 1


def _nobody() -> None:
    """Nobody waits."""
