"""What a clock recipe does on every emulated firewall: rest, armed, isolating, rest, with the exact configuration back."""

from __future__ import annotations

from datetime import timedelta

from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.steps import RunValues, step_lines
from tests.core.recipe_plant import RUN, sent
from tests.emulators.device import Device
from tests.emulators.driving import Speaks, carry_out, shown_of, time_of
from tests.emulators.network import Family
from tests.emulators.plant import BOTH

WAYS: tuple[tuple[str, str, Family], ...] = (
    ("office", "line", 4),
    ("line", "office", 4),
    ("office", "line", 6),
    ("line", "office", 6),
)
"""Every way across the conduit of the office, in both families."""


def passing(device: Device) -> list[bool]:
    """Tell of each way whether it is open."""
    return [device.passes(*way) for way in WAYS]


def clock_run(console: Speaks, recipe: Recipe) -> RunValues:
    """Give the values of a run of five minutes that begins now, by the device's clock."""
    ends = (time_of(console, recipe) + timedelta(minutes=6)).replace(second=0)
    return RunValues(RUN, 300.0, ends)


def isolated(device: Device, console: Speaks, recipe: Recipe) -> RunValues:
    """Arm both conduits and isolate the office's; its ways are closed, and the vendor's are open."""
    run = clock_run(console, recipe)
    assert shown_of(console, recipe, BOTH, "office-line").at_rest
    device.expect_arm(sent(step_lines(recipe, "arm", BOTH, run)))

    carry_out(console, recipe, "arm", BOTH, run)
    armed = shown_of(console, recipe, BOTH, "office-line")
    assert armed.window is not None
    assert (armed.isolating, armed.window.says, armed.window.ends) == (False, "armed", run.ends)
    assert passing(device) == [True] * 4

    carry_out(console, recipe, "isolate", BOTH, run, ["office-line"])
    assert shown_of(console, recipe, BOTH, "office-line").isolating
    assert passing(device) == [False] * 4
    assert not shown_of(console, recipe, BOTH, "vendor-line").isolating
    assert device.passes("vendor", "line")
    return run


def restored(device: Device, console: Speaks, recipe: Recipe, run: RunValues, before: str) -> None:
    """Restore: every way is open, the configuration is as it was before, and nothing was written before its time."""
    carry_out(console, recipe, "restore", BOTH, run)
    assert shown_of(console, recipe, BOTH, "office-line").at_rest
    assert passing(device) == [True] * 4
    assert device.configuration() == before
    assert device.too_early == []
