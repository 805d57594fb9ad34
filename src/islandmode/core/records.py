"""What a journal says: one model for every kind of record. Strict when written, tolerant when read. Pure.

A record is written from its model, so a key that is missing, unknown or of another type is found where it is written. What a
restore notes is held to the same by its types alone, since no restore waits for a check. A field with a default is written
only where it was given. What is read may come from another version: keys and kinds that are not known here are left alone, and
for a known kind `unlike` says whether everything is there that this version needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self, get_args

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from islandmode.core.brought import SamplesBrought
from islandmode.core.closed_records import CLOSED_KINDS
from islandmode.core.device_records import DEVICE_KINDS
from islandmode.core.entered import LedgerAcknowledged, LedgerEntered
from islandmode.core.entry import FOREIGN, Entry, HandAct, OfConduits, OfPoint, Outcome, StopBy, Text, When
from islandmode.core.errors import RefusedFor
from islandmode.core.go_records import GO_KINDS
from islandmode.core.guardian_records import GUARDIAN_KINDS
from islandmode.core.record import Record
from islandmode.core.return_records import RETURN_KINDS


class RunStarted(Entry):
    """The first record of a run: what was asked for, by whom, and the ground on which it stands: a lab, or a plant."""

    record_kind = "run.started"
    mode: str
    drill_digest: str = ""
    plan_digest: str = ""
    version: str = ""
    operator: Text = ""
    lab: str = ""
    lab_backend: str = ""
    lab_lives_by: dict[str, Any] = Field(default_factory=dict)
    ground: Literal["lab", "plant"] = "lab"
    benched: dict[str, str] = Field(default_factory=dict)
    """By isolation point, by whom and when it was benched, where a record of that counted as the run began; left out where none did."""
    approved: dict[str, Any] = Field(default_factory=dict)
    """Who asked for the run and who approved it, by name; left out where nobody has to."""
    rungs: tuple[Text, ...] = ()
    """What stood behind a live run of the drill as the run began, and what was missing; a rehearsal does not ask."""
    break_glass: Text = ""
    """Who ran it live without approvals and a go, and why; empty where nobody did."""


class PreflightFound(Entry):
    """One finding of the preflight."""

    record_kind = "preflight.finding"
    code: str
    sentence: Text
    refuses: bool


class VantageStarted(Entry):
    """A worker was given its schedule; `by` says who started it, `key_sha256` is the sum of the key under which it seals its samples."""

    record_kind = "vantage.started"
    vantage: str
    far: bool
    by: str
    outcome: Outcome
    why: Text
    key_sha256: str = ""


class VantageOffset(Entry):
    """A worker's clocks were measured against the conductor's; the numbers are there when that was done.

    `at_us` is the worker's monotonic time of the measurement; `kept` says whether NTP keeps its host's clock, `error_us` how far off
    the host says that it may be, and `rate_ppb` by how much its rate is corrected.
    """

    record_kind = "vantage.offset"
    vantage: str
    when: When
    outcome: Outcome
    why: Text
    monotonic_us: int = 0
    utc_us: int = 0
    uncertainty_us: int = 0
    boot_id: Text = ""
    at_us: int = 0
    kept: Literal["yes", "no", "unknown"] = "unknown"
    error_us: int = 0
    rate_ppb: int = 0
    by_utc: bool = False
    """Whether the two clocks were compared by the UTC that each of them told, and not by asking."""

    @model_validator(mode="after")
    def _is_measured(self) -> Self:
        if self.outcome == "done" and not {"monotonic_us", "uncertainty_us"} <= self.model_fields_set:
            raise ValueError("a clock that was measured has its numbers")
        return self


class VantageLooked(Entry):
    """What is not good, or could not be looked at, before anything is armed: sentences, their codes, and the probes."""

    record_kind = "vantage.looked"
    what: tuple[Text, ...]
    codes: tuple[str, ...]
    probes: tuple[str, ...]

    @model_validator(mode="after")
    def _has_codes(self) -> Self:
        if self.what and not self.codes:
            raise ValueError("what was found has a code")
        return self


class BaselineStarted(Entry):
    """The workers sample."""

    record_kind = "baseline.started"


class BaselineDone(Entry):
    """The baseline ended; `bad` names probes that were not good."""

    record_kind = "baseline.done"
    bad: tuple[str, ...]


class HoldStarted(Entry):
    """A stage is isolated and held."""

    record_kind = "hold.started"
    stage: str


class HoldEnded(Entry):
    """A stage was held to its end."""

    record_kind = "hold.ended"
    stage: str
    complete: bool


class Stopped(Entry):
    """The drill was told to restore; `proven` is false where the reason was not read from a device."""

    record_kind = "stop"
    by: str
    why: Text
    proven: bool = True

    @field_validator("by")
    @classmethod
    def _is_known(cls, by: str, info: ValidationInfo) -> str:
        # A newer version may know other reasons; what is written here comes from this one.
        if by not in get_args(StopBy) and not info.context:
            raise ValueError(f"{by} is no reason to stop")
        return by


class RestoreOrdered(Entry):
    """The order to restore every point that was touched."""

    record_kind = "restore.ordered"
    why: Text


class ResumeStarted(Entry):
    """`islandmode restore` or `abort` begins to restore by itself, or to look."""

    record_kind = "resume.started"
    by: Text
    points: tuple[str, ...]


class ResumeEnded(Entry):
    """How that restore ended: whether every point owed was seen, and nothing of Islandmode is saved there; `points` were seen."""

    record_kind = "resume.ended"
    restored: bool
    points: tuple[str, ...] = ()


class CollectResult(Entry):
    """A vantage's spool was fetched and checked, or was not; `length` and `sha256` are of its bytes, `key` is what sealed it."""

    record_kind = "collect.result"
    vantage: str
    chain_ok: bool
    chain_why: Text = ""
    ended: str
    samples: int
    outcome: Outcome
    why: Text
    length: int = 0
    sha256: str = ""
    key: str = ""


