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
from islandmode.core.entered import LedgerAcknowledged, LedgerEntered
from islandmode.core.entry import FOREIGN, Entry, HandAct, Outcome, StopBy, Text, When
from islandmode.core.errors import RefusedFor
from islandmode.core.go_records import GO_KINDS
from islandmode.core.pair import Role
from islandmode.core.record import Record
from islandmode.core.return_records import RETURN_KINDS


class _OfPoint(Entry):
    point: str


class _OfConduits(_OfPoint):
    conduits: tuple[str, ...]


class _Set(_OfPoint):
    for_s: float


class _ReadBack(Entry):
    """What a device showed: each conduit's timer and whether it isolates, and what it counted since it was armed.

    Counts of zero are left out, and so is a conduit whose counters are not whole. `timer_s` is the device's one timer.
    Here as elsewhere `asked_us` and `answered_us` are in the writer's monotonic time.
    """

    outcome: Outcome
    why: Text
    armed_s: dict[str, float | None]
    isolating: dict[str, bool]
    timer_s: float | None = None
    egress: dict[str, dict[str, int]]
    asked_us: int
    answered_us: int


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
    rungs: tuple[Text, ...] = ()
    """What stood behind a live run of the drill as the run began, and what was missing; a rehearsal does not ask."""


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


class ConfigurationRead(_OfPoint):
    """A device's configuration was read and kept; `parts` are the SHA-256 of each."""

    record_kind = "configuration.read"
    when: When
    outcome: Outcome
    why: Text
    parts: dict[str, str]


class ConfigurationCompared(_OfPoint):
    """One part of a device's configuration beside what it was before the drill.

    `ours`: an Islandmode object stands there. `changed` are the first lines that others edited, `anew` the first lines that were
    loaded again, `mend` takes an object of Islandmode away.
    """

    record_kind = "configuration.compared"
    part: str
    same: bool
    ours: bool
    changed: tuple[Text, ...] = ()
    anew: tuple[Text, ...] = ()
    mend: Text = ""
    lost: tuple[Text, ...] = ()
    """The first lines that did not come back, of what an interface that went down may lose."""


class ConfigurationSince(_OfPoint):
    """A device's configuration beside what dry run `dry_run` of the same plan read of it; `differs` are the parts that are not the same."""

    record_kind = "configuration.since"
    dry_run: str
    differs: tuple[str, ...] = ()
    changed: tuple[Text, ...] = ()


class ArmIntent(_OfConduits):
    """A point is about to be armed."""

    record_kind = "arm.intent"
    for_s: float


class ArmResult(_ReadBack, ArmIntent):
    """How arming a point ended."""

    record_kind = "arm.result"


class ArmCancelled(_OfPoint):
    """An intent to arm was given up before anything was sent to the device."""

    record_kind = "arm.cancelled"


class IsolateIntent(Entry):
    """Conduits are about to be isolated on a point."""

    record_kind = "isolate.intent"
    stage: str
    point: str
    conduits: tuple[str, ...]


class IsolateResult(IsolateIntent):
    """How isolating conduits on a point ended."""

    record_kind = "isolate.result"
    outcome: Outcome
    why: Text
    egress: dict[str, dict[str, int]]
    asked_us: int
    answered_us: int


class LoginTried(Entry):
    """A new login was tried after a stage was isolated."""

    record_kind = "login.tried"
    stage: str
    point: str
    outcome: Outcome
    why: Text


class HoldStarted(Entry):
    """A stage is isolated and held."""

    record_kind = "hold.started"
    stage: str


class HoldEnded(Entry):
    """A stage was held to its end."""

    record_kind = "hold.ended"
    stage: str
    complete: bool


class DeadManRead(_ReadBack, _OfPoint):
    """A dead-man was read from its device."""

    record_kind = "dead_man.read"


