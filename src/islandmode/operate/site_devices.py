"""The devices that a workspace's sites name as isolation points: found by name, and listed. Nothing is contacted."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from islandmode import isolation
from islandmode.core.capabilities import Capabilities
from islandmode.core.described import Described
from islandmode.core.errors import InputError
from islandmode.core.frozen import Address
from islandmode.core.planning.plan_drill import check_site
from islandmode.core.problem import listed
from islandmode.core.recipe.loaded import Recipes
from islandmode.core.rendering import RecipeUsed
from islandmode.core.site import Management, Site, SitePoint
from islandmode.isolation.table import platform_of_site
from islandmode.operate.benched import NO_BENCH, Benched, benched
from islandmode.operate.recipes import recipes_for
from islandmode.store import catalog
from islandmode.store.known_hosts import KNOWN_HOSTS
from islandmode.store.yaml_tree import YamlTree, show
from napalm_nftables.host_keys import SSH_PORT, HostKey, KnownHosts, known_as, load

LAB_SECRET = "lab:"  # noqa: S105 - how a reference begins


@dataclass(frozen=True)
class Device:
    """An isolation point of a site, and the site's file."""

    name: str
    site: Site
    tree: YamlTree

    @property
    def point(self) -> SitePoint:
        """What the site says of it."""
        return self.site.isolation_points[self.name]

    @property
    def lab_secret(self) -> str:
        """Name the field of its login that names a secret of a rehearsal lab; empty for a device of a plant."""
        login = self.point.login
        fields = () if login is None else (("password", login.password), ("key", login.key))
        return next((field for field, reference in fields if (reference or "").startswith(LAB_SECRET)), "")

    @property
    def management(self) -> Management:
        """The path by which it is managed; raises `InputError` for a device that nothing logs in to."""
        management = self.point.management
        if management is None:
            where = self.point.by_hand.where if self.point.by_hand is not None else "by its site"
            raise InputError(f"{self.name} is isolated by hand, and nothing logs in to it: {where}.")
        return management

    @property
    def address(self) -> Address:
        """Where it is logged in to."""
        return self.management.address

    @property
    def port(self) -> int:
        """On which port."""
        return self.management.port

    @property
    def known_as(self) -> str:
        """Name it as a known-hosts file does."""
        return known_as(str(self.address), self.port)

    @property
    def where(self) -> str:
        """Name it for a sentence."""
        port = f" port {self.management.port}" if self.management.port != SSH_PORT else ""
        return f"{self.name} at {self.management.address}{port}"


@dataclass(frozen=True)
class ListedDevice:
    """A device as a list has it. What its platform can do is None where nothing here knows the platform."""

    device: Device
    described: Described | None
    able: Capabilities | None
    keys: tuple[HostKey, ...]
    """Its known host keys."""
    benched: Benched = NO_BENCH
    """What its records of benches are worth now, as far as that is known without asking the device."""

    @property
    def timer_most_s(self) -> float | None:
        """Tell the longest timer that device and site allow; None where there is no timer, or none is known."""
        if self.able is None or self.able.timer == "none":
            return None
        return min(self.able.dead_man_max_s, self.device.point.dead_man_max or self.able.dead_man_max_s)


def list_devices(workspace: Path, site: str | None) -> tuple[tuple[ListedDevice, ...], tuple[InputError, ...]]:
    """List the devices of a site, or of every site, and say what is wrong with sites and recipes that cannot be read."""
    sites, wrong = sites_of(workspace, site)
    known = known_hosts(workspace)
    devices = [Device(name, each, tree) for tree, each in sites.values() for name in each.isolation_points]
    recipes, bad = recipes_for(workspace, (device.point for device in devices))
    return tuple(_listed(workspace, device, known, recipes) for device in devices), (*wrong, *bad)


def find_device(workspace: Path, name: str, site: str | None) -> Device:
    """Find a device by its name; raises `InputError` for an unknown name, and for a name in two sites."""
    sites, wrong = sites_of(workspace, site)
    found = [Device(name, each, tree) for tree, each in sites.values() if name in each.isolation_points]
    if len(found) == 1:
        return found[0]
    if found:
        several = listed(device.site.site for device in found)
        raise InputError(f"Sites {several} each have an isolation point {show(name)}; say which is meant with --site.")
    if wrong:
        raise catalog.all_of(wrong)
    names = sorted({known for _, each in sites.values() for known in each.isolation_points})
    raise InputError(f"There is no isolation point {show(name)}; known: {listed(names)}.{_near(name, names)}")


def refuse_of_lab(device: Device) -> None:
    """Raise `InputError` for a device that a rehearsal lab stands for: each `lab up` makes its host key and its password anew."""
    if device.lab_secret:
        sentence = (
            f"{device.name} is a device of a rehearsal lab, which knows its host key and looks at the device before each drill; for the device of "
            "the plant, give its login a secret of its own."
        )
        raise InputError(sentence, device.tree.place(("isolation_points", device.name, "login", device.lab_secret)))


def refuse_wrong(workspace: Path, device: Device) -> None:
    """Raise `InputError` with all that is wrong with a device's site and its recipes, each with its place."""
    recipes, wrong = recipes_for(workspace, device.site.isolation_points.values())
    problems = (*check_site(device.site), *isolation.problems(device.site, recipes))
    found = [*wrong, *(InputError(problem.sentence, device.tree.place(problem.path)) for problem in problems)]
    if found:
        raise catalog.all_of(found)


def known_hosts(workspace: Path) -> KnownHosts:
    """Read the known host keys of a workspace; raises `InputError` where they cannot be read."""
    try:
        return load(workspace / KNOWN_HOSTS)
    except OSError as error:
        raise InputError(f"{workspace / KNOWN_HOSTS} cannot be read ({error.strerror}).") from None


def bench_of(workspace: Path, device: Device, method: RecipeUsed | None) -> Benched:
    """Judge the records of a device's benches by the host keys that are known of it; the device is not asked."""
    management = device.point.management
    keys = () if management is None else known_hosts(workspace).of(str(management.address), management.port)
    return benched(workspace, device.site.site, device.name, method, [key.fingerprint for key in keys])


def sites_of(workspace: Path, site: str | None) -> tuple[dict[str, tuple[YamlTree, Site]], tuple[InputError, ...]]:
    """Read one site, or every site of a workspace, and say what is wrong with those that cannot be read."""
    sites, wrong = catalog.read_sites(workspace)
    if site is None:
        if not sites and not wrong:
            raise InputError(f"There is no site in {workspace / catalog.INVENTORY}, so there is no device.")
        return sites, wrong
    if site in sites:
        return {site: sites[site]}, ()
    if wrong:
        raise catalog.all_of(wrong)
    raise InputError(f"There is no site {show(site)}; known sites: {listed(sites)}.{_near(site, sites)}")


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f' Did you mean "{near[0]}"?' if near else ""


def _listed(workspace: Path, device: Device, known: KnownHosts, recipes: Recipes) -> ListedDevice:
    platform, management = platform_of_site(device.point.platform, recipes), device.point.management
    keys = () if management is None else known.of(str(management.address), management.port)
    if platform is None:
        return ListedDevice(device, None, None, keys)
    platform = platform.at(device.point.level) or platform
    found = benched(workspace, device.site.site, device.name, platform.method, [key.fingerprint for key in keys])
    return ListedDevice(device, platform.described, platform.capabilities, keys, found)
