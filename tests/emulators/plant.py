"""A small plant round the emulated devices: the one of tests/core/recipe_plant.py, with what its recipes want to be entered once."""

from __future__ import annotations

from datetime import datetime

from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.steps import planned, step_lines
from tests.core.recipe_plant import ACLS, OFFICE, VENDOR, point, recipe, sent
from tests.emulators.clock import DeviceClock
from tests.emulators.device import Account
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.emulators.network import Zone

NOW = datetime.fromisoformat("2026-11-26T10:15:20.123")
ZONES = {
    "office": Zone(OFFICE.outer_interfaces, OFFICE.outer_networks),
    "vendor": Zone(VENDOR.outer_interfaces, VENDOR.outer_networks),
    "line": Zone(OFFICE.inner_interfaces, OFFICE.inner_networks),
}
USER, PASSWORD = "drill", "between-drills"
ACCOUNTS = {USER: Account(PASSWORD), "reader": Account("only-looks", may_configure=False)}
BOTH = point(OFFICE, VENDOR, options=ACLS)
LETS_ALL = (
    "config firewall policy",
    *("edit 1", "set name plant", "set srcintf any", "set dstintf any", "set srcaddr all", "set dstaddr all"),
    *(
        "set srcaddr6 all",
        "set dstaddr6 all",
        "set action accept",
        "set schedule always",
        "set service ALL",
        "next",
        "end",
    ),
)


def provisioned(name: str, at: PointAt = BOTH) -> list[str]:
    """Write what a person enters once."""
    return sent(step_lines(recipe(name), "provision", at, planned(0)))


def firewall(*, pages: bool = False, at: PointAt = BOTH) -> FortiDevice:
    """Make a firewall that lets everything pass, with the denies of the recipe before that, at rest."""
    device = FortiDevice("edge", DeviceClock(NOW), ZONES, ACCOUNTS, pages=pages)
    device.enter(LETS_ALL)
    device.enter(provisioned("fortios-schedule", at))
    denies = [key for key in device.tables["firewall policy"].entries if key != "1"]
    device.enter(["config firewall policy", *(f"move {key} before 1" for key in denies), "end"])
    return device


def router(
    name: str = "ios-time-range", *, at: PointAt = BOTH, archive: bool = True, enable_secret: str | None = None
) -> IosDevice:
    """Make a router that lets everything pass, with what a recipe wants at rest, saved."""
    device = IosDevice("edge", DeviceClock(NOW), ZONES, ACCOUNTS, archive=archive, enable_secret=enable_secret)
    device.bind(
        "port5",
        {
            (4, "in"): ACLS["acl_in"],
            (4, "out"): ACLS["acl_out"],
            (6, "in"): ACLS["acl6_in"],
            (6, "out"): ACLS["acl6_out"],
        },
    )
    session = device.new_session(0, "console")
    for line in provisioned(name, at):
        said = session.answer(line)
        if "%" in said:
            raise AssertionError(f"{line}: {said}")
    device.save()
    return device
