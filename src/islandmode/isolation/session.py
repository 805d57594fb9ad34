"""One device session: a daemon thread and a queue of its own, because drivers block and hang.

A deadline does not stop a blocking call. A call past its deadline is *unknown*; its socket is closed before anything
else is done, so that what it was about to write can never be written; and the session is dead from then on.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import anyio

from islandmode.core.outcome import Outcome, Reading
from islandmode.system.clock import Clock


class Driver(Protocol):
    """What a session needs of a driver."""

    def open(self) -> None:
        """Connect and log in; may block and raise."""
        ...

    def close(self) -> None:
        """End the connection; may block."""
        ...

    def abandon(self) -> None:
        """Close the socket at once, from any thread."""
        ...


D = TypeVar("D", bound=Driver)
T = TypeVar("T")


class DeviceTrouble(Exception):
    """A device said no, or could not be reached: the outcome is known to be *not done*."""


@dataclass
class _Call:
    work: Callable[[Any], Any]
    settle: Callable[[Any, Exception | None], None]


class DeviceSession(Generic[D]):
    """A driver and the one thread that may talk through it; opened by the first call."""

    def __init__(self, name: str, make: Callable[[], D], clock: Clock, troubles: tuple[type[Exception], ...]) -> None:
        """Know how to make the driver; `troubles` are the exceptions by which it says what went wrong."""
        self._name = name
        self._make = make
        self._clock = clock
        self._troubles: tuple[type[Exception], ...] = (*troubles, DeviceTrouble, OSError, EOFError)
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._driver: D | None = None
        self._opened = False
        self._started = False
        self.dead = False

    async def call(self, work: Callable[[D], T], deadline_s: float) -> Reading[T]:
        """Run blocking work in the session's thread: done with its value, not done, or unknown past the deadline."""
        asked_us = self._clock.monotonic_us()
        if self.dead:
            return Reading(Outcome.NOT_DONE, None, "the session was given up", asked_us, asked_us)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[Any, Exception | None]] = loop.create_future()

        def tell(value: Any, error: Exception | None) -> None:
            if not answer.done():
                answer.set_result((value, error))

        def settle(value: Any, error: Exception | None) -> None:
            # The loop may be gone when a device answers hours late.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, value, error)

        self._start()
        self._calls.put(_Call(work, settle))
        value, error, in_time = None, None, False
        try:
            with anyio.move_on_after(deadline_s):
                value, error = await answer
                in_time = True
        finally:
            if not in_time:
                # Past the deadline, or our caller was cancelled: either way nobody will hear this call's end.
                self.abandon()
        stamps = (asked_us, self._clock.monotonic_us())
        if not in_time:
            return Reading(Outcome.UNKNOWN, None, f"no answer within {deadline_s:g} s", *stamps)
        if error is None:
            return Reading(Outcome.DONE, value, "", *stamps)
        if isinstance(error, DeviceTrouble) or not self._opened:
            return Reading(Outcome.NOT_DONE, None, str(error), *stamps)
        self.abandon()
        return Reading(Outcome.UNKNOWN, None, str(error), *stamps)

    def _start(self) -> None:
        if not self._started:
            self._started = True
            threading.Thread(target=self._work, name=f"session-{self._name}", daemon=True).start()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                driver = self._open()
                value = call.work(driver)
            except self._troubles as error:
                call.settle(None, error)
            else:
                call.settle(value, None)
        if self._driver is not None and self._opened:
            with suppress(*self._troubles):
                self._driver.close()

    def _open(self) -> D:
        if self.dead:
            raise DeviceTrouble("the session was given up")
        if self._driver is None:
            self._driver = self._make()
        if not self._opened:
            # One attempt: a second try with a wrong password could lock the account.
            try:
                self._driver.open()
            except self._troubles:
                self.dead = True
                raise
            self._opened = True
        return self._driver

    def abandon(self) -> None:
        """Close the socket now and take no more calls; the thread ends when its blocking call does."""
        self.dead = True
        if self._driver is not None:
            self._driver.abandon()
        self._calls.put(None)

    def close(self) -> None:
        """End the session in its own thread, without waiting for it."""
        self.dead = True
        self._calls.put(None)
