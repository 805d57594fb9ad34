"""What a journal says of how a drill ended for the plant: it turned real, and who keeps a conduit closed, and whether the site's own deny was seen; or it was closed. Pure."""

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


class RunClosed(Entry):
    """A person confirmed that the service is back, which closes the run; `by_word` are the backlogs that drained by their word alone."""

    record_kind = "run.closed"
    person: Text
    author: Text
    by_word: tuple[Text, ...] = ()


CLOSED_KINDS = (ClosedSaid, ClosedLooked, RunClosed)
