"""What a restore or a look needs of a site's files when no record says it. It imports nothing of planning: a restore waits for none."""

from __future__ import annotations

from pathlib import Path

from islandmode import isolation
from islandmode.core.errors import InputError
from islandmode.core.plan import PlanPoint
from islandmode.core.rescue import Rescue
from islandmode.store.rescue import Needed, read_needed, read_whole


def rescue_of(workspace: Path, drill: str) -> tuple[Rescue, tuple[InputError, ...], tuple[InputError, ...]]:
    """Make what a restore by a drill's name needs; returns too why points are lost, and what else is wrong in the files."""
    return _rescue(read_needed(workspace, drill))


def rescue_of_site(workspace: Path, site: str) -> tuple[Rescue, tuple[InputError, ...], tuple[InputError, ...]]:
    """Make what a look at every point of a site needs; returns what `rescue_of` does."""
    return _rescue(read_whole(workspace, site))


def _rescue(needed: Needed) -> tuple[Rescue, tuple[InputError, ...], tuple[InputError, ...]]:
    points: dict[str, PlanPoint] = {}
    lost = [InputError(f"{name} cannot be restored by this drill: {error}") for name, error in needed.lost.items()]
    for name, (point, between) in needed.points.items():
        try:
            rendering = isolation.render_rescue(name, point, between)
        except InputError as error:
            lost.append(InputError(error.message, needed.place_of(name)))
            continue
        points[name] = PlanPoint(
            platform=point.platform,
            management=point.management,
            login=point.login,
            interfaces=point.interfaces,
            options=point.options,
            conduits=tuple(between),
            between=dict(between),
            rendering=rendering,
            capabilities=rendering.capabilities,
        )
    reached = {conduit for planned in points.values() for conduit in planned.conduits}
    unreached = [conduit for conduit in needed.conduits if conduit not in reached]
    if not points:
        raise (
            lost[0]
            if lost
            else InputError(
                f"No isolation point of site {needed.site} isolates {', '.join(needed.conduits)}; name the points in its file."
            )
        )
    if unreached:
        lost.append(InputError(f"No isolation point that can be read isolates {', '.join(unreached)}."))
    return Rescue(site=needed.site, points=points, conduits=needed.conduits), tuple(lost), needed.left_out
