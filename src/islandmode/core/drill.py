"""A drill: what is isolated, in which stages, for how long, what must stay alive and what must die. Values only."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    model_validator,
)

from islandmode.core.backlog import Backlog
from islandmode.core.frozen import Frozen
from islandmode.core.plant_state import IDLE_SERVICE, Interlock, PlantState
from islandmode.core.quantities import AS_WRITTEN, Name, Seconds, Words, as_tuple, written

NOT_READ_YET = ("schedule", "exercise")
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

    name: Words = Field(description="What the plant produces or provides.", examples=["Line 3 filling"])
    target: Words = Field(
        description="What must be reached while isolated. It is shown to people; a drill tests the probes, not this number.",
        examples=[">= 40 bottles/min"],
    )
    autonomy_target: Seconds | None = Field(
        default=None,
        description="How long the plant should be able to go on alone. It is shown to people, and not tested by the drill.",
        examples=["90 d"],
    )

    @property
    def told(self) -> str:
        """Name the service with its target; how long it could last is declared, and a drill does not test it."""
        lasting = (
            f", autonomy target {written(self.autonomy_target)} (declared, not tested)"
            if self.autonomy_target is not None
            else ""
        )
        return f"{self.name}, target {self.target}{lasting}"


class Stage(Frozen):
    """One wave of the isolation."""

    name: Name = Field(description="Name of the stage.", examples=["vendors"])
    isolate: Annotated[Names, Field(min_length=1)] = Field(
        description="The conduits that this stage isolates in addition to those of earlier stages.",
        examples=[["remote-access"]],
    )
    hold: Seconds = Field(
        description="How long the stage is held before the next stage is isolated, or before everything is restored.",
        examples=["8 s"],
    )


class Limits(Frozen):
    """What the site owner demands; the tool ships no default pass or fail limit."""

    isolate_within: Seconds = Field(
        description="From the order until no packet passes any more, as the probes saw it. Less than dead_man.",
        examples=["5 s"],
    )
    restore_within: Seconds = Field(
        description="From the order until every path passes again, as the probes saw it. Less than dead_man.",
        examples=["10 s"],
    )
    dead_man: Seconds = Field(
        description="After this time the device restores by itself, whatever becomes of the operations host. It is set again while all is well.",
        examples=["3 min"],
    )
    longest_ot_gap: Seconds = Field(
        description="The longest time that a continuity probe may be without a good answer. More than sample_every.",
        examples=["1 s"],
    )
    undo_tier: Literal["A", "B", "C", "D"] = Field(
        description="The weakest way back that is accepted. A: a timer of the device itself, which undoes nothing but the isolation. B: a "
        "timer of the device that may be late. C: only the guardian on the operations host. D: only a person.",
        examples=["A"],
    )


class LeftOpen(Frozen):
    """A conduit across the drill's boundary that stays open on purpose, and who accepted that."""

    conduit: Name = Field(description="The conduit that stays open.", examples=["remote-access"])
    accepted_by: Annotated[Words, Field(min_length=1)] = Field(
        description="Who accepted that: name and position.", examples=["R. Ortiz, plant manager"]
    )


class AbortRule(Frozen):
    """Restore at once when a probe is bad or unknown for this long."""

    probe: Name = Field(
        description="A continuity or severed probe of this drill that asks from `here`; other vantages are not heard in the holds.",
        examples=["plc-filler"],
    )
    bad_for: Seconds = Field(
        description="How long without a good answer; no answer counts as not good.", examples=["2 s"]
    )


class MoreApprovals(Frozen):
    """What a drill demands of those who approve it live, beyond the site's policy; it cannot demand less."""

    also_signed_by: Annotated[Names, Field(min_length=1)] = Field(
        description="Roles that approve it too, each by a person of its own, beside those of the site's policy.",
        examples=[["ot-security"]],
    )


class ReturnStep(Frozen):
    """One step of the return to service, and whether it waits for a person's word."""

    restore: Annotated[Names, Field(min_length=1)] = Field(
        description="Conduits, or stages for all conduits of each, that are restored together.",
        examples=[["corporate"]],
    )
    by_word: bool = Field(
        default=False,
        description="Whether a person must give the word first: `islandmode confirm RUN return --person NAME`.",
        examples=[True],
    )
    within: Seconds | None = Field(
        default=None,
        description="How long that word is waited for; without it everything is restored at once.",
        examples=["60 s"],
    )

    @model_validator(mode="after")
    def _waits_for_so_long(self) -> ReturnStep:
        if self.by_word != (self.within is not None):
            raise ValueError("expected by_word: true and within together, or neither")
        return self


