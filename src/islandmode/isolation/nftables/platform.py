"""nftables as a platform: how a site's point is checked, rendered and opened, and what a person types on the device."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from islandmode.core.bench.stand_in import STAND_IN, is_stand_in
from islandmode.core.described import Described
from islandmode.core.plan import PlanPoint
from islandmode.core.problem import Path, Problem
from islandmode.core.rendering import RecipeUsed, Rendering
from islandmode.core.site import Between, Networks, SitePoint
from islandmode.isolation.by_hand import ByHand, Look, ssh_to
from islandmode.isolation.nftables import hard, reading, recipe
from islandmode.isolation.nftables import saved as saved_files
from islandmode.isolation.platform import Access, Asked, Platform
from islandmode.isolation.point import IsolationPoint
from islandmode.system.clock import Clock


def check(name: str, point: SitePoint, between: Between, networks: Networks) -> Iterator[Problem]:  # noqa: ARG001 - as every platform's
    """Find a login that is no Linux firewall's, and interfaces that tell no zones apart: missing, no name, or leading to two zones."""
    if point.login is not None and point.login.become == "enable":
        sentence = (
            f"{name} is a Linux firewall, where nobody says enable; write become: sudo, or root if the account is root."
        )
        yield Problem("site", ("isolation_points", name, "login", "become"), sentence)
    at: Path = ("isolation_points", name, "interfaces")
    for conduit, zones in between.items():
        for zone in zones:
            if not point.interfaces.get(zone):
                sentence = (
                    f"{name} isolates {conduit} but names no interface towards zone {zone}; add it under interfaces."
                )
                yield Problem("site", at, sentence)
    leads: dict[str, str] = {}
    for zone, interfaces in point.interfaces.items():
        for index, interface in enumerate(interfaces):
            if not recipe.INTERFACE.fullmatch(interface):
                sentence = f'{name}: "{interface}" is no interface name; it has {recipe.INTERFACE_WORDS}.'
                yield Problem("site", (*at, zone, index), sentence)
        for interface in dict.fromkeys(interfaces):
            first = leads.setdefault(interface, zone)
            if first != zone:
                sentence = (
                    f"Interface {interface} of {name} leads to zone {first} and to zone {zone}, so isolating by interface "
                    "would not part them; name it under the one zone that it leads to."
                )
                yield Problem("site", (*at, zone), sentence)


def render(asked: Asked) -> Rendering:
    """Render every line of a point."""
    ends = (asked.between, asked.point.interfaces)
    return recipe.render(asked.name, asked.stages, *ends, asked.dead_man_s, asked.ways, asked.pair)


def open_point(name: str, planned: PlanPoint, access: Access, clock: Clock, run: str | None) -> IsolationPoint:
    """Make the edge to a firewall; nothing is contacted yet."""
    # Imported late: NAPALM takes most of a second, and only a run needs it.
    from islandmode.isolation.nftables.point import NftablesPoint, NftAccess  # noqa: PLC0415 - only where it is needed, as it is slow

    if is_stand_in(planned):
        from islandmode.isolation.nftables.stand_in import NftablesStandIn  # noqa: PLC0415 - only a bench needs it

        return NftablesStandIn(name, planned, NftAccess(**vars(access)), clock, run)
    return NftablesPoint(name, planned, NftAccess(**vars(access)), clock, run)


_BETWEEN = {STAND_IN: recipe.BENCH}
_INTERFACES = {end: (end,) for end in recipe.BENCH}


def _stand_in_rendering(name: str) -> Rendering:
    least_s = recipe.CAPABILITIES.dead_man_min_s
    return recipe.render(name, {"bench": (STAND_IN,)}, _BETWEEN, _INTERFACES, least_s, {})


def with_stand_in(planned: PlanPoint) -> PlanPoint:
    """Put the stand-in in the place of a point's conduits: a table between two interfaces that no device has."""
    rendering = _stand_in_rendering(planned.rendering.point)
    changed = {"conduits": (STAND_IN,), "between": _BETWEEN, "interfaces": _INTERFACES, "rendering": rendering}
    changed["pair"] = None
    return planned.model_copy(update=changed)


