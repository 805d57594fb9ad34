"""The wait for the go: after a good baseline, before anything is armed. Nothing here touches a device.

The baseline goes on being heard, so a go counts only while every near probe is good. Requests come in as files, like an abort, which ends the wait at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import anyio

from islandmode.core.errors import Refused
from islandmode.core.go import (
    ENDING,
    Answer,
    Decision,
    GoOutcome,
    KeyFound,
    decide,
    held_up,
    kind_of,
    void_now,
    waits_until,
)
from islandmode.core.go_records import GoAnswered, GoAsked, GoEnded
from islandmode.core.moments import moment_of, utc_text
from islandmode.core.quantities import written
from islandmode.core.request import Request
from islandmode.run.go_desk import GIVEN, LONGEST_S, GoDesk
from islandmode.run.guards import Guards
from islandmode.run.preflight import Preflight
from islandmode.run.progress import StopLatch
from islandmode.run.run_journal import RunJournal
from islandmode.run.session_list import SessionList
from islandmode.system.clock import Clock

TICK_S = 0.1
SKIPPED, VETOED = "skipped: no go", "vetoed"
NOTHING = "Nothing was armed."


@dataclass
class GoWait:
    """Waits for the go of one run."""

    desk: GoDesk
    guards: Guards
    journal: RunJournal
    clock: Clock
    latch: StopLatch
    hears: Callable[[str], tuple[str, ...]]
    """Shows a sentence, hears the near probes, and names those that are not good."""
    sessions: SessionList

    def __post_init__(self) -> None:
        """Take answers from now on, so that one that comes too early is told so."""
        self.guards.answers.opens()
        self._said = self.desk.said
        self._go: Decision | None = None

    async def wait(self) -> None:
        """Wait for a go; comes back when a good go was given, or the run was told to stop. Raises `Refused` where nobody gives it."""
        asked = self._now()
        await self._early()
        await self._list()
        await self._ask(asked)
        while self.latch.first is None:
            await self._hear(asked)
            if self._go is not None:
                # Before the run is entered in the ledger, by which its approvals are spent.
                await self._void(await self.desk.still())
                await self._see_guarded()
                return
            if self._now() > self._until(asked):
                await self._end(SKIPPED, f"no answer came until {utc_text(self._until(asked))}")
            self.hears(self._told(asked))
            await self._hear_stop()
            await self.clock.sleep(TICK_S)

    @classmethod
    def of(
        cls,
        desk: GoDesk | None,
        guards: Guards,
        journal: RunJournal,
        clock: Clock,
        latch: StopLatch,
        hears: Callable[[str], tuple[str, ...]],
        sessions: SessionList,
    ) -> GoWait | None:
        """Make it for a run that needs a go; None for any other."""
        return None if desk is None else cls(desk, guards, journal, clock, latch, hears, sessions)

    async def still_holds(self, preflight: Preflight) -> None:
        """See right before arming that every device is as preflight read it, and that the go still counts; raises `Refused`."""
        await preflight.refuse_changed()
        if self._go is not None and self.latch.first is None:
            await self._void(void_now(self.desk.question, self._go, self._now()))

    async def _list(self) -> None:
        """List the open sessions; who stops the run waits for no device."""
        with anyio.CancelScope() as scope:
            self.latch.wakes(scope.cancel)
            await self.sessions.look()

    async def _see_guarded(self) -> None:
        """See every layer that restores once more: the waiting may have been long. Raises `Refused`."""
        why = await self.guards.prove_again()
        if why is not None:
            raise Refused(f"{why} {NOTHING}", "guardian")

    async def _void(self, why: str) -> None:
        """End the run where a go does not count any more; raises `Refused`."""
        if why:
            await self._end(SKIPPED, f"the go does not count any more: {why[0].lower()}{why[1:].rstrip('.')}")

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.utc_us() / 1_000_000, UTC)

    def _until(self, asked: datetime) -> datetime:
        return min(waits_until(self.desk.question, asked, self._said), asked + timedelta(seconds=LONGEST_S))

    async def _ask(self, asked: datetime) -> None:
        question = self.desk.question
        await self.journal.append(
            GoAsked(
                plan_digest=question.plan_digest,
                nonce=question.nonce,
                begins=utc_text(question.begins),
                latest=utc_text(question.latest),
                until=utc_text(self._until(asked)),
            )
        )

    def _told(self, asked: datetime) -> str:
        not_yet = self._said.not_before
        wait = (
            f" The plant floor said not yet until {utc_text(not_yet)}."
            if not_yet is not None and not_yet > self._now()
            else ""
        )
        return f"The go of the plant floor is waited for until {utc_text(self._until(asked))}.{wait} {self.sessions.told} To answer: {self.desk.command}"

    async def _early(self) -> None:
        """Answer what came while the baseline was not good yet."""
        for name, request in self.guards.answers.fresh():
            await self._take(name, request, None)

    async def _hear(self, asked: datetime) -> None:
        """Take what was answered; of what came at the same moment, what ends the attempt counts and not the go."""
        for name, request in ending_first(self.guards.answers.fresh()):
            if self._go is None:
                await self._take(name, request, self.hears(self._told(asked)))
            else:
                await self._take_late(name, request)
        if self._go is not None:
            # What came while the sessions were listed for the go.
            await self._hear_stop()
            self.guards.answers.is_given()
            for name, request in ending_first(self.guards.answers.fresh()):
                await self._take_late(name, request)

    async def _hear_stop(self) -> None:
        """Hear what people and guardian say, and stop where they say so."""
        stop = await self.guards.stop_reason()
        if stop is not None:
            self.latch.pull(stop)

    async def _take_late(self, name: str, request: Request) -> None:
        """Take what came with the go or right behind it: only what ends the attempt still counts."""
        answer = await self._answer(request)
        decision = decide(self.desk.question, self._said, answer, self._now(), None)
        if decision.outcome not in ENDING:
            decision = replace(decision, outcome=GoOutcome.NOT_TAKEN, why=GIVEN)
        await self._become(name, answer, decision)

    async def _take(self, name: str, request: Request, bad: tuple[str, ...] | None) -> None:
        answer = await self._answer(request)
        until = answer.until
        if answer.kind == "not yet" and until is not None and until > self._now() + timedelta(seconds=LONGEST_S):
            decision = Decision(
                GoOutcome.NOT_TAKEN,
                f"nobody waits longer than {written(LONGEST_S)}; say no, and run the drill again then",
                self._said,
            )
        else:
            decision = decide(self.desk.question, self._said, answer, self._now(), bad)
            if decision.outcome is GoOutcome.GO:
                # Again, right now: who waits for a go may have begun to work meanwhile.
                await self._list()
                decision = held_up(decision, self.sessions.unreleased)
            elif decision.outcome is GoOutcome.RELEASED and not self.sessions.release(answer.session):
                decision = Decision(
                    GoOutcome.NOT_TAKEN, f"no engineering session {answer.session} was listed", self._said
                )
        await self._become(name, answer, decision)

    async def _become(self, name: str, answer: Answer, decision: Decision) -> None:
        """Record what an answer comes to, and let it be so; raises `Refused` where it ends the attempt."""
        self._said = decision.said
        await self.journal.append(_answered(name, answer, decision))
        if decision.outcome is GoOutcome.GO:
            self._go = decision
        elif decision.outcome in ENDING:
            vetoed = decision.outcome is GoOutcome.VETOED
            await self._end(
                VETOED if vetoed else SKIPPED, f"{decision.person}: {decision.why}" if vetoed else decision.why
            )

    async def _answer(self, request: Request) -> Answer:
        key: KeyFound | None = None
        if request.signature:
            key = await self.desk.looks_at_key(self.desk.question.challenge, request.signature)
        return Answer(
            kind_of(request.answer) or "go",
            request.run,
            request.author,
            request.code,
            key,
            request.person,
            request.why,
            moment_of(request.until),
            moment_of(request.shift_ends),
            request.session,
        )

    async def _end(self, result: str, why: str) -> None:
        """End the run without a go; raises `Refused`."""
        await self.journal.append(GoEnded(result=result, why=why))
        if result == VETOED:
            raise Refused(f"Vetoed by {why.rstrip('.')}. {NOTHING}", "veto")
        raise Refused(f"Skipped, no go: {why.rstrip('.')}. {NOTHING}", "go")


def ending_first(answers: tuple[tuple[str, Request], ...]) -> list[tuple[str, Request]]:
    """Put what ends an attempt before all that came with it: files of one moment have no order of their own."""
    return sorted(answers, key=lambda answer: answer[1].answer not in ("no", "veto"))


def _answered(name: str, answer: Answer, decision: Decision) -> GoAnswered:
    return GoAnswered(
        file=name,
        answer=answer.kind,
        outcome=decision.outcome.value,
        why=decision.why,
        person=decision.person,
        author=answer.author,
        approval=decision.approval,
        code_sha256=decision.code_sha256,
        shift_ends="" if decision.shift_ends is None else utc_text(decision.shift_ends),
        wrong=decision.said.wrong,
    )
