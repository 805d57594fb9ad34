"""How a person answers a run that waits for the go: by a code that was read out, by a key at this console, or with a not yet, a no or a veto."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from islandmode.core.errors import InputError, Refused
from islandmode.core.go import NAMESPACE, challenge_of
from islandmode.core.go_code import NotACode, read_code
from islandmode.core.judging.timeline import of_kind
from islandmode.core.moments import moment_of, utc_text
from islandmode.core.record import Record
from islandmode.core.sshsig import BEGIN, END
from islandmode.core.text import cleaned
from islandmode.operate.approving import now_of
from islandmode.operate.requesting import put_request
from islandmode.operate.unfinished import known_runs
from islandmode.store.rundir import RunDirectory
from islandmode.system.clock import MachineClock
from islandmode.system.ssh_signature import SignatureTrouble, sign

HEARD_WITHIN_S, LOOK_EVERY_S, WRITE_WITHIN_S = 30.0, 0.1, 3.0
NOTHING_SAID = "Nothing was said to the run."
CLOCK_TIME = "a time with its zone, such as 14:00Z or 14:00-08:00"
DAY = timedelta(days=1)
ARMS = "It arms if its approvals, its guardian and its devices are still as they were."
SHIFT_MAX_H = 16
"""No shift is longer. A time of day that is just over is read as tomorrow's, and would void the rule of the handover."""
SHIFT_MAX = timedelta(hours=SHIFT_MAX_H)
STOPPED = "the run was told to stop, and to restore what it has isolated"


@dataclass(frozen=True)
class Spoken:
    """What a person wants to answer; exactly one of a code, a key, not yet, no, veto and a release."""

    code: str = ""
    key: Path | None = None
    not_yet: str = ""
    no: bool = False
    veto: bool = False
    by: str = ""
    why: str = ""
    shift_ends: str = ""
    release: str = ""


def clock_time(text: str, now: datetime, option: str) -> datetime:
    """Read a time of day with its zone, the next after now, or a whole moment; raises `InputError`."""
    whole = moment_of(text)
    today = moment_of(f"{now:%Y-%m-%d}T{text}")
    if whole is not None:
        return whole
    if today is None:
        raise InputError(f"{option} must be {CLOCK_TIME}. {NOTHING_SAID}")
    # With another zone the same time of day may lie on the day before or after.
    return next(moment for days in (-1, 0, 1, 2) if (moment := today + days * DAY) > now)


def answer(workspace: Path, run: str, spoken: Spoken) -> str:
    """Answer a run that waits for the go; returns what became of it. Raises `InputError`, and `Refused` where it was not taken."""
    said = _said(spoken, now_of())
    directory = known_runs(workspace).find(run)
    try:
        lives = directory.conductor() is not None
    except OSError as error:
        raise Refused(
            f"{directory.run} cannot be read by this account ({error.strerror}). {NOTHING_SAID} Type the command as the account that runs the drill."
        ) from error
    if not lives:
        raise Refused(f"{directory.run} does not go on any more. {NOTHING_SAID}")
    if spoken.key is not None:
        said["signature"] = _signature(directory, spoken.key)
    file, why = put_request(directory, "go", WRITE_WITHIN_S, **said)
    if why:
        raise Refused(f"{directory.run}: the answer cannot be written ({why}). {NOTHING_SAID}")
    try:
        return _told(directory, anyio.run(partial(_answer_to, directory, file, stops=spoken.veto or spoken.no)))
    finally:
        # A code stays in no file of the run. Who reads the answer takes it away too, and so does the seal: this process may be killed.
        with suppress(OSError):
            (directory.requests / file).unlink()


