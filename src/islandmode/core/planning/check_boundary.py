"""The boundary: what a drill accepts as left open must cross it, or the acceptance says nothing."""

from __future__ import annotations

from collections.abc import Iterator

from islandmode.core.boundary import isolated_zones
from islandmode.core.drill import Drill
from islandmode.core.problem import Problem
from islandmode.core.site import Site
from islandmode.core.text import in_words


def boundary_problems(drill: Drill, site: Site) -> Iterator[Problem]:
    """Find conduits that are accepted as left open and do not cross the drill's boundary; all names must be known."""
    zones = isolated_zones(drill, site)
    for index, left in enumerate(drill.left_open):
        ends = site.conduits[left.conduit].between
        across = sum(end in zones for end in ends)
        if across != 1:
            sentence = (
                f"Conduit {left.conduit} is left open, but does not cross the boundary of what this drill isolates "
                f"({in_words(sorted(zones))}): both of its zones, {in_words(ends)}, lie {'within' if across else 'outside'} it. It "
                "stays open without being accepted, so take it out of left_open."
            )
            yield Problem("drill", ("left_open", index, "conduit"), sentence)
