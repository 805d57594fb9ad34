"""The two sessions of a point: *work* does what preflight and the hold need, *rescue* is kept ready for a restore.

A restore never waits for a login, and its first act is to see that nothing more is sent on the work session: it is reset, at once, or
where a line is under way as soon as that is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import anyio

from islandmode.core.outcome import Reading
from islandmode.isolation.in_memory import in_memory
from islandmode.isolation.point import PointState
from islandmode.isolation.session import D, DeviceSession, restore_through
from islandmode.isolation.under_way import Lines
from islandmode.system.clock import Clock
from islandmode.system.ready import keep_threads

T = TypeVar("T")
RESTORE_THREADS = 3
"""Two sessions that may be logging in, and one whose end is awaited."""


class TwoSessions(Generic[D]):
    """Opens them when they are first used, and anew when one is dead."""

    def __init__(self, make: Callable[[str, Path], DeviceSession[D]], known_hosts: Path, clock: Clock) -> None:
        """Take what makes a session of a name with a file of host keys; nothing is contacted yet."""
        self._make = make
        self._known_hosts = known_hosts
        self._clock = clock
        self.work = make("work", known_hosts)
        self.rescue = make("restore", known_hosts)
        self._is_ready = False
        self._has_failed = False

    async def call(self, work: Callable[[D], T], deadline_s: float, lines: Lines | None = None) -> Reading[T]:
        """Call through the work session; `lines` are those that the work writes, if it does."""
        if self.work.dead:
            # In it a line may still be under way that nobody heard out.
            self.work.close()
            self.work = self._make("work", self._known_hosts)
        return await self.work.call(work, deadline_s, lines)

    async def ready(self, try_out: Callable[[D], None], deadline_s: float) -> Reading[None]:
        """Open the session that a restore will use, and try it; nothing is changed."""
        is_first = not self._is_ready
        if is_first:
            # For the logins of a restore whose kept session fails: their threads serve every later attempt too, and none of
            # them reads a file.
            keep_threads(RESTORE_THREADS)
            self._known_hosts = in_memory(self._known_hosts)
            self._is_ready = True
        if self.rescue.dead or (is_first and not self.rescue.opened):
            self.rescue = self._make("restore", self._known_hosts)
        return await self.rescue.call(try_out, deadline_s)

    async def try_login(self, try_out: Callable[[D], None], deadline_s: float) -> Reading[None]:
        """Log in anew, beside every open session, and out again: tells whether that is still possible."""
        session = self._make("login", self._known_hosts)
        reading = await session.call(try_out, deadline_s)
        session.close()
        return reading

    async def restore(self, take_back: Callable[[D], PointState], deadline_s: float) -> Reading[PointState]:
        """Let the work session send nothing more, and restore through the kept session, and through a new one as soon as that is late.

        A line that is under way on the work session is heard out beside that. Only what proves the restoration waits for it: neither the
        restore does, nor another attempt at it. Where an attempt failed the work session is reset all the same: what is under way on it may
        be why the device does not take the restore.
        """
        if not self.work.give_up() or self._has_failed:
            self.work.abort()
            return await self._through_rescue(take_back, deadline_s)
        async with anyio.create_task_group() as beside:
            beside.start_soon(self.work.hear_out)
            reading = await self._through_rescue(take_back, deadline_s)
            if not reading.done or reading.value is None or not reading.value.clear:
                beside.cancel_scope.cancel()
        self._has_failed = not reading.done
        return reading

    async def take_away(self, work: Callable[[D], T], deadline_s: float) -> Reading[T]:
        """Reset the work session, and take away what isolates nothing, through the sessions of a restore."""
        self.work.abort()
        return await self._through_rescue(work, deadline_s)

    async def _through_rescue(self, work: Callable[[D], T], deadline_s: float) -> Reading[T]:
        kept = self.rescue
        reading, self.rescue = await restore_through(
            kept if kept.opened and not kept.dead else None,
            self._make("restore", self._known_hosts),
            work,
            deadline_s,
            self._clock,
        )
        return reading

    def close(self) -> None:
        """End both; never changes the device."""
        self.work.close()
        self.rescue.close()
