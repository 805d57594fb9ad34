"""The firewall node, driven by real Ansible plays: real SSH, a real kernel firewall, and its own timers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import anyio

from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.model import Recipe
from islandmode.core.recipe.place import at_point
from islandmode.core.recipe.plays import PlayRun
from islandmode.core.site import Login, Management, Networks, SitePoint
from islandmode.isolation.by_play.player import Player
from islandmode.isolation.by_play.point import PlayPoint
from islandmode.isolation.by_recipe.platform import platform_of
from islandmode.isolation.by_recipe.shell import ShellSession
from islandmode.isolation.platform import Access, Transcript
from islandmode.isolation.point import IsolationPoint
from islandmode.store.recipes import own_recipes
from islandmode.system.clock import Clock, MachineClock
from tests.isolation.by_candidate.world import planned_by
from tests.isolation.contract import RUN
from tests.isolation.nftables.plant import BETWEEN, INTERFACES, NETWORKS, OnNode
from tests.isolation.nftables.test_late_lines import Sshd
from tests.napalm_nftables.firewall_node import PASSWORD, FirewallNode, Relay

PROJECT = Path(__file__).resolve().parents[3]
CONDUITS = ("corporate-line3", "corporate-dmz")
PARSED: Networks = {name: tuple(ip_network(network) for network in networks) for name, networks in NETWORKS.items()}
ISOLATE = "playbooks/isolate.yml"
HANGS = """
    - name: Stand still
      ansible.builtin.command: {argv: [sleep, "600"]}
"""
PLANNED_S = 12.0
"""The drill's timer: so long a play that was given up counts as able to act."""


def recipe() -> Recipe:
    """Read the recipe that `islandmode init` gives, with its playbooks."""
    return own_recipes(PROJECT).good["nftables-plays"].recipe


def texts_of(recipe: Recipe) -> Mapping[str, str]:
    """Give the playbooks that a recipe carries."""
    assert recipe.plays is not None
    return recipe.plays.texts


class PlayBench(OnNode):
    """The firewall node as a recipe with plays sees it; faults strike when a play is about to begin."""

    conduits = CONDUITS
    dead_man_s = 45.0
    short_s = 4.0

    def __init__(self, node: FirewallNode, sshd: Sshd) -> None:
        self._node, self._sshd = node, sshd
        self._relays: dict[int, Relay] = {}
        self._made: list[PlayPoint] = []
        self._look_takes_s = 0.0
        self.before_play: Callable[[Player], None] | None = None
        """What happens before the next play, once."""
        self.recipe = recipe()
        self._good = dict(texts_of(self.recipe))
        self.clock = MachineClock.of_this_boot()
        used = self.planned().rendering.recipe
        assert used is not None
        made = platform_of(self.recipe, used)
        self.platform = replace(made, capabilities=self.planned().capabilities, open=lambda *_: self.point())
        self.transcripts: list[Said] = []

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        anyio.run(story, backend="asyncio")

    @property
    def site_point(self) -> SitePoint:
        return SitePoint(
            platform=self.recipe.recipe,
            management=Management.model_validate({"address": "127.0.0.1", "zone": "line3"}),
            login=Login(user="drill"),
            interfaces=INTERFACES,
            isolates=CONDUITS,
        )

    def planned(self) -> PlanPoint:
        point = self.site_point
        between = {conduit: BETWEEN[conduit] for conduit in CONDUITS}
        at = at_point("fw", point, between, PARSED)
        return planned_by(
            self.recipe,
            at,
            PLANNED_S,
            management=point.management,
            login=point.login,
            interfaces=INTERFACES,
            between=between,
            networks=PARSED,
        )

    def access(self, relay: Relay, known_hosts: Path | None = None) -> Access:
        return Access(
            host="127.0.0.1",
            port=relay.port,
            user="drill",
            become="sudo",
            known_hosts=known_hosts or self._node.known_hosts(relay),
            password=PASSWORD,
            transcript=self._transcript,
        )

    def point(self, run: str | None = RUN, access: Access | None = None) -> PlayPoint:
        relay = self._node.relay()
        planned = self.planned()
        at = at_point("fw", planned, planned.between, PARSED)
        made = PlayPoint("fw", planned, self.recipe, at, access or self.access(relay), self.clock, run, self._session)
        self._relays[id(made)] = relay
        self._made.append(made)
        return made

    def _transcript(self, session: str) -> Transcript:
        self.transcripts.append(Said(session))
        return self.transcripts[-1]

    def _session(self, access: Access, recipe: Recipe, clock: Clock, transcript: Transcript | None = None) -> Any:
        return SlowShell(access, recipe, clock, transcript, lambda: self._look_takes_s)

    def owner_told(self, run: str) -> str | None:
        return run

    def hang(self, point: IsolationPoint) -> None:
        self._relays[id(point)].freeze()

    def go_on(self, point: IsolationPoint) -> None:
        self._relays[id(point)].thaw()

    def look_takes(self, seconds: float) -> None:
        self._look_takes_s = seconds

    def strike(self, player: Player) -> None:
        """Let happen what was asked for; called as a play begins."""
        act, self.before_play = self.before_play, None
        if act is not None:
            act(player)

    def hold_up(self, call: str) -> None:
        self.before_play = lambda _: self._sshd.stop()

    def break_off(self, call: str) -> None:
        self.hold_up(call)

    def lose_reply(self, call: str) -> None:
        """Let the play isolate, and then go on for longer than anybody waits."""
        assert call == "isolate"
        self._give({ISOLATE: self._good[ISOLATE].rstrip() + HANGS})
        self.short_s = 30.0

    def _give(self, texts: Mapping[str, str]) -> None:
        """Change playbooks, also those of points that are there."""
        plays = self.recipe.plays
        assert plays is not None
        plays.texts.update(texts)

    def behave(self) -> None:
        self.before_play = None
        self._sshd.go_on()
        self._give(self._good)

    async def let_go(self) -> None:
        self._sshd.go_on()
        for made in self._made:
            await made.close()
        await self._sshd.has_read_everything()


class Said:
    """What a session was told to keep, as it came."""

    def __init__(self, session: str) -> None:
        self.session, self.lines = session, list[str]()

    def sent(self, line: str) -> None:
        self.lines.append(f"> {line}")

    def heard(self, text: str) -> None:
        self.lines.append(f"< {text}")


class SlowShell(ShellSession):
    """The product's shell, each of whose looks takes a while."""

    def __init__(
        self, access: Access, recipe: Recipe, clock: Clock, transcript: Transcript | None, takes_s: Callable[[], float]
    ) -> None:
        super().__init__(access, recipe, clock, transcript)
        self._takes_s = takes_s

    def say(self, line: str, answers: Any = ()) -> str:
        answer = super().say(line, answers)
        time.sleep(self._takes_s() if "list ruleset" in line else 0.0)
        return answer


PLAY = Player.play


def play_after(bench: PlayBench) -> Callable[[Player, PlayRun, str, float], None]:
    """Give the product's play with what a bench lets happen before it."""

    def play(player: Player, run: PlayRun, text: str, within_s: float) -> None:
        bench.strike(player)
        PLAY(player, run, text, within_s)

    return play
