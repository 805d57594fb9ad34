"""What an operator sees of a workspace's ledger, beside the folders of its runs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from islandmode.core.errors import InputError
from islandmode.core.intent import read_intent
from islandmode.core.ledger import (
    WITHOUT_RESULT,
    AddendumLine,
    Attempt,
    Checkpoint,
    Ledger,
    attempts_of,
    attempts_told,
    checkpoint_of,
    clock_set_back,
    read_checkpoint,
    unlike_checkpoint,
)
from islandmode.core.text import cleaned
from islandmode.operate.watch import Unwatched, Watch
from islandmode.store import rundir
from islandmode.store.addenda import folder_of, numbers_of
from islandmode.store.ledger import NEW_LEDGER, ledger_of, path_of
from islandmode.store.rundir import INTENT, RunDirectory
from islandmode.system.machine_state import read_plain
from islandmode.system.own_program import typed

if TYPE_CHECKING:
    # `status` reads no plan, and is asked often.
    from islandmode.core.plan import Plan

RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
FolderState = Literal["there", "gone", "not as it ended", "unreadable"]
FOLDER_TOLD: Mapping[FolderState, str] = {
    "gone": "its folder is gone",
    "not as it ended": f"its {rundir.SUMS}, or a file that stands there, is not what it was when the run ended",
    "unreadable": f"its {rundir.SUMS}, or a file that stands there, cannot be read",
}
ENTERED = "ledger.entered"


def checkpoint_told(workspace: Path) -> str:
    """Say the ledger's checkpoint as it is now, or why nobody can; the words begin with *ledger*."""
    try:
        ledger = ledger_of(workspace)
    except InputError as error:
        return f"ledger not known: {error}"
    if ledger.why:
        return f"ledger ALTERED: {ledger.why}; `{typed('ledger')}` says more"
    at = checkpoint_of(ledger)
    return "ledger without a line: no run was entered yet" if at is None else at.told()


def earlier_told(workspace: Path, plan: Plan) -> str:
    """Say how the attempts at a plan's drill have ended so far."""
    try:
        ledger = ledger_of(workspace)
    except InputError as error:
        return str(error)
    if ledger.why:
        return f"not known, because the ledger was altered: {ledger.why}"
    return attempts_told(attempts_of(ledger, plan.drill.site, plan.drill.drill), plan.drill_digest)


def refused_by_ledger(workspace: Path, now: str) -> Iterator[str]:
    """Say why no live run can begin as the ledger stands; `now` is this machine's time in UTC."""
    try:
        ledger = ledger_of(workspace)
    except InputError as error:
        yield str(error)
        return
    if ledger.why:
        yield f"The ledger {path_of(workspace)} was altered: {ledger.why}; {NEW_LEDGER}."
    yield from ahead_told(ledger, now)


def ahead_told(ledger: Ledger, now: str) -> Iterator[str]:
    """Say that a line of a ledger is ahead of this machine's clock."""
    ahead = next((line for line in ledger.lines if line.utc > now), None)
    if ahead is not None:
        yield (
            f"The clock of this machine says {now[:19]}Z, and line {ahead.number} of the ledger was written at {ahead.utc[:19]}Z: "
            "it was set back, or it was ahead then. Set it right, and see that NTP keeps it."
        )


@dataclass(frozen=True)
class AttemptSeen:
    """An attempt of the ledger, and what is seen of its folder."""

    attempt: Attempt
    folder: FolderState
    goes_on: bool


@dataclass(frozen=True)
class LedgerSeen:
    """A ledger beside the folders of its runs; `wrong` are sentences about what does not fit."""

    ledger: Ledger
    checkpoint: Checkpoint | None
    attempts: tuple[AttemptSeen, ...]
    wrong: tuple[str, ...]


def look_at_ledger(workspace: Path, watch: Watch, known: str | None = None, now: str = "") -> LedgerSeen:
    """Read the ledger and look at the folders of its runs; `known` is a checkpoint that somebody has, or a file with it, `now` this machine's time. Raises `InputError`."""
    watch.at(path_of(workspace))
    ledger = ledger_of(workspace)
    checkpoint = _known(known) if known is not None else None
    seen = tuple(_seen(workspace, attempt, watch) for attempt in attempts_of(ledger))
    ahead = ahead_told(ledger, now) if now else ()
    wrong = (*_wrong(workspace, ledger, seen, checkpoint), *ahead, *_elsewhere(workspace, seen, watch))
    return LedgerSeen(ledger, checkpoint_of(ledger), seen, wrong)


def _known(known: str) -> Checkpoint:
    text = known
    with suppress(OSError, UnicodeDecodeError, ValueError):
        text = read_plain(Path(known)).decode()
    found = read_checkpoint(text)
    if found is None:
        raise InputError(
            f"{known or 'Nothing'} is no checkpoint and no file with one. A report, a card or `{typed('status')}` prints it as: "
            "ledger 0123456789abcdef, 12 lines, sha256 and 64 digits; give that in quotes, or a file that has it."
        )
    return found


def _seen(workspace: Path, attempt: Attempt, watch: Watch) -> AttemptSeen:
    root = workspace / rundir.RUNS / attempt.run
    watch.at(root)
    folder = folder_of_attempt(workspace, attempt, watch)
    is_open = folder == "there" and attempt.result == WITHOUT_RESULT
    return AttemptSeen(attempt, folder, goes_on=is_open and RunDirectory(root).conductor() is not None)