class Drill(Frozen):
    """The definition of a drill."""

    drill: Name = Field(description="Name of the drill; a workspace has it once.", examples=["quarterly-isolation"])
    site: Name = Field(description="The site on which it runs.", examples=["riverside"])
    service: Service = Field(description="What the plant must go on doing.")
    stages: Annotated[tuple[Stage, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="The waves of the isolation, one after the other; after the last everything is restored, at once or by restore_order."
    )
    limits: Limits = Field(description="What the process owner demands; nothing has a built-in limit.")
    continuity: Annotated[Names, Field(min_length=1)] = Field(
        description="Probes that must stay good from before the first stage until after restore.",
        examples=[["plc-filler", "hmi-line3"]],
    )
    severed: Annotated[Names, Field(min_length=1)] = Field(
        description="Probes that must be dead while their conduit is isolated, and good before and after. Each isolated conduit needs "
        "a probe that opens fresh connections (a canary does not), in each direction and each address family that the allow-list permits.",
        examples=[["vendor-to-hmi", "line3-to-vendor"]],
    )
    abort_when: Annotated[tuple[AbortRule, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="When to restore at once."
    )
    plant_state: PlantState = Field(
        default="running",
        # What goes without saying is left out, so that plans of an earlier version keep their digest; so with what follows.
        exclude_if=lambda given: given == "running",
        description="What the plant does during the drill. `idle` shows that OT stays reachable and says nothing of production; it needs an "
        "interlock that tells the two states apart, as a live drill does in either state.",
        examples=["idle"],
    )
    interlocks: Annotated[tuple[Interlock, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        exclude_if=lambda given: not given,
        description="What the plant must say of itself before the drill may begin, and all the while it is isolated.",
    )
    backlogs: Annotated[tuple[Backlog, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        exclude_if=lambda given: not given,
        description="What piles up while the plant is isolated and must drain once it is restored; a live run is closed only after that.",
    )
    closed_by: Words | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="Who confirms, with `islandmode close RUN --by NAME`, that the service is back and the run is closed; anybody who is named where this is "
        "left out.",
        examples=["Shift lead"],
    )
    left_open: Annotated[tuple[LeftOpen, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="Conduits across the boundary of the isolated zones that stay open on purpose. Nothing then calls the plant an island.",
    )
    approvals: MoreApprovals | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="Who else has to approve this drill before it is run live, beside those whom the site's policy asks for.",
    )
    restore_order: Annotated[tuple[ReturnStep, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        exclude_if=lambda given: not given,
        description="In which order a planned restore gives the conduits back, vendors last; each conduit once. Left out, all are restored at "
        "once. An abort, abort_when, the dead-man, the guardian and `islandmode restore` always restore everything at once.",
    )
    sample_every: Seconds = Field(
        default=1.0,
        description="How often each probe is asked; at least 20 ms. A gap or a leak shorter than that can pass unseen.",
        examples=["100 ms"],
    )
    collect_within: Seconds = Field(
        default=600.0,
        description="How long after the restore a vantage that does not answer is asked again for its samples, before the run is closed "
        "without them.",
        examples=["10 min"],
    )
    settle: Seconds = Field(
        default=2.0,
        description="How long every probe must be good before the first stage, and again after restore. At least twice sample_every.",
        examples=["2 s"],
    )

    @property
    def asked(self) -> tuple[str, ...]:
        """Name every probe that is asked in the drill."""
        more = (*(lock.probe for lock in self.interlocks), *(backlog.probe for backlog in self.backlogs))
        return (*self.continuity, *self.severed, *more)

    @property
    def is_idle(self) -> bool:
        """Tell whether the plant stands while the drill runs, so that the drill shows nothing of production."""
        return self.plant_state == "idle"

    @property
    def service_told(self) -> str:
        """Name the service, and say of an idle drill that it was not running."""
        return f"{self.service.told}; {IDLE_SERVICE}" if self.is_idle else self.service.told

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_nothing_reads(cls, given: object, info: ValidationInfo) -> object:
        """Read a plan of an earlier version, which kept these keys; an operator's file with one of them is refused."""
        if info.context == AS_WRITTEN or not isinstance(given, dict):
            return given
        asked = given.get("approvals")
        of_earlier = {"approvals"} if isinstance(asked, dict) and "also_signed_by" not in asked else set()
        return {key: value for key, value in given.items() if key not in {*NOT_READ_YET, *of_earlier}}
