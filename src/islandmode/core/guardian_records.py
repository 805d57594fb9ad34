"""What a journal says of the guardian: the conductor's word that it is ready, and the guardian's own journal. Pure."""

from __future__ import annotations

from typing import Literal

from islandmode.core.entry import Entry, OfConduits, OfPoint, Text


class GuardianProved(Entry):
    """The guardian was asked to be ready; `why` is empty when it is."""

    record_kind = "guardian.proved"
    why: Text


class GuardianReady(Entry):
    """The guardian has logged in on these points (guardian's journal, as are all records from here to its end)."""

    record_kind = "guardian.ready"
    points: tuple[str, ...]


class GuardianOwes(OfConduits):
    """The conductor is about to arm a point."""

    record_kind = "guardian.owes"


class GuardianPaid(OfPoint):
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


class GuardianAgrees(OfPoint):
    """The guardian has seen a point restored too."""

    record_kind = "guardian.agrees"
    asked_us: int
    answered_us: int


class GuardianDisagrees(OfPoint):
    """The guardian saw an object after the conductor had seen none."""

    record_kind = "guardian.disagrees"
    why: Text


class GuardianEnded(Entry):
    """The guardian ends; `why` is said where it was not because everything is restored."""

    record_kind = "guardian.ended"
    restored: bool
    took_over: bool = False
    why: Text = ""


GUARDIAN_KINDS = (
    GuardianProved,
    GuardianReady,
    GuardianOwes,
    GuardianPaid,
    GuardianTookOver,
    GuardianClaimed,
    GuardianAgrees,
    GuardianDisagrees,
    GuardianEnded,
)
