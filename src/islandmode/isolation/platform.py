"""A platform: all that Islandmode knows of one way of isolating, as one value. `table` finds it by its name.

A new platform is a folder beside this file that makes such a value, and a row in that table (docs/add-a-platform.md); or a recipe, of
which `by_recipe` makes such a value.
Everything here is pure but `open`: what takes long to import, such as a vendor's library, is imported only there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from islandmode.core.capabilities import Capabilities
from islandmode.core.described import Described
from islandmode.core.difference import UNTOUCHED, Comparable
from islandmode.core.egress import Way
from islandmode.core.pair import PairMember
from islandmode.core.plan import PlanPoint
from islandmode.core.problem import Problem, unknown
from islandmode.core.rendering import RecipeUsed, Rendering
from islandmode.core.site import Between, IsolationLevel, Networks, Option, SitePoint
from islandmode.isolation.by_hand import ByHand, plain
from islandmode.isolation.point import IsolationPoint
from islandmode.system.clock import Clock


class Transcript(Protocol):
    """What a console tells of itself; neither call may block, or raise."""

    def sent(self, line: str) -> None:
        """A line is about to leave."""
        ...

    def heard(self, text: str) -> None:
        """This was shown since."""
        ...


@dataclass(frozen=True)
class Access:
    """How to log in, with secrets resolved; never printed. `key` is a path or the key itself, `enable` the password of more rights.

    `transcript` gives, by the name of a session, where that session tells what is said; None where nothing is kept. `options` are what
    the site says of the device.
    """

    host: str
    port: int
    user: str
    become: str
    known_hosts: Path
    password: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    enable: str | None = field(default=None, repr=False)
    transcript: Callable[[str], Transcript | None] | None = field(default=None, repr=False, compare=False)
    options: Mapping[str, Option] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What a drill asks of one isolation point: everything that its device lines may depend on.

    `stages` gives the conduits that each stage isolates on it, in order. `ways` are those to be counted, by conduit, where the
    platform counts. `networks` are those of the zones in `between`; a rescue may not know them.
    """

    name: str
    point: SitePoint
    between: Between
    stages: Mapping[str, tuple[str, ...]]
    dead_man_s: float
    ways: Mapping[str, tuple[Way, ...]]
    networks: Networks = field(default_factory=dict)
    pair: PairMember | None = None
    """The pair of which it is a member; None also for a rescue, which isolates nothing."""


class Check(Protocol):
    """Finds what a platform cannot do at a point of a site; the path of each problem leads into the site's file."""

    def __call__(self, name: str, point: SitePoint, between: Between, networks: Networks) -> Iterable[Problem]:
        """Check a point that isolates these conduits, whose zones are known with their networks."""
        ...


class Open(Protocol):
    """Makes the edge to a planned point."""

    def __call__(self, name: str, planned: PlanPoint, access: Access, clock: Clock, run: str | None) -> IsolationPoint:
        """Contact nothing yet. Without a run the point only restores, and removes the objects of every run."""
        ...


def _mends_nothing(_files: tuple[str, ...]) -> str:
    return ""


def _has_no_stand_in(_planned: PlanPoint) -> PlanPoint | None:
    return None


@dataclass(frozen=True)
class Platform:
    """One way of isolating."""

    name: str
    """As the site's file has it, under `platform`."""
    capabilities: Capabilities
    check: Check
    render: Callable[[Asked], Rendering]
    """Writes every device line of a point. Raises `InputError` where it cannot: a rescue may ask what `check` never saw."""
    open: Open
    options: Mapping[str, str] = field(default_factory=dict)
    """What each of its own fields in the site's file means; any other is refused."""
    by_hand: Callable[[PlanPoint], ByHand] = plain
    mend_saved: Callable[[tuple[str, ...]], str] = _mends_nothing
    """Gives the command that takes Islandmode's objects out of saved files, or of the main file where none is named."""
    comparable: Comparable = UNTOUCHED
    described: Described | None = None
    """What lists and pages say of it."""
    stand_in: Callable[[PlanPoint], PlanPoint | None] = _has_no_stand_in
    """Puts the stand-in of a bench in the place of a point's conduits; what `open` then makes is a `StandsIn`. None where it has none."""
    stand_in_name: str = ""
    """The name of that stand-in on a device; empty where it has none."""
    method: RecipeUsed | None = None
    """Which lines isolate by it, for the record of a bench: a recipe, or of a platform that is code the digest of what it writes."""
    shows_rights: bool = False
    """Whether its points can tell what their account may do (`ShowsRights`)."""
    tells_role: bool = False
    """Whether its points can tell whether they are the active member of a pair, and whether that is in sync (`TellsRole`)."""
    lists_sessions: bool = False
    """Whether its points can list the sessions that pass them (`ListsSessions`)."""
    prepares: bool = False
    """Whether its points can do beforehand what an isolate needs (`Prepares`), so that devices of a stage follow each other closely."""
    role_by_addresses: bool = False
    """Whether a member's role is told by which of its pair's virtual addresses it has."""
    sync_told: str = ""
    """What members of a pair keep in sync, and when that is read, in words for a plan."""
    excepts_vrrp: bool = False
    """Whether its lines can let the VRRP of a pair pass."""
    level: IsolationLevel = "deny"
    """What isolating by it does: deny the traffic, or take the outer interfaces down."""
    hard: Platform | None = None
    """The same platform as it isolates at level hard, where it has both."""

    def at(self, level: IsolationLevel) -> Platform | None:
        """Give the platform as it isolates at a level; None where it has no such level."""
        return self if level == self.level else self.hard if level == "hard" else None


def problems_at(
    platform: Platform, name: str, point: SitePoint, between: Between, networks: Networks
) -> Iterator[Problem]:
    """Find what a platform finds wrong about a point of a site: options of which it has none, and what it checks itself."""
    for key in point.options:
        if key not in platform.options:
            at = ("isolation_points", name, "options", key)
            yield unknown("site", at, f"option of {platform.name} named", key, platform.options)
    yield from platform.check(name, point, between, networks)
