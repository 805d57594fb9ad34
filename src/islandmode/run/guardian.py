"""The guardian: a process of its own that puts the plant back when the conductor cannot.

It has its own session, device sessions, resolved secrets and journal, and has logged in on every point before anything is
armed. What makes it take the run over:

    the line ends             the conductor is gone                                  at once
    the line is silent        the conductor is stuck                                 after STUCK_S
    an abort is not obeyed    somebody asked for it, the conductor did not restore   after OBEY_S
    restoring takes too long  the conductor may be lost in it                        as its platforms need
    it is told to end         a machine that stops must leave nothing isolated       at once
    `restored` is not true    a point still shows an object                          at once

Then it says so on the line and takes the claim beside it, so that the conductor may only restore from then on, and restores
until that is seen, however long it takes. It never renews, never isolates, and never ends while restoration is unseen, nor
while a conductor that it took the run from may wake up: it looks once more when that has ended. What that conductor had sent
may act for a while after its end, so the look that counts comes after the latest moment of such a line.

Somebody may have saved the isolation while it stood, and with its conductor gone nobody else would look for that. So in the
end, when nothing waits for the guardian any more, it reads the saved configuration of each point that it restored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

import anyio

from islandmode.core.guardian_records import (
    GuardianAgrees,
    GuardianClaimed,
    GuardianDisagrees,
    GuardianEnded,
    GuardianOwes,
    GuardianPaid,
    GuardianReady,
    GuardianTookOver,
)
from islandmode.core.outcome import Reading
from islandmode.core.plan import Plan
from islandmode.core.records import RequestIgnored
from islandmode.core.request import NotARequest, read_request
from islandmode.isolation.point import IsolationPoint, LogsIn, logging_in
from islandmode.run.hands import Hands
from islandmode.run.left import look_and_note
from islandmode.run.restore import restore_until_seen
from islandmode.store.journal import Journal
from islandmode.system.claim import Claim
from islandmode.system.clock import Clock
from islandmode.system.lifeline import (
    BEAT_S,
    HERE,
    OWE,
    PAID,
    READY,
    REFUSED,
    RESTORED,
    RESTORING,
    TAKEN,
    Hearing,
    Requests,
)
from islandmode.system.ready import MemoryReserve

LISTEN_S = 0.2
STUCK_S = 2.5 * BEAT_S
OBEY_S = 0.7
SAVED_LOOKS = 3
SAVED_PAUSE_S = 10.0
"""Between two looks into a saved configuration that was not read; after the last of them the run's alarm goes on."""
PAUSE_MAX_S = 30.0
"""Between two attempts, when a device stays away for hours: a login every few seconds could lock Islandmode's account there."""


class EndSignals(Protocol):
    """Whether the machine wants this process to end."""

    @property
    def why(self) -> str | None:
        """Say why it should end; None while it should not."""
        ...


