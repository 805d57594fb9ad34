"""A host's clocks, measured by round trips with a program there that waits to be told what else to do (observe/worker_host.py)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from islandmode.core.text import cleaned
from islandmode.observe.vantage import Offset
from islandmode.system.clock import Clock

ROUND_TRIPS, ROUND_TRIPS_MAX, GOOD_ENOUGH_US = 7, 25, 1000
"""How often a clock is asked: a machine that is busy meanwhile gets some more tries for a short round trip."""
ASKED_FOR_US = 5_000_000
"""How long all of these may take together."""
KEPT_ANSWER = re.compile(rb"kept (yes|no|unknown) ([0-9]{1,12}) (-?[0-9]{1,9})")
CLOCK_ANSWER = re.compile(rb"([0-9]{1,18}) ([0-9]{1,18}) ([0-9a-f-]{36})")
ANSWER_MAX_BYTES = 200
REFUSED = b"refused: "
NO_CLOCK = "what answered is not its clock"


class NotItsClock(Exception):
    """What answered is no clock; the message says what it is."""


@dataclass(frozen=True)
class Waiting:
    """A program on a host that waits: how a line is sent to it, and where what it says comes in."""

    send: Callable[[bytes], Awaitable[None]]
    said: BufferedByteReceiveStream

    async def ask(self, line: bytes) -> bytes | None:
        """Send a line, and give the line that it answers; None where the program has ended."""
        try:
            await self.send(line + b"\n")
            return await self.said.receive_until(b"\n", ANSWER_MAX_BYTES)
        except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, BrokenPipeError):
            return None
        except anyio.DelimiterNotFound:
            raise NotItsClock(NO_CLOCK) from None

    async def measure(self, clock: Clock, found: list[Offset]) -> None:
        """Measure its clocks against this machine's by round trips, and add each to `found`; none where the program has ended.

        Whether NTP keeps that clock is said of the shortest. Raises `NotItsClock`.
        """
        while _goes_on(found) and (offset := await self._round_trip(clock)) is not None:
            if found and offset.boot_id != found[0].boot_id:
                raise NotItsClock(NO_CLOCK)
            found.append(offset)
        if found:
            found[:] = [await self._kept_by_ntp(shortest(found))]

    async def _round_trip(self, clock: Clock) -> Offset | None:
        sent_us, utc_us = clock.monotonic_us(), clock.utc_us()
        line = await self.ask(b"?")
        back_us = clock.monotonic_us()
        if line is None:
            return None
        answer = CLOCK_ANSWER.fullmatch(line)
        if answer is None:
            raise NotItsClock(refusal_of(line) or NO_CLOCK)
        half = (back_us - sent_us) // 2
        theirs_us = int(answer[1])
        shifts_us = (sent_us + half - theirs_us, utc_us + half - int(answer[2]))
        return Offset(*shifts_us, half + 1, answer[3].decode(), theirs_us)

    async def _kept_by_ntp(self, offset: Offset) -> Offset:
        """Ask once whether NTP keeps that clock; a host that does not tell is unknown."""
        told = KEPT_ANSWER.fullmatch(await self.ask(b"kept") or b"")
        if told is None:
            return offset
        return replace(offset, kept=told[1].decode(), error_us=int(told[2]), rate_ppb=int(told[3]))


def refusal_of(line: bytes) -> str:
    """Give why a worker's program says that it does nothing; nothing where it does not say that."""
    return cleaned(line.removeprefix(REFUSED).decode(errors="replace")) if line.startswith(REFUSED) else ""


def shortest(found: Sequence[Offset]) -> Offset:
    """Give the measurement that is known best."""
    return min(found, key=_uncertainty)


def _goes_on(found: Sequence[Offset]) -> bool:
    """Tell whether a clock is asked once more."""
    if 2 * sum(map(_uncertainty, found)) > ASKED_FOR_US:
        # Its host answers late, and would do so again.
        return False
    if len(found) < ROUND_TRIPS:
        return True
    return len(found) < ROUND_TRIPS_MAX and min(map(_uncertainty, found)) > GOOD_ENOUGH_US


def _uncertainty(offset: Offset) -> int:
    return offset.uncertainty_us
