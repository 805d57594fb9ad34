"""The operators' own files as plain documents that a test may spoil, and the values made from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from islandmode.core.capabilities import Capabilities
from islandmode.core.drill import Drill
from islandmode.core.egress import Way, ways_of
from islandmode.core.plan import Plan
from islandmode.core.planning.plan_drill import make_plan
from islandmode.core.probe import Probe, ProbePack
from islandmode.core.rendering import Rendering, StageLines
from islandmode.core.site import Site

PROJECT = Path(__file__).resolve().parents[2]
ABLE = Capabilities(
    arms="before",
    undo_tier="A",
    renewable=True,
    dead_man_min_s=5.0,
    dead_man_max_s=86400.0,
    granularity_s=1.0,
    latest_s=4.5,
    witness="egress",
)


@dataclass
class Documents:
    """A drill, its site and its probes as they stand in YAML, free to be changed."""

    drill: dict[str, Any]
    site: dict[str, Any]
    probes: dict[str, Any]


@dataclass(frozen=True)
class Values:
    """The same as values."""

    drill: Drill
    site: Site
    probes: Mapping[str, Probe]

    def renderings(self, **able: Any) -> dict[str, Rendering]:
        """Stand in for `isolation`: lines that name what they are, for each isolation point that is used."""
        isolated = {conduit for stage in self.drill.stages for conduit in stage.isolate}
        return {
            name: _rendering(self.drill, name, tuple(point.isolates), ABLE.model_copy(update=able), self._ways(name))
            for name, point in self.site.isolation_points.items()
            if isolated & set(point.isolates)
        }

    def _ways(self, point: str) -> dict[str, tuple[Way, ...]]:
        planned = self.site.isolation_points[point]
        known = (conduit for conduit in planned.isolates if conduit in self.site.conduits)
        return {conduit: ways_of(self.site, conduit, planned.interfaces) for conduit in known}

    def plan(self, **able: Any) -> Plan:
        """Make the plan."""
        return make_plan(self.drill, self.site, self.probes, self.renderings(**able))


def _rendering(
    drill: Drill, point: str, isolates: tuple[str, ...], able: Capabilities, ways: dict[str, tuple[Way, ...]]
) -> Rendering:
    stages = []
    for stage in drill.stages:
        mine = tuple(conduit for conduit in stage.isolate if conduit in isolates)
        stages.append(StageLines(stage=stage.name, conduits=mine, isolate=tuple(f"isolate {name}" for name in mine)))
    conduits = tuple(conduit for stage in stages for conduit in stage.conduits)
    return Rendering(
        point=point,
        platform="nftables",
        conduits=conduits,
        arm=tuple(f"arm {name}" for name in conduits),
        stages=tuple(stages),
        renew=tuple(f"renew {name}" for name in conduits),
        restore=tuple(f"restore {name}" for name in conduits),
        capabilities=able,
        ways=ways,
    )


def documents() -> Documents:
    """Give the operators' files, a copy to spoil."""
    return deepcopy(_read())


@cache
def _read() -> Documents:
    yaml = YAML(typ="safe", pure=True)

    def load(path: Path) -> Any:
        # As the product reads it: a day stays text.
        return json.loads(json.dumps(yaml.load(path.read_text(encoding="utf-8")), default=str))

    packs = [load(path) for path in sorted((PROJECT / "probes").glob("*.yaml"))]
    return Documents(
        drill=load(PROJECT / "drills" / "quarterly-isolation.yaml"),
        site=load(PROJECT / "inventory" / "riverside.yaml"),
        probes={name: probe for pack in packs for name, probe in pack["probes"].items()},
    )


def values(changed: Documents) -> Values:
    """Make values from documents."""
    pack = ProbePack.model_validate({"probes": changed.probes})
    return Values(Drill.model_validate(changed.drill), Site.model_validate(changed.site), pack.probes)


def given(spoil: Callable[[Documents], object] = lambda _: None) -> Values:
    """Give the operators' files as values, after a test's own change to them."""
    changed = documents()
    spoil(changed)
    return values(changed)


def put(document: Any, *path_then_value: Any) -> object:
    """Set one place in a document: keys and indexes, then the value; returns the value, so that it fits a lambda."""
    *way, last, value = path_then_value
    for step in way:
        document = document[step]
    document[last] = value
    return value
