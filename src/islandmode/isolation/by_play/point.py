"""An isolation point whose steps are plays. It is looked at, renewed and restored by lines, through sessions that need no Ansible.

Plays have a session of their own: while Ansible starts and logs in, which takes seconds, the dead-man is read on the device as ever. A restore
ends the play first, with every process of it.

Of a play that is given up only what has arrived on the device may still act, and it can isolate no more once the object is gone that was armed. A
recipe says under `late` for how long it may act; where it does not, that is until the object's timer has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from islandmode.core.outcome import Outcome, Reading
from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.isolation import incoming
from islandmode.isolation.by_play.player import Player, missing
from islandmode.isolation.by_play.session import PlayDialogue, PlaySession
from islandmode.isolation.by_recipe.dialogue import LineRefused, NotSaid, Speaks, Unproven
from islandmode.isolation.by_recipe.point import MakeConsole, RecipePoint
from islandmode.isolation.by_recipe.trouble import ConsoleError
from islandmode.isolation.platform import Access
from islandmode.isolation.point import Facts, PointState
from islandmode.isolation.session import DeviceSession
from islandmode.isolation.under_way import Lines
from islandmode.system.clock import Clock

T = TypeVar("T")
PLAY = "play"
LOOK_S = 60.0
"""How long Ansible may take to look, while nothing is armed."""


class PlayPoint(RecipePoint):
    """A point of a recipe with plays."""

    def __init__(
        self,
        name: str,
        planned: PlanPoint,
        recipe: Recipe,
        at: PointAt,
        access: Access,
        clock: Clock,
        run: str | None,
        make_console: MakeConsole,
    ) -> None:
        """Know the device; nothing is contacted yet, and no Ansible is needed."""
        super().__init__(name, planned, recipe, at, access, clock, run, make_console)
        self._plays = PlayDialogue(recipe, at, clock)
        self._dialogue = self._plays
        self._playing: DeviceSession[Speaks] | None = None
        self._given_up = ""
        """Why it is not known what a play did that was to isolate; until a restore."""

    def _session_for_plays(self) -> DeviceSession[Speaks]:
        if self._playing is None or self._playing.dead:
            transcript = None if self._access.transcript is None else self._access.transcript(PLAY)
            lines = self._make_console(self._access, self._recipe, self._clock, transcript)
            session: Speaks = PlaySession(lines, Player(self._name, self._access, transcript))
            troubles = (LineRefused, NotSaid, Unproven, ConsoleError)
            self._playing = DeviceSession(f"{self._name}-{PLAY}", session, self._clock, troubles)
        return self._playing

    async def _through(self, work: Callable[[Speaks], T], deadline_s: float, lines: Lines) -> Reading[T]:
        return await self._session_for_plays().call(work, deadline_s, lines)

    async def facts(self, deadline_s: float) -> Reading[Facts]:
        """Log in and read facts; and see, for a run, whether Ansible can do its work there. Nothing is changed."""
        found = await super().facts(deadline_s)
        if self._run is None or not found.done or found.value is None or found.value.trouble:
            return found
        why = missing() or await self._unplayable(max(deadline_s, LOOK_S))
        if not why:
            return found
        return replace(found, value=replace(found.value, unready=(*found.value.unready, incoming.sentence(why))))

    async def _unplayable(self, deadline_s: float) -> str:
        tried = await self._session_for_plays().call(self._plays.look_by_play, deadline_s)
        why = tried.value if tried.outcome is Outcome.DONE else tried.why
        return f"it cannot be isolated by a play: {why}" if why else ""

    async def isolate(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Have a play put armed conduits into isolation, and read back; done only when the device shows every conduit isolating."""
        reading = await super().isolate(conduits, deadline_s)
        if reading.outcome is Outcome.UNKNOWN:
            self._given_up = reading.why
        return reading

    async def state(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """Read what the device shows now; where it shows that a play which was given up did not isolate, say what became of that play."""
        reading = await super().state(conduits, deadline_s)
        value = reading.value
        if not self._given_up or value is None or all(value.conduits[name].isolating for name in conduits):
            return reading
        return replace(reading, outcome=Outcome.NOT_DONE, why=self._given_up)

    def _bound(self, lines: Lines) -> None:
        """Count from now: every process of the play was ended, so that only what has arrived on the device may still act."""
        late = self._recipe.late
        if late is not None:
            lines.until_us = min(lines.until_us, self._clock.monotonic_us() + round(late.at_most * 1_000_000))

    async def restore(self, conduits: tuple[str, ...], deadline_s: float) -> Reading[PointState]:
        """End the play that goes on, if one does, and restore by lines. Idempotent."""
        self._given_up = ""
        if self._playing is not None:
            self._playing.abort()
        return await super().restore(conduits, deadline_s)

    async def close(self) -> None:
        """End all sessions; never changes the device."""
        if self._playing is not None:
            self._playing.close()
        await super().close()
