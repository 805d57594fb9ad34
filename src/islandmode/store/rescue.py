"""What a restore by a drill's name needs of the operators' files; everything else in them may be wrong.

Each point of the site is read by itself, so that what is wrong with one point keeps no other isolated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from islandmode.core.drill import Drill
from islandmode.core.errors import InputError, Place
from islandmode.core.rescue import RescueDrill, RescueSite, RescueZones
from islandmode.core.site import Between, Networks, Site, SitePoint
from islandmode.store import catalog
from islandmode.store.yaml_tree import YamlTree

NEEDED_BY_NO_RESTORE = ("keep_closed",)
"""Keys of a point that only a live drill needs; what is wrong there keeps nothing isolated."""


@dataclass(frozen=True)
class Needed:
    """A drill's site, its conduits, the points that isolate them, and everything else that is wrong.

    `lost` says why a point that may isolate one of the conduits cannot be restored.
    """

    site: str
    conduits: tuple[str, ...]
    points: Mapping[str, tuple[SitePoint, Between]]
    lost: Mapping[str, InputError]
    left_out: tuple[InputError, ...]
    tree: YamlTree
    """The site's file."""

    def place_of(self, point: str) -> Place:
        """Say where a point stands in the site's file."""
        return self.tree.place(("isolation_points", point))

    def networks_of(self, between: Between) -> Networks:
        """Read the networks of the zones of some conduits; raises `InputError` where they cannot be read."""
        named = {zone for ends in between.values() for zone in ends}
        zones = self.tree.document.get("zones")
        mine = {zone: zones[zone] for zone in zones if zone in named} if isinstance(zones, dict) else {}
        read = catalog.validate(RescueZones, replace(self.tree, document={"zones": mine}))
        return {zone: told.networks for zone, told in read.zones.items()}


def read_needed(workspace: Path, drill: str) -> Needed:
    """Read what a restore needs; raises `InputError` where the drill or its site cannot be read at all."""
    drill_tree = catalog.read_drill(workspace, drill)
    wanted = catalog.validate(RescueDrill, drill_tree)
    trees, unread = catalog.sites_named(workspace, wanted.site)
    if not trees:
        raise (
            unread[0]
            if unread
            else InputError(f'There is no site "{wanted.site}" in {catalog.INVENTORY}/.', drill_tree.place(("site",)))
        )
    needed = _needed(wanted.site, trees, wanted.conduits)
    return replace(needed, left_out=(*unread, *_wrong(drill_tree, trees[0]), *needed.left_out))


def read_whole(workspace: Path, site: str) -> Needed:
    """Read every point of a site, with all that it isolates; raises `InputError` where the site cannot be read at all."""
    trees, unread = catalog.sites_named(workspace, site)
    if not trees:
        raise unread[0] if unread else InputError(f'There is no site "{site}" in {catalog.INVENTORY}/.')
    return _needed(site, trees, None)


def sites_with_points(workspace: Path) -> tuple[tuple[str, ...], tuple[InputError, ...]]:
    """Name every site of a workspace that has isolation points; also returns what cannot be read, which may be another such site."""
    return catalog.sites_with(workspace, "isolation_points")


def _needed(site: str, trees: Sequence[YamlTree], wanted: tuple[str, ...] | None) -> Needed:
    points: dict[str, tuple[SitePoint, Between]] = {}
    lost: dict[str, InputError] = {}
    for name in _names(trees[0].document):
        try:
            found = _point(trees[0], name, _isolates(trees[0], name) if wanted is None else wanted)
        except InputError as error:
            lost[name] = error
            continue
        if found is not None:
            points[name] = found
    left_out = [
        InputError(f"It defines site {site} too; {trees[0].file} is used.", other.place(("site",)))
        for other in trees[1:]
    ]
    conduits = wanted or tuple(dict.fromkeys(conduit for _, between in points.values() for conduit in between))
    return Needed(site, conduits, points, lost, tuple(left_out), trees[0])


def _isolates(tree: YamlTree, name: str) -> tuple[str, ...]:
    """Name what a point isolates, as far as that can be read before the point is checked."""
    written = tree.document["isolation_points"][name]
    isolates = written.get("isolates") if isinstance(written, dict) else None
    named = [isolates] if isinstance(isolates, str) else isolates
    return tuple(item for item in named if isinstance(item, str)) if isinstance(named, list) else ()


def _names(site: Mapping[str, Any]) -> tuple[str, ...]:
    points = site.get("isolation_points")
    return tuple(points) if isinstance(points, dict) else ()


def _point(tree: YamlTree, name: str, wanted: tuple[str, ...]) -> tuple[SitePoint, Between] | None:
    """Read one point with its conduits; None when it isolates nothing that is wanted."""
    written = tree.document["isolation_points"][name]
    isolates = written.get("isolates") if isinstance(written, dict) else None
    if isinstance(isolates, str | list) and not set(wanted) & set(_isolates(tree, name)):
        return None
    conduits = tree.document.get("conduits")
    if isinstance(written, dict):
        written = {key: value for key, value in written.items() if key not in NEEDED_BY_NO_RESTORE}
    mine = {name: conduits[name] for name in wanted if name in conduits} if isinstance(conduits, dict) else {}
    part = {"isolation_points": {name: written}, "conduits": mine}
    site = catalog.validate(RescueSite, replace(tree, document=part))
    point = site.isolation_points[name]
    missing = [name for name in wanted if name in point.isolates and name not in site.conduits]
    if missing:
        raise InputError(f"There is no conduit {missing[0]} in this site.", tree.place(("conduits",)))
    return point, {name: site.conduits[name].between for name in wanted if name in point.isolates}


def _wrong(drill_tree: YamlTree, site_tree: YamlTree) -> list[InputError]:
    """Say what else is wrong in the two files; none of it is needed."""
    found = []
    for model, tree in ((Drill, drill_tree), (Site, site_tree)):
        try:
            catalog.validate(model, tree)
        except InputError as error:
            found.append(error)
    return found
