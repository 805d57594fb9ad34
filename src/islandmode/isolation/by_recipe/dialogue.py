"""What is said to a device by a recipe: questions that change nothing, and the lines of a step, one after the other.

All this runs in a session's own thread and blocks. A line that the device refused ends its step at once; in which part of its
configuration the device is by then nobody knows, and a word that leaves it may put half an edit in force. So nothing more is said in
such a session: it is reset, and a further look logs in anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from islandmode.core.recipe.device_clock import ClockRead
from islandmode.core.recipe.held import held_told, refused_as_held
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.reading import Shown, Unread, read_state, read_time, refused_by, was_already_so
from islandmode.core.recipe.steps import Ready, asked_once, asks_of
from islandmode.core.recipe.words import compiled
from islandmode.isolation import incoming
from islandmode.isolation.session import DeviceTrouble, Driver
from islandmode.system.clock import Clock

_1970 = datetime(1970, 1, 1, tzinfo=UTC)


class Speaks(Driver, Protocol):
    """A session at a device's command line, as `DeviceSession` wants it."""

    @property
    def let_in(self) -> str:
        """Say why nothing more could be done after a login that worked."""
        ...

    @property
    def greeting(self) -> str:
        """Give what the device showed at login."""
        ...

    def say(self, line: str, answers: tuple[tuple[str, str], ...] = ()) -> str:
        """Send a line and give what is shown until the next prompt; raises where no prompt comes, or the device asks what `answers` lacks."""
        ...


class LineRefused(Exception):
    """A line of a step was refused, or its answer is not what it must be: what stands on the device is to be looked at."""


class NotSaid(Exception):
    """A line did not leave, because the connection is lost: this session is of no more use, whatever its lines before did."""


class Unproven(Exception):
    """Something was sent, and what the device shows does not prove what came of it."""


@dataclass(frozen=True)
class Look:
    """What a device showed at one look, by conduit, and its own time at the end of the look, where the recipe asks for it."""

    shown: Mapping[str, Shown | Unread]
    read: ClockRead | None = None

    @property
    def seen(self) -> dict[str, Shown]:
        """The conduits that could be read."""
        return {name: state for name, state in self.shown.items() if isinstance(state, Shown)}

    @property
    def unread(self) -> str:
        """Say which conduits could not be read; empty where all could."""
        whys = {name: state.why for name, state in self.shown.items() if isinstance(state, Unread)}
        return "; ".join(f"the state of {name} could not be read: {why}" for name, why in whys.items())


@dataclass(frozen=True)
class Dialogue:
    """A recipe's questions and lines at one device."""

    recipe: Recipe
    at: PointAt
    clock: Clock

    def say(self, console: Speaks, line: str, answers: tuple[tuple[str, str], ...] = ()) -> str:
        """Say one line; `NotSaid` where it could not leave."""
        try:
            return console.say(line, answers).replace("\r", "")
        except DeviceTrouble as error:
            # The device said nothing: what came of the lines before this is as unknown as without an answer.
            raise NotSaid(str(error)) from error

    def try_out(self, console: Speaks) -> None:
        """See that the device answers a question; nothing is changed by it, so that any failure is *not done*."""
        ask = self.recipe.versions.ask
        answer = self.say(console, ask)
        refused = refused_by(self.recipe, answer)
        if refused is not None or not answer.strip():
            raise DeviceTrouble(f'the device does not answer "{ask}"{_words(refused)}')

    def answers(self, console: Speaks, asks: Iterable[str]) -> dict[str, str]:
        """Ask, and give each answer by its question."""
        return {ask: self.say(console, ask) for ask in asks}

    def look(self, console: Speaks, conduits: Collection[str]) -> Look:
        """Read the state of conduits; a question that is asked for several of them is asked once."""
        asks = {name: asked_once(asks_of(self.recipe, self.recipe.reads.state, self.at, name)) for name in conduits}
        answers = self.answers(console, dict.fromkeys(ask for each in asks.values() for ask in each))
        # The time comes last: what is left of a timer is then never told as more than it is.
        read = self.time(console)
        now = read.local if isinstance(read, ClockRead) else None
        shown: dict[str, Shown | Unread] = {}
        for name in conduits:
            state = read_state(self.recipe, self.at, name, answers, now)
            lacks_time = isinstance(state, Unread) and isinstance(read, Unread)
            shown[name] = read if lacks_time and isinstance(read, Unread) else state
        return Look(shown, read if isinstance(read, ClockRead) else None)

    def whole_look(self, console: Speaks, conduits: Collection[str]) -> Look:
        """Read the state of conduits before anything is sent; DeviceTrouble where one cannot be read."""
        look = self.look(console, conduits)
        if look.unread:
            raise DeviceTrouble(look.unread)
        return look

    def time(self, console: Speaks) -> ClockRead | Unread | None:
        """Read the device's own time; None where the recipe does not ask for it."""
        if self.recipe.device_time is None:
            return None
        asked_us = self.clock.monotonic_us()
        told = read_time(self.recipe.device_time, self.say(console, self.recipe.device_time.ask))
        if isinstance(told, Unread):
            return told
        utc = _1970 + timedelta(microseconds=self.clock.utc_us())
        return ClockRead(told, asked_us, self.clock.monotonic_us(), utc)

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
        """Send lines, each after the prompt of the one before it; `LineRefused` at the first that is not answered as it must be.

        `about_to` is called right before each line leaves, and `answered` when its prompt has come. `for_s` is how long a timer is set
        that no line brings.
        """
        for line in lines:
            about_to()
            answer = self.say(console, line.send, line.answers)
            answered()
            trouble = self._trouble(line, answer, restores=restores)
            if trouble:
                raise LineRefused(trouble)

    def try_candidate(self, console: Speaks, lines: Iterable[Ready]) -> None:
        """Try lines before they take effect, where they are a candidate; lines of a console cannot be tried."""

    def _trouble(self, line: Ready, answer: str, *, restores: bool) -> str:
        # A deny that is gone already is answered as an error, and is what a restore wants.
        is_so = restores and was_already_so(self.recipe, answer)
        refused = None if is_so else refused_by(self.recipe, answer)
        if refused is not None:
            return f'the device refused "{line.send}"{_words(refused)}{self._held(answer)}'
        if line.must is not None and not compiled(line.must).search(answer):
            return f'the device does not show what "{line.send}" must show'
        if line.must_not is not None and compiled(line.must_not).search(answer):
            return f'the device shows what "{line.send}" must not show'
        return ""

    def _held(self, answer: str) -> str:
        held, found = self.recipe.held, refused_as_held(self.recipe, answer)
        return "" if held is None or found is None else f": it {held_told(held, incoming.word(found.who))}"


def _words(refused: str | None) -> str:
    return f" ({incoming.quoted(refused)})" if refused else ""
