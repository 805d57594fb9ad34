"""What of a site's declarations concerns one drill, as its plan keeps them. Values only."""

from __future__ import annotations

from islandmode.core.drill import Drill
from islandmode.core.frozen import Frozen
from islandmode.core.live.values import AskedFor, Backups, KeepClosed
from islandmode.core.site import Site


class Closing(Frozen):
    """What keeps one conduit closed, on the day when a drill turns real; `point` names the device that it is declared for, if it is one."""

    conduit: str
    point: str | None
    how: KeepClosed


class Declared(Frozen):
    """The services to ask for, the backups, and what keeps each conduit of the drill closed."""

    asked_for: AskedFor
    backups: Backups | None
    keep_closed: tuple[Closing, ...]


def declared_of(drill: Drill, site: Site) -> Declared | None:
    """Take from a site what it declares; None where it declares nothing."""
    conduits = [conduit for stage in drill.stages for conduit in stage.isolate]
    points = {
        name for name, point in site.isolation_points.items() if any(conduit in point.isolates for conduit in conduits)
    }
    backups = site.backups
    if backups is not None:
        # The drill says nothing of devices that it does not touch; every PLC project concerns it.
        mine = {name: backup for name, backup in backups.isolation_points.items() if name in points}
        backups = backups.model_copy(update={"isolation_points": mine})
    found = Declared(
        asked_for=site.asked_for,
        backups=backups,
        keep_closed=tuple(closing for conduit in conduits for closing in closings(site, conduit)),
    )
    nothing = backups is None and not found.keep_closed and not any(answer for _, answer in found.asked_for.each())
    return None if nothing else found


def closings(site: Site, conduit: str) -> tuple[Closing, ...]:
    """Give what keeps a conduit closed: its own, or what each device has that it passes through; empty where one of these has nothing."""
    own = site.conduits[conduit].keep_closed
    if own is not None:
        return (Closing(conduit=conduit, point=None, how=own),)
    passed = {name: point.keep_closed for name, point in site.isolation_points.items() if conduit in point.isolates}
    found = tuple(Closing(conduit=conduit, point=name, how=how) for name, how in passed.items() if how is not None)
    return found if len(found) == len(passed) else ()
