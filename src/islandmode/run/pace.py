"""How often a device is read while it is armed: as often as its platform allows, and closely when a moment matters for what it counted.

Closely means: as soon as it has answered. That is so before an isolate, until every way has counted a packet; right after
an isolate, because what passes from then on is a leak; and in the last moments before the planned end, because what was read
last is all that will be known. No restore waits for a reading.
"""

from __future__ import annotations

import anyio

from islandmode.system.clock import Clock

CLOSELY_S = 0.5
CLOSELY_EVERY_S = 0.05
_NEVER_US = 1 << 62


class Pace:
    """The pace of the loops that watch the devices of one run."""

    def __init__(self, clock: Clock) -> None:
        """Start with readings as often as each platform says."""
        self._clock = clock
        self._until_us = 0
        self._from_us = _NEVER_US
        self._hurry = anyio.Event()

    def closely(self, for_s: float = CLOSELY_S) -> None:
        """Read closely from now on, for `for_s`; a loop that pauses goes on at once."""
        self._until_us = self._clock.monotonic_us() + round(for_s * 1_000_000)
        self._go_on()

    def ends_in(self, left_s: float) -> None:
        """Say when the last hold will end, which reads once now: the readings just before that are close together."""
        self._from_us = self._clock.monotonic_us() + round((left_s - CLOSELY_S) * 1_000_000)
        self._go_on()

    def _go_on(self) -> None:
        self._hurry.set()
        self._hurry = anyio.Event()

    async def pause(self, read_every_s: float) -> None:
        """Wait until the next reading is due."""
        now_us = self._clock.monotonic_us()
        if now_us < self._until_us or now_us >= self._from_us:
            await self._clock.sleep(CLOSELY_EVERY_S)
            return
        with anyio.move_on_after(min(read_every_s, (self._from_us - now_us) / 1_000_000)):
            await self._hurry.wait()
