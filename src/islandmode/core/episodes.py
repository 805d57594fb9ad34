"""Samples and episodes: what a probe saw, and runs of equal states."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Seen(StrEnum):
    """What one sample saw. Unknown is the probe's own trouble; it is never good."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sample:
    """One observation: asked and answered in monotonic microseconds, what was seen, the value, and why if not good."""

    probe: str
    seq: int
    asked_us: int
    answered_us: int
    seen: Seen
    value: int | str | None = None
    why: str = ""
