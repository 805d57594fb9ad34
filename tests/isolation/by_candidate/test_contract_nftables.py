"""The contract of every platform, over NAPALM's real `nftables` driver: real SSH, a real kernel firewall, and timers of the device."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from ipaddress import ip_network
from typing import Any

import anyio
import paramiko
import pytest

from islandmode.core.outcome import Outcome
from islandmode.core.plan import PlanPoint
from islandmode.core.recipe.place import at_point
from islandmode.core.site import Login, Management, Networks, SitePoint
from islandmode.isolation.by_recipe.napalm_session import NapalmSession, make_driver
from islandmode.isolation.by_recipe.platform import platform_of
from islandmode.isolation.by_recipe.point import RecipePoint
from islandmode.isolation.platform import Access
from islandmode.isolation.point import IsolationPoint
from islandmode.run.deadman import watch_trouble
from islandmode.system.clock import MachineClock
from napalm_nftables.link import DeviceLink
from tests.isolation.by_candidate.world import planned_by, recipe_of
from tests.isolation.contract import PATIENT_S, RUN, Contract, armed, isolated, restored
from tests.isolation.nftables.plant import BETWEEN, INTERFACES, NETWORKS, OnNode
from tests.isolation.nftables.test_late_lines import Sshd, sshd
from tests.napalm_nftables.drivers import logged_in
from tests.napalm_nftables.firewall_node import PASSWORD, FirewallNode, Relay
from tests.patience import wait_until

__all__ = ["sshd"]
pytestmark = [pytest.mark.lab]
STATE = "/home/drill/.napalm_nftables"
CONDUITS = ("corporate-line3", "corporate-dmz")
PARSED: Networks = {name: tuple(ip_network(network) for network in networks) for name, networks in NETWORKS.items()}
COMMITS = "> last"
"""What only a script that commits has in it."""
PAUSE = "sleep 2.071"


def must_not_be_called(*_: Any) -> None:
    raise AssertionError("rollback or confirm_commit was called")


class Feeding:
    """What happens to a script on its way to the device; the rest goes as it is."""

    def __init__(self) -> None:
        self.act: Callable[[Callable[[str], None], str], None] | None = None
        self.matching = ""

    def feed(self, link: DeviceLink, channel: paramiko.Channel, stdin: str) -> None:
        if self.act is None or self.matching not in stdin:
            FEED(link, channel, stdin)
            return
        act, self.act = self.act, None
        act(lambda text: FEED(link, channel, text), stdin)


FEED = DeviceLink._feed


class NapalmBench(OnNode):
    """The firewall node, driven through NAPALM by a recipe."""

    conduits = CONDUITS
    dead_man_s = 8.0
    short_s = 12.0

    def __init__(self, node: FirewallNode, sshd: Sshd, feeding: Feeding) -> None:
        self._node, self._sshd, self._feeding = node, sshd, feeding
        self._relays: dict[int, Relay] = {}
        self._frozen: Relay | None = None
        self._look_takes_s = 0.0
        self._made: list[RecipePoint] = []
        self.recipe = recipe_of("nftables-confirm")
        self.clock = MachineClock.of_this_boot()
        used = self.planned().rendering.recipe
        assert used is not None
        self.platform = replace(platform_of(self.recipe, used), open=lambda *_: self.point())

    @property
    def site_point(self) -> SitePoint:
        return SitePoint(
            platform=self.recipe.recipe,
            management=Management.model_validate({"address": "127.0.0.1", "zone": "line3"}),
            login=Login(user="drill"),
            interfaces=INTERFACES,
            options={"state": STATE},
            isolates=CONDUITS,
        )

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        anyio.run(story, backend="asyncio")

    def planned(self) -> PlanPoint:
        point = self.site_point
        between = {conduit: BETWEEN[conduit] for conduit in CONDUITS}
        at = at_point("fw", point, between, PARSED)
        return planned_by(
            self.recipe,
            at,
            60.0,
            management=point.management,
            login=point.login,
            interfaces=INTERFACES,
            between=between,
            networks=PARSED,
        )

    def point(self, run: str | None = RUN) -> RecipePoint:
        relay = self._node.relay()
        planned = self.planned()
        at = at_point("fw", planned, planned.between, PARSED)
        access = Access(
            host="127.0.0.1",
            port=relay.port,
            user="drill",
            become="sudo",
            known_hosts=self._node.known_hosts(relay),
            password=PASSWORD,
        )

        make = partial(NapalmSession, make=self._watched)
        made = RecipePoint("fw", planned, self.recipe, at, access, self.clock, run, make)
        self._relays[id(made)] = relay
        self._made.append(made)
        return made

    def _watched(self, access: Access, recipe: Any) -> Any:
        driver = make_driver(access, recipe)
        cli = driver.cli

        def slowly(commands: list[str], encoding: str = "text") -> dict[str, Any]:
            answers: dict[str, Any] = cli(commands, encoding)
            # A look ends with what the firewall enforces.
            time.sleep(self._look_takes_s if any("list ruleset" in command for command in commands) else 0.0)
            return answers

        driver.cli = slowly
        driver.rollback = driver.confirm_commit = must_not_be_called
        return driver

    def owner_told(self, run: str) -> str | None:
        """A commit tells no run."""
        return None

    def hang(self, point: IsolationPoint) -> None:
        self._relays[id(point)].freeze()

    def go_on(self, point: IsolationPoint) -> None:
        self._relays[id(point)].thaw()

    def _at_commit(self, act: Callable[[Callable[[str], None], str], None]) -> None:
        self._feeding.matching, self._feeding.act = COMMITS, act

    def _freeze(self) -> None:
        self._frozen = self._relays[id(self._made[0])]
        self._frozen.freeze()

    def lose_reply(self, call: str) -> None:
        assert call == "isolate"

        def act(feed: Callable[[str], None], stdin: str) -> None:
            # Once the shell there has read the whole script the way stands still: it acts, and what it answers is not heard.
            feed(stdin.replace("\nmain\n", f"\n{PAUSE}; main\n"))
            wait_until(lambda: PAUSE in self._node.run("ps axo args"), "the device has read the script")
            self._freeze()

        self._at_commit(act)

    def break_off(self, call: str) -> None:
        assert call == "isolate"

        def act(feed: Callable[[str], None], stdin: str) -> None:
            feed(stdin[: len(stdin) // 2])
            self._freeze()

        self._at_commit(act)

    def behave(self) -> None:
        self._feeding.act = None
        if self._frozen is not None:
            self._frozen.thaw()
            self._frozen = None

    def look_takes(self, seconds: float) -> None:
        self._look_takes_s = seconds

    def hold_up(self, call: str) -> None:
        def act(feed: Callable[[str], None], stdin: str) -> None:
            self._sshd.stop()
            feed(stdin)

        self._feeding.matching = COMMITS if call == "isolate" else ""
        self._feeding.act = act

    async def let_go(self) -> None:
        self._sshd.go_on()
        for made in self._made:
            await made.close()
        await self._sshd.has_read_everything()


@pytest.fixture
def feeding(monkeypatch: pytest.MonkeyPatch) -> Feeding:
    found = Feeding()

    def feed(link: DeviceLink, channel: paramiko.Channel, stdin: str) -> None:
        found.feed(link, channel, stdin)

    monkeypatch.setattr(DeviceLink, "_feed", feed)
    return found


@pytest.fixture
def bench(node: FirewallNode, sshd: Sshd, feeding: Feeding) -> Iterator[NapalmBench]:
    made = NapalmBench(node, sshd, feeding)
    yield made
    made.behave()
    node.run("for t in $(nft list tables | awk '/islandmode/ { print $3 }'); do nft delete table inet $t; done")


class TestNftablesByNapalm(Contract):
    """All of it."""


def test_a_confirmation_by_somebody_else_is_seen_named_and_restored(bench: NapalmBench, node: FirewallNode) -> None:
    async def story() -> None:
        point = bench.point()
        await armed(bench, point)
        await isolated(bench, point)
        with logged_in(node) as colleague:
            colleague.confirm_commit()
        reading = await point.state(CONDUITS, PATIENT_S)
        told = watch_trouble("fw", point.capabilities, CONDUITS, CONDUITS, reading, 500.0)
        assert told == (
            "fw: the device's dead-man is not running any more; the newest change on the device is that of drill from 127.0.0.1, and it "
            "confirmed the isolation."
        )
        assert not any(bench.any_passes(conduit) for conduit in CONDUITS)
        await restored(bench, point)
        assert "islandmode" not in node.run("nft list tables")
        await point.close()

    bench.play(story)


def test_a_table_that_somebody_adds_meanwhile_is_no_part_of_the_commit(bench: NapalmBench, node: FirewallNode) -> None:
    async def story() -> None:
        point = bench.point()
        await armed(bench, point)
        node.run("nft add table inet colleague")
        await isolated(bench, point)
        await restored(bench, point)
        assert "table inet colleague" in node.run("nft list tables")
        node.run("nft delete table inet colleague")
        await point.close()

    bench.play(story)


def test_a_table_of_that_name_that_somebody_else_made_is_left_alone(bench: NapalmBench, node: FirewallNode) -> None:
    async def story() -> None:
        point = bench.point()
        node.run("nft add table inet islandmode_corporate-line3")
        refused = await point.arm(CONDUITS, 60.0, PATIENT_S)
        assert refused.outcome is Outcome.NOT_DONE
        assert "A merge may only add tables of its own" in refused.why
        await point.close()

    bench.play(story)


def test_on_a_way_that_is_too_slow_to_isolate_a_restore_still_comes_through(
    bench: NapalmBench, node: FirewallNode
) -> None:
    async def story() -> None:
        first = bench.point()
        await armed(bench, first)
        await isolated(bench, first)
        late = bench.recipe.late
        assert late is not None
        # From here on each commit comes too late for what isolates.
        bench.recipe = bench.recipe.model_copy(update={"late": late.model_copy(update={"at_most": 0.05})})
        slow = bench.point()
        await restored(bench, slow)
        assert (await slow.arm(CONDUITS, 60.0, PATIENT_S)).done
        refused = await slow.isolate(CONDUITS, PATIENT_S)
        assert refused.outcome is Outcome.NOT_DONE
        assert "The candidate reached the device after its time; nothing was changed." in refused.why
        assert "islandmode" not in node.run("nft list tables")
        for each in (first, slow):
            await each.close()

    bench.play(story)
