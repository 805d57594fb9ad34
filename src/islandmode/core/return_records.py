"""What a journal says of a return to service in order. Pure."""

from __future__ import annotations

from islandmode.core.entry import Entry, Outcome, Text


class ReturnWaits(Entry):
    """A step of the return to service waits for a person's word; without it everything is restored at once."""

    record_kind = "return.waits"
    step: int
    conduits: tuple[str, ...]
    within_s: float


class ReturnWord(Entry):
    """A person gave the word for a step of the return to service, by the account that typed it."""

    record_kind = "return.word"
    step: int
    person: Text
    author: Text


class ReturnOrdered(Entry):
    """The order to give some conduits back, while others are isolated still; the first of them ends the holds."""

    record_kind = "return.ordered"
    step: int
    conduits: tuple[str, ...]


class ReturnResult(Entry):
    """What came of that at a point. The point is seen restored only when all of it is, by `restore.seen`."""

    record_kind = "return.result"
    step: int
    point: str
    conduits: tuple[str, ...]
    outcome: Outcome
    why: Text
    asked_us: int
    answered_us: int


RETURN_KINDS = (ReturnWaits, ReturnWord, ReturnOrdered, ReturnResult)
