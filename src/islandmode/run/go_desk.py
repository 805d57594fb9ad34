"""What the go of a run is held against, and who is asked for what lies outside of the run: signatures and approvals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from islandmode.core.go import KeyFound, Question, Said
from islandmode.core.request import Request

LONGEST_S = 3600.0
"""How long a go is waited for in all, however often the plant floor says not yet: the workers sample for so long."""


@dataclass(frozen=True)
class GoDesk:
    """What a run that needs a go has to have for it."""

    question: Question
    said: Said
    """What was said in earlier runs of the same window."""
    looks_at_key: Callable[[bytes, str], Awaitable[KeyFound]]
    """Looks whose signature over the challenge it is, and whether it holds."""
    still: Callable[[], Awaitable[str]]
    """Says in a sentence why the approvals do not count any more; empty where they do."""
    command: str = "islandmode go"
    """The command that answers, as a person types it."""


GIVEN = "the go was given already; to stop the run, abort it"


class Answers:
    """Answers to the question for the go, as they come in; after the go only a no and a veto are taken."""

    def __init__(self) -> None:
        """Expect none yet."""
        self._open = self._given = False
        self._found: list[tuple[str, Request]] = []
        self.veto = ""
        """A veto or a no that came after the go, or a veto of a run that asks for none, as a sentence."""

    def opens(self) -> None:
        """Take answers from now on."""
        self._open = True

    def is_given(self) -> None:
        """Take nothing but a veto and a no from now on: the go was given."""
        self._given = True

    def take(self, name: str, request: Request) -> str:
        """Take an answer; returns why it is not taken, or an empty string."""
        if self._open and not self._given:
            self._found.append((name, request))
            return ""
        if request.answer == "veto" and request.person and request.why:
            self.veto = f"Vetoed by {request.person}: {request.why.rstrip('.')}."
        elif request.answer == "no" and self._given:
            who, why = request.person or "The plant floor", f": {request.why.rstrip('.')}" if request.why else ""
            self.veto = f"{who} said no{why}."
        else:
            return GIVEN if self._given else "this run asks for no go; to stop it, abort it"
        return ""

    def fresh(self) -> tuple[tuple[str, Request], ...]:
        """Give the answers that came since the last call, with the names of their files."""
        found, self._found = tuple(self._found), []
        return found
