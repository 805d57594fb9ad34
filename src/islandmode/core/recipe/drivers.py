"""What may stand under `driver` in a recipe, and why all else is refused. Pure.

NAPALM's base class takes `revert_in` for every driver, so that its signature tells nothing: which driver's device really takes a commit
back is known from the drivers' sources, each read in the version that is named here.
"""

from __future__ import annotations

from collections.abc import Mapping

from islandmode.core.problem import listed

NETMIKO, NAPALM = "netmiko", "napalm"
SHELL = "ssh:shell"
"""Each line is a command of its own to the login user's shell, over SSH: for what runs Linux, where a prompt tells nothing."""
NAPALM_DRIVEN = ("nftables",)
"""The NAPALM drivers through which a candidate can be committed here; `isolation/by_recipe/napalm_session.py` opens each."""
NAPALM_REFUSED: Mapping[str, str] = {
    "eos": "closing its session takes a waiting commit back, a plain commit writes the startup configuration, and nothing here checks "
    "the host key or certificate of its device",
    "ios": "its commits copy files to the device's flash and its plain commit writes the startup configuration; use netmiko with "
    "`configure terminal revert timer`, as the recipe ios-revert does",
    "iosxr": "it refuses revert_in, so that no timer would take the isolation back",
    "iosxr_netconf": "it refuses revert_in, so that no timer would take the isolation back",
    "junos": "nothing here checks its device's host key, and it has not been run against a device",
    "nxos": "it refuses revert_in, so that no timer would take the isolation back",
    "nxos_ssh": "it refuses revert_in, so that no timer would take the isolation back",
    "mock": "it replays recorded answers, and its revert_in ends nothing",
    "vyos": "it knows no revert_in and saves with every commit",
}
"""What NAPALM 5.2 and its community drivers do that keeps them from being used."""


def by_candidate(driver: str) -> bool:
    """Tell whether the lines of a recipe are a candidate configuration, which is committed as a whole, and not lines of a console."""
    return driver.partition(":")[0] == NAPALM


def driver_trouble(driver: str) -> str:
    """Say why nothing here can speak through a driver; empty where something can."""
    maker, _, kind = driver.partition(":")
    if maker == NETMIKO or driver == SHELL:
        return ""
    if maker != NAPALM:
        return f"Nothing here speaks {maker} to a device yet; write netmiko:KIND, {SHELL}, or {_driven()}."
    if kind in NAPALM_DRIVEN:
        return ""
    why = NAPALM_REFUSED.get(kind, "whether its device takes a commit back by revert_in is not known here")
    return f"NAPALM's driver {kind} cannot be used: {why}. Driven through NAPALM: {_driven()}."


def _driven() -> str:
    return listed(f"{NAPALM}:{kind}" for kind in NAPALM_DRIVEN)