class VerifyStarted(Entry):
    """After the restore the plant is watched."""

    record_kind = "verify.started"


class VerifyDone(Entry):
    """The plant was watched after the restore; `bad` names probes that were not good."""

    record_kind = "verify.done"
    bad: tuple[str, ...]


class JournalHole(Entry):
    """The journal failed; `lost` records before this one may not be durable."""

    record_kind = "journal.hole"
    why: Text
    lost: int


class RequestTaken(Entry):
    """A request of a person was taken."""

    record_kind = "request.taken"
    file: Text
    kind: str
    author: Text


class HandAsked(OfConduits):
    """A person was asked for an act by hand: to be there, to isolate or to restore. `ask` is what a confirmation names."""

    record_kind = "hand.asked"
    ask: str
    act: HandAct
    person: Text
    within_s: float
    told: Text


class HandConfirmed(OfPoint):
    """The named person has confirmed an act, by the account that typed it. What became of the act, only probes show."""

    record_kind = "hand.confirmed"
    ask: str
    act: HandAct
    person: Text
    author: Text


class Noted(Entry):
    """Somebody wrote a note into the record of the run."""

    record_kind = "note"
    author: Text
    text: Text


class RequestIgnored(Entry):
    """A file among the requests was ignored."""

    record_kind = "request.ignored"
    file: Text
    why: Text


class RunFinished(Entry):
    """The last record of a conductor that came to its end."""

    record_kind = "run.finished"
    restored: bool
    why: Text


class RunRefused(Entry):
    """The run ended before anything was isolated, and what was armed was seen gone.

    `by` is what stopped it, or empty. `code` is of `RefusedFor`; a record of an earlier version has none.
    """

    record_kind = "run.refused"
    why: Text
    by: str = ""
    code: str = ""

    @field_validator("code")
    @classmethod
    def _is_known(cls, code: str, info: ValidationInfo) -> str:
        # A newer version may refuse for something else; what is written here comes from this one.
        if code not in get_args(RefusedFor) and not info.context:
            raise ValueError(f"{code} is nothing that a run is refused for")
        return code


class RunLooked(Entry):
    """A dry run has done all that comes before arming, and ended; `live` says why a live run could not begin, if it could not."""

    record_kind = "run.looked"
    live: tuple[Text, ...]


def _all(base: type[Entry]) -> dict[str, type[Entry]]:
    found = {base.record_kind: base} if "record_kind" in vars(base) else {}
    for subclass in base.__subclasses__():
        found |= _all(subclass)
    return found


KINDS: Mapping[str, type[Entry]] = _all(Entry) | {
    kind.record_kind: kind
    for kind in (
        SamplesBrought,
        LedgerEntered,
        LedgerAcknowledged,
        *CLOSED_KINDS,
        *DEVICE_KINDS,
        *GUARDIAN_KINDS,
        *RETURN_KINDS,
        *GO_KINDS,
    )
}
"""Every kind of record with its model."""


def _frozen(value: Any) -> Any:
    """Make tuples of JSON's lists."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return {name: _frozen(item) for name, item in value.items()} if isinstance(value, dict) else value


def unlike(record: Record) -> str:
    """Say what this version misses in a record of a kind that it knows; empty where nothing is missing. Never raises."""
    known = KINDS.get(record.kind)
    if known is None:
        return ""
    try:
        known.model_validate(_frozen(record.data), extra="ignore", context=FOREIGN)
    except (ValidationError, RecursionError) as error:
        wrong = error.errors() if isinstance(error, ValidationError) else []
        return (
            ", ".join(dict.fromkeys(str(error["loc"][0]) if error["loc"] else str(error["msg"]) for error in wrong))
            or "all"
        )
    return ""
