"""What is known of a way of isolating beside what it can do: for lists and pages. A run derives nothing from it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tried = Literal["real", "benched", "emulated", "untried"]
"""How far a way of isolating was tried: on real devices in every test run, on real devices by a person who kept the record, on
an emulator that was written from documents, or not at all."""


@dataclass(frozen=True)
class Described:
    """A way of isolating, in words."""

    title: str
    cycle: Literal["own-timer", "clock", "pending", "none"]
    """How its timer works; none where nothing but a person restores."""
    tried: Tried
    after_failover: Literal["isolates", "passes", "unknown"]
    """What the other member of a pair does with an isolation that was made on this one."""
    versions: str
    """Which versions of the device were tried, and which are refused."""
    not_covered: str = ""
    """What goes on all the same."""
