"""What a person enters on a device once, under change control, before a drill can isolate on it. Nothing is contacted or sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from islandmode.core.recipe.described import tried
from islandmode.core.recipe.place import PointAt, at_point
from islandmode.core.recipe.preflight import asks_of_needs
from islandmode.core.recipe.steps import planned, step_lines
from islandmode.core.recipe.told import benched_told
from islandmode.isolation import networks_of
from islandmode.operate.recipes import recipes_for
from islandmode.operate.site_devices import Device, bench_of, refuse_wrong


@dataclass(frozen=True)
class Provision:
    """The lines for a device, and what the person must do and look at beside them; all empty where nothing is entered."""

    device: Device
    status: str
    """How far the recipe was tried; empty for a platform that is code."""
    benched: str = ""
    """By whom and when this device was benched with it, where the record counts."""
    lines: tuple[str, ...] = ()
    note: str = ""
    needs: tuple[str, ...] = ()
    """What a drill is refused for if it is so: each goes on after the device's name."""
    asks: tuple[str, ...] = ()
    """The commands that tell whether it is so."""
    closed: tuple[str, ...] = ()
    """Denies without an end, for the day when a drill turns real; Islandmode neither sends them nor takes them back."""


def provision_of(workspace: Path, device: Device) -> Provision:
    """Write the lines for every conduit that a site isolates on a device; raises `InputError` for what is wrong with the site."""
    refuse_wrong(workspace, device)
    recipes, _ = recipes_for(workspace, (device.point,))
    loaded = recipes.good.get(device.point.platform)
    if loaded is None:
        return Provision(device, "")
    recipe, at = loaded.recipe, _at(device)
    lines, closed = (
        tuple(line.send for line in step_lines(recipe, step, at, planned(0))) for step in ("provision", "keep_closed")
    )
    needs = tuple(dict.fromkeys(need.say for need in recipe.needs))
    asks = asks_of_needs(recipe, at)
    said = benched_told(bench_of(workspace, device, loaded.used).standing)
    return Provision(device, tried(recipe.recipe), said, lines, recipe.provision_note or "", needs, asks, closed)


def _at(device: Device) -> PointAt:
    between = {conduit: device.site.conduits[conduit].between for conduit in device.point.isolates}
    return at_point(device.name, device.point, between, networks_of(device.site))