def _said(spoken: Spoken, now: datetime) -> dict[str, str]:
    """Give what a request has to say; raises `InputError`."""
    given = [
        bool(spoken.code),
        spoken.key is not None,
        bool(spoken.not_yet),
        spoken.no,
        spoken.veto,
        bool(spoken.release),
    ]
    if sum(given) != 1:
        raise InputError(f"Give one answer: --code, --key, --not-yet, --no, --veto or --release. {NOTHING_SAID}")
    why, by = cleaned(" ".join(spoken.why.split())), cleaned(" ".join(spoken.by.split()))
    if spoken.no or spoken.veto:
        if not why or (spoken.veto and not by):
            need = "--by NAME and --why" if spoken.veto else "--why"
            raise InputError(f"Say {need}, for the record. {NOTHING_SAID}")
        return {"answer": "veto" if spoken.veto else "no", "person": by, "why": why}
    if spoken.release:
        if not by:
            raise InputError(f"Say with --by who lets the session be cut. {NOTHING_SAID}")
        return {"answer": "release", "session": cleaned(spoken.release), "person": by, "why": why}
    if spoken.not_yet:
        return {"answer": "not yet", "until": utc_text(clock_time(spoken.not_yet, now, "--not-yet"))}
    said = {"answer": "go", "shift_ends": utc_text(_shift_ends(spoken.shift_ends, now))}
    if spoken.code:
        try:
            said["code"] = read_code(spoken.code)
        except NotACode as wrong:
            raise InputError(f"{wrong} {NOTHING_SAID} Have it read out again.") from None
    return said


def _shift_ends(text: str, now: datetime) -> datetime:
    """Read when the shift ends of who says go; raises `InputError`."""
    if not text:
        raise InputError(
            f"Ask when the shift ends of who says go, and give it with --shift-ends: {CLOCK_TIME}. {NOTHING_SAID}"
        )
    ends = clock_time(text, now, "--shift-ends")
    if ends - now > SHIFT_MAX:
        raise InputError(
            f"--shift-ends {text} is over, or more than {SHIFT_MAX_H} hours away; no go counts past a handover. Ask who is on shift "
            f"now, and give the end of that shift. {NOTHING_SAID}"
        )
    return ends


def _signature(directory: RunDirectory, key: Path) -> str:
    journal = directory.journals()[0]
    asked = None if journal is None else next(of_kind(journal.records, "go.asked"), None)
    if asked is None:
        raise Refused(
            f"{directory.run} does not ask for the go: its baseline is not good yet, or it needs none. {NOTHING_SAID}"
        )
    challenge = challenge_of(directory.run, str(asked.data["plan_digest"]), str(asked.data["nonce"]))
    try:
        made = sign(challenge, key, NAMESPACE)
    except SignatureTrouble as trouble:
        raise Refused(f"The key {key} did not sign ({trouble}). {NOTHING_SAID}") from trouble
    return made.removeprefix(BEGIN).removesuffix(END).replace(b"\n", b"").decode("ascii")


async def _answer_to(directory: RunDirectory, file: str, *, stops: bool) -> Mapping[str, Any] | None:
    """Wait until the run's record says what became of an answer; None where it said nothing."""
    clock = MachineClock.of_this_boot()
    until_us = clock.monotonic_us() + round(HEARD_WITHIN_S * 1_000_000)
    while clock.monotonic_us() < until_us:
        journal = directory.journals()[0]
        found = _became(() if journal is None else journal.records, file, stops=stops)
        if found is not None:
            return found
        await clock.sleep(LOOK_EVERY_S)
    return None


def _became(records: Sequence[Record], file: str, *, stops: bool) -> Mapping[str, Any] | None:
    """Find in a run's records what became of an answer; what stops a run after the go has no record of its own but the stop."""
    mine = [record for record in records if record.data.get("file") == file]
    answered = next((record for record in mine if record.kind in ("go.answered", "request.ignored")), None)
    if answered is not None:
        return answered.data
    stopped = any(record.kind in ("stop", "run.refused") for record in records)
    return {"outcome": "vetoed", "why": STOPPED} if stops and stopped and mine else None


def _told(directory: RunDirectory, data: Mapping[str, Any] | None) -> str:
    """Say what became of an answer; raises `Refused` where it was not taken."""
    if data is None:
        raise Refused(
            f"{directory.run} said nothing of this within {HEARD_WITHIN_S:g} s; it may still take it within a minute."
        )
    outcome, why = str(data.get("outcome", "not taken")), str(data["why"])
    if outcome == "not taken":
        raise Refused(f"{directory.run} did not take this: {why.rstrip('.')}.")
    ends = {"go": ARMS, "not yet": "It goes on waiting.", "released": "It goes on waiting."}.get(outcome, "It ends.")
    return f"{directory.run}: {why.rstrip('.')}. {ends}"
