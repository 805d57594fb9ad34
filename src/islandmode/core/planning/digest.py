"""Digests: the drill digest over what is meant, the plan digest over exactly what will be done.

The drill digest is equal in lab and plant, so that a rehearsal in one counts for the other; it knows no device and no
address. Approvals bind to the plan digest, which changes with every line that would be sent.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from islandmode.core.drill import Drill
from islandmode.core.plan import Plan
from islandmode.core.planning.paths import path_of
from islandmode.core.probe import Probe
from islandmode.core.quantities import to_us
from islandmode.core.returning import returns_of
from islandmode.core.site import Site

JsonValue = None | bool | int | str | list["JsonValue"] | dict[str, "JsonValue"]


def canonical(value: object) -> bytes:
    """Write a value as JSON in the only form it has: keys sorted, no spaces, decimal numbers in whole millionths."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def sha256_of(value: object) -> str:
    """Digest a value's canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _plain(value: object) -> JsonValue:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json", by_alias=True))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        # 300 ms and 0.3 s differ in their last bit as floats, and mean the same; whole millionths do not differ.
        scaled = value * 1_000_000
        return {"millionths": round(scaled) if math.isfinite(scaled) else repr(value)}
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical form")


def drill_digest(drill: Drill, site: Site, probes: Mapping[str, Probe]) -> str:
    """Digest the intent."""
    return hashlib.sha256(drill_intent(drill, site, probes)).hexdigest()


def drill_intent(drill: Drill, site: Site, probes: Mapping[str, Probe]) -> bytes:
    """Give the intent in its canonical form: stages, limits, probes by name and meaning, zone and conduit names; no address, no device."""
    stages = [{"name": stage.name, "isolate": sorted(stage.isolate), "hold": stage.hold} for stage in drill.stages]
    intent: dict[str, Any] = {
        "format": 1,
        "drill": drill.drill,
        "service": drill.service,
        "stages": stages,
        "limits": drill.limits,
        "continuity": sorted(drill.continuity),
        "severed": sorted(drill.severed),
        "abort_when": sorted([rule.probe, to_us(rule.bad_for)] for rule in drill.abort_when),
        "left_open": sorted([left.conduit, left.accepted_by] for left in drill.left_open),
        "sample_every": drill.sample_every,
        "settle": drill.settle,
        "probes": {name: _meaning(site, probes[name]) for name in drill.asked},
        "zones": sorted(site.zones),
        "conduits": {name: list(conduit.between) for name, conduit in site.conduits.items()},
    }
    ways = {name: [way.round, *site.ends_of(name)] for name, way in site.other_ways.items()}
    if ways:
        intent["other_ways"] = ways
    if drill.approvals is not None:
        intent["approvals"] = sorted(drill.approvals.also_signed_by)
    if drill.restore_order:
        intent["restore_order"] = [
            {"restore": sorted(step.conduits), "word_within": step.word_within_s} for step in returns_of(drill)
        ]
    if drill.is_idle:
        intent["plant_state"] = drill.plant_state
    if drill.backlogs:
        intent["backlogs"] = sorted(
            [backlog.probe, backlog.tells, backlog.at_most, to_us(backlog.within)] for backlog in drill.backlogs
        )
    if drill.interlocks:
        intent["interlocks"] = sorted(
            [lock.probe, lock.tells, str(lock.running), str(lock.idle), to_us(lock.bad_for)]
            for lock in drill.interlocks
        )
    return canonical(intent)


def _meaning(site: Site, probe: Probe) -> dict[str, Any]:
    path = path_of(site, probe)
    asked = probe.model_dump(mode="json", by_alias=True, exclude={"target", "stands_for", "purpose"})
    way = {"from": path.source_zone, "to": path.target_zone, "crosses": path.conduit}
    return asked | {"path": way | {"direction": path.direction, "family": path.family}}


def plan_digest(plan: Plan) -> str:
    """Digest everything in a plan but the digest itself: devices, addresses, and every line that would be sent.

    Secrets stand in a plan only as references, so a digest never covers one.
    """
    return sha256_of(plan.model_dump(mode="json", by_alias=True, exclude={"plan_digest"}))