def folder_of_attempt(workspace: Path, attempt: Attempt, watch: Watch) -> FolderState:
    """Look at the folder of an attempt, beside what the ledger says of it."""
    root = workspace / rundir.RUNS / attempt.run
    try:
        if RUN_NAME.fullmatch(attempt.run) is None or not root.is_dir():
            return "gone"
        if not attempt.sums:
            return "there"
        sums = hashlib.sha256(read_plain(root / rundir.SUMS)).hexdigest()
        is_as_it_ended = sums == attempt.sums and RunDirectory(root).is_as_sealed(watch.step)
    except FileNotFoundError:
        return "not as it ended"
    except OSError:
        return "unreadable"
    return "there" if is_as_it_ended else "not as it ended"


def _elsewhere(workspace: Path, seen: Sequence[AttemptSeen], watch: Watch) -> Iterator[str]:
    """Name the runs whose own journal says that they were entered, and that this ledger does not have."""
    known = {each.attempt.run for each in seen}
    for run in rundir.earlier(workspace):
        if run.run not in known:
            watch.at(run.root)
            for entered in (record for record in run.records() if record.kind == ENTERED):
                name, size = cleaned(str(entered.data.get("ledger"))), cleaned(str(entered.data.get("size")))
                yield f"{run.run} is line {size} of ledger {name} by its own journal, and this ledger does not have it."


def _wrong(workspace: Path, ledger: Ledger, seen: Sequence[AttemptSeen], known: Checkpoint | None) -> Iterator[str]:
    path = path_of(workspace)
    if ledger.why:
        yield f"{path} was altered: {ledger.why}. What follows that line is not believed; {NEW_LEDGER}."
    if known is not None and (why := unlike_checkpoint(ledger, known)):
        yield f"It is not what it was when the checkpoint was made. {why}"
    for number in clock_set_back(ledger):
        yield f"Line {number} says an earlier time than a line before it: a clock was set back."
    for each in seen:
        run, line = each.attempt.run, each.attempt.line
        if each.folder in FOLDER_TOLD:
            yield f"{run} was about to arm (line {line}), and {FOLDER_TOLD[each.folder]}."
        if each.attempt.result == WITHOUT_RESULT and not each.goes_on:
            yield f"{run} was about to arm (line {line}), and no line says how it ended: a run without result."
        yield from _of_addenda(workspace, each)


def _of_addenda(workspace: Path, seen: AttemptSeen) -> Iterator[str]:
    """Say which addenda of an attempt are not as the ledger has them, and which it does not have."""
    attempt = seen.attempt
    if seen.folder == "gone":
        return
    directory = RunDirectory(workspace / rundir.RUNS / attempt.run)
    for added in attempt.addenda:
        if why := addendum_unlike(directory, added):
            yield f"Addendum {added.number} of {attempt.run} (line {added.line}) {why}."
    for number in numbers_of(directory):
        if number not in {added.number for added in attempt.addenda}:
            yield f"Addendum {number} of {attempt.run} is on no line of the ledger, and counts for nothing."


def addendum_unlike(directory: RunDirectory, added: AddendumLine) -> str:
    """Say why an addendum is not the one of which the ledger speaks; ends a sentence, and is empty where it is."""
    folder = folder_of(directory, added.number)
    try:
        sums = hashlib.sha256(read_plain(folder.root / rundir.SUMS)).hexdigest()
        is_as_it_was = sums == added.sums and folder.is_as_sealed(lambda: None)
    except FileNotFoundError:
        return "is gone, or a file of it is"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return (
        "" if is_as_it_was else f"is not what it was when it was added: its {rundir.SUMS}, or a file of it, was changed"
    )


def unlike_ledger(workspace: Path, ledger: Ledger, attempt: Attempt) -> str:
    """Say why an attempt's folder is not the one of which the ledger speaks; empty where it is."""
    if attempt.result == WITHOUT_RESULT:
        return "no line says how it ended"
    folder = folder_of_attempt(workspace, attempt, Unwatched())
    if folder in FOLDER_TOLD:
        return FOLDER_TOLD[folder]
    if not attempt.sums:
        return "its line has no sum of what it left"
    directory = RunDirectory(workspace / rundir.RUNS / attempt.run)
    entered = [record.data for record in directory.records() if record.kind == ENTERED]
    if [(data.get("ledger"), data.get("size")) for data in entered] != [(ledger.name, attempt.line)]:
        return "its own journal does not have that line of this ledger"
    for added in attempt.addenda:
        if why := addendum_unlike(directory, added):
            return f"its addendum {added.number} {why}"
    intent = directory.root / INTENT
    if intent.exists() and intent_of(directory, attempt.drill_digest) is None:
        return f"its {INTENT} is not what its drill digest was made of"
    return ""


def intent_of(directory: RunDirectory, digest: str) -> Mapping[str, object] | None:
    """Read what a run's drill digest was made of; None where it is not that, or is not there."""
    try:
        return read_intent(read_plain(directory.root / INTENT), digest)
    except OSError:
        return None
