"""Moments as people write them, always with a zone: a local time is another moment on another machine. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

MOMENT_PATTERN = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})$"
FIRST_YEAR, LAST_YEAR = 2000, 2999
"""Of no other year is any moment that a person means here."""
_MOMENT = re.compile(MOMENT_PATTERN, re.ASCII)
_IN_SIGNERS = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?Z", re.ASCII)


def moment_of(text: str) -> datetime | None:
    """Read a moment with its zone, as of UTC; None for anything else, a local time among it."""
    if _MOMENT.match(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # Far from both ends of what can be written, so that no sum of a moment and a duration leaves it.
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def is_no_date(text: str) -> bool:
    """Tell whether a text has the form of a moment with its zone, and names a day or a time that does not exist."""
    return _MOMENT.match(text) is not None and moment_of(text) is None


def signers_moment(text: str) -> datetime | None:
    """Read a time of OpenSSH's allowed signers, which is in UTC only with a Z; None for anything else."""
    found = _IN_SIGNERS.fullmatch(text)
    if found is None:
        return None
    try:
        return datetime(*(int(part) for part in found.groups("0")), tzinfo=UTC)  # type: ignore[arg-type,misc] # six numbers
    except ValueError:
        return None


def utc_text(moment: datetime) -> str:
    """Write a moment in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
