"""A drill: what is isolated, in which stages, for how long, what must stay alive and what must die. Values only."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from islandmode.core.quantities import AS_WRITTEN, Name, Seconds, Words, written
from islandmode.core.site import Frozen, as_tuple

NOT_READ_YET = ("schedule", "approvals", "exercise")
"""Keys that earlier versions took and nothing reads."""
Names = Annotated[tuple[Name, ...], BeforeValidator(as_tuple)]


class Mode(StrEnum):
    """How far a drill goes."""

    TABLETOP = "tabletop"
    DRY_RUN = "dry-run"
    REHEARSAL = "rehearsal"
    LIVE = "live"
    INCIDENT = "incident"


class Service(Frozen):
    """The essential service that must go on, and for how long it should be able to."""

    name: Words
    target: Words
    autonomy_target: Seconds | None = None

    @property
    def told(self) -> str:
        """Name it, with what it owes; how long it could last is declared, and a drill does not test it."""
        lasting = (
            f", autonomy target {written(self.autonomy_target)} (declared, not tested)"
            if self.autonomy_target is not None
            else ""
        )
        return f"{self.name}, target {self.target}{lasting}"


class Stage(Frozen):
    """One wave of the isolation."""

    name: Name
    isolate: Annotated[Names, Field(min_length=1)]
    hold: Seconds


class Limits(Frozen):
    """What the site owner demands; the tool ships no default pass or fail limit."""

    isolate_within: Seconds
    restore_within: Seconds
    dead_man: Seconds
    longest_ot_gap: Seconds
    undo_tier: Literal["A", "B", "C", "D"]


class LeftOpen(Frozen):
    """A conduit across the drill's boundary that stays open on purpose, and who accepted that."""

    conduit: Name
    accepted_by: Annotated[Words, Field(min_length=1)]


class AbortRule(Frozen):
    """Restore at once when a probe is bad or unknown for this long."""

    probe: Name
    bad_for: Seconds


class Drill(Frozen):
    """The definition of a drill."""

    drill: Name
    site: Name
    service: Service
    stages: Annotated[tuple[Stage, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    limits: Limits
    continuity: Annotated[Names, Field(min_length=1)]
    severed: Annotated[Names, Field(min_length=1)]
    abort_when: Annotated[tuple[AbortRule, ...], BeforeValidator(as_tuple)] = ()
    left_open: Annotated[tuple[LeftOpen, ...], BeforeValidator(as_tuple)] = ()
    sample_every: Seconds = 0.1
    settle: Seconds = 2.0

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_nothing_reads(cls, given: object, info: ValidationInfo) -> object:
        """Read a plan of an earlier version, which kept these keys; an operator's file with one of them is refused."""
        if info.context == AS_WRITTEN or not isinstance(given, dict):
            return given
        return {key: value for key, value in given.items() if key not in NOT_READ_YET}
