"""What can go wrong, said by whose fault it is and what it did to the plant.

    IslandmodeError
      InputError      the operator's file or words are wrong; nothing touched        exit 2
        NoSecret      a secret of a login cannot be had                              exit 2
      Unrecorded      the run ended, its record could not be finished               exit 3, or 5 if stranded
      Refused         the plant or the machine is not ready; nothing left behind     exit 4

Trouble on a device is not an exception: it is a `Reading` whose outcome is *not done* or *unknown*.
Anything else that is raised is a fault of Islandmode: exit 7, or 5 if anything may still be isolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RefusedFor = Literal[
    "stopped", "preflight", "vantage", "guardian", "baseline", "arming", "person", "go", "veto", "changed", "late"
]
"""What a run that had begun was refused for, before it isolated anything.

    stopped    it was told to stop
    preflight  this machine, a device or its configuration is not as it must be
    vantage    a worker did not start
    guardian   the guardian, or another layer that restores, is not ready
    baseline   a probe was not good
    arming     a dead-man was not armed as it must be
    person     nobody said that they are there, at a device that a person isolates
    go         the plant floor did not say go, or what was said did not hold until arming
    veto       the planner said no before isolation was ordered
    changed    a device was changed between preflight and arming
    late       one of these, and only because something did not come in time, as on a busy machine; the records before say what
"""


@dataclass(frozen=True)
class Place:
    """Where in an operator's file something stands; line and column count from 1, 0 is unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Render as file:line:column, the form editors jump to."""
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


class IslandmodeError(Exception):
    """Root of every error that a user may see as one sentence."""

    exit_code = 7


class InputError(IslandmodeError):
    """The operator's input is wrong; nothing was touched."""

    exit_code = 2

    def __init__(self, message: str, place: Place | None = None) -> None:
        """Keep the sentence and the place apart, so that a caller may add the place later."""
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message
        self.place = place


class NoSecret(InputError):
    """A secret of a login cannot be had; `path` leads through the site to its reference."""

    def __init__(self, message: str, path: tuple[str, ...]) -> None:
        """Keep the path, so that a caller that has the site's file can add the place."""
        super().__init__(message)
        self.path = path


class Refused(IslandmodeError):
    """The run was refused before anything was isolated; nothing is left on a device."""

    exit_code = 4

    def __init__(self, message: str, code: RefusedFor | None = None) -> None:
        """Say in a code too what a run was refused for, where it had begun."""
        super().__init__(message)
        self.code = code


class Unrecorded(IslandmodeError):
    """The run ended and its record could not be finished: inconclusive, or stranded where restoration was not seen."""

    def __init__(self, message: str, *, stranded: bool) -> None:
        """Choose the exit code by what became of the plant."""
        super().__init__(message)
        self.exit_code = 5 if stranded else 3
