"""Disks that do not answer: progress reported to a watch, and reads that can be abandoned."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

from islandmode.core.errors import IslandmodeError
from islandmode.run.outermost import sentence_of
from islandmode.system.life import FAULTS, within


class Watch(Protocol):
    """Watches whether a use case gets past its reading."""

    def step(self) -> None:
        """Hear that the disk has answered just now."""
        ...

    def at(self, where: Path) -> None:
        """Hear what is read from now on, and that the disk has answered until now."""
        ...

    def elsewhere(self) -> AbstractContextManager[None]:
        """Hear that what is done now waits for no disk."""
        ...


class Unwatched:
    """Watches nothing: for a program that has a watch of its own."""

    def step(self) -> None:
        """Go on."""

    def at(self, where: Path) -> None:
        """Go on."""

    def elsewhere(self) -> AbstractContextManager[None]:
        """Go on."""
        return nullcontext()


def beside(work: Callable[[], object], within_s: float) -> str:
    """Do what only reads in a thread that may be left behind; returns why it was not seen done, empty when it was. Never raises."""
    try:
        within(within_s, work)
    except TimeoutError:
        return f"that took longer than {within_s:g} s"
    except (OSError, IslandmodeError) as error:
        return sentence_of(error).rstrip(".")
    except FAULTS as error:
        return f"internal error ({type(error).__name__})"
    return ""
