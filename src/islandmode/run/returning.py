"""The return to service in order: every step of a planned restore but the last, which is the restore of everything.

It stands inside the holds' scope. The dead-man is read and renewed and the guardian hears the conductor as in a hold, so that
whatever goes wrong here ends as it would there: the latch is pulled, this is cancelled, and everything is restored at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import anyio

from islandmode.core.outcome import Reading
from islandmode.core.plan import Plan
from islandmode.core.quantities import written
from islandmode.core.return_records import ReturnOrdered, ReturnResult, ReturnWaits, ReturnWord
from islandmode.core.returning import Return, on_points, returns_of
from islandmode.isolation.point import IsolationPoint, PointState
from islandmode.run.deadman import DeadMan
from islandmode.run.guards import Guards
from islandmode.run.progress import Stop, StopLatch
from islandmode.run.run_journal import RunJournal
from islandmode.system.clock import Clock

TICK_S = 0.1
Say = Callable[[str], None]


class Returning:
    """Gives conduits back in the drill's order."""

    def __init__(
        self,
        plan: Plan,
        points: Mapping[str, IsolationPoint],
        dead_man: DeadMan,
        guards: Guards,
        journal: RunJournal,
        clock: Clock,
        latch: StopLatch,
    ) -> None:
        """Know the order; nothing is given back yet."""
        self._plan = plan
        self._points = points
        self._dead_man = dead_man
        self._guards = guards
        self._journal = journal
        self._clock = clock
        self._latch = latch
        self.waits_for = ""
        """What a person is asked for now; empty where nobody is."""

    async def all_but_the_last(self, say: Say) -> None:
        """Give back every step but the last, and wait for the last one's word; does not come back where something went wrong."""
        steps = returns_of(self._plan.drill)
        for step in steps:
            if step.word_within_s is not None:
                await self._hear_word(step, step.word_within_s, say)
            if step is not steps[-1]:
                say(f"Return {step.number} of {len(steps)}: restoring {', '.join(step.conduits)}.")
                await self._give_back(step)

    async def _hear_word(self, step: Return, within_s: float, say: Say) -> None:
        """Wait for a person's word; the dead-man is renewed meanwhile, within the window of the drill."""
        conduits, until_us = ", ".join(step.conduits), self._clock.monotonic_us() + round(within_s * 1_000_000)
        self.waits_for = f"the word to restore {conduits}, within {written(within_s)}"
        self._guards.words.awaits(str(step.number))
        self._journal.note(ReturnWaits, step=step.number, conduits=step.conduits, within_s=within_s)
        say(f"Return {step.number}: {conduits} waits for a person's word.")
        try:
            while self._guards.words.given is None:
                if self._clock.monotonic_us() >= until_us:
                    why = f"Nobody gave the word to restore {conduits} within {written(within_s)}."
                    self._latch.pull(Stop("word", why, proven=False))
                    await anyio.sleep_forever()
                await self._clock.sleep(TICK_S)
        finally:
            self.waits_for = ""
        person, author = self._guards.words.given
        self._guards.words.awaits("")
        self._journal.note(ReturnWord, step=step.number, person=person, author=author)

    async def _give_back(self, step: Return) -> None:
        # Never awaited: no restore waits for a disk.
        self._journal.note(ReturnOrdered, step=step.number, conduits=step.conduits)
        async with anyio.create_task_group() as group:
            for point, conduits in on_points(step, self._plan.points).items():
                group.start_soon(self._give_back_at, step, point, conduits)

    async def _give_back_at(self, step: Return, point: str, conduits: tuple[str, ...]) -> None:
        able = self._plan.points[point].capabilities
        async with self._dead_man.writing[point]:
            # Before the order: what is read from now on need not show them any more.
            self._dead_man.give_back(point, conduits)
            reading = await self._points[point].restore(conduits, able.calls_s.restore)
        self._journal.note(
            ReturnResult,
            step=step.number,
            point=point,
            conduits=conduits,
            outcome=reading.outcome.value,
            why=reading.why,
            asked_us=reading.asked_us,
            answered_us=reading.answered_us,
        )
        if not _clear(reading):
            why = reading.why or "it was read back and still isolates"
            self._latch.pull(Stop("return", f"{point} did not give back {', '.join(conduits)}: {why}.", proven=False))
            await anyio.sleep_forever()


def _clear(reading: Reading[PointState]) -> bool:
    return reading.done and reading.value is not None and reading.value.clear
