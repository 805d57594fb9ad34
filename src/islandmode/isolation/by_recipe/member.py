"""A device of a recipe as the member of a pair: what it says of its role and sync, and one end where the members share a configuration.

Where they do, one object of a run stands on both, and the session of each member writes it: whichever writes first arms or isolates both.
Each computes the end from its own device's clock, so that the two ends may lie one step of the clock apart. The end that stands is then
taken up by the other: it is this run's, and as good as its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from islandmode.core.pair import PairMember, Role, Sync
from islandmode.core.recipe.device_clock import ClockRead
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.of_pair import RoleAsked, SyncAsked, read_role, read_sync
from islandmode.core.recipe.reading import Shown, refused_by
from islandmode.isolation.by_recipe.dialogue import Dialogue, Look, Speaks
from islandmode.isolation.by_recipe.proof import Viewer
from islandmode.isolation.by_recipe.run_end import RunEnd
from islandmode.isolation.session import DeviceTrouble


class Member:
    """One member's side of a pair; of a device that is a member of none it changes nothing."""

    def __init__(self, recipe: Recipe, pair: PairMember | None, end: RunEnd) -> None:
        """Know the recipe and the end of this session's lines."""
        self._recipe, self._end = recipe, end
        self._step = timedelta(seconds=recipe.ends_by.grain)
        is_shared = pair is not None and recipe.pair is not None and recipe.pair.shares == "configuration"
        self._shares_end = is_shared and recipe.cycle == "clock"
        self._replaced: set[datetime] = set()
        """The ends that stood before the newest renewal: whatever shows one of them was not renewed."""

    def role(self, dialogue: Dialogue, console: Speaks) -> Role:
        """Ask which role it has; DeviceTrouble where the answer shows none."""
        if self._recipe.pair is None:
            raise DeviceTrouble("its recipe has no question for that")
        asked = self._recipe.pair.role
        role = read_role(asked, self._answer(dialogue, console, asked))
        if role is None:
            raise DeviceTrouble(f'the answer to "{asked.ask}" shows no role in a pair')
        return role

    def sync(self, dialogue: Dialogue, console: Speaks) -> Sync:
        """Ask whether it is in sync; DeviceTrouble where the answer shows neither."""
        asked = None if self._recipe.pair is None else self._recipe.pair.sync
        if asked is None:
            return "not-kept"
        sync = read_sync(asked, self._answer(dialogue, console, asked))
        if sync is None:
            raise DeviceTrouble(
                f'the answer to "{asked.ask}" does not show that all members are in sync, nor that they are not'
            )
        return sync

    def _answer(self, dialogue: Dialogue, console: Speaks, asked: RoleAsked | SyncAsked) -> str:
        answer = dialogue.answers(console, (asked.ask,))[asked.ask]
        refused = refused_by(self._recipe, answer)
        if refused is not None:
            raise DeviceTrouble(f'it does not answer "{asked.ask}"{f" ({refused})" if refused else ""}')
        return answer

    def take_up(self, viewer: Viewer, look: Look, for_s: float) -> None:
        """Before arming: where the other member's session armed already, let this one's lines bring that end."""
        if isinstance(look.read, ClockRead):
            stands = self._near(viewer, look.seen, self._end.after(look.read, for_s))
            if stands is not None:
                self._end.take(stands)

    def renewed_end(self, viewer: Viewer, seen: Mapping[str, Shown], own: datetime) -> datetime:
        """Give the end of a renewal: the one that the other member's session renewed to already, unless that comes before its own."""
        self._replaced = {ends for ends in self._shown(viewer, seen) if ends < own}
        return self._near(viewer, seen, own) or own

    def follow(self, viewer: Viewer, seen: Mapping[str, Shown]) -> None:
        """After a step: take up an end that the other member's session wrote in the same moment."""
        if self._end.ends is not None:
            self._end.take(self._near(viewer, seen, self._end.ends) or self._end.ends)

    def _near(self, viewer: Viewer, seen: Mapping[str, Shown], own: datetime) -> datetime | None:
        """Give an end that stands, is this run's and lies one step of the clock from its own at most."""
        found = self._shown(viewer, seen) - self._replaced
        return next((ends for ends in sorted(found) if abs(ends - own) <= self._step), None)

    def _shown(self, viewer: Viewer, seen: Mapping[str, Shown]) -> set[datetime]:
        if not self._shares_end:
            return set()
        windows = [state.window for state in seen.values() if viewer.owns(state) and state.window is not None]
        return {window.ends for window in windows if window.says in {"armed", "isolating"} and window.ends is not None}
