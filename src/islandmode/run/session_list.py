"""Looks for sessions across what is about to be isolated, on every point that can list them; read-only, before anything is armed."""

from __future__ import annotations

from collections.abc import Mapping

import anyio

from islandmode.core.go_records import SessionsListed
from islandmode.core.open_sessions import LIST_MAX, OpenSession, Tracked, crossing
from islandmode.core.outcome import Reading
from islandmode.core.plan import Plan
from islandmode.isolation.point import IsolationPoint
from islandmode.isolation.table import listing_sessions
from islandmode.run.run_journal import RunJournal

NOT_LISTED = "its platform does not list them"


class SessionList:
    """Lists open sessions, and knows which of them a person released by name."""

    def __init__(self, plan: Plan, points: Mapping[str, IsolationPoint], journal: RunJournal) -> None:
        self._plan, self._points, self._journal = plan, points, journal
        self._found: dict[str, tuple[OpenSession, ...]] = {}
        self._unlisted: dict[str, str] = {}
        self._numbers: dict[Tracked, str] = {}
        self._released: set[Tracked] = set()
        self._said: dict[str, SessionsListed] = {}

    async def look(self) -> None:
        """Ask every point, and record what differs from the look before."""
        read: dict[str, tuple[OpenSession, ...] | str] = {}
        async with anyio.create_task_group() as group:
            for name in self._plan.points:
                group.start_soon(self._look, name, read)
        # Only now: who stops the run while devices answer leaves what was known as it was.
        for name in self._plan.points:
            self._take_in(name, read[name])
        # In the plan's order, so that the numbers that people read out are the same for the same sessions.
        for name in self._plan.points:
            for session in self._found.get(name, ()):
                if session.engineering:
                    self._numbers.setdefault(session.tracked, f"S{len(self._numbers) + 1}")
        for name in self._plan.points:
            await self._record(name)

    def _take_in(self, name: str, read: tuple[OpenSession, ...] | str) -> None:
        """Take in what a point listed; where it did not, what it listed last may be open still."""
        if not isinstance(read, str):
            self._unlisted.pop(name, None)
            self._found[name] = read
            return
        seen = self._found.setdefault(name, ())
        self._unlisted[name] = f"{read.rstrip('.')}; what it listed last may be open still" if seen else read

    async def _look(self, name: str, read: dict[str, tuple[OpenSession, ...] | str]) -> None:
        lists = listing_sessions(self._plan.points[name], self._points[name])
        reading: Reading[tuple[Tracked, ...]] | None = None
        if lists is not None:
            reading = await lists.open_sessions(self._plan.points[name].capabilities.calls_s.login)
        if reading is None or not reading.done or reading.value is None:
            read[name] = NOT_LISTED if reading is None else reading.why
        else:
            read[name] = tuple(dict.fromkeys(crossing(self._plan, name, iter(reading.value))))

    async def _record(self, name: str) -> None:
        found = self._found[name]
        listed = SessionsListed(
            point=name,
            listed=name not in self._unlisted,
            why=self._unlisted.get(name, ""),
            count=len(found),
            sessions=tuple(self._named(session) for session in found[:LIST_MAX]),
        )
        if self._said.get(name) != listed:
            self._said[name] = listed
            await self._journal.append(listed)

    def _named(self, session: OpenSession) -> str:
        number = self._numbers.get(session.tracked, "")
        return f"{number}: {session.told}" if number else session.told

    @property
    def unreleased(self) -> tuple[str, ...]:
        """Name the engineering sessions that are open and that nobody released."""
        open_now = dict.fromkeys(
            (self._numbers[session.tracked], session.told)
            for sessions in self._found.values()
            for session in sessions
            if session.engineering and session.tracked not in self._released
        )
        return tuple(f"{number}: {told}" for number, told in open_now)

    def release(self, number: str) -> bool:
        """Let a session be cut, by a person's word; false where no open session has that number."""
        known = next((tracked for tracked, name in self._numbers.items() if name == number.upper()), None)
        if known is None:
            return False
        self._released.add(known)
        return True

    @property
    def told(self) -> str:
        """Say what is open across what will be isolated, and where that is not listed."""
        listed = [name for name in self._plan.points if name in self._found and name not in self._unlisted]
        count = sum(len(self._found[name]) for name in listed)
        parts = (
            [f"Open sessions across it, by {', '.join(listed)}: {count}, the drill's own probes among them."]
            if listed
            else []
        )
        if self._unlisted:
            parts.append(f"Open sessions are not listed by {', '.join(self._unlisted)}: ask who works across it.")
        return " ".join((*parts, *(f"ENGINEERING {told}." for told in self.unreleased)))
