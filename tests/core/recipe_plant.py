"""A point of a small plant, the recipes that ship, and what devices answer; the words are those of public documents and reports."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from ipaddress import ip_address, ip_network

from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import ConduitAt, PointAt
from islandmode.core.recipe.steps import Ready, RunValues
from islandmode.store.recipes import shipped_recipes

RUN = "20261126-101500-weekly"
NOW = datetime.fromisoformat("2026-11-26T10:15:20")
ENDS = datetime.fromisoformat("2026-11-26T10:21")
RUNNING = RunValues(RUN, 300.0, ENDS)
ACLS = {"acl_in": "OT-IN", "acl_out": "OT-OUT", "acl6_in": "OT6-IN", "acl6_out": "OT6-OUT"}
OFFICE = ConduitAt(
    "office-line",
    "office",
    "line",
    ("port1", "port2"),
    ("port5",),
    (ip_network("10.10.0.0/16"), ip_network("fd10:10::/48")),
    (ip_network("10.20.0.0/24"), ip_network("fd10:20::/64")),
)
VENDOR = ConduitAt(
    "vendor-line",
    "vendor",
    "line",
    ("port3",),
    ("port5",),
    (ip_network("192.0.2.7/32"),),
    (ip_network("10.20.0.0/24"), ip_network("fd10:20::/64")),
)


@cache
def recipe(name: str) -> Recipe:
    return shipped_recipes()[name].recipe


def point(*conduits: ConduitAt, options: Mapping[str, str] | None = None) -> PointAt:
    return PointAt("edge", ip_address("10.20.0.1"), options or {}, conduits or (OFFICE,))


def sent(lines: tuple[Ready, ...]) -> list[str]:
    return [line.send for line in lines]
