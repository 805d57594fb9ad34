"""A look at the devices for what the site itself keeps closed: whether its own deny came into force while the drill went on. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from islandmode.core.closed_records import ClosedLooked
from islandmode.core.entry import Outcome
from islandmode.core.plan import Plan
from islandmode.isolation.point import Configuration

SAVED = "saved"
"""The part of a configuration that is not in force."""


def closings_looked(
    plan: Plan, before: Mapping[str, Configuration], after: Mapping[str, Configuration]
) -> Iterator[ClosedLooked]:
    """Say for every conduit with a deny that shows itself, and every device that it passes through, whether the deny is there now and was not before.

    A device on which nothing is declared to show itself, such as a cable, is unknown: a deny elsewhere says nothing of it.
    """
    closings = plan.declared.keep_closed if plan.declared is not None else ()
    shown = [(closing, closing.how.shows_as) for closing in closings if closing.how.shows_as is not None]
    for conduit in dict.fromkeys(closing.conduit for closing, _ in shown):
        for name in (name for name, point in plan.points.items() if conduit in point.conduits):
            mine = [text for closing, text in shown if closing.conduit == conduit and closing.point in (None, name)]
            for text in mine:
                outcome, why = _looked(text, before.get(name), after.get(name))
                yield ClosedLooked(point=name, conduit=conduit, shows_as=text, outcome=outcome, why=why)
            if not mine:
                why = "nothing that keeps it closed there shows itself"
                yield ClosedLooked(point=name, conduit=conduit, shows_as="", outcome="unknown", why=why)


def _looked(shows_as: str, before: Configuration | None, after: Configuration | None) -> tuple[Outcome, str]:
    if before is None or after is None:
        return "unknown", "its configuration was not read"
    if not _shows(shows_as, after):
        return "not done", ""
    if _shows(shows_as, before):
        return "unknown", "it showed that before the drill too"
    return "done", ""


def _shows(text: str, configuration: Configuration) -> bool:
    return any(
        text in line for part, lines in configuration.parts.items() if part != SAVED for line in lines.splitlines()
    )
