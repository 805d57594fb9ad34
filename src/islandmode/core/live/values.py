"""What a site declares for its live drills: what its losses mean, its backups, and what keeps a conduit closed. Values only."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from islandmode.core.frozen import Frozen
from islandmode.core.quantities import NAME_PATTERN, Day, HandLine, Name, Words, as_tuple

IfCut = Literal["nothing", "nuisance", "quality", "legal", "safety"]
"""What the loss of a flow does at worst, from the least to the worst."""
NOT_ACROSS = "not across the boundary"
"""The answer for a service that crosses no conduit of the site."""
SHA256_PATTERN = r"^[0-9a-f]{64}$"
AGE_MAX_DAYS = 3650


def as_carrier(name: str) -> str:
    """Refuse what is neither a name nor the words for a service that crosses nothing."""
    if name != NOT_ACROSS and not re.fullmatch(NAME_PATTERN, name):
        raise ValueError(f'expected the name of a flow or of a conduit, or "{NOT_ACROSS}"')
    return name


def as_carriers(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a service that crosses nothing and is carried all the same."""
    if NOT_ACROSS in names and len(names) > 1:
        raise ValueError(f'expected names, or "{NOT_ACROSS}" alone')
    return names


class Answer(Frozen):
    """What carries a service, who said so, and when."""

    carried_by: Annotated[
        tuple[Annotated[str, AfterValidator(as_carrier)], ...],
        BeforeValidator(as_tuple),
        Field(min_length=1),
        AfterValidator(as_carriers),
    ] = Field(
        description=f"The flow or the conduit that carries it, several as a list; or `{NOT_ACROSS}`.",
        examples=["telemetry-to-vendor"],
    )
    said_by: Words = Field(description="Who said so: name or position.", examples=["R. Ortiz, plant manager"])
    said_on: Day = Field(description="The day on which that was said.", examples=["2026-10-01"])

    @property
    def crosses(self) -> bool:
        """Tell whether anything of the site carries it."""
        return self.carried_by != (NOT_ACROSS,)


class AskedFor(Frozen):
    """The services that nobody may forget, by name."""

    radio: Answer | None = Field(default=None, description="Radio of operators, guards and rescuers.")
    telephones: Answer | None = Field(default=None, description="Telephones, also those over IP.")
    fire_alarm: Answer | None = Field(default=None, description="Fire detection, and its way to the fire brigade.")
    emissions: Answer | None = Field(
        default=None, description="Measurement of emissions, and its reports to an authority."
    )
    access_control: Answer | None = Field(default=None, description="Doors, gates and badges.")

    def each(self) -> Iterator[tuple[str, Answer | None]]:
        """Give every service by its key, with its answer."""
        yield "radio", self.radio
        yield "telephones", self.telephones
        yield "fire_alarm", self.fire_alarm
        yield "emissions", self.emissions
        yield "access_control", self.access_control


class Backup(Frozen):
    """One backup that lies elsewhere than on its device."""

    what: Words = Field(description="What it holds.", examples=["whole configuration"])
    where: Words = Field(description="Where it lies, in words.", examples=["safe of the control room, disk 4"])
    sha256: Annotated[str, Field(pattern=SHA256_PATTERN)] = Field(
        description="Its digest, as sha256sum prints it.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    taken_on: Day = Field(description="When it was taken.", examples=["2026-10-01"])
    checked_by: Words = Field(
        description="Who checked that it can be used: name or position.", examples=["A. Novak, OT engineer"]
    )
    file: Words | None = Field(
        default=None,
        description="Its path on the operations host, from the workspace or from `/`, where it can be reached there: its digest is then checked.",
        examples=["/mnt/backups/conduit-firewall.conf"],
    )


class Backups(Frozen):
    """Every backup that a site declares, and how old one may be."""

    max_age_days: Annotated[int, Field(ge=1, le=AGE_MAX_DAYS)] = Field(
        description="How many days after it was taken a backup counts for a live drill.", examples=[90]
    )
    isolation_points: dict[Name, Backup] = Field(
        default_factory=dict, description="By isolation point, the backup of its configuration."
    )
    plc_projects: dict[Name, Backup] = Field(
        default_factory=dict, description="By PLC, the backup of its project; at least one for a live drill."
    )

    def each(self) -> Iterator[tuple[str, str, Backup]]:
        """Give every backup with its list and its name."""
        yield from (("isolation_points", name, backup) for name, backup in self.isolation_points.items())
        yield from (("plc_projects", name, backup) for name, backup in self.plc_projects.items())


class KeepClosed(Frozen):
    """What keeps conduits closed on the day when a drill turns real, and who may order that."""

    by: Literal["deny", "cable"] = Field(
        description="`deny`: rules without an end, provisioned beside those of the drill; `cable`: a cable that is pulled.",
        examples=["deny"],
    )
    what: Annotated[tuple[HandLine, ...], BeforeValidator(as_tuple), Field(min_length=1)] = Field(
        description="The lines that put the deny in force, as `devices provision NAME --keep-closed` or the site's own rules say; or the cable, "
        "and where it is.",
        examples=["Pull the cable labelled VENDOR out of port 7."],
    )
    shows_as: HandLine | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="With `deny`: a text that the device's running configuration shows only while that deny is in force, on every isolation point that the "
        "conduit passes through. A run then looks for it after the restore.",
        examples=["closed-for-real"],
    )
    ordered_by: Words = Field(description="Who may order it: name and position.", examples=["R. Ortiz, plant manager"])

    @model_validator(mode="after")
    def _has_a_deny_to_show(self) -> Self:
        if self.shows_as is not None and self.by != "deny":
            raise ValueError("a cable shows on no device; take away shows_as, or say by: deny")
        return self
