"""The fake firewall as points see it: a clock that only waiting moves, and a way to it for each point that a test can disturb."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio

from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.derive import capabilities
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import PointAt
from islandmode.core.recipe.rendered import rendering
from islandmode.core.rendering import RecipeUsed
from islandmode.core.site import Login, Management, SitePoint
from islandmode.isolation.by_recipe.napalm_session import NapalmSession, OpenedBy
from islandmode.isolation.by_recipe.platform import platform_of
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.isolation.platform import Access, Transcript
from islandmode.isolation.point import IsolationPoint
from islandmode.store import catalog
from islandmode.store.yaml_tree import read_yaml
from islandmode.system.clock import Clock
from tests.core.recipe_plant import OFFICE, VENDOR, point
from tests.isolation.by_candidate.fake_junos import FakeJunos, FakeJunosDriver, Held, Way, Wire
from tests.isolation.by_recipe.world import BETWEEN, CONDUITS, INTERFACES, NETWORKS, JumpingClock
from tests.isolation.contract import RUN

HERE = Path(__file__).parent
AT = point(OFFICE, VENDOR)
FAKE = OpenedBy(lambda *_: {}, lambda driver: driver.reset(), lambda driver, life_s: driver.bound(life_s))


def recipe_of(name: str) -> Recipe:
    """Read a recipe beside this file, whether its driver can be used or not."""
    return catalog.validate(Recipe, read_yaml(HERE / f"{name}.yaml", f"{name}.yaml"))


def planned_by(recipe: Recipe, at: PointAt, dead_man_s: float, **other: Any) -> PlanPoint:
    """Plan a device with all of its conduits in one stage."""
    used = RecipeUsed(name=recipe.recipe, version=recipe.version, sha256="0" * 64)
    conduits = tuple(conduit.name for conduit in at.conduits)
    return PlanPoint(
        platform=recipe.recipe,
        options=dict(at.options),
        conduits=conduits,
        rendering=rendering(recipe, used, at, {"only": conduits}, dead_man_s),
        capabilities=capabilities(recipe, dead_man_s),
        recipe=recipe,
        **other,
    )


class FakeBench:
    """The fake firewall behind its fake driver; its platform is as much of one as the contract asks for."""

    conduits = ("office-line", "vendor-line")
    short_s = 1.0
    dead_man_s = 60.0

    def __init__(self) -> None:
        """Put the device into a world of its own."""
        self.recipe = recipe_of("fake-junos-confirm")
        self.clock = JumpingClock()
        self.device = FakeJunos(self.clock)
        self.wire = Wire(self.device)
        self._ways: dict[int, Way] = {}
        used = self.planned().rendering.recipe
        assert used is not None
        self.platform = replace(platform_of(self.recipe, used), open=lambda *_: self.point())

    @property
    def site_point(self) -> SitePoint:
        """Give the device as a site has it."""
        known = self.planned()
        return SitePoint(
            platform=known.platform,
            management=known.management,
            login=known.login,
            interfaces=INTERFACES,
            isolates=CONDUITS,
        )

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        """Play a story on threads of this machine."""
        anyio.run(story, backend="asyncio")

    def planned(self) -> PlanPoint:
        """Plan the device with both conduits."""
        return planned_by(
            self.recipe,
            AT,
            120.0,
            management=Management(address=AT.management, zone="line"),
            login=Login(user="drill"),
            interfaces=INTERFACES,
            between=BETWEEN,
            networks=NETWORKS,
        )

    def point(self, run: str | None = RUN, user: str = "drill", **known: Any) -> RecipePoint:
        """Make an edge with sessions of its own."""
        way = Way()

        def make(access: Access, recipe: Recipe, clock: Clock, transcript: Transcript | None) -> NapalmSession:
            return NapalmSession(
                access,
                recipe,
                clock,
                transcript,
                make=lambda *_: FakeJunosDriver(self.wire, way, user),
                known=FAKE,
            )

        access = Access(host="edge", port=22, user=user, become="", known_hosts=Path("/dev/null"), **known)
        made = RecipePoint("edge", self.planned(), self.recipe, AT, access, self.clock, run, make)
        self._ways[id(made)] = way
        return made

    def owner_told(self, run: str) -> str | None:
        """A commit tells who logged in, and no run."""
        return None

    def all_passes(self, conduit: str) -> bool:
        """Ask the device, each way."""
        outer, inner = BETWEEN[conduit]
        return not (self.device.denies(outer, inner) or self.device.denies(inner, outer))

    def any_passes(self, conduit: str) -> bool:
        """Ask the device, each way."""
        outer, inner = BETWEEN[conduit]
        return not (self.device.denies(outer, inner) and self.device.denies(inner, outer))

    def type_by_hand(self, commands: tuple[str, ...]) -> None:
        """Type on the device's console."""
        self.device.by_hand(commands)

    def hang(self, point: IsolationPoint) -> None:
        """Let nothing pass on a point's way."""
        self._ways[id(point)].is_open.clear()

    def go_on(self, point: IsolationPoint) -> None:
        """Let it pass again."""
        self._ways[id(point)].is_open.set()

    def lose_reply(self, call: str) -> None:
        """Let the commit take effect, and its answer not come."""
        assert call == "isolate"
        self.wire.held = Held("reply lost", "commit")

    def break_off(self, call: str) -> None:
        """Let the candidate be loaded, and the commit never leave."""
        assert call == "isolate"
        self.wire.held = Held("not sent", "commit")

    def behave(self) -> None:
        """End the last two."""
        self.wire.held = None

    def look_takes(self, seconds: float) -> None:
        """Let each look take so long."""
        self.wire.look_takes_s = seconds

    def hold_up(self, call: str) -> None:
        """Let what arms, which is only tried, or the commit, be under way for long."""
        self.wire.held = Held("under way", "load" if call == "arm" else "commit")

    async def let_go(self) -> None:
        """Let it arrive, as old as it is: what the recipe says of late lines is its word, and only a bench can tell what it is worth."""
        late = self.recipe.late
        assert late is not None
        for act, left_s in self.wire.under_way:
            if self.clock.now_s - left_s <= late.at_most:
                act()
        self.wire.under_way.clear()
