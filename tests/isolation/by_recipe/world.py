"""The world of the emulated devices: a clock that only waiting moves, and a way to each device that a test can disturb.

Nothing here opens a socket: `FakeConsole` types straight into a session of the emulator. Threads, deadlines and resets are real.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.lowlevel

from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.derive import capabilities
from islandmode.core.recipe.known import TIME_ZONE
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.rendered import rendering
from islandmode.core.rendering import RecipeUsed
from islandmode.core.site import Login, Management
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.isolation.platform import Access
from islandmode.isolation.session import DeviceTrouble
from tests.core.recipe_plant import ACLS, OFFICE, VENDOR, point, recipe
from tests.emulators.clock import DeviceClock
from tests.emulators.device import CliSession
from tests.emulators.fortios import FortiDevice
from tests.emulators.ios import IosDevice
from tests.emulators.network import Family
from tests.emulators.plant import NOW, USER, firewall, router
from tests.isolation.contract import RUN
from tests.patience import wait_until

OPTIONS = {**ACLS, TIME_ZONE: "Europe/Berlin"}
AT = point(OFFICE, VENDOR, options=OPTIONS)
CONDUITS = ("office-line", "vendor-line")
BETWEEN = {"office-line": ("office", "line"), "vendor-line": ("vendor", "line")}
NETWORKS = {"office": OFFICE.outer_networks, "vendor": VENDOR.outer_networks, "line": OFFICE.inner_networks}
INTERFACES = {"office": ("port1", "port2"), "vendor": ("port3",), "line": ("port5",)}
_UTC_US = round((NOW - timedelta(hours=1)).replace(tzinfo=UTC).timestamp() * 1_000_000)
MADE: dict[str, Callable[[], FortiDevice | IosDevice]] = {
    "fortios-schedule": firewall,
    "ios-time-range": router,
    "ios-revert": lambda: router("ios-revert"),
}


class JumpingClock:
    """Stands still until somebody waits, and then jumps."""

    boot_id = "a boot of nothing"

    def __init__(self) -> None:
        self.now_s = self.began_s = 1000.0
        self.utc_began_us = _UTC_US

    def monotonic_us(self) -> int:
        return round(self.now_s * 1_000_000)

    def utc_us(self) -> int:
        return self.utc_began_us + round((self.now_s - self.began_s) * 1_000_000)

    def pass_by(self, seconds: float) -> None:
        self.now_s += seconds

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await anyio.lowlevel.checkpoint()


@dataclass
class Fault:
    """What happens to the line with this number, counted from now among those that match.

    `reply lost`, `not sent`, `under way`, or `held`: it comes to the device when a test lets it, and is answered then.
    """

    what: str
    matching: re.Pattern[str]
    lines: int = 1
    has_left: threading.Event = field(default_factory=threading.Event)
    may_land: threading.Event = field(default_factory=threading.Event)

    def strikes(self, line: str) -> bool:
        self.lines -= bool(self.matching.search(line))
        return self.lines == 0 and bool(self.matching.search(line))


@dataclass
class Way:
    """The way of one point to its device."""

    is_open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.is_open.set()


class NothingSentError(DeviceTrouble):
    """A line could not leave."""


class FakeConsole:
    """A session without SSH. As with a real one, a reset is final, and what was under way still arrives."""

    def __init__(self, world: World, way: Way) -> None:
        self.let_in, self.greeting = "", world.greeting
        self._world, self._way = world, way
        self._reset = threading.Event()
        self._session: CliSession | None = None

    def open(self) -> None:
        self._wait_for(self._way.is_open)
        if self._world.let_in:
            self.let_in = self._world.let_in
            raise NothingSentError(f"logged in, and {self.let_in}")
        self._session = self._world.device.log_in(USER)
        if self._session is None:
            raise ConnectionError("the device has no place left for a session")

    def say(self, line: str, answers: tuple[tuple[str, str], ...] = ()) -> str:
        self._wait_for(self._way.is_open)
        session, fault = self._session, self._world.fault
        if session is None or session.is_over:
            raise NothingSentError("the connection is lost, and the line was not sent")
        if fault is not None and fault.strikes(line):
            self._world.fault = None
            fault.has_left.set()
            if fault.what == "held":
                self._wait_for(fault.may_land)
                return self._answer(session, line)
            if fault.what == "under way":
                self._world.under_way.append((session, line, self._world.clock.now_s))
                self._session = None
            elif fault.what == "reply lost":
                self._world.device.take(session, line)
            self._wait_for(threading.Event())
        return self._answer(session, line)

    def _answer(self, session: CliSession, line: str) -> str:
        self._world.at_line.get(line, lambda: None)()
        reply = self._world.device.take(session, line)
        if reply.hangs_up:
            raise ConnectionError(f"the connection was lost at {line}")
        if self._world.device.faults.answers_held or self._world.device.faults.prompts_held:
            self._wait_for(threading.Event())
        return reply.text

    def _wait_for(self, event: threading.Event) -> None:
        wait_until(lambda: event.is_set() or self._reset.is_set(), "the way opens, or the connection is reset")
        if self._reset.is_set():
            raise ConnectionError("the connection was reset")

    @property
    def is_over(self) -> bool:
        return self._reset.is_set()

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        self._reset.set()
        if self._session is not None:
            self._session.is_over = True


class World:
    """An emulated device, as points see it."""

    families: tuple[Family, ...] = (4, 6)
    """The address families that its recipe isolates."""

    def __init__(self, name: str) -> None:
        self.recipe, self.device = self.made(name)
        self.clock = JumpingClock()
        self.device.clock = DeviceClock(NOW, follows=lambda: self.clock.now_s)
        self.greeting = self.let_in = ""
        self.fault: Fault | None = None
        self.under_way: list[tuple[CliSession, str, float]] = []
        self.at_line: dict[str, Callable[[], object]] = {}
        """What happens on the device right before a line comes."""
        self._ways: dict[int, Way] = {}
        self.before = self.device.configuration()

    def made(self, name: str) -> tuple[Recipe, FortiDevice | IosDevice]:
        """Give a recipe and its device."""
        return recipe(name), MADE[name]()

    def starts_at(self, local: str) -> None:
        """Let the device and this machine begin at another moment, in summer time."""
        now = datetime.fromisoformat(local)
        self.device.clock = DeviceClock(now, follows=lambda: self.clock.now_s)
        self.clock.utc_began_us = round((now - timedelta(hours=2)).replace(tzinfo=UTC).timestamp() * 1_000_000)
        self.clock.began_s = self.clock.now_s

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        """Play a story on threads of this machine."""
        anyio.run(story, backend="asyncio")

    def planned(self, dead_man_s: float | None = None, at: PointAt = AT) -> PlanPoint:
        able = capabilities(self.recipe, dead_man_s)
        used = RecipeUsed(name=self.recipe.recipe, version=self.recipe.version, sha256="0" * 64)
        stages = {f"stage-{number}": (name,) for number, name in enumerate(CONDUITS)}
        lines = rendering(self.recipe, used, at, stages, dead_man_s or self.recipe.ends_by.most)
        return PlanPoint(
            platform=self.recipe.recipe,
            management=Management(address=at.management, zone="line"),
            login=Login(user=USER),
            interfaces=INTERFACES,
            options=dict(at.options),
            conduits=CONDUITS,
            between=BETWEEN,
            rendering=lines,
            capabilities=able,
            recipe=self.recipe,
            networks=NETWORKS,
        )

    def point(
        self,
        run: str | None = RUN,
        *,
        dead_man_s: float | None = None,
        make_console: Callable[[Way], FakeConsole] | None = None,
    ) -> RecipePoint:
        """Make an edge with sessions of its own."""
        way = Way()
        console = make_console or (lambda way: FakeConsole(self, way))
        planned = self.planned(dead_man_s)
        access = Access(host="edge", port=22, user=USER, become="", known_hosts=Path("/dev/null"))
        made = RecipePoint("edge", planned, self.recipe, AT, access, self.clock, run, lambda *_: console(way))
        self._ways[id(made)] = way
        return made

    def way_of(self, made: object) -> Way:
        return self._ways[id(made)]

    def passes(self, conduit: str) -> list[bool]:
        """Tell of each way across a conduit whether it is open."""
        outer, inner = BETWEEN[conduit]
        families = self.families if conduit == "office-line" else (4,)
        return [self.device.passes(*ends, family) for family in families for ends in ((outer, inner), (inner, outer))]

    @property
    def is_open(self) -> bool:
        return all(all(self.passes(conduit)) for conduit in CONDUITS)

    def arrive(self) -> None:
        """Let what is under way arrive, as old as it is."""
        late = self.recipe.late
        for session, line, left_s in self.under_way:
            # Of a recipe that only says how long a line may act: what its word is worth only a bench can tell.
            if late is None or self.clock.now_s - left_s <= late.at_most:
                self.device.take(session, line)
        self.under_way.clear()
