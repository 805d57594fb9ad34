"""A site's point as the lines of a recipe need it: its conduits with their interfaces and networks, and what its options say. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal

from islandmode.core.errors import InputError
from islandmode.core.frozen import Address, Network
from islandmode.core.plan import PlanPoint
from islandmode.core.problem import Path, Problem
from islandmode.core.recipe.known import NETWORKS, OF_EACH, TIME_ZONE
from islandmode.core.recipe.model import Each, Recipe
from islandmode.core.recipe.parts import lines_of, reads_of
from islandmode.core.recipe.words import placeholders
from islandmode.core.site import Between, Networks, Option, SitePoint

INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,62}")
INTERFACE_WORDS = "1 to 63 letters, digits or _.:/-"
Family = Literal[4, 6]
Things = Mapping[str, str | Network]
"""What stands for the placeholders of one thing among several: an interface, a pair of networks."""


@dataclass(frozen=True)
class ConduitAt:
    """A conduit on a device."""

    name: str
    outer_zone: str
    inner_zone: str
    outer_interfaces: tuple[str, ...]
    inner_interfaces: tuple[str, ...]
    outer_networks: tuple[Network, ...]
    inner_networks: tuple[Network, ...]

    def carries(self, family: Family | None) -> bool:
        """Tell whether both ends have networks of a family; of any, if none is asked for."""
        return family is None or bool(_of(self.outer_networks, family) and _of(self.inner_networks, family))

    def things(self, each: Each) -> Iterator[Things]:
        """Give each of its things for which lines are sent."""
        if each == "outer-interface":
            yield from ({"outer_interface": interface} for interface in self.outer_interfaces)
        elif each == "inner-interface":
            yield from ({"inner_interface": interface} for interface in self.inner_interfaces)
        elif each == "interface-pair":
            for interface, other in product(self.outer_interfaces, self.inner_interfaces):
                yield {"outer_interface": interface, "inner_interface": other}
        elif "network" in each:
            yield from self._networks(each, 4 if "4" in each else 6)
        else:
            yield {}

    def _networks(self, each: Each, family: Family) -> Iterator[Things]:
        """Give the networks of a family; none where only one end has any, because nothing of it crosses the conduit then."""
        if not self.carries(family):
            return
        outer, inner = f"outer_network{family}", f"inner_network{family}"
        if each.startswith("outer"):
            yield from ({outer: network} for network in _of(self.outer_networks, family))
        elif each.startswith("inner"):
            yield from ({inner: network} for network in _of(self.inner_networks, family))
        else:
            pairs = product(_of(self.outer_networks, family), _of(self.inner_networks, family))
            yield from ({outer: network, inner: other} for network, other in pairs)


@dataclass(frozen=True)
class PointAt:
    """A device: `conduits` are all that a plan isolates on it, in the plan's order, so that numbers are the same in every step."""

    name: str
    management: Address
    options: Mapping[str, Option]
    conduits: tuple[ConduitAt, ...]
    management_port: int = 22
    management_zone: str = ""

    def things(self, conduit: ConduitAt, each: Each) -> Iterator[Things]:
        """Give each thing of a conduit for which lines are sent; of the management, only where a deny would meet it."""
        if not each.startswith("management"):
            yield from conduit.things(each)
        elif each == f"management{self.management.version}" and self.meeting(conduit) is not None:
            yield from conduit.things("inner-network4" if self.management.version == 4 else "inner-network6")

    def meeting(self, conduit: ConduitAt) -> Network | None:
        """Give an outer network that holds the management address though another zone has it: a deny of it would meet the management.

        A network may lie within another, and belongs to the zone of the narrower one; an access list knows nothing of that.
        """
        if conduit.outer_zone == self.management_zone or not conduit.carries(self.management.version):
            return None
        return next((network for network in conduit.outer_networks if self.management in network), None)

    def conduit(self, name: str) -> ConduitAt:
        """Give one of its conduits."""
        return next(conduit for conduit in self.conduits if conduit.name == name)


def at_point(name: str, point: SitePoint | PlanPoint, between: Between, networks: Networks) -> PointAt:
    """Gather what the lines of a recipe need of a point, for the conduits of `between`, in its order.

    Raises `InputError` where the networks of a zone are not known, or where nothing logs in.
    """
    if point.management is None:
        raise InputError(f"Nothing logs in to {name}, so that no line of a recipe can be sent to it.")
    conduits = (_conduit(name, conduit, zones, point.interfaces, networks) for conduit, zones in between.items())
    management = point.management
    return PointAt(name, management.address, point.options, tuple(conduits), management.port, management.zone)


def planned_at(name: str, planned: PlanPoint) -> PointAt:
    """Gather the same from a plan alone."""
    return at_point(
        name, planned, {conduit: planned.between[conduit] for conduit in planned.conduits}, planned.networks
    )


