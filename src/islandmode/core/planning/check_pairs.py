"""Pairs: whether isolation points that stand in for each other can be isolated together, and their roles be read."""

from __future__ import annotations

from collections.abc import Iterator

from islandmode.core.frozen import Address
from islandmode.core.problem import Path, Problem, unknown
from islandmode.core.site import MANUAL, Pair, Site


def pair_name_problems(site: Site) -> Iterator[Problem]:
    """Find members that are no isolation points, and those named twice or in two pairs."""
    taken: dict[str, str] = {}
    for name, pair in site.pairs.items():
        for index, member in enumerate(pair.members):
            at: Path = ("pairs", name, "members", index)
            if member not in site.isolation_points:
                yield unknown("site", at, "isolation point", member, site.isolation_points)
                continue
            first = taken.setdefault(member, name)
            if first != name:
                sentence = f"{member} is a member of pair {first} and of pair {name}; an isolation point is a member of one pair, so take it out of one of them."
                yield Problem("site", at, sentence)
            elif member in pair.members[:index]:
                yield Problem("site", at, f"{member} is listed twice in pair {name}; list it once.")
        for member in pair.vrrp:
            if member not in pair.members:
                yield unknown(
                    "site", ("pairs", name, "vrrp", member), f"member of pair {name} named", member, pair.members
                )


def pair_problems(site: Site) -> Iterator[Problem]:
    """Find pairs that could be isolated in part, or whose roles could not be read; every name must be known."""
    for name, pair in site.pairs.items():
        yield from _same_conduits(site, name, pair)
        yield from _by_hand(site, name, pair)
        yield from _virtual(site, name, pair)
        yield from _vrrp(name, pair)


def _same_conduits(site: Site, name: str, pair: Pair) -> Iterator[Problem]:
    first, *others = pair.members
    wanted = set(site.isolation_points[first].isolates)
    for member in others:
        isolates = set(site.isolation_points[member].isolates)
        if isolates != wanted:
            which = ", ".join(sorted(isolates ^ wanted))
            sentence = (
                f"Members {first} and {member} of pair {name} do not isolate the same conduits ({which} on one of them only), so traffic would "
                "pass once the other member is active; list the same conduits under isolates of both."
            )
            yield Problem("site", ("isolation_points", member, "isolates"), sentence)


def _by_hand(site: Site, name: str, pair: Pair) -> Iterator[Problem]:
    for index, member in enumerate(pair.members):
        if site.isolation_points[member].platform == MANUAL:
            sentence = (
                f"{member} is isolated by hand, so its role in pair {name} could not be read; take it out of the pair."
            )
            yield Problem("site", ("pairs", name, "members", index), sentence)


def _virtual(site: Site, name: str, pair: Pair) -> Iterator[Problem]:
    for index, address in enumerate(pair.virtual_addresses):
        at: Path = ("pairs", name, "virtual_addresses", index)
        if address in pair.virtual_addresses[:index]:
            yield Problem("site", at, f"{address} is listed twice in pair {name}; list it once.")
        for member in pair.members:
            management = site.isolation_points[member].management
            if management is not None and management.address == address:
                sentence = (
                    f"{member} is managed at {address}, a virtual address of pair {name}: after a failover that is the other member, and a restore "
                    "would log in there. Give each member a management address of its own."
                )
                yield Problem("site", ("isolation_points", member, "management", "address"), sentence)


def _vrrp(name: str, pair: Pair) -> Iterator[Problem]:
    if not pair.vrrp:
        return
    silent = [member for member in pair.members if member not in pair.vrrp]
    for member in silent:
        sentence = (
            f"Pair {name} names no address from which {member} sends VRRP, so it would not be heard while isolated; name it under vrrp, or leave "
            "vrrp out."
        )
        yield Problem("site", ("pairs", name, "vrrp"), sentence)
    holders: dict[Address, str] = {}
    for member, addresses in pair.vrrp.items():
        for index, address in enumerate(addresses):
            at: Path = ("pairs", name, "vrrp", member, index)
            first = holders.setdefault(address, member)
            if first != member:
                sentence = f"{address} stands under {first} and under {member} of pair {name}; each member sends VRRP from addresses of its own."
                yield Problem("site", at, sentence)
            elif address in addresses[:index]:
                yield Problem("site", at, f"{address} is listed twice under {member} of pair {name}; list it once.")
            if address in pair.virtual_addresses:
                sentence = f"{address} is a virtual address of pair {name}, and VRRP is sent from a member's own address; write that under vrrp."
                yield Problem("site", at, sentence)
            if address.is_multicast or address.is_loopback or address.is_unspecified:
                sentence = f"{address} is no address from which a member of pair {name} can send; write the address that it has on the outer interface."
                yield Problem("site", at, sentence)
    families = {member: {address.version for address in addresses} for member, addresses in pair.vrrp.items()}
    if not silent and len({frozenset(found) for found in families.values()}) > 1:
        sentence = (
            f"The members of pair {name} send VRRP over different address families, and would not hear each other; name for each an IPv4 address, "
            "an IPv6 address, or both."
        )
        yield Problem("site", ("pairs", name, "vrrp"), sentence)