def _method() -> RecipeUsed:
    """Tell by a digest what is written, as the file of a recipe does."""
    lines = _stand_in_rendering(recipe.PLATFORM)
    stages = (line for stage in lines.stages for line in stage.isolate)
    text = "\n".join((*lines.arm, *stages, *lines.renew, *lines.restore))
    return RecipeUsed(name=recipe.PLATFORM, version=1, sha256=hashlib.sha256(text.encode()).hexdigest())


def by_hand(point: PlanPoint) -> ByHand:
    """Say how to restore a Linux firewall by hand."""
    tables = tuple(recipe.table_of(conduit) for conduit in point.rendering.conduits)
    return ByHand(
        become="Log in as root, or become root with: sudo -i",
        commands=point.rendering.restore,
        answer="A command that worked answers nothing.",
        looks=(
            Look(
                "nft list tables",
                tables,
                "Type the command with that name again, letter by letter.",
            ),
            Look(
                f"grep -rs {recipe.PREFIX} {recipe.SAVED} {recipe.SAVED.removesuffix('.conf')}.d",
                (recipe.PREFIX,),
                f"Somebody saved the isolation, and a restart isolates again. Type, with the file that was shown: {recipe.MEND_SAVED}",
            ),
        ),
        last_resort="A restart of the device clears it, unless somebody saved it (step 3): Islandmode itself saves nothing "
        "there. ALL traffic through the device stops while it starts.",
        console=ssh_to(point.management),
        # A shell and nft both allow a line to end there.
        breaks_after="; ",
    )


def _open_hard(name: str, planned: PlanPoint, access: Access, clock: Clock, run: str | None) -> IsolationPoint:
    """Make the edge to a firewall whose outer interfaces go down; nothing is contacted yet."""
    from islandmode.isolation.nftables.hard_point import NftablesHardPoint  # noqa: PLC0415 - only where it is needed
    from islandmode.isolation.nftables.point import NftAccess  # noqa: PLC0415 - only where it is needed, as it is slow

    return NftablesHardPoint(name, planned, NftAccess(**vars(access)), clock, run)


def _render_hard(asked: Asked) -> Rendering:
    return hard.rendering(render(asked), asked.point.interfaces, asked.between)


def _by_hand_hard(point: PlanPoint) -> ByHand:
    """Say how to restore a firewall whose interfaces are down."""
    known, down = by_hand(point), point.goes_down
    looks = tuple(
        Look(f"ip link show dev {name} up", (), f"Type: ip link set dev {name} up", must_show=(name,)) for name in down
    )
    last_resort = f"{known.last_resort} Where only routes or addresses are missing, enter them again: the run has them as they were, in its artifacts."
    return replace(known, looks=(*known.looks, *looks), last_resort=last_resort, answer="", in_order=True)


NFTABLES = Platform(
    name=recipe.PLATFORM,
    capabilities=recipe.CAPABILITIES,
    check=check,
    render=render,
    open=open_point,
    by_hand=by_hand,
    mend_saved=saved_files.mend,
    comparable=reading.COMPARABLE,
    stand_in=with_stand_in,
    stand_in_name=recipe.table_of(STAND_IN),
    method=_method(),
    shows_rights=True,
    lists_sessions=True,
    prepares=True,
    tells_role=True,
    role_by_addresses=True,
    sync_told="sync of sessions: by conntrackd where it runs, which is read before the drill; where it does not, none is configured, and open "
    "connections end at a failover",
    excepts_vrrp=True,
    described=Described(
        title="nftables: two timed sets in a table of each conduit's own",
        cycle="own-timer",
        tried="real",
        # Members of a pair share neither rules nor timers.
        after_failover="passes",
        versions="any nft that is built with JSON; the lab drills on the kernel and the nft of its own machine",
    ),
    hard=Platform(
        name=recipe.PLATFORM,
        level="hard",
        capabilities=hard.CAPABILITIES,
        check=check,
        render=_render_hard,
        open=_open_hard,
        by_hand=_by_hand_hard,
        mend_saved=saved_files.mend,
        comparable=reading.COMPARABLE,
        shows_rights=True,
        prepares=True,
        described=Described(
            title="nftables at level hard: the same tables, and two processes that keep the outer interfaces down while they isolate",
            cycle="own-timer",
            tried="real",
            after_failover="unknown",
            versions="any nft that is built with JSON, and an iproute2 that saves routes and addresses",
        ),
    ),
)
