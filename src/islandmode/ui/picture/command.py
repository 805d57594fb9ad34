"""`islandmode lab graph`: draws the lab of a workspace, for documentation and for the wall."""

from __future__ import annotations

import sys
from pathlib import Path

from islandmode.core.errors import InputError
from islandmode.core.site import Site
from islandmode.rehearse.lab_place import NAME, lab_meant
from islandmode.rehearse.node_words import POINT_LABEL
from islandmode.rehearse.topology import Topology, read_topology
from islandmode.store.catalog import INVENTORY, load_sites
from islandmode.ui.picture.scene import scene_of
from islandmode.ui.picture.svg import MARK, lab_picture

HEAD_BYTES = 100


def draw_lab(workspace: Path, file: Path | None, site: str | None, topology: Path | None) -> int:
    """Draw a workspace's lab into a file, or on standard output where none is named."""
    # Only where the file is given does it not matter which lab would come up from it.
    place = lab_meant(workspace, NAME if topology is not None else None, topology, site)
    drawn = read_topology(place.file(workspace))
    picture = lab_picture(scene_of(drawn, site_of(drawn, load_sites(workspace), site, place.site)))
    if file is None:
        sys.stdout.write(picture)
        return 0
    try:
        if file.exists() and MARK.encode() not in file.read_bytes()[:HEAD_BYTES]:
            raise InputError(f"{file} is there already and is no picture of a lab; name another file.")
        file.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file} cannot be written ({error.strerror}); name a file that you may write.") from None
    print(f"The picture of the lab is {file}.", file=sys.stderr)
    return 0


def site_of(topology: Topology, sites: dict[str, Site], named: str | None, naming: str | None = None) -> Site | None:
    """Find the site that a lab stands for: the one named, or the one that knows its isolation points; `naming` names the lab.

    A lab without isolation points, or a workspace without sites, is drawn without levels and conduits.
    """
    known = ", ".join(sites) or "none"
    if named is not None:
        if named not in sites:
            raise InputError(f'There is no site "{named}" in {INVENTORY}/; known sites: {known}.')
        return sites[named]
    points = list(
        dict.fromkeys(node.labels[POINT_LABEL] for node in topology.nodes.values() if POINT_LABEL in node.labels)
    )
    fitting = [name for name, site in sites.items() if any(point in site.isolation_points for point in points)]
    if len(fitting) == 1 or naming in fitting:
        return sites[fitting[0] if naming is None or naming not in fitting else naming]
    if not points or not sites:
        return None
    if fitting:
        raise InputError(f"Sites {', '.join(fitting)} all have {', '.join(points)}; say which with --site.")
    raise InputError(
        f"No site in {INVENTORY}/ has the lab's isolation point {', '.join(points)}; known sites: {known}. "
        f"Give the label {POINT_LABEL} a name from a site, or say which site with --site."
    )
