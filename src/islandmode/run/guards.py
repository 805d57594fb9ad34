"""What stands beside a conductor: its guardian, the claim on the run, the window, and requests from people.

The conductor asks `closed` right before each write that could isolate or keep isolated, and calls `stop_reason` ten times a
second.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import anyio

from islandmode.core.guardian_records import GuardianProved
from islandmode.core.records import RequestIgnored, RequestTaken
from islandmode.core.request import NotARequest, Request, read_request
from islandmode.run.go_desk import Answers
from islandmode.run.hands import Hands
from islandmode.run.progress import Stop
from islandmode.run.run_journal import RunJournal
from islandmode.system.claim import Claim
from islandmode.system.clock import Clock
from islandmode.system.lifeline import BEAT, BEAT_S, OWE, PAID, RESTORED, RESTORING, STRANDED, Lifeline, Requests
from islandmode.system.ready import MemoryReserve

SILENT_S = 2 * BEAT_S
TAKEN_OVER = "The run was taken over; this conductor may only restore."
Proof = Callable[[], Awaitable[str | None]]
"""Tries a layer that puts the plant back when needed; returns why it would not, None when it would."""


class Words:
    """Persons' words for the return to service: one is taken for the step that waits, and for no other."""

    def __init__(self) -> None:
        """Wait for nothing yet."""
        self._step = ""
        self.given: tuple[str, str] | None = None
        """Whose word was given, and by which account."""

    def awaits(self, step: str) -> None:
        """Wait for the word for a step from now on; for none where it is empty."""
        self._step, self.given = step, None

    def take(self, request: Request) -> str:
        """Take a word; returns why it is not taken, or an empty string."""
        if not self._step or request.step != self._step or self.given is not None:
            return "no step of the return to service waits for that word now"
        self.given = (request.person, request.author)
        return ""


async def _first_unproven(proofs: Sequence[Proof]) -> str | None:
    """Try layers beside each other; returns the first reason why a layer would not put the plant back."""
    found: list[str] = []

    async def prove_layer(proof: Proof) -> None:
        why = await proof()
        if why is not None:
            found.append(why)

    async with anyio.create_task_group() as group:
        for proof in proofs:
            group.start_soon(prove_layer, proof)
    return found[0] if found else None


@dataclass(frozen=True)
class Guarded:
    """What guards a run. `proofs` try the other layers while the baseline is taken."""

    lifeline: Lifeline
    claim: Claim
    requests: Requests
    proofs: tuple[Proof, ...] = ()


