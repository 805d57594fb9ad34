"""What people type while a drill goes on, as text."""

from __future__ import annotations

from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.operate import people
from islandmode.operate.unfinished import known_runs


def print_confirmed(workspace: Path, run: str, point: str | None, person: str | None) -> int:
    """Confirm an act by hand, or without a person print what is asked; raises `InputError` and `Refused`."""
    if person is None and point is not None:
        raise InputError(f"Say who confirms that it is done at {point}: --person NAME, the name that is asked.")
    if person is not None:
        print(people.confirm(workspace, run, point, person))
        return 0
    directory = known_runs(workspace).find(run)
    asked = people.asked_in(directory)
    for ask in asked:
        print(ask.told)
    if not asked:
        print(f"{directory.run}: nobody is asked for anything now.")
    return 0


def print_noted(workspace: Path, run: str, text: str) -> int:
    """Write a note into a run's record; raises `InputError` and `Refused`."""
    print(people.note(workspace, run, text))
    return 0