class Guardian:
    """Guards one run."""

    def __init__(
        self,
        plan: Plan,
        points: Mapping[str, IsolationPoint],
        *,
        run: str,
        journal: Journal,
        clock: Clock,
        claim: Claim,
        hearing: Hearing,
        requests: Requests,
        signals: EndSignals,
    ) -> None:
        """Take everything that guarding needs; nothing is contacted yet."""
        self._plan = plan
        self._points = points
        self._run = run
        self._journal = journal
        self._clock = clock
        self._claim = claim
        self._hearing = hearing
        self._requests = requests
        self._signals = signals
        self._owed: dict[str, tuple[str, ...]] = {}
        self._heard_us = 0
        self._gone_us: int | None = None
        self._restoring_us: int | None = None
        self._asked: tuple[int, str] | None = None
        self._took_over = False
        self._restored = anyio.Event()
        self._outlasted = False
        self._reserve = MemoryReserve()
        self._hands = Hands(points, journal)

    async def guard(self) -> bool:
        """Guard until restoration was seen or nothing is owed; returns whether it was ready and all is restored."""
        refused = self._reserve.take() or await self._log_in()
        if refused is not None:
            self._hearing.answer(f"{REFUSED} {refused}")
            return False
        self._journal.note(GuardianReady, points=tuple(sorted(self._points)))
        self._heard_us = self._clock.monotonic_us()
        self._hearing.answer(READY)
        why = await self._watch()
        while why is not None:
            outlasted = self._outlasted
            await self._take_over(why)
            # What was read back after the conductor's end is a look as well, and enough where no other is possible.
            why = None if outlasted else await self._outlast()
        if self._took_over:
            await self._look_into_saved()
        self._journal.note(GuardianEnded, restored=True, took_over=self._took_over)
        return True

    async def _log_in(self) -> str | None:
        """Open on every point the session that a restore will use; returns why one could not be opened."""
        found: dict[str, Reading[None]] = {}

        async def log_in_to(name: str, sessions: LogsIn, deadline_s: float) -> None:
            found[name] = await sessions.ready(deadline_s)

        async with anyio.create_task_group() as group:
            for name, point in self._points.items():
                sessions = logging_in(point)
                if sessions is not None:
                    group.start_soon(log_in_to, name, sessions, point.capabilities.calls_s.login)
        wrong = (
            f"{name}: {reading.why or reading.outcome.value}" for name, reading in found.items() if not reading.done
        )
        return next(wrong, None)

    async def _watch(self) -> str | None:
        """Listen until the plant is seen restored, or the guardian must restore it; returns why it must."""
        while True:
            line: str | None = ""
            with anyio.move_on_after(LISTEN_S):
                line = await self._hearing.next_line()
            if line is None:
                self._gone_us = self._clock.monotonic_us()
                return "The conductor is gone." if self._owed else None
            if line:
                self._take_in(line)
                if line == RESTORED:
                    return await self._disagreement()
            self._read_requests()
            why = self._reason()
            if why is not None and self._owed:
                return why
            if self._signals.why is not None:
                return None

    def _take_in(self, line: str) -> None:
        self._heard_us = self._clock.monotonic_us()
        self._keep_account(line)
        if line == RESTORING:
            self._restoring_us = self._heard_us
        self._hearing.answer(HERE)

    def _keep_account(self, line: str) -> None:
        """Remember what is owed a restore, by what the conductor says of it."""
        word, _, name = line.partition(" ")
        if word == OWE and name in self._plan.points:
            self._owed[name] = self._plan.points[name].conduits
            # Beside the conductor's own record: a journal that was cut short must not hide that something was armed.
            self._journal.note(GuardianOwes, point=name, conduits=self._owed[name])
        elif word == PAID:
            self._owed.pop(name, None)
            self._journal.note(GuardianPaid, point=name)

    def _reason(self) -> str | None:
        now_us = self._clock.monotonic_us()
        if self._signals.why is not None:
            return f"The guardian was told to end: {self._signals.why}."
        if self._restoring_us is not None:
            restoring_s = (now_us - self._restoring_us) / 1_000_000
            # Beyond the latest moment of what the conductor may have given up: before that no look of its own proves a restore.
            allowed_s = self._latest_s() + max(
                (self._points[name].capabilities.restoring_s for name in self._owed), default=0.0
            )
            return f"The conductor has been restoring for {restoring_s:.1f} s." if restoring_s > allowed_s else None
        if now_us - self._heard_us > STUCK_S * 1_000_000:
            return f"The conductor was not heard for {(now_us - self._heard_us) / 1_000_000:.1f} s."
        if self._asked is not None and now_us - self._asked[0] > OBEY_S * 1_000_000:
            return f"{self._asked[1]} asked for an abort, and the conductor does not restore."
        return None

    def _read_requests(self) -> None:
        for name, data in self._requests.fresh():
            request = read_request(data, run=self._run, now_utc_us=self._clock.utc_us(), known=frozenset())
            if isinstance(request, NotARequest):
                # The conductor records it too; here it matters when the conductor cannot.
                self._journal.note(RequestIgnored, file=name, why=request.why)
            elif request.kind != "abort":
                # While a conductor has the run it takes these itself, and it asks for other things than this process.
                if self._took_over:
                    self._hands.take(name, request)
            elif self._asked is None:
                self._asked = (self._clock.monotonic_us(), request.author)

    async def _disagreement(self) -> str | None:
        """Look for itself when the conductor says `restored`; returns what still stands, or cannot be seen."""
        for name, conduits in tuple(self._owed.items()):
            reading = await self._points[name].state(conduits, self._points[name].capabilities.look_s)
            if reading.done and reading.value is not None and not reading.value.clear:
                shows = reading.why if self._points[name].capabilities.asks_person else "still shows an object"
                self._journal.note(GuardianDisagrees, point=name, why=f"{name} {shows}.")
            if not reading.done or reading.value is None or not reading.value.clear:
                return f"The conductor is done; {name} {reading.why or 'still shows an object'}."
            self._journal.note(GuardianAgrees, point=name, asked_us=reading.asked_us, answered_us=reading.answered_us)
        return None

    async def _outlast(self) -> str | None:
        """Stay until the conductor has ended: a conductor that only slept may still have something under way to a device."""
        while self._signals.why is None:
            line: str | None = ""
            with anyio.move_on_after(LISTEN_S):
                line = await self._hearing.next_line()
            if line is None:
                await self._wait_for_late_lines()
                self._outlasted = True
                return await self._disagreement()
            # It may have woken in the middle of arming: what it says then is looked at too.
            self._keep_account(line)
        return None

    async def _wait_for_late_lines(self) -> None:
        """Wait until nothing can act any more that the conductor sent before its end."""
        now_us = self._clock.monotonic_us()
        if self._gone_us is None:
            self._gone_us = now_us
        await self._clock.sleep(max(0.0, self._latest_s() - (now_us - self._gone_us) / 1_000_000))

    async def _look_into_saved(self) -> None:
        """Note what is saved on each point that was restored; a point that cannot be read is looked at again.

        A process that was told to end does not stay for this: the machine may be going down.
        """
        points = {name: self._points[name] for name in self._owed}
        for look in range(SAVED_LOOKS):
            await self._clock.sleep(SAVED_PAUSE_S if look else 0.0)
            if self._signals.why is not None:
                return
            left = await look_and_note(points, self._journal)
            points = {name: self._points[name] for name, found in left.items() if found.unread}
            if not points:
                return

    def _latest_s(self) -> float:
        """Tell for how long something that was given up may still act on a device that is owed a restore."""
        return max((self._points[name].capabilities.latest_s for name in self._owed), default=0.0)

    async def _take_over(self, why: str) -> None:
        self._took_over, self._restored = True, anyio.Event()
        self._reserve.give_back()
        # The conductor's own line first: it waits for no disk. The file is for a conductor that does not hear that line.
        self._hearing.answer(TAKEN)
        self._journal.note(GuardianTookOver, why=why, points=tuple(sorted(self._owed)))
        async with anyio.create_task_group() as beside:
            beside.start_soon(self._take_claim)
            if self._hands:
                with suppress(MemoryError):
                    beside.start_soon(self._hear_people)
            await restore_until_seen(
                self._points,
                self._owed,
                notes=self._journal,
                clock=self._clock,
                give_up_after_s=math.inf,
                pause_max_s=PAUSE_MAX_S,
                others_until_us=self._clock.monotonic_us(),
            )
            self._restored.set()

    async def _hear_people(self) -> None:
        """Take what people say while a restore asks them; a fault here must keep nothing from being restored."""
        while not self._restored.is_set():
            with suppress(Exception):
                self._read_requests()
            await self._clock.sleep(LISTEN_S)

    async def _take_claim(self) -> None:
        claimed = await self._claim.take()
        self._journal.note(GuardianClaimed, claimed="unknown" if claimed is None else claimed)
