"""Why a live drill is refused by what its site declares, each reason at its place in the operator's files. Pure.

A rehearsal is refused for none of these: nothing of a plant is lost in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from islandmode.core.conduit import Conduit, Flow
from islandmode.core.drill import Drill
from islandmode.core.live.declared import closings
from islandmode.core.live.values import Answer, Backup
from islandmode.core.problem import Path, Problem
from islandmode.core.site import Site

NEVER_CUT = "fire_alarm"
"""The service that no live drill cuts, also where its flow is reviewed."""


@dataclass(frozen=True)
class FoundFile:
    """What a path was found to hold: its digest, or why it has none."""

    sha256: str = ""
    why: str = ""


def refused_by_site(
    drill: Drill, site: Site, today: date, latest_day: date, found: Mapping[str, FoundFile]
) -> tuple[Problem, ...]:
    """Say everything in the site's and the drill's files that a live run of the drill is refused for.

    `latest_day` is the last day that has begun anywhere on earth: what is dated later did not happen. `found` says what is at each path
    that a backup names.
    """
    return (
        *unreviewed(drill, site),
        *unanswered(drill, site),
        *without_backup(drill, site, today, found),
        *without_closing(drill, site),
        *without_interlock(drill),
        *dated_ahead(site, latest_day),
    )


def unreviewed(drill: Drill, site: Site) -> Iterator[Problem]:
    """Find the flows that die and whose loss nobody reviewed, or whose loss no live drill may cause."""
    for name in _isolated(drill):
        for index, flow in enumerate(site.conduits[name].flows):
            path: Path = ("conduits", name, "flows", index)
            dies = f"Flow {flow.name} on {name} dies in this drill"
            if flow.if_cut is None:
                sentence = f"{dies}, and nobody reviewed what its loss does; add if_cut, reviewed_by and reviewed_on."
                yield Problem("site", path, sentence)
            elif flow.if_cut == "safety":
                sentence = (
                    f"{dies}, and {_reviewed(flow)} that its loss is a matter of safety: no live drill cuts it. Leave {name} out of the drill, or "
                    "lead the flow another way."
                )
                yield Problem("site", (*path, "if_cut"), sentence)
            elif flow.if_cut == "legal" and flow.cut_accepted_by is None:
                sentence = (
                    f"{dies}, and {_reviewed(flow)} that its loss is a legal matter; add cut_accepted_by, the person who accepts that a live drill "
                    "cuts it."
                )
                yield Problem("site", (*path, "if_cut"), sentence)


def unanswered(drill: Drill, site: Site) -> Iterator[Problem]:
    """Find the services of which nobody said what carries them, and a fire alarm that would be cut."""
    isolated = _isolated(drill)
    for key, answer in site.asked_for.each():
        if answer is None:
            sentence = (
                f"Nobody said what carries {called(key)}; answer under asked_for with {key}: carried_by (a flow, a conduit, or "
                '"not across the boundary"), said_by and said_on.'
            )
            yield Problem("site", ("asked_for", key), sentence)
        elif key == NEVER_CUT and (cut := lost_of(answer, isolated, site.conduits)):
            sentence = f"{called(key).capitalize()} is carried by {', '.join(cut)}, which this drill cuts; no live drill cuts a fire alarm. Lead it another way first."
            yield Problem("site", ("asked_for", key, "carried_by"), sentence)


def called(service: str) -> str:
    """Name a service by its key."""
    return service.replace("_", " ")


def lost_of(answer: Answer, isolated: tuple[str, ...], conduits: Mapping[str, Conduit]) -> tuple[str, ...]:
    """Name what carries a service and is cut."""
    dying = {flow.name for name in isolated for flow in conduits[name].flows}
    return tuple(name for name in answer.carried_by if name in dying or name in isolated)


def without_backup(drill: Drill, site: Site, today: date, found: Mapping[str, FoundFile]) -> Iterator[Problem]:
    """Find isolation points without a backup, a site without one of any PLC project, and backups that are too old or not as declared."""
    backups, isolated = site.backups, set(_isolated(drill))
    mine = [name for name, point in site.isolation_points.items() if isolated & set(point.isolates)]
    kept = backups.isolation_points if backups is not None else {}
    for name in mine:
        if name not in kept:
            sentence = (
                f"No backup of isolation point {name} is declared that lies elsewhere; add it under backups, isolation_points: what, where, "
                "sha256, taken_on, checked_by."
            )
            yield Problem("site", ("isolation_points", name), sentence)
    if backups is None or not backups.plc_projects:
        sentence = "No backup of a PLC project is declared; add each under backups, plc_projects, by the PLC's name."
        yield Problem("site", ("backups", "plc_projects"), sentence)
    if backups is None:
        return
    for kind, name, backup in backups.each():
        if kind == "isolation_points" and name not in mine:
            continue
        path: Path = ("backups", kind, name)
        days = age_days(backup, today)
        if days > backups.max_age_days:
            sentence = f"The backup of {name} is {days} days old, and {backups.max_age_days} is the site's limit (max_age_days); take a new one and enter it."
            yield Problem("site", (*path, "taken_on"), sentence)
        file = None if backup.file is None else found.get(backup.file, FoundFile(why="was not looked at"))
        if file is not None and file.sha256 != backup.sha256:
            why = file.why or f"has the digest {file.sha256}"
            sentence = f"The backup of {name} is not seen to be what was declared: {backup.file} {why}; find out why, or take a new one and enter it."
            yield Problem("site", (*path, "file"), sentence)


def age_days(backup: Backup, today: date) -> int:
    """Count the days since a backup was taken."""
    return (today - backup.taken_on).days


def without_closing(drill: Drill, site: Site) -> Iterator[Problem]:
    """Find conduits that nothing keeps closed on the day when the drill turns real."""
    for name in _isolated(drill):
        if not closings(site, name):
            sentence = (
                f"Nothing is declared that keeps {name} closed if this drill turns real; add keep_closed to the conduit, or to each isolation point "
                "that it passes through: by (deny or cable), what, ordered_by."
            )
            yield Problem("site", ("conduits", name), sentence)


def without_interlock(drill: Drill) -> Iterator[Problem]:
    """Find a drill in which nothing shows whether the plant runs."""
    if not any(interlock.tells_the_state for interlock in drill.interlocks):
        sentence = (
            f"Nothing shows that the plant is {drill.plant_state}, as plant_state says; add an interlock that reads otherwise in a plant that runs than "
            "in one that is idle."
        )
        yield Problem("drill", ("interlocks",) if drill.interlocks else (), sentence)


def dated_ahead(site: Site, latest_day: date) -> Iterator[Problem]:
    """Find what is dated on a day that has not begun: nobody reviewed, said or saved anything then."""
    for path, what, day in _days(site):
        if day > latest_day:
            sentence = (
                f'"{path[-1]}" of {what} is {day}, a day that is still to come; write the day on which it was done.'
            )
            yield Problem("site", path, sentence)


def _days(site: Site) -> Iterator[tuple[Path, str, date]]:
    for name, conduit in site.conduits.items():
        for index, flow in enumerate(conduit.flows):
            if flow.reviewed_on is not None:
                yield ("conduits", name, "flows", index, "reviewed_on"), f"flow {flow.name}", flow.reviewed_on
    for key, answer in site.asked_for.each():
        if answer is not None:
            yield ("asked_for", key, "said_on"), called(key), answer.said_on
    for kind, name, backup in site.backups.each() if site.backups is not None else ():
        yield ("backups", kind, name, "taken_on"), f"the backup of {name}", backup.taken_on


def _reviewed(flow: Flow) -> str:
    return f"{flow.reviewed_by} said on {flow.reviewed_on}"


def _isolated(drill: Drill) -> tuple[str, ...]:
    return tuple(conduit for stage in drill.stages for conduit in stage.isolate)
