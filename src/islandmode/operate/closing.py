"""What a person says of how a drill ended for the plant: that a conduit is kept closed, or that the service is back, which closes the run."""

from __future__ import annotations

from pathlib import Path

from islandmode.core.closed_records import ClosedSaid, RunClosed
from islandmode.core.errors import InputError, Refused
from islandmode.core.judging.timeline import of_kind
from islandmode.core.ledger import WITHOUT_RESULT, Attempt, attempt_of
from islandmode.core.plan import Plan
from islandmode.core.problem import listed
from islandmode.core.quantities import WORDS_MAX
from islandmode.core.record import ARMING
from islandmode.core.text import cleaned
from islandmode.core.verdict import Restoration
from islandmode.operate.addendum import Added, begin, open_run, write
from islandmode.operate.audience import Pages
from islandmode.operate.entering import enter_not_armed
from islandmode.operate.judge import judge_evidence
from islandmode.operate.operator_name import operator_name
from islandmode.operate.people import put_and_wait, unseen
from islandmode.operate.taken_back import is_kept_closed
from islandmode.operate.unfinished import is_owed_by_word, known_runs, owed_by
from islandmode.store.ledger import ledger_of, path_of
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import MachineClock
from islandmode.system.own_program import typed_at


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
    if known.record is not None and is_owed_by_word(known) and is_kept_closed(known):
        known.record.forget()
    return added


def close(workspace: Path, run: str, person: str, pages: Pages, *, drained: bool) -> str | Added:
    """Record that a person confirms that the service is back, or say of a run that never armed that it is closed; raises `InputError`, and `Refused` where that cannot be so yet."""
    directory = known_runs(workspace).find(run)
    name = named_person(person)
    if goes_on(directory):
        raise Refused(f"{directory.run} still goes on; close it when it has ended. Nothing was written.")
    if (attempt := _never_armed(directory)) is not None:
        return _close_never_armed(directory, attempt, name)
    directory, evidence = open_run(directory.workspace, directory.run)
    _check_closer(evidence.plan, name)
    if any(of_kind(evidence.records, RunClosed.record_kind)):
        raise Refused(f"{directory.run} is closed already. Nothing was written.")
    verdict = judge_evidence(evidence).verdict
    if verdict.restoration is Restoration.UNPROVEN:
        raise Refused(
            f"{directory.run} is not seen restored, so it cannot be closed. First: `{typed_at(directory.workspace, 'show', directory.run)}`. Nothing was written."
        )
    left = [backlog for backlog in verdict.backlogs if not backlog.is_drained]
    if left and not drained:
        told = "; ".join(backlog.words for backlog in left)
        raise Refused(
            f"{directory.run} is not closed while a backlog is not seen to have drained: {told}. Where {name} has seen since that it did, add --drained. Nothing was written."
        )
    new = begin(directory)
    try:
        said = RunClosed(person=name, author=operator_name(), by_word=tuple(backlog.probe for backlog in left))
        return write(new, evidence, [said], pages, MachineClock.of_this_boot())
    except OSError as error:
        raise InputError(
            f"{directory.root} takes no addendum ({error.strerror or error}). Nothing was added."
        ) from error
    finally:
        new.give_up()


def _check_closer(plan: Plan, name: str) -> None:
    """Check that a person may close a run of a plan; raises `InputError`."""
    closed_by = plan.drill.closed_by
    if closed_by is not None and name != closed_by:
        raise InputError(f"{closed_by} closes this drill's runs, and only their own word counts, not that of {name}.")


def _never_armed(directory: RunDirectory) -> Attempt | None:
    """Give the ledger's attempt of a run that has no end, where its own whole record says that nothing was armed; None for any other."""
    attempt = attempt_of(ledger_of(directory.workspace), directory.run)
    conductor, others = directory.journals()
    if attempt is None or attempt.result != WITHOUT_RESULT or directory.verdict() is not None or conductor is None:
        return None
    is_readable = (
        conductor.records
        and (conductor.whole or conductor.cut_off)
        and all(reading.whole for reading in others.values())
    )
    records = [*conductor.records, *(record for reading in others.values() for record in reading.records)]
    return attempt if is_readable and not any(record.kind in ARMING for record in records) else None


def _close_never_armed(directory: RunDirectory, attempt: Attempt, name: str) -> str:
    if owed_by(directory):
        again = typed_at(directory.workspace, "restore", directory.run)
        raise Refused(
            f"{directory.run} is not seen restored, so it cannot be closed. First: `{again}`. Nothing was written."
        )
    _check_closer(directory.plan(), name)
    try:
        enter_not_armed(directory, attempt, name, MachineClock.of_this_boot())
    except OSError as error:
        raise InputError(
            f"How {directory.run} ended could not be entered in {path_of(directory.workspace)} ({error.strerror or error}); it stays open."
        ) from error
    return f"{directory.run} is closed by {name}: it ended before it armed or isolated anything, and the ledger says so (not armed)."


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
