"""Quantities as operators write them: durations with a unit, names, references to secrets."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

from islandmode.core.secret_reference import SECRET_PATTERN, expected_of

UNIT_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
DURATION_PATTERN = r"^\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)\s*$"
_DURATION = re.compile(DURATION_PATTERN)


AS_WRITTEN = "as written"
"""Validation context of the operators' files: there, a duration needs its unit."""


def as_tuple(value: object) -> object:
    """Let operators write one item where a list is meant."""
    if isinstance(value, list):
        return tuple(value)
    return value if isinstance(value, tuple) else (value,)


def parse_duration_s(text: object, info: ValidationInfo) -> object:
    """Turn "8 s" or "3 min" into seconds; numbers pass only from Islandmode's own code and plans, never from operators' files."""
    if isinstance(text, str):
        match = _DURATION.match(text)
        if match is None:
            raise ValueError('expected a duration with its unit, such as "8 s", "500 ms", "3 min", "2 h" or "90 d"')
        return float(match.group(1)) * UNIT_S[match.group(2)]
    if isinstance(text, bool) or not isinstance(text, float) or info.context == AS_WRITTEN:
        raise ValueError('expected a duration with its unit, such as "8 s"')
    return text


Seconds = Annotated[
    float,
    BeforeValidator(parse_duration_s),
    Field(gt=0, le=90 * 86400.0),
    # Editors check what an operator writes, which is text with a unit.
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN}, mode="validation"),
]
"""A duration in seconds, written with its unit in YAML."""

NAME_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""A name: lower case letters, digits and inner hyphens, at most 40, so that it fits into device objects."""

KEY_PATTERN = r"^[a-z][a-z0-9_]{0,30}$"
"""A key of a recipe, which may stand in its lines as a placeholder."""
DRIVER_PATTERN = r"^(?:netmiko|napalm|ssh|https):[a-z0-9_]{1,40}$"
"""What speaks to a device, and its name of the device's kind."""


def _well_formed(reference: str, info: ValidationInfo) -> str:
    """Refuse in an operator's file what can name no secret; a record of an earlier version is taken as it is."""
    if info.context == AS_WRITTEN and (expected := expected_of(reference)) is not None:
        raise ValueError(f"expected {expected}")
    return reference


SecretRef = Annotated[str, Field(pattern=SECRET_PATTERN), AfterValidator(_well_formed)]
"""A reference to a secret, never the secret; lab:NAME is known only to the running lab, and only in a rehearsal."""


WORDS_MAX = 200


def _must_say_something(text: str, info: ValidationInfo) -> str:
    """Refuse nothing and a page in an operator's file; a record of an earlier version is taken as it is."""
    if info.context == AS_WRITTEN and not 0 < len(text.strip()) <= WORDS_MAX:
        raise ValueError(f"expected words, from 1 to {WORDS_MAX} characters")
    return text


Words = Annotated[
    str,
    AfterValidator(_must_say_something),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": WORDS_MAX}, mode="validation"),
]
"""Words for people: an owner, a purpose, a target."""


HAND_LINE_PATTERN = r"^[^\r\n]{1,250}$"
HandLine = Annotated[str, StringConstraints(pattern=HAND_LINE_PATTERN)]
"""One line of what a person does or sees."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def as_day(given: object) -> object:
    """Read a day of the calendar, as 2026-10-01; a moment, and a day that does not exist, are none."""
    try:
        found = date.fromisoformat(given) if isinstance(given, str) and _DAY.fullmatch(given) else given
    except ValueError:
        found = None
    if type(found) is not date:
        raise ValueError("expected a day that exists, written as year-month-day, such as 2026-10-01")
    return found


Day = Annotated[date, BeforeValidator(as_day), WithJsonSchema({"type": "string", "format": "date"}, mode="validation")]
"""A day on which a person did something."""


def written(seconds: float) -> str:
    """Write a duration as an operator would: with its unit, and so that it is read back the same."""
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    unit = next((unit for unit in ("d", "h", "min") if seconds % UNIT_S[unit] == 0), "s")
    return f"{seconds / UNIT_S[unit]:g} {unit}"


def to_us(seconds: float) -> int:
    """Convert seconds to integer microseconds, the unit of every record."""
    return round(seconds * 1_000_000)
