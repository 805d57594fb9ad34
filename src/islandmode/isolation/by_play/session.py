"""A session in which plays are run, and the dialogue that runs them: looks are lines of the device, as in every session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from islandmode.core.recipe.parts import lines_of
from islandmode.core.recipe.plays import PlayRun, play_line, play_runs
from islandmode.core.recipe.steps import Ready
from islandmode.isolation.by_play.player import NotBegun, Player, PlayFailed
from islandmode.isolation.by_recipe.dialogue import Dialogue, LineRefused, NotSaid, Speaks

SHARE = 0.7
"""How much of a call's time its play may take; the login and the looks before and after it have the rest."""


class PlaySession:
    """A session at a device that runs plays there too; `abort` ends both at once."""

    def __init__(self, lines: Speaks, player: Player) -> None:
        """Take a session for lines."""
        self._lines = lines
        self.player = player

    @property
    def let_in(self) -> str:
        """Say why nothing more could be done after a login that worked."""
        return self._lines.let_in

    @property
    def greeting(self) -> str:
        """Give what the device showed at login."""
        return self._lines.greeting

    def open(self) -> None:
        """Log in for lines; each play logs in by itself."""
        self._lines.open()

    def say(self, line: str, answers: tuple[tuple[str, str], ...] = ()) -> str:
        """Send a line."""
        return self._lines.say(line, answers)

    def close(self) -> None:
        """End the session."""
        self.player.end()
        self._lines.close()

    def abort(self) -> None:
        """End a play that goes on, and reset the connection; from any thread."""
        self.player.end()
        self._lines.abort()


class PlayDialogue(Dialogue):
    """A recipe's questions, lines and plays at one device."""

    def within_s(self, playbook: str) -> float:
        """Tell how long a playbook may take: as long as the steps that name it, or as any, where it only looks."""
        steps = () if self.recipe.plays is None else self.recipe.plays.steps
        named = [
            step
            for step in steps
            if any(play_line(sent.line.send).playbook == playbook for sent in lines_of(self.recipe, step))
        ]
        return SHARE * min(self.recipe.calls.get(step, 0.0) for step in named or steps)

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
        """Send lines, or run the plays that they name, each once; `LineRefused` where a play failed."""
        ready = tuple(lines)
        super().send(
            console, (line for line in ready if not line.is_play), about_to, answered, restores=restores, for_s=for_s
        )
        for run in play_runs(line.send for line in ready if line.is_play):
            about_to()
            try:
                self._play(console, run)
            except PlayFailed as error:
                answered()
                raise LineRefused(str(error)) from error
            except NotBegun as error:
                answered()
                raise NotSaid(str(error)) from error
            answered()

    def look_by_play(self, console: Speaks) -> str:
        """Run the play that changes nothing, if there is one, and say why it could not be."""
        plays = self.recipe.plays
        if plays is None or plays.facts is None:
            return ""
        try:
            self._play(console, PlayRun(play_line(plays.facts).playbook, ()))
        except (PlayFailed, NotBegun) as error:
            return str(error)
        return ""

    def _play(self, console: Speaks, run: PlayRun) -> None:
        plays = self.recipe.plays
        text = "" if plays is None else plays.texts.get(run.playbook, "")
        cast("PlaySession", console).player.play(run, text, self.within_s(run.playbook))