class PairRole(_OfPoint):
    """A member of a pair showed another role than before, or its first: `before` is empty then."""

    record_kind = "pair.role"
    pair: str
    role: str
    before: str
    why: Text
    asked_us: int
    answered_us: int

    @field_validator("role")
    @classmethod
    def _is_known(cls, role: str, info: ValidationInfo) -> str:
        # A newer version may know other roles; what is written here comes from this one.
        if role not in get_args(Role) and not info.context:
            raise ValueError(f"{role} is no role in a pair")
        return role


class PairSync(_OfPoint):
    """A member of a pair showed that the pair is in sync or not, otherwise than before or for the first time: `before` is empty then."""

    record_kind = "pair.sync"
    pair: str
    sync: str
    before: str
    why: Text
    asked_us: int
    answered_us: int


class DeadManRenew(_ReadBack, _Set):
    """A dead-man was renewed, or could not be."""

    record_kind = "dead_man.renew"


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


class RestoreAttempt(_OfPoint):
    """One attempt to restore a point."""

    record_kind = "restore.attempt"
    attempt: int
    outcome: Outcome
    why: Text
    asked_us: int
    answered_us: int


class RestoreLooked(RestoreAttempt):
    """A look before a restore is written again, on a device that works on it for a while; `attempt` was not answered."""

    record_kind = "restore.looked"


class RestoreSeen(_OfPoint):
    """A point was read back without Islandmode objects."""

    record_kind = "restore.seen"
    asked_us: int
    answered_us: int


class RestoreUnseen(_OfPoint):
    """A point was given up, and not seen restored."""

    record_kind = "restore.unseen"
    why: Text


class ResumeStarted(Entry):
    """`islandmode restore` or `abort` begins to restore by itself, or to look."""

    record_kind = "resume.started"
    by: Text
    points: tuple[str, ...]


class SavedLooked(_OfPoint):
    """What is left of Islandmode on a device: saved files with an object, what could not be read, and what stands there.

    `standing` counts objects of every run; it is None where that was not seen.
    """

    record_kind = "saved.looked"
    ours: tuple[Text, ...]
    unread: tuple[Text, ...]
    standing: tuple[Text, ...] | None = None


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


class GuardianProved(Entry):
    """The guardian was asked to be ready; `why` is empty when it is."""

    record_kind = "guardian.proved"
    why: Text


class RequestTaken(Entry):
    """A request of a person was taken."""

    record_kind = "request.taken"
    file: Text
    kind: str
    author: Text


class HandAsked(_OfConduits):
    """A person was asked for an act by hand: to be there, to isolate or to restore. `ask` is what a confirmation names."""

    record_kind = "hand.asked"
    ask: str
    act: HandAct
    person: Text
    within_s: float
    told: Text


class HandConfirmed(_OfPoint):
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


class GuardianReady(Entry):
    """The guardian has logged in on these points (guardian's journal, as are all records from here to its end)."""

    record_kind = "guardian.ready"
    points: tuple[str, ...]


class GuardianOwes(_OfConduits):
    """The conductor is about to arm a point."""

    record_kind = "guardian.owes"


class GuardianPaid(_OfPoint):
    """The device refused to be armed."""

    record_kind = "guardian.paid"


class GuardianTookOver(Entry):
    """The guardian restores."""

    record_kind = "guardian.took_over"
    why: Text
    points: tuple[str, ...] = ()


class GuardianClaimed(Entry):
    """Whether the guardian took the claim: false when another process had it, unknown when the disk did not say."""

    record_kind = "guardian.claimed"
    claimed: bool | Literal["unknown"]


class GuardianAgrees(_OfPoint):
    """The guardian has seen a point restored too."""

    record_kind = "guardian.agrees"
    asked_us: int
    answered_us: int


class GuardianDisagrees(_OfPoint):
    """The guardian saw an object after the conductor had seen none."""

    record_kind = "guardian.disagrees"
    why: Text


class GuardianEnded(Entry):
    """The guardian ends; `why` is said where it was not because everything is restored."""

    record_kind = "guardian.ended"
    restored: bool
    took_over: bool = False
    why: Text = ""


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
    kind.record_kind: kind for kind in (SamplesBrought, LedgerEntered, LedgerAcknowledged, *RETURN_KINDS, *GO_KINDS)
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
