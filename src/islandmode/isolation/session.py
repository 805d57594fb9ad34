"""One device session: a daemon thread and a queue of its own, because drivers block and hang.

A deadline does not stop a blocking call. A call past its deadline is *unknown*; its connection is reset before anything
else is done, so that nothing more leaves this machine for it; and the session is dead from then on. What had left already
may still act on the device: a reset does not empty what waits there to be read. So each line carries a latest moment.

A call whose caller was cancelled is given up in the same way, but that a line which is under way may still be answered (`under_way`).
"""

from __future__ import annotations

import asyncio
import errno
import queue
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import anyio

from islandmode.core.outcome import Outcome, Reading
from islandmode.isolation import incoming
from islandmode.isolation.under_way import GivenUp, Lines
from islandmode.system.clock import Clock
from islandmode.system.ready import start_work


class Driver(Protocol):
    """What a session needs of a driver."""

    def open(self) -> None:
        """Connect and log in; may block and raise."""
        ...

    def close(self) -> None:
        """End the connection; may block."""
        ...

    def abort(self) -> None:
        """Reset the connection at once, from any thread."""
        ...


D = TypeVar("D", bound=Driver)
T = TypeVar("T")
NO_ANSWER = "no answer"
"""How the reason begins for a call that was sent and not answered in time."""
RESTORE_TRY_S = 1.0
"""How long a restore waits for the session that was opened when arming, before it logs in anew beside it."""
LAST_ANSWER_S = 2.0
"""How long the answer to a line that was given up is still heard: many times as long as a device that is well takes. A line that is held
up on its way may arrive for so long, and is then seen and taken back; once the session is reset it never leaves again."""


class DeviceTrouble(Exception):
    """A device said no, or could not be reached: the outcome is known to be *not done*."""


class SessionEnded(DeviceTrouble):
    """The connection had ended before anything was sent: *not done*, and nothing more can be done through this session."""


class UnreadableAnswer(Exception):
    """The device answered something that makes no sense here: what it did is *unknown*."""


class NoRoomHere(Exception):
    """This machine had no memory, thread or descriptor for a call: what the device did is *unknown*."""


_UNREADABLE = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError, RecursionError),
    struct.error,
)
"""What Python and a driver raise over an answer that makes no sense: too deep, too large, of another shape."""
_NO_ROOM = (MemoryError, RuntimeError)
"""A thread that cannot be started is a RuntimeError."""
_NO_ROOM_CODES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
"""How the kernel says that this machine has no descriptor or memory left."""


@dataclass(frozen=True)
class _Call:
    work: Callable[[Any], Any]
    settle: Callable[[Any, Exception | None], None]


