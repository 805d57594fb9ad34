"""What people say to a running drill: that an act by hand is done, that a conduit is kept closed, notes. A file each, never a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from islandmode.core.errors import InputError, Refused
from islandmode.core.judging.timeline import of_kind
from islandmode.core.quantities import written
from islandmode.core.record import Record
from islandmode.core.request import NOTE_MAX
from islandmode.core.text import cleaned
from islandmode.operate.requesting import put_request
from islandmode.operate.unfinished import known_runs
from islandmode.store.rundir import GUARDIAN, RunDirectory
from islandmode.system.clock import MachineClock
from islandmode.system.own_program import typed

HEARD_WITHIN_S = 5.0
LOOK_EVERY_S = 0.05
WRITE_WITHIN_S = 3.0
CONFIRMED = {
    "be there": "there and ready",
    "isolate": "says it is isolated",
    "restore": "says it is restored",
}
RETURN = "return"
"""What stands in the place of a point where a person's word is waited for in a return to service."""
OVER = ("arm.result", "isolate.result", "restore.seen", "restore.unseen")
"""What ends an ask at a point."""


@dataclass(frozen=True)
class OpenAsk:
    """What a person is asked for now, as the run's journal has it."""

    id: str
    point: str
    act: str
    person: str
    told: str


def asked_in(directory: RunDirectory) -> tuple[OpenAsk, ...]:
    """Give what the processes of a run that live ask of people now. Raises `Refused` where this account cannot see it."""
    try:
        records = _of_the_living(directory)
    except OSError as error:
        raise unseen(directory, error) from error
    found: dict[str, OpenAsk] = {}
    for record in records:
        data = record.data
        point = str(data.get("point", ""))
        if record.kind == "hand.asked":
            found[point] = OpenAsk(str(data["ask"]), point, str(data["act"]), str(data["person"]), str(data["told"]))
        elif record.kind == "return.waits":
            conduits, within_s = ", ".join(map(str, data["conduits"])), written(float(data["within_s"]))
            told = f"Return {data['step']}: the word to restore {conduits} is waited for, within {within_s}."
            found[RETURN] = OpenAsk(str(data["step"]), RETURN, RETURN, "", told)
        elif record.kind in ("return.word", "restore.ordered"):
            found.pop(RETURN, None)
        elif record.kind in OVER:
            found.pop(point, None)
    return tuple(found.values())


def unseen(directory: RunDirectory, error: OSError) -> Refused:
    """Say that this account cannot read a run."""
    return Refused(
        f"{directory.run} in {directory.workspace} cannot be read by this account ({error.strerror}), so what it asks is not known. Nothing was "
        "written; type the command as the account that runs the drill."
    )


def _of_the_living(directory: RunDirectory) -> Sequence[Record]:
    """Give the journal of the process that asks: the guardian's once it has taken the run over."""
    conductor, others = directory.journals()
    guardian = others.get(GUARDIAN)
    if (
        guardian is not None
        and directory.guardian() is not None
        and any(of_kind(guardian.records, "guardian.took_over"))
    ):
        return guardian.records
    return conductor.records if conductor is not None and directory.conductor() is not None else ()


def confirm(workspace: Path, run: str, point: str | None, person: str) -> str:
    """Say for a person that an act by hand is done; returns what became of it. Raises `InputError` and `Refused`."""
    directory = known_runs(workspace).find(run)
    asked = asked_in(directory)
    mine = [ask for ask in asked if point in (None, ask.point)]
    if not mine:
        where = f" at {point}" if point is not None else ""
        now = "; ".join(ask.told for ask in asked)
        raise Refused(
            f"{directory.run}: nobody is asked for anything{where} now{f', but: {now}' if now else ''}. Nothing was confirmed. What was "
            f"done at a device, only probes show; `{typed('show', directory.run)}` and `{typed('status')}` say how the run stands."
        )
    if len(mine) > 1:
        points = ", ".join(ask.point for ask in mine)
        raise InputError(f"{directory.run} asks at several points ({points}); name the one that you confirm.")
    (ask,) = mine
    if ask.act == RETURN:
        put_and_wait(directory, "return", step=ask.id, person=person)
        return f"{directory.run}: {person} gave the word for step {ask.id} of the return to service."
    if person != ask.person:
        raise InputError(f"{ask.person} is asked at {ask.point}, and only their own word counts, not that of {person}.")
    put_and_wait(directory, "confirm", point=ask.point, ask=ask.id, person=person)
    shows = "" if ask.act == "be there" else " Whether it worked, only probes show."
    return f"{directory.run}: {person} at {ask.point}: {CONFIRMED[ask.act]}.{shows}"


def note(workspace: Path, run: str, text: str) -> str:
    """Put a note into the record of a run that goes on; returns what became of it. Raises `InputError` and `Refused`."""
    directory = known_runs(workspace).find(run)
    said = cleaned(" ".join(text.split()))
    if not said:
        raise InputError("A note needs words.")
    if len(said) > NOTE_MAX:
        raise InputError(
            f"A note has {NOTE_MAX} characters at most, and this one has {len(said)}; make it shorter, or two of it."
        )
    try:
        lives = directory.conductor() is not None or directory.guardian() is not None
    except OSError as error:
        raise unseen(directory, error) from error
    if not lives:
        raise Refused(f"{directory.run} does not go on any more, so nothing can be noted in it. Nothing was written.")
    put_and_wait(directory, "note", text=said)
    return f"{directory.run}: noted."


def put_and_wait(directory: RunDirectory, kind: str, **said: str) -> None:
    """Put a request and wait until the run's record says what became of it; raises `Refused` where it was not taken."""
    file, why = put_request(directory, kind, WRITE_WITHIN_S, **said)
    if why:
        raise Refused(f"{directory.run}: the request cannot be written ({why}). Nothing was changed.")
    answer = anyio.run(_answer_to, directory, file)
    if answer is None:
        raise Refused(
            f"{directory.run} did not take this within {HEARD_WITHIN_S:g} s: it hears people from its baseline until it is restored. It may "
            "still take it within a minute."
        )
    if answer:
        raise Refused(f"{directory.run} did not take this: {answer}.")


async def _answer_to(directory: RunDirectory, file: str) -> str | None:
    """Wait until a request was taken or ignored; returns why it was ignored, empty where it was taken, None where nothing was said."""
    clock = MachineClock.of_this_boot()
    until_us = clock.monotonic_us() + round(HEARD_WITHIN_S * 1_000_000)
    while clock.monotonic_us() < until_us:
        conductor, others = directory.journals()
        readings = [reading for reading in (conductor, *others.values()) if reading is not None]
        for record in (record for reading in readings for record in reading.records):
            if record.data.get("file") == file and record.kind in ("request.taken", "request.ignored"):
                return str(record.data["why"]) if record.kind == "request.ignored" else ""
        await clock.sleep(LOOK_EVERY_S)
    return None