def _conduit(
    point: str, name: str, zones: tuple[str, str], interfaces: Mapping[str, tuple[str, ...]], networks: Networks
) -> ConduitAt:
    missing = [zone for zone in zones if not networks.get(zone)]
    if missing:
        raise InputError(
            f"The networks of zone {missing[0]} are not known, which the lines for {name} on {point} may name."
        )
    outer, inner = zones
    sides = (interfaces.get(outer, ()), interfaces.get(inner, ()))
    return ConduitAt(name, outer, inner, *sides, networks[outer], networks[inner])


def _of(networks: Iterable[Network], family: Family) -> tuple[Network, ...]:
    return tuple(network for network in networks if network.version == family)


def place_problems(
    recipe: Recipe, name: str, point: SitePoint, between: Between, networks: Networks
) -> Iterator[Problem]:
    """Find what a recipe cannot do at a point of a site; the path of each problem leads into the site's file."""
    at = at_point(name, point, between, networks)
    yield from _options(recipe, at)
    yield from _interfaces(recipe, at)
    yield from _names(recipe, at)
    yield from _management(recipe, at)
    for conduit in at.conduits:
        if not any(conduit.carries(family) for family in recipe.families):
            told = " or ".join(f"IPv{family}" for family in recipe.families)
            sentence = (
                f"{name} ({recipe.recipe}) isolates {told}, and the zones of {conduit.name} have no networks of that family at both ends; list them "
                "there."
            )
            yield Problem("site", ("conduits", conduit.name, "between"), sentence)


def _options(recipe: Recipe, at: PointAt) -> Iterator[Problem]:
    path: Path = ("isolation_points", at.name, "options")
    if recipe.cycle == "clock" and TIME_ZONE not in at.options:
        sentence = f"{at.name} ends an isolation by its own clock, so say in which time zone that is: options: {{time_zone: Europe/Berlin}}."
        yield Problem("site", path, sentence)
    for key, option in recipe.options.items():
        given = at.options.get(key)
        if given is None and any(conduit.carries(option.family) for conduit in at.conduits):
            yield Problem("site", path, f"{at.name} needs the option {key}: {option.means}; add it under options.")
        if given is not None and not re.fullmatch(option.form, str(given)):
            sentence = f'"{given}" is not what {recipe.recipe} takes for {key}: {option.means}; it must look like {option.form}.'
            yield Problem("site", (*path, key), sentence)


def _interfaces(recipe: Recipe, at: PointAt) -> Iterator[Problem]:
    used = {found.name for sent in lines_of(recipe) for found in placeholders(sent.line.send)}
    used |= {word for _, read, _ in reads_of(recipe) for word in OF_EACH[read.each]}
    path: Path = ("isolation_points", at.name, "interfaces")
    for conduit in at.conduits:
        for side, zone, interfaces in (
            ("outer", conduit.outer_zone, conduit.outer_interfaces),
            ("inner", conduit.inner_zone, conduit.inner_interfaces),
        ):
            if used & {f"{side}_interface", f"{side}_interfaces"} and not interfaces:
                sentence = f"{at.name} isolates {conduit.name} but names no interface towards zone {zone}; add it under interfaces."
                yield Problem("site", path, sentence)
            for index, interface in enumerate(interfaces):
                if not INTERFACE.fullmatch(interface):
                    sentence = f'{at.name}: "{interface}" is no interface name; it has {INTERFACE_WORDS}.'
                    yield Problem("site", (*path, zone, index), sentence)
        shared = set(conduit.outer_interfaces) & set(conduit.inner_interfaces)
        if shared and used & {"outer_interface", "outer_interfaces"}:
            sentence = (
                f"Interface {min(shared)} of {at.name} leads to both ends of {conduit.name}, so isolating by interface would not part them; name "
                "it under the one zone that it leads to."
            )
            yield Problem("site", (*path, conduit.outer_zone), sentence)


def _management(recipe: Recipe, at: PointAt) -> Iterator[Problem]:
    """Refuse a deny between networks that would drop the management too, where the recipe does not except it."""
    used = {found.name for sent in lines_of(recipe, "provision", "isolate") for found in placeholders(sent.line.send)}
    for conduit in at.conduits if used & NETWORKS and "management" not in used else ():
        network = at.meeting(conduit)
        if network is not None:
            sentence = (
                f"{at.name} ({recipe.recipe}) is managed at {at.management}, which lies within {network} of zone {conduit.outer_zone}: "
                f"isolating {conduit.name} would drop the management too, so that no restore could log in. List narrower networks for "
                f"{conduit.outer_zone}, or use a recipe that excepts the management."
            )
            yield Problem("site", ("isolation_points", at.name, "management", "address"), sentence)


def _names(recipe: Recipe, at: PointAt) -> Iterator[Problem]:
    for index, conduit in enumerate(at.conduits):
        for form in recipe.names.values():
            whole = form.form.replace("{conduit}", conduit.name)
            if len(whole) > form.most:
                sentence = (
                    f'On {at.name} ({recipe.recipe}) {conduit.name} would be "{whole}", which has {len(whole)} characters; the device takes '
                    f"{form.most}, so give the conduit a name of at most {form.most - len(whole) + len(conduit.name)}."
                )
                yield Problem("site", ("isolation_points", at.name, "isolates", index), sentence)
