"""What a run enters in the ledger of its workspace: that it is about to arm, and how it ended."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from islandmode.core.entered import LedgerEntered
from islandmode.core.errors import Refused
from islandmode.core.judging.timeline import of_kind
from islandmode.core.ledger import ADDED, BEGUN, ENDED, NOT_ARMED, Attempt
from islandmode.core.plan import Plan
from islandmode.core.record import Record
from islandmode.operate.approving import Approved
from islandmode.store import rundir
from islandmode.store.addenda import folder_of
from islandmode.store.ledger import NEW_LEDGER, Entered, enter, path_of
from islandmode.store.run_request import RunRequest
from islandmode.store.rundir import RunDirectory
from islandmode.system.apart import apart
from islandmode.system.clock import Clock, iso_utc
from islandmode.system.disk import ask_apart
from islandmode.system.machine_state import read_plain

END_S = 10.0
"""How long the line about a run's end is waited for; the plant is back by then."""


async def enter_begun(request: RunRequest, plan: Plan, clock: Clock, approved: Approved | None = None) -> LedgerEntered:
    """Enter that a run is about to arm, and spend the approvals by which it goes; raises `Refused`, because nothing is armed of which the ledger would not know."""
    path, now = path_of(request.workspace), iso_utc(clock.utc_us())
    said: dict[str, Any] = {
        "run": request.run,
        "mode": request.mode,
        "site": plan.drill.site,
        "drill": plan.drill.drill,
        "drill_digest": plan.drill_digest,
        "plan_digest": plan.plan_digest,
        "operator": request.operator,
    }
    if request.break_glass is not None:
        said["break_glass"] = request.break_glass.words()
    if approved is not None:
        said |= {"people_digest": approved.people_digest, "approvals": approved.spent}
    try:
        words = await ask_apart(lambda: enter(request.workspace, BEGUN, now, said).words(), path)
    except OSError as error:
        raise Refused(
            f"The run could not be entered in the ledger {path} ({error.strerror}), and no run goes without a line there. "
            "Make room or rights there. Nothing was touched."
        ) from error
    entered = Entered.read(words)
    if entered.spent:
        raise Refused(
            f"Approval {entered.spent} of the ledger was spent by another run; an approval is for one run. Nothing was touched."
        )
    if entered.checkpoint is None:
        raise Refused(
            f"The ledger {path} was altered: {entered.why}. No run follows on that; {NEW_LEDGER}. Nothing was touched."
        )
    return LedgerEntered(attempt=entered.attempt, earlier=entered.earlier, **asdict(entered.checkpoint))


def enter_ended(directory: RunDirectory, records: Sequence[Record], result: str, restoration: str, clock: Clock) -> str:
    """Enter how a run ended that had been entered before; returns why that was not seen done. Bounded, never raises."""
    if not list(of_kind(records, LedgerEntered.record_kind)):
        return ""
    return apart(partial(write_ended, directory, records, result, restoration, iso_utc(clock.utc_us())), END_S)


def enter_added(directory: RunDirectory, records: Sequence[Record], added: AddedToRun, clock: Clock) -> str:
    """Enter an addendum to a run that had been entered; returns why that was not seen done. Bounded, never raises."""
    if not list(of_kind(records, LedgerEntered.record_kind)):
        return ""
    return apart(partial(_write_added, directory, records, added, iso_utc(clock.utc_us())), END_S)


@dataclass(frozen=True)
class AddedToRun:
    """What the ledger says of an addendum: its number, of which vantage it is, if it has samples, and how the run is judged with it."""

    number: int
    vantage: str
    result: str
    restoration: str
    closes: bool = False


def _write_added(directory: RunDirectory, records: Sequence[Record], added: AddedToRun, utc: str) -> None:
    entered = next(of_kind(records, LedgerEntered.record_kind))
    path = folder_of(directory, added.number).root / rundir.SUMS
    said = {
        "run": directory.run,
        "begun": entered.data["size"],
        "addendum": added.number,
        **({"vantage": added.vantage} if added.vantage else {}),
        "result": added.result,
        "restoration": added.restoration,
        **({"closes": True} if added.closes else {}),
        "sums": hashlib.sha256(read_plain(path)).hexdigest(),
    }
    if enter(directory.workspace, ADDED, utc, said).checkpoint is None:
        raise OSError(errno.EIO, "the ledger was altered")


def write_ended(directory: RunDirectory, records: Sequence[Record], result: str, restoration: str, utc: str) -> None:
    """Write the line about a run's end, with the sum of its check sums; waits for the disk. Raises OSError."""
    for entered in of_kind(records, LedgerEntered.record_kind):
        sums = hashlib.sha256(read_plain(directory.root / rundir.SUMS)).hexdigest()
        said = {
            "run": directory.run,
            "begun": entered.data["size"],
            "result": result,
            "restoration": restoration,
            "sums": sums,
        }
        if enter(directory.workspace, ENDED, utc, said).checkpoint is None:
            raise OSError(errno.EIO, "the ledger was altered")


def enter_not_armed(directory: RunDirectory, attempt: Attempt, person: str, clock: Clock) -> None:
    """Enter that a run died before it armed anything, by whose word it is closed, and the sum of its check sums; raises OSError."""
    sums = hashlib.sha256(read_plain(directory.seal(collected=False))).hexdigest()
    said = {
        "run": directory.run,
        "begun": attempt.line,
        "result": NOT_ARMED,
        "restoration": "",
        "closed_by": person,
        "sums": sums,
    }
    if enter(directory.workspace, ENDED, iso_utc(clock.utc_us()), said).checkpoint is None:
        raise OSError(errno.EIO, "the ledger was altered")
