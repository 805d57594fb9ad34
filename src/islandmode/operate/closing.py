"""A conduit that the site itself keeps closed: a person says so while the run goes on, or afterwards, as an addendum."""

from __future__ import annotations

from pathlib import Path

from islandmode.core.closed_records import ClosedSaid
from islandmode.core.errors import InputError
from islandmode.core.problem import listed
from islandmode.core.quantities import WORDS_MAX
from islandmode.core.text import cleaned
from islandmode.operate.addendum import Added, begin, open_run, write
from islandmode.operate.audience import Pages
from islandmode.operate.operator_name import operator_name
from islandmode.operate.people import put_and_wait, unseen
from islandmode.operate.unfinished import known_runs, owed_by
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import MachineClock


def keep_closed(workspace: Path, run: str, conduit: str, person: str, pages: Pages) -> str | Added:
    """Record that a person keeps a conduit closed; returns what a run that goes on made of it, or the addendum. Raises `InputError` and `Refused`."""
    directory = known_runs(workspace).find(run)
    name = named_person(person)
    conduits = directory.plan().conduits
    if conduit not in conduits:
        raise InputError(f"{directory.run} isolates no conduit {cleaned(conduit)[:80]}; known: {listed(conduits)}.")
    if goes_on(directory):
        put_and_wait(directory, "keep-closed", conduit=conduit, person=name)
        return f"{directory.run}: {name} keeps {conduit} closed. Islandmode enters no deny and lifts none; whether it is closed, probes show after the restore."
    directory, evidence = open_run(directory.workspace, directory.run)
    new = begin(directory)
    try:
        said = ClosedSaid(conduit=conduit, person=name, author=operator_name())
        added = write(new, evidence, [said], pages, MachineClock.of_this_boot())
    except OSError as error:
        raise InputError(
            f"{directory.root} takes no addendum ({error.strerror or error}). Nothing was added."
        ) from error
    finally:
        new.give_up()
    known = next((found for found in known_runs(workspace).runs if found.run == directory.run), directory)
    if known.record is not None and not owed_by(known):
        known.record.forget()
    return added


def named_person(person: str) -> str:
    """Take a person's name as it is recorded; raises `InputError`."""
    name = cleaned(" ".join(person.split()))
    if not name or len(name) > WORDS_MAX:
        raise InputError(f"Say who: --by NAME, a name or a position of at most {WORDS_MAX} characters.")
    return name


def goes_on(directory: RunDirectory) -> bool:
    """Tell whether a process of a run lives; raises `Refused` where this account cannot see it."""
    try:
        return directory.conductor() is not None or directory.guardian() is not None
    except OSError as error:
        raise unseen(directory, error) from error
