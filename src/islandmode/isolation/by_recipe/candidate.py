"""What is said to a device whose lines are a candidate configuration: a step is one commit, and takes effect as a whole or not at all.

isolate    the candidate adds the run's own lines and nothing else, and is committed with a timer of the device
restore    the candidate takes those lines away, and is committed for good; where nothing of them is left, nothing is committed,
           because a commit would confirm what waits on the device, also what a colleague began
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Protocol, cast

from islandmode.core.recipe.candidate import ADDED, TAKEN_AWAY, foreign_line
from islandmode.core.recipe.reading import Unread, was_already_so
from islandmode.core.recipe.steps import Ready
from islandmode.isolation.by_recipe.dialogue import Dialogue, LineRefused, Look, NotSaid, Speaks
from islandmode.isolation.by_recipe.trouble import CandidateRefused
from islandmode.isolation.session import DeviceTrouble

NO_COMMIT = Unread("its answers show a commit that waits, and NAPALM's driver finds none")


class Commits(Speaks, Protocol):
    """A session that commits candidates."""

    def difference(self, lines: Iterable[str], foreign: Callable[[str], str | None]) -> str:
        """Load lines as a candidate and give what it would change."""
        ...

    def put_in(
        self,
        lines: Iterable[str],
        foreign: Callable[[str], str | None],
        about_to: Callable[[], None],
        answered: Callable[[], None],
        revert_in_s: int | None,
    ) -> str:
        """Commit lines as one candidate, if it changes anything, and give what it changed."""
        ...

    def discard(self) -> None:
        """Forget the candidate."""
        ...

    def has_pending(self) -> bool:
        """Ask the driver itself whether a commit waits on the device."""
        ...


class CandidateDialogue(Dialogue):
    """A recipe's questions and candidates at one device."""

    def look(self, console: Speaks, conduits: Collection[str]) -> Look:
        """Read the state of conduits; a commit waits only where the recipe's reads and NAPALM's driver both say so.

        A read that finds a timer in whatever the device answers would otherwise be the only witness that there is one.
        """
        look = super().look(console, conduits)
        if any(state.pending for state in look.seen.values()) and not cast("Commits", console).has_pending():
            return replace(look, shown={**look.shown, **dict.fromkeys(look.seen, NO_COMMIT)})
        return look

    def try_candidate(self, console: Speaks, lines: Iterable[Ready]) -> None:
        """See that the device takes lines as a candidate, and what it would change, and forget it; nothing takes effect."""
        session = cast("Commits", console)
        self._as_line(lambda: self._must_change(session.difference(_sent(lines), self._foreign(ADDED))))
        session.discard()

    def send(
        self,
        console: Speaks,
        lines: Iterable[Ready],
        about_to: Callable[[], None] = lambda: None,
        answered: Callable[[], None] = lambda: None,
        *,
        restores: bool = False,
        for_s: float = 0.0,
    ) -> None:
        """Commit the lines as a whole: with a timer of that length where they isolate, for good where they restore."""
        texts = _sent(lines)
        if not texts:
            return
        session = cast("Commits", console)
        if restores:
            self._as_line(lambda: self._taken_away(session, texts, about_to, answered))
        else:
            revert_in_s, foreign = math.ceil(for_s), self._foreign(ADDED)
            self._as_line(lambda: self._must_change(session.put_in(texts, foreign, about_to, answered, revert_in_s)))

    def _taken_away(
        self, session: Commits, texts: tuple[str, ...], about_to: Callable[[], None], answered: Callable[[], None]
    ) -> None:
        try:
            session.put_in(texts, self._foreign(TAKEN_AWAY), about_to, answered, None)
        except CandidateRefused as error:
            # What is gone already may be answered as an error, and is what a restore wants: the look after it tells.
            if not was_already_so(self.recipe, error.told):
                raise

    def _foreign(self, mark: str) -> Callable[[str], str | None]:
        return lambda difference: foreign_line(self.recipe, self.at, difference, mark)

    @staticmethod
    def _must_change(difference: str) -> str:
        if not difference.strip():
            raise LineRefused("the candidate changes nothing on the device, so it would isolate nothing")
        return difference

    def _as_line(self, work: Callable[[], object]) -> None:
        """Tell a candidate that was refused as any line that was, and who holds the configuration, where the device says so."""
        try:
            work()
        except CandidateRefused as error:
            raise LineRefused(f"{error}{self._held(error.told)}") from error
        except DeviceTrouble as error:
            raise NotSaid(str(error)) from error


def _sent(lines: Iterable[Ready]) -> tuple[str, ...]:
    return tuple(line.send for line in lines)
