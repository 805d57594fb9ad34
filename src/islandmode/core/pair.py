"""Redundant pairs: which isolation points stand in for each other, and what each says of its role. Values and decisions only.

A member is an isolation point like any other: it is armed, read back, isolated and restored by itself, and stands by its own name in
records, card and report. What makes a pair of them is that all of its members are isolated in the same stages, that preflight reads which
of them is active, and that a change of that is noticed while they are isolated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from islandmode.core.frozen import Address, Frozen
from islandmode.core.site import Site

Role = Literal["active", "standby", "divided", "unknown"]
"""`active`: it has every virtual address of its pair. `standby`: it has none. `divided`: it has some, and another member the others."""
Sync = Literal["in-sync", "out-of-sync", "not-kept", "unknown"]
"""Whether members of a pair agree in what they keep in sync; `not-kept`: they keep nothing in sync."""
IN_SYNC: Sync = "in-sync"
OUT_OF_SYNC: Sync = "out-of-sync"
VRRP = 112
"""The IP protocol by which members of a pair hear of each other."""
VRRP_GROUPS: Mapping[int, str] = {4: "224.0.0.18", 6: "ff02::12"}
"""Where VRRP is sent to, unless it is sent from member to member."""


class PairMember(Frozen):
    """What a planned isolation point must know of the pair of which it is a member.

    `own` and `peers` are the addresses from which VRRP comes, its own and the other members'; empty where no exception is asked for.
    """

    pair: str
    others: tuple[str, ...]
    virtual_addresses: tuple[Address, ...] = ()
    own: tuple[Address, ...] = ()
    peers: tuple[Address, ...] = ()

    @property
    def excepted_told(self) -> str:
        """Say what an isolation of the member lets pass on its outer interfaces; empty where that is nothing."""
        if not self.own:
            return ""
        return (
            f"VRRP (IP protocol {VRRP}, hop limit 255) between {_listed(self.own)} and {_listed(self.peers)} on the outer interfaces, only "
            "to and from the device itself; it is never forwarded"
        )


@dataclass(frozen=True)
class RoleSeen:
    """What a member said of its role, and why that is not known where it is not.

    `late`: it did not answer in time. `untold`: nothing was asked, as its platform has no question for that.
    """

    role: Role
    why: str = ""
    late: bool = False
    untold: bool = False


@dataclass(frozen=True)
class SyncSeen:
    """What a member said of the pair's sync, and why that is not known where it is not; `late` and `untold` as of a role."""

    sync: Sync
    why: str = ""
    late: bool = False
    untold: bool = False


def member_of(site: Site, point: str) -> PairMember | None:
    """Give what an isolation point must know of its pair; None where it is no member of one."""
    for name, pair in site.pairs.items():
        if point in pair.members:
            others = tuple(other for other in pair.members if other != point)
            return PairMember(
                pair=name,
                others=others,
                virtual_addresses=pair.virtual_addresses,
                own=pair.vrrp.get(point, ()),
                peers=tuple(address for other in others for address in pair.vrrp.get(other, ())),
            )
    return None


def role_by(virtual_addresses: Iterable[Address], has: Iterable[Address]) -> Role:
    """Tell a member's role by which of its pair's virtual addresses it has."""
    wanted = set(virtual_addresses)
    there = wanted & set(has)
    return "unknown" if not wanted else "active" if there == wanted else "divided" if there else "standby"


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names)