class Guards:
    """The conductor's side of everything that may take the run from it."""

    def __init__(
        self, guarded: Guarded, *, clock: Clock, journal: RunJournal, run: str, ready_s: float, hands: Hands
    ) -> None:
        """Know the guardian's line, and how long it may take to be ready; nothing is said on it yet."""
        self._hands = hands
        self._ready_s = ready_s
        self._lifeline = guarded.lifeline
        self._claim = guarded.claim
        self._requests = guarded.requests
        self._proofs = guarded.proofs
        self._clock = clock
        self._journal = journal
        self._run = run
        self._reserve = MemoryReserve()
        self._known: set[str] = set()
        self.words = Words()
        self.answers = Answers()
        self._beat_us: int | None = None
        self._looked_us: int | None = None
        self._window_until_us: int | None = None
        self._opened_us = 0

    async def prove(self) -> str | None:
        """See every layer ready before anything is armed; returns the first reason why a layer is not."""

        async def guardian() -> str | None:
            why = await self._lifeline.ready(self._ready_s)
            await self._journal.append(GuardianProved(why=why or ""))
            return None if why is None else f"The guardian is not ready: {why}."

        missing = self._reserve.take()
        if missing:
            return f"Not ready: {missing}."
        return await _first_unproven((guardian, *self._proofs))

    async def prove_again(self) -> str | None:
        """See after a long wait that the guardian is still there, and the other layers as they were; returns the first reason why not."""
        if self._lifeline.silent_s() is None:
            return "The guardian is gone."
        return await _first_unproven(self._proofs)

    def open_window(self, window_s: float) -> None:
        """Say how long from now this run may isolate anything at all; from here on the guardian hears from the conductor."""
        self._opened_us = self._clock.monotonic_us()
        self._window_until_us = self._opened_us + round(window_s * 1_000_000)
        self._beat()

    @property
    def window_left_s(self) -> float:
        """Tell how much of the window is left."""
        if self._window_until_us is None:
            return 0.0
        return max(0, self._window_until_us - self._clock.monotonic_us()) / 1_000_000

    async def closed(self) -> Stop | None:
        """Say why nothing may be isolated, or kept isolated for longer; None while that is allowed."""
        if self._lifeline.taken_over():
            return Stop("guardian", TAKEN_OVER)
        free = await self._claim.is_free()
        if free is None:
            return Stop(
                "guardian",
                "The disk does not answer, so it is not known whether the run was taken over; nothing more is isolated.",
            )
        if not free:
            return Stop("guardian", TAKEN_OVER)
        if self._window_until_us is not None and self.window_left_s <= 0:
            return Stop("window", "The time in which this drill may isolate anything is over.")
        return None

    async def stop_reason(self) -> Stop | None:
        """Beat, read requests, look at the guardian; returns why the plant must be restored now."""
        asked = self.hear_people()
        if asked is not None:
            return asked
        stood_s = self._stood_s()
        if self._window_until_us is None:
            return None
        if self._beat_us is None or self._clock.monotonic_us() - self._beat_us >= BEAT_S * 1_000_000:
            self._beat()
        silent_s = self._lifeline.silent_s()
        if silent_s is None:
            return Stop("guardian", "The guardian is gone.")
        # Nobody asked the guardian anything before; a baseline that took long is no silence of the guardian.
        silent_s = min(silent_s, (self._clock.monotonic_us() - self._opened_us) / 1_000_000)
        if silent_s > SILENT_S and stood_s > SILENT_S / 2:
            return Stop("guardian", f"The drill's own process stood still for {stood_s:.1f} s, so nothing was watched.")
        if silent_s > SILENT_S:
            return Stop("guardian", f"The guardian was not heard for {silent_s:.1f} s.")
        return await self.closed()

    def _stood_s(self) -> float:
        """Tell how long ago this process was last here: after its own sleep it must not blame the guardian for the silence."""
        now_us, before_us = self._clock.monotonic_us(), self._looked_us
        self._looked_us = now_us
        return 0.0 if before_us is None else (now_us - before_us) / 1_000_000

    def _beat(self) -> None:
        self._beat_us = self._clock.monotonic_us()
        self._lifeline.tell(BEAT)

    def hear_people(self) -> Stop | None:
        """Take every request that people made since the last call; returns the stop that one asked for."""
        stop: Stop | None = None
        for name, data in self._requests.fresh():
            known = frozenset(self._known)
            request = read_request(data, run=self._run, now_utc_us=self._clock.utc_us(), known=known)
            if isinstance(request, NotARequest):
                self._journal.note(RequestIgnored, file=name, why=request.why)
                continue
            self._known.add(request.id)
            if request.kind == "return" and (why := self.words.take(request)):
                self._journal.note(RequestIgnored, file=name, why=why)
                continue
            if request.kind == "go":
                stop = self._take_answer(name, request) or stop
                continue
            if request.kind not in ("abort", "return"):
                self._hands.take(name, request)
                continue
            self._journal.note(RequestTaken, file=name, kind=request.kind, author=request.author)
            if request.kind == "return":
                continue
            stop = stop or Stop("abort", f"{request.author} asked for it.")
        return stop

    def hear_words(self) -> None:
        """Take what people say for the record once everything is restored; nothing else can be asked of the run any more."""
        for name, data in self._requests.fresh():
            request = read_request(data, run=self._run, now_utc_us=self._clock.utc_us(), known=frozenset(self._known))
            if not isinstance(request, NotARequest) and request.kind in ("keep-closed", "note"):
                self._known.add(request.id)
                self._hands.take(name, request)

    def _take_answer(self, name: str, request: Request) -> Stop | None:
        """Take an answer to the question for the go; a veto after the go stops the run."""
        why = self.answers.take(name, request)
        if why:
            self._journal.note(RequestIgnored, file=name, why=why)
            return None
        self._journal.note(RequestTaken, file=name, kind=request.kind, author=request.author)
        return Stop("abort", self.answers.veto) if self.answers.veto else None

    def owe(self, point: str) -> None:
        """Tell the guardian, before a point is armed, that it owes the point a restore if the conductor is gone."""
        self._lifeline.tell(f"{OWE} {point}")

    def paid(self, point: str) -> None:
        """Tell the guardian that a point was not touched after all."""
        self._lifeline.tell(f"{PAID} {point}")

    def restoring(self) -> None:
        """Tell the guardian that restore has begun, and give restore the memory that was kept for it."""
        self._reserve.give_back()
        self._lifeline.tell(RESTORING)

    def restored(self, *, seen: bool) -> None:
        """Tell the guardian how restore ended; it looks for itself."""
        self._lifeline.tell(RESTORED if seen else STRANDED)

    async def close(self) -> None:
        """Let go of the guardian."""
        self._reserve.give_back()
        await self._lifeline.close()
