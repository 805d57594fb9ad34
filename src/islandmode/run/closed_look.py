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
    """Say for every declared deny that shows itself, and every device that its conduit passes through, whether it is there now and was not before."""
    for closing in plan.declared.keep_closed if plan.declared is not None else ():
        if closing.how.shows_as is None:
            continue
        for name, point in plan.points.items():
            if closing.conduit in point.conduits and closing.point in (None, name):
                outcome, why = _looked(closing.how.shows_as, before.get(name), after.get(name))
                yield ClosedLooked(
                    point=name, conduit=closing.conduit, shows_as=closing.how.shows_as, outcome=outcome, why=why
                )


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
