"""What a journal says of a device: its configuration, its dead-man, what was isolated and restored on it. Pure."""

from __future__ import annotations

from typing import get_args

from pydantic import ValidationInfo, field_validator

from islandmode.core.entry import Entry, OfConduits, OfPoint, Outcome, Text, When
from islandmode.core.pair import Role


class _Set(OfPoint):
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


class ConfigurationRead(OfPoint):
    """A device's configuration was read and kept; `parts` are the SHA-256 of each."""

    record_kind = "configuration.read"
    when: When
    outcome: Outcome
    why: Text
    parts: dict[str, str]


class ConfigurationCompared(OfPoint):
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


class ConfigurationSince(OfPoint):
    """A device's configuration beside what dry run `dry_run` of the same plan read of it; `differs` are the parts that are not the same."""

    record_kind = "configuration.since"
    dry_run: str
    differs: tuple[str, ...] = ()
    changed: tuple[Text, ...] = ()


class ArmIntent(OfConduits):
    """A point is about to be armed."""

    record_kind = "arm.intent"
    for_s: float


class ArmResult(_ReadBack, ArmIntent):
    """How arming a point ended."""

    record_kind = "arm.result"


class ArmCancelled(OfPoint):
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


class DeadManRead(_ReadBack, OfPoint):
    """A dead-man was read from its device."""

    record_kind = "dead_man.read"


class DeadManRenew(_ReadBack, _Set):
    """A dead-man was renewed, or could not be."""

    record_kind = "dead_man.renew"


class PairRole(OfPoint):
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


class PairSync(OfPoint):
    """A member of a pair showed that the pair is in sync or not, otherwise than before or for the first time: `before` is empty then."""

    record_kind = "pair.sync"
    pair: str
    sync: str
    before: str
    why: Text
    asked_us: int
    answered_us: int


class RestoreAttempt(OfPoint):
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


class RestoreSeen(OfPoint):
    """A point was read back without Islandmode objects."""

    record_kind = "restore.seen"
    asked_us: int
    answered_us: int


class RestoreUnseen(OfPoint):
    """A point was given up, and not seen restored."""

    record_kind = "restore.unseen"
    why: Text


class SavedLooked(OfPoint):
    """What is left of Islandmode on a device: saved files with an object, what could not be read, and what stands there.

    `standing` counts objects of every run; it is None where that was not seen.
    """

    record_kind = "saved.looked"
    ours: tuple[Text, ...]
    unread: tuple[Text, ...]
    standing: tuple[Text, ...] | None = None


DEVICE_KINDS = (
    ConfigurationRead,
    ConfigurationCompared,
    ConfigurationSince,
    ArmIntent,
    ArmResult,
    ArmCancelled,
    IsolateIntent,
    IsolateResult,
    LoginTried,
    DeadManRead,
    DeadManRenew,
    PairRole,
    PairSync,
    RestoreAttempt,
    RestoreLooked,
    RestoreSeen,
    RestoreUnseen,
    SavedLooked,
)
