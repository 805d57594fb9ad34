"""The stand-in of a bench on a device that goes by a recipe: a timed object that no deny names, written by the recipe's own lines.

That nothing names it is read in the configuration before each write that could matter, and what is removed is that object alone.
"""

from __future__ import annotations

from dataclasses import replace

from islandmode.core.bench.stand_in import NOT_BY_ITSELF, STAND_IN
from islandmode.core.outcome import Outcome, Reading
from islandmode.core.recipe.device_clock import ClockRead
from islandmode.core.recipe.reading import Shown, Unread
from islandmode.core.recipe.stand_in import object_name, referring, says_itself
from islandmode.core.recipe.steps import Values, planned, step_lines
from islandmode.core.recipe.words import filled_pattern
from islandmode.isolation import incoming
from islandmode.isolation.by_recipe.configured import SAVED
from islandmode.isolation.by_recipe.dialogue import LineRefused, Speaks, Unproven
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.isolation.point import LateLineSeen, StandInSeen
from islandmode.isolation.session import DeviceTrouble

ONLY = (STAND_IN,)
QUOTED = 3
"""How many lines that name a stand-in are quoted."""
REFUSED_LATE = "the late line was refused: "


class RecipeStandIn(RecipePoint):
    """A recipe's point with the stand-in in the place of its conduits."""

    _late_by_s = 0.0

    @property
    def object_name(self) -> str:
        """Name the stand-in, as the device has it."""
        return object_name(self._recipe)

    @property
    def says_itself(self) -> bool:
        """Tell whether the device says itself that the stand-in acts."""
        return says_itself(self._recipe)

    async def stand_in(self, deadline_s: float) -> Reading[StandInSeen]:
        """Look what of the stand-in is there, and whether anything refers to it; nothing is changed."""
        return await self._call(self._seen, deadline_s)

    def _seen(self, console: Speaks) -> StandInSeen:
        named = self._named(console)
        if not named:
            return StandInSeen(present=False)
        others = referring(self._recipe, "\n".join(named), self._itself)
        present = len(others) < len(named)
        shown = self._dialogue.look(console, ONLY).shown[STAND_IN] if present else None
        if isinstance(shown, Unread):
            raise DeviceTrouble(shown.why)
        left_s = None if shown is None or not _runs(shown) else shown.left_s
        told = tuple(incoming.quoted(line) for line in dict.fromkeys(others))
        return StandInSeen(present, told[:QUOTED], left_s)

    def _named(self, console: Speaks) -> tuple[str, ...]:
        """Give every line of what runs that names the stand-in."""
        running = next(part for part in self._recipe.configuration if part.part != SAVED)
        text = self._part(console, running.ask, running.whole)
        return tuple(line for line in text.splitlines() if self.object_name in line)

    @property
    def _itself(self) -> str:
        values = Values(self._recipe, self._at, planned(0), self._at.conduit(STAND_IN), {}, 0)
        return filled_pattern(self._recipe.stand_in or "", values).pattern

    async def lay(self, deadline_s: float) -> Reading[None]:
        """Make the object at rest, and see it at rest and named by nothing."""

        def work(console: Speaks) -> None:
            self._refuse_named(self._seen(console))
            self._dialogue.send(console, self._resting(ONLY))
            seen = self._seen(console)
            self._refuse_named(seen)
            if not seen.present or seen.runs_for_s is not None:
                raise Unproven(f"{self.object_name} is not at rest where it was made")

        return await self._call(work, deadline_s)

    def _refuse_named(self, seen: StandInSeen) -> None:
        if seen.referring:
            raise DeviceTrouble(f"{self.object_name} is named on the device ({'; '.join(seen.referring)})")
        if seen.runs_for_s is not None:
            raise DeviceTrouble(f"a timer of {self.object_name} runs for {seen.runs_for_s:.0f} s more")

    async def acts(self, deadline_s: float) -> Reading[bool]:
        """Tell whether it acts still, by the device's own word where that has one; trouble where its clock was set meanwhile, or another ended it."""

        def work(console: Speaks) -> bool:
            look = self._dialogue.whole_look(console, ONLY)
            self._saw(look)
            if self._doubt:
                raise DeviceTrouble(self._doubt)
            shown = look.seen[STAND_IN]
            # A window that is over is still there; one that is at rest, or gone, was not ended by its timer.
            if shown.window is None or shown.window.says == "rest" or self._viewer.leaves(shown):
                raise DeviceTrouble(NOT_BY_ITSELF.format(self.object_name))
            return shown.isolating or _runs(shown)

        return await self._call(work, deadline_s)

    async def late_line(self, deadline_s: float) -> Reading[LateLineSeen]:
        """Send the lines that made the object act last, whose end is past, and look."""

        def work(console: Speaks) -> LateLineSeen:
            ends, read = self._end.ends, self._dialogue.time(console)
            if ends is None or not isinstance(read, ClockRead):
                raise DeviceTrouble("no timer of this bench has ended, or the device does not tell its time")
            after_s = (read.local - ends).total_seconds()
            if after_s <= 0:
                raise DeviceTrouble(f"the end of the last timer is still to come, in {-after_s:.0f} s")
            self._late_by_s = after_s
            said = self._sent_late(console)
            look = self._dialogue.look(console, ONLY)
            if look.unread:
                raise Unproven(look.unread)
            return LateLineSeen(after_s, look.seen[STAND_IN].isolating, said)

        found = await self._call(work, deadline_s)
        if found.value is None and found.why.startswith(REFUSED_LATE):
            # Refused is as good as without effect, once a fresh session has seen that.
            return await self._after_refusal(found, deadline_s)
        return found

    def _sent_late(self, console: Speaks) -> str:
        try:
            self._dialogue.send(console, step_lines(self._recipe, "isolate", self._at, self._values(), ONLY))
        except LineRefused as error:
            raise LineRefused(f"{REFUSED_LATE}{error}") from None
        return ""

    async def _after_refusal(self, refused: Reading[LateLineSeen], deadline_s: float) -> Reading[LateLineSeen]:
        acts = await self.acts(deadline_s)
        if acts.value is None:
            return replace(refused, outcome=Outcome.UNKNOWN)
        said = refused.why.removeprefix(REFUSED_LATE)
        return Reading(
            Outcome.DONE, LateLineSeen(self._late_by_s, acts.value, said), "", refused.asked_us, acts.answered_us
        )

    async def take_away(self, deadline_s: float) -> Reading[StandInSeen]:
        """Put the object to rest and remove it through a fresh session, where nothing names it, and read back what is left."""

        def work(console: Speaks) -> StandInSeen:
            seen = self._seen(console)
            if not seen.present:
                return seen
            # At rest it does nothing, also where a deny has come to name it. Such a deny may isolate for good once the object is gone.
            self._dialogue.send(console, self._resting(ONLY), restores=True)
            if seen.referring:
                why = f"{self.object_name} is named on the device ({'; '.join(seen.referring)}), so it was put to rest and left there"
                raise DeviceTrouble(why)
            lines = step_lines(self._recipe, "take_away", self._at, planned(0), ONLY)
            self._dialogue.send(console, lines, restores=True)
            return self._seen(console)

        # One session alone: of two that race, as in a restore, the slower would make the object anew by putting it to rest.
        self._sessions.work.abort()
        self._sessions.rescue.abort()
        return await self._call(work, deadline_s)


def _runs(shown: Shown) -> bool:
    return (shown.left_s or 0.0) > 0
