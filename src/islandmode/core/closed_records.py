"""What a journal says of a drill that turned real: who keeps a conduit closed, and whether the site's own deny was seen. Pure."""

from __future__ import annotations

from islandmode.core.entry import Entry, OfPoint, Outcome, Text


class ClosedSaid(Entry):
    """A person keeps a conduit closed, by the account that typed it. Who may order that stands in the plan."""

    record_kind = "closed.said"
    conduit: str
    person: Text
    author: Text


class ClosedLooked(OfPoint):
    """Whether the site's own deny came into force on a device during the run: done where it shows what it did not show before."""

    record_kind = "closed.looked"
    conduit: str
    shows_as: Text
    outcome: Outcome
    why: Text


CLOSED_KINDS = (ClosedSaid, ClosedLooked)