class DeviceSession(Generic[D]):
    """A driver and the one thread that may talk through it; opened by the first call."""

    def __init__(self, name: str, driver: D, clock: Clock, troubles: tuple[type[Exception], ...]) -> None:
        """Own a driver; `troubles` are the exceptions by which it says what went wrong."""
        self._name = name
        self._driver = driver
        self._clock = clock
        self._troubles: tuple[type[Exception], ...] = (*troubles, DeviceTrouble, GivenUp, OSError, EOFError)
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._opened = False
        self._started = False
        self._writing: list[Lines] = []
        """The lines of each call whose end was not heard."""
        self._given_up_us = 0
        self.dead = False

    @property
    def driver(self) -> D:
        """The driver, for what it says of itself; only the session's thread may talk through it."""
        return self._driver

    @property
    def opened(self) -> bool:
        """Tell whether it has logged in."""
        return self._opened

    async def call(self, work: Callable[[D], T], deadline_s: float, lines: Lines | None = None) -> Reading[T]:
        """Run blocking work in the session's thread: done with its value, not done, or unknown past the deadline.

        `lines` are those that the work writes, if it does.
        """
        asked_us = self._clock.monotonic_us()
        if self.dead:
            # Its thread may have ended; the call would never be answered.
            return Reading(Outcome.NOT_DONE, None, "the session was given up", asked_us, asked_us)
        # Before its thread can send any of them: whatever ends this call, a restore finds them here.
        self._writing += () if lines is None else (lines,)
        try:
            answer = self._ask(work)
        except _NO_ROOM as failure:
            self.dead = True
            return Reading(Outcome.NOT_DONE, None, _no_room(failure), asked_us, asked_us, failed_here=True)
        value, error, in_time, is_late = None, None, False, False
        try:
            with anyio.move_on_after(deadline_s):
                value, error = await answer
                in_time = True
            is_late = not in_time
        finally:
            # Past the deadline, or the caller was cancelled or found no memory: either way the end of this call is not heard.
            if in_time:
                self._writing = [other for other in self._writing if other is not lines]
            elif is_late or not self.give_up():
                self.abort()
        stamps = (asked_us, self._clock.monotonic_us())
        if not in_time:
            what = NO_ANSWER if self._opened else "the login did not end"
            return Reading(Outcome.UNKNOWN, None, f"{what} within {deadline_s:g} s", *stamps)
        if error is None:
            return Reading(Outcome.DONE, value, "", *stamps)
        why = incoming.sentence(error)
        if isinstance(error, DeviceTrouble) or not self._opened:
            if isinstance(error, SessionEnded):
                # Its owner must log in anew for the next call, and knows that by this.
                self.abort()
            return Reading(Outcome.NOT_DONE, None, why, *stamps, failed_here=_is_here(error))
        self.abort()
        return Reading(Outcome.UNKNOWN, None, why, *stamps, failed_here=_is_here(error))

    def _ask(self, work: Callable[[D], T]) -> asyncio.Future[tuple[Any, Exception | None]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[Any, Exception | None]] = loop.create_future()

        def tell(value: Any, error: Exception | None) -> None:
            if not answer.done():
                answer.set_result((value, error))

        def settle(value: Any, error: Exception | None) -> None:
            # The loop may be gone when a device answers hours late.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, value, error)

        if not self._started:
            self._started = True
            start_work(self._work)
        self._calls.put(_Call(work, settle))
        return answer

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            self._do(call)
        # Calls that were queued behind the end must hear of it.
        with suppress(queue.Empty):
            while True:
                left = self._calls.get_nowait()
                if left is not None:
                    left.settle(None, DeviceTrouble("the session was given up"))
        with suppress(*self._troubles, *_NO_ROOM, *_UNREADABLE):
            self._driver.close()

    def _do(self, call: _Call) -> None:
        heard: tuple[Any, Exception | None] = (None, NoRoomHere("the call ended without a word"))
        try:
            self._open()
            heard = (call.work(self._driver), None)
        except self._troubles as error:
            heard = (None, error)
        except _UNREADABLE as error:
            # The thread must survive an answer of unforeseen form, and the caller must hear of it.
            kind = type(error).__name__
            heard = (
                None,
                UnreadableAnswer(f"the device's answer could not be read ({kind}: {incoming.quoted(error)})"),
            )
        except _NO_ROOM as error:
            heard = (None, NoRoomHere(_no_room(error)))
        finally:
            # In every case: a caller that hears nothing would wait until its deadline.
            call.settle(*heard)

    def _open(self) -> None:
        if not self._opened and not self.dead:
            # One attempt: a second try with a wrong password could lock the account.
            try:
                self._driver.open()
                self._opened = True
            finally:
                if not self._opened:
                    self.dead = True
        if self.dead:
            # Given up while it was being opened: the abort may have come before there was a connection to reset.
            self._driver.abort()
            raise DeviceTrouble("the session was given up")

    def give_up(self) -> bool:
        """Take no more calls, and let no further line leave; tells whether a line is under way. `hear_out` or `abort` comes next."""
        self.dead = True
        # Every one of them: a call that waits behind another must not begin.
        under_way = [lines for lines in self._writing if lines.give_up()]
        if under_way and not self._given_up_us:
            self._given_up_us = self._clock.monotonic_us()
        return bool(under_way)

    async def hear_out(self) -> None:
        """Wait until no line of a session that was given up is under way, not for long, and reset the connection then.

        A caller that is cancelled meanwhile may call again: the time is counted from when the session was given up.
        """
        may_act_until_us = max((lines.until_us for lines in self._writing), default=0)
        until_us = min(self._given_up_us + round(LAST_ANSWER_S * 1_000_000), may_act_until_us)
        # Beside this goes a restore, and no want of this machine may end that.
        with suppress(*_NO_ROOM), anyio.move_on_after(max(0, until_us - self._clock.monotonic_us()) / 1_000_000):
            for lines in tuple(self._writing):
                await lines.answer()
        self.abort()

    def abort(self) -> None:
        """Reset the connection now and take no more calls; the thread ends when its blocking call does."""
        self.dead = True
        self._driver.abort()
        self._calls.put(None)
        given_up, self._writing = self._writing, []
        for lines in given_up:
            lines.was_reset()

    def close(self) -> None:
        """End the session in its own thread, without waiting for it."""
        if self._writing:
            # Somebody gave up a step, and nobody hears it out any more.
            self.abort()
            return
        self.dead = True
        self._calls.put(None)


def _is_here(error: BaseException | None) -> bool:
    """Tell whether this machine lacked something; a driver may have wrapped the exception that says so."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, NoRoomHere) or (isinstance(error, OSError) and error.errno in _NO_ROOM_CODES):
            return True
        error = error.__cause__ or error.__context__
    return False


def _no_room(error: Exception) -> str:
    why = "no memory was left" if isinstance(error, MemoryError) else str(error) or type(error).__name__
    return f"this machine failed, not the device ({why})"


async def restore_through(
    kept: DeviceSession[D] | None, fresh: DeviceSession[D], work: Callable[[D], T], deadline_s: float, clock: Clock
) -> tuple[Reading[T], DeviceSession[D]]:
    """Restore through the session kept ready for it, and through a new session as soon as that fails or is late.

    Whichever is done first wins, and the other is reset: a restore may arrive twice, and a device that answers slowly
    must not lose its answer because this side gave up early. Returns the reading and the session it came through.
    """
    asked_us = clock.monotonic_us()
    found: list[tuple[Reading[T], DeviceSession[D]]] = []
    failed = anyio.Event()

    async def through(session: DeviceSession[D]) -> None:
        left_s = deadline_s - (clock.monotonic_us() - asked_us) / 1_000_000
        reading = await session.call(work, max(left_s, 0.0))
        found.append((replace(reading, asked_us=asked_us), session))
        failed.set()
        if reading.done:
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        if kept is not None:
            group.start_soon(through, kept)
            with anyio.move_on_after(min(RESTORE_TRY_S, deadline_s / 3)):
                await failed.wait()
        if not any(reading.done for reading, _ in found):
            group.start_soon(through, fresh)
    return next((pair for pair in found if pair[0].done), found[-1])
