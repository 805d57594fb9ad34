"""A site's policy: who signs for a live run, who may say go, how strong the undo must be, and how old a rung may be. Values only.

`inventory/people/policy.yaml` names a shipped policy as its base, and may only tighten it; a drill may only add to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from islandmode.core.frozen import Frozen
from islandmode.core.moments import MOMENT_PATTERN, moment_of
from islandmode.core.quantities import DURATION_PATTERN, Name, Words, as_tuple, parse_duration_s, written

PLANT_OPERATIONS: Name = "plant-operations"
"""The role that is always among those that sign: the people who answer for what the plant makes."""
AGE_MAX_S = 400 * 86400.0
TIERS = "ABC"

Roles = Annotated[tuple[Name, ...], BeforeValidator(as_tuple), Field(min_length=1)]
Tier = Literal["A", "B", "C"]
BaseName = Literal["two-people", "strict"]
Age = Annotated[
    float,
    BeforeValidator(parse_duration_s),
    Field(gt=0, le=AGE_MAX_S),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}, mode="validation"),
]
"""A duration in seconds, written with its unit; a rung may be older than any hold is long."""


def _moment(text: str) -> str:
    """Refuse what is no moment: a time without its zone is another moment on another machine."""
    if moment_of(text) is None:
        raise ValueError('expected a time with its zone, such as "2027-01-09T06:00:00Z" or "2027-01-09T06:00:00-08:00"')
    return text


Moment = Annotated[
    str,
    AfterValidator(_moment),
    WithJsonSchema({"type": "string", "pattern": MOMENT_PATTERN}, mode="validation"),
]


class Ages(Frozen):
    """How old what a live run stands on may be, in seconds."""

    rehearsal: Age = Field(description="The newest rehearsal of the same drill digest that held.", examples=["90 d"])
    tabletop: Age = Field(description="The newest tabletop of the same drill.", examples=["365 d"])
    dry_run: Age = Field(description="The newest dry run of the same plan.", examples=["7 d"])


class Blackout(Frozen):
    """A time in which the site allows no live run."""

    start: Moment = Field(alias="from", description="Its first moment, with a zone.", examples=["2026-12-20T00:00:00Z"])
    until: Moment = Field(description="Its end, with a zone.", examples=["2027-01-04T06:00:00Z"])
    why: Words = Field(description="Why, for those who ask for this time.", examples=["Christmas shipments"])

    @property
    def begins(self) -> datetime:
        """Give its first moment."""
        return datetime.fromisoformat(self.start)

    @property
    def ends(self) -> datetime:
        """Give its end."""
        return datetime.fromisoformat(self.until)

    def meets(self, begin: datetime, end: datetime) -> bool:
        """Tell whether a window has any moment in common with it."""
        return begin < self.ends and self.begins < end


class Live(Frozen):
    """Who has to sign for a live run."""

    signed_by: Roles = Field(
        description="Roles that sign, each by a person of its own. plant-operations is always among them.",
        examples=[["plant-operations"]],
    )
    persons: Annotated[int, Field(ge=2, le=20)] = Field(
        description="How many persons it takes at least, the person who asks for the window among them.", examples=[2]
    )
    persons_while_running: Annotated[int, Field(ge=2, le=20)] = Field(
        description="How many it takes while the plant runs.", examples=[3]
    )


class Policy(Frozen):
    """What a site demands of a live run, whole: the base with what the site tightened."""

    base: BaseName
    live: Live
    go: Roles
    undo_tier: Tier
    ages: Ages
    expire_after: Age
    hardware: bool
    paper: tuple[Name, ...]
    blackouts: tuple[Blackout, ...] = ()

    def blackout_in(self, begin: datetime, end: datetime) -> Blackout | None:
        """Find a blackout that a window meets."""
        return next((blackout for blackout in self.blackouts if blackout.meets(begin, end)), None)


DAY_S = 86400.0
SHIPPED: dict[BaseName, Policy] = {
    "two-people": Policy(
        base="two-people",
        live=Live(signed_by=(PLANT_OPERATIONS,), persons=2, persons_while_running=3),
        go=(PLANT_OPERATIONS,),
        undo_tier="B",
        ages=Ages(rehearsal=90 * DAY_S, tabletop=365 * DAY_S, dry_run=7 * DAY_S),
        expire_after=14 * DAY_S,
        hardware=False,
        paper=(),
    ),
    "strict": Policy(
        base="strict",
        live=Live(signed_by=(PLANT_OPERATIONS, "ot-security"), persons=3, persons_while_running=4),
        go=(PLANT_OPERATIONS,),
        undo_tier="A",
        ages=Ages(rehearsal=30 * DAY_S, tabletop=180 * DAY_S, dry_run=2 * DAY_S),
        expire_after=7 * DAY_S,
        hardware=True,
        paper=(),
    ),
}
"""The policies that ship, by name."""
PAPER_LEFT_TO_SITE: dict[BaseName, tuple[Name, ...]] = {"two-people": (PLANT_OPERATIONS,), "strict": ()}
"""The roles of which a site may let a paper form count, by its base: this is the one thing that a base leaves to the site."""


class TightenedLive(Frozen):
    """Who has to sign for a live run, as far as a site demands more than its base."""

    signed_by: Roles | None = Field(
        default=None,
        description="Roles that sign, each by a person of its own; all of the base's, and more.",
        examples=[["plant-operations", "ot-security"]],
    )
    persons: Annotated[int, Field(ge=2, le=20)] | None = Field(
        default=None,
        description="How many persons it takes at least, the person who asks for the window among them; not fewer than the base.",
        examples=[2],
    )
    persons_while_running: Annotated[int, Field(ge=2, le=20)] | None = Field(
        default=None, description="How many it takes while the plant runs; not fewer than the base.", examples=[3]
    )


class TightenedAges(Frozen):
    """How old what a live run stands on may be, as far as a site demands it younger than its base."""

    rehearsal: Age | None = Field(
        default=None, description="The newest rehearsal of the same drill digest that held.", examples=["60 d"]
    )
    tabletop: Age | None = Field(default=None, description="The newest tabletop of the same drill.", examples=["180 d"])
    dry_run: Age | None = Field(default=None, description="The newest dry run of the same plan.", examples=["3 d"])


class PolicyFile(Frozen):
    """A site's policy as it is written: a base, and what the site demands beyond it."""

    base: BaseName = Field(
        description="The shipped policy that it tightens: two-people (plant operations signs and says go, a third person only "
        "while the plant runs) or strict (OT security signs too, with hardware keys).",
        examples=["two-people"],
    )
    live: TightenedLive = Field(default=TightenedLive(), description="Who has to sign for a live run.")
    go: Roles | None = Field(
        default=None,
        description="Roles that may say go on the day; of the base's only.",
        examples=[["plant-operations"]],
    )
    undo_tier: Tier | None = Field(
        default=None,
        description="The weakest way back on a device that a live run is allowed, A to C as in a drill's limits; not weaker than the base's.",
        examples=["A"],
    )
    ages: TightenedAges = Field(default=TightenedAges(), description="How old what a live run stands on may be.")
    expire_after: Age | None = Field(
        default=None,
        description="How long after it was signed an approval's window may end at the latest; not longer than the base's.",
        examples=["7 d"],
    )
    hardware: bool | None = Field(
        default=None,
        description="Whether approvals count only by FIDO keys, with touch and PIN; a base that demands it cannot be relaxed.",
        examples=[True],
    )
    paper: Annotated[tuple[Name, ...], BeforeValidator(as_tuple)] = Field(
        default=(),
        description="Roles of which a signed paper form counts, marked as paper; with base two-people plant-operations at most, with strict none.",
        examples=[["plant-operations"]],
    )
    blackouts: Annotated[tuple[Blackout, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="Times in which no live run is allowed."
    )

    def whole(self) -> Policy:
        """Give the base with what the site tightened; what `loosened` finds has to be refused before."""
        base = SHIPPED[self.base]
        given = {
            name: value
            for name in ("go", "undo_tier", "expire_after", "hardware")
            if (value := getattr(self, name)) is not None
        }
        parts = {
            "live": base.live.model_copy(update=self.live.model_dump(exclude_none=True)),
            "ages": base.ages.model_copy(update=self.ages.model_dump(exclude_none=True)),
        }
        return base.model_copy(update={**given, **parts, "paper": self.paper, "blackouts": self.blackouts})


PolicyProblem = tuple[tuple[str | int, ...], str]
"""Where in the file something is wrong, and a sentence about it."""


def loosened(file: PolicyFile) -> Iterator[PolicyProblem]:
    """Say everything in which a site's policy would be weaker than its base, and what is wrong with its blackouts."""
    only = f"policy {file.base} may only be tightened"
    yield from _people_loosened(SHIPPED[file.base], file.whole(), only)
    yield from _proof_loosened(SHIPPED[file.base], file.whole(), only)
    for number, blackout in enumerate(file.blackouts):
        if blackout.ends <= blackout.begins:
            yield ("blackouts", number, "until"), "The blackout ends before it begins; give a later end."


def _people_loosened(base: Policy, whole: Policy, only: str) -> Iterator[PolicyProblem]:
    missing = [role for role in base.live.signed_by if role not in whole.live.signed_by]
    if missing:
        yield ("live", "signed_by"), f"{missing[0]} does not sign here, and {only}; add it."
    for key in ("persons", "persons_while_running"):
        least = getattr(base.live, key)
        if getattr(whole.live, key) < least:
            yield ("live", key), f"{key} is less than {least} here, and {only}; give {least} or more."
    more = [role for role in whole.go if role not in base.go]
    if more:
        yield ("go",), f"{more[0]} may not say go in the base, and {only}; take it out."
    on_paper = [role for role in whole.paper if role not in PAPER_LEFT_TO_SITE[base.base]]
    if on_paper:
        most = ", ".join(PAPER_LEFT_TO_SITE[base.base]) or "nobody"
        yield (
            ("paper",),
            f"A paper form of {on_paper[0]} does not count under policy {base.base} (of {most} at most); take it out.",
        )


def _proof_loosened(base: Policy, whole: Policy, only: str) -> Iterator[PolicyProblem]:
    if TIERS.index(whole.undo_tier) > TIERS.index(base.undo_tier):
        yield (
            ("undo_tier",),
            f"undo_tier {whole.undo_tier} is weaker than {base.undo_tier}, and {only}; give {base.undo_tier} or better.",
        )
    limits = [(("ages", key), getattr(whole.ages, key), getattr(base.ages, key)) for key in Ages.model_fields]
    for path, given, most in (*limits, (("expire_after",), whole.expire_after, base.expire_after)):
        if given > most:
            yield path, f"{path[-1]} is more than {written(most)} here, and {only}; give {written(most)} or less."
    if base.hardware and not whole.hardware:
        yield ("hardware",), f"Keys without hardware would count here, and {only}; take this line out."
