"""The people of a run: what they are asked for, what they confirm and note, each on record. A point that asks nobody is not known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ParamSpec, Protocol

from islandmode.core.closed_records import ClosedSaid
from islandmode.core.entry import Entry
from islandmode.core.hand import HandAsk
from islandmode.core.people_told import SAID_TO_CONFIRM
from islandmode.core.records import HandAsked, HandConfirmed, Noted, RequestIgnored, RequestTaken
from islandmode.core.request import Request
from islandmode.isolation.point import AsksPerson, IsolationPoint, asking

P = ParamSpec("P")


class Writes(Protocol):
    """Where records go, without waiting for any disk."""

    def note(self, make: Callable[P, Entry], *args: P.args, **said: P.kwargs) -> object:
        """Keep a record of a model's kind."""
        ...


class Hands:
    """Everybody who is asked in a run, and what people put into its record."""

    def __init__(self, points: Mapping[str, IsolationPoint], writes: Writes) -> None:
        """Hear of every ask from now on."""
        self._writes = writes
        found = {name: asking(point) for name, point in points.items()}
        self._asking: dict[str, AsksPerson] = {name: place for name, place in found.items() if place is not None}
        for place in self._asking.values():
            place.tells(self._asked)

    def __bool__(self) -> bool:
        """Tell whether anybody is asked in this run at all."""
        return bool(self._asking)

    @property
    def asked(self) -> tuple[HandAsk, ...]:
        """Give everything that is asked for now."""
        now = (place.asked for place in self._asking.values())
        return tuple(ask for ask in now if ask is not None)

    def hears(self, hear: Callable[[HandAsk], object]) -> None:
        """Tell of every ask as well; it must neither wait nor raise."""
        for place in self._asking.values():
            place.tells(hear)

    def withdraw(self) -> None:
        """Ask for nothing more that isolates: the run is being stopped."""
        for place in self._asking.values():
            place.withdraw()

    def _asked(self, ask: HandAsk) -> None:
        self._writes.note(
            HandAsked,
            point=ask.point,
            conduits=ask.conduits,
            ask=ask.id,
            act=ask.act,
            person=ask.person,
            within_s=ask.within_s,
            told=ask.told(),
        )

    def take(self, file: str, request: Request) -> None:
        """Take a confirmation, a note, or the word that a conduit is kept closed; what is wrong with a confirmation is on record."""
        if request.kind == "note":
            self._taken(file, request)
            self._writes.note(Noted, author=request.author, text=request.text)
            return
        if request.kind == "keep-closed":
            self._taken(file, request)
            said = {"conduit": request.conduit, "person": request.person, "author": request.author}
            self._writes.note(ClosedSaid, **said)
            return
        place = self._asking.get(request.point)
        ask = None if place is None else place.asked
        why = (
            f"nobody is asked at {request.point[:80]}" if place is None else place.confirm(request.ask, request.person)
        )
        if why or ask is None:
            self._writes.note(RequestIgnored, file=file, why=f"{SAID_TO_CONFIRM}: {why}")
            return
        self._taken(file, request)
        self._writes.note(
            HandConfirmed, point=ask.point, ask=ask.id, act=ask.act, person=request.person, author=request.author
        )

    def _taken(self, file: str, request: Request) -> None:
        self._writes.note(RequestTaken, file=file, kind=request.kind, author=request.author)
