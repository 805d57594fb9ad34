"""What a use case says while it goes on; a command line prints it, a program may keep it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from islandmode.core.errors import InputError


class Listener(Protocol):
    """Hears what a use case says. A listener never raises: a restore does not end because nobody can be told of it."""

    def say(self, sentence: str) -> None:
        """Hear what was done or seen."""
        ...

    def warn(self, sentence: str) -> None:
        """Hear what is wrong, or could not be seen."""
        ...

    def stranded(self, by_hand: Sequence[str]) -> None:
        """Hear that restoration was not seen, with the lines by which a person restores every device by hand."""
        ...


@dataclass
class Kept:
    """Keeps what was said, in order, for a program that asks afterwards."""

    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)
    """How to restore by hand; empty where restoration was seen."""

    def say(self, sentence: str) -> None:
        """Keep what was done or seen."""
        self.said.append(sentence)

    def warn(self, sentence: str) -> None:
        """Keep what is wrong."""
        self.warned.append(sentence)

    def stranded(self, by_hand: Sequence[str]) -> None:
        """Keep the lines by which a person restores."""
        self.by_hand += by_hand


def warn_of_left_out(listener: Listener, left_out: Sequence[InputError]) -> None:
    """Say what is wrong in the operators' files and stops nothing, since nothing that was asked for needs it."""
    for error in left_out:
        for line in str(error).splitlines():
            listener.warn(f"ignored, not needed for this command: {line}")
