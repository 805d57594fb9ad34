"""The contract of every platform, over real SSH and a real kernel firewall."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from islandmode.core.plan import PlanPoint
from islandmode.core.site import SitePoint
from islandmode.isolation.nftables import hard_point
from islandmode.isolation.nftables.hard_point import HardSession
from islandmode.isolation.nftables.platform import NFTABLES
from islandmode.isolation.point import IsolationPoint
from islandmode.system.clock import MachineClock
from tests.isolation.contract import RUN, Contract
from tests.isolation.nftables.plant import OnNode, PointOnNode, make_point, planned, planned_hard
from tests.isolation.nftables.test_hanging_devices import ODD, odd_nft
from tests.isolation.nftables.test_late_lines import Sshd, WhenReady, ready, sshd
from tests.napalm_nftables.firewall_node import FirewallNode, Relay

__all__ = ["ready", "sshd"]
pytestmark = [pytest.mark.lab]

assert NFTABLES.hard is not None
NFTABLES_HARD = NFTABLES.hard


class NftablesBench(OnNode):
    """The firewall node, with an nft before the real one that can lose what comes and goes."""

    platform = NFTABLES
    conduits = ("corporate-line3", "corporate-dmz")
    dead_man_s = 8.0
    short_s = 8.0

    def __init__(self, node: FirewallNode, sshd: Sshd, ready: type[WhenReady]) -> None:
        self._node, self._sshd, self._ready = node, sshd, ready
        self._made: list[PointOnNode] = []
        self.clock = MachineClock.of_this_boot()
        odd_nft(node, "obedient")

    @property
    def site_point(self) -> SitePoint:
        known = self.planned()
        return SitePoint(
            platform=known.platform,
            management=known.management,
            login=known.login,
            interfaces=known.interfaces,
            isolates=self.conduits,
        )

    def play(self, story: Callable[[], Awaitable[None]]) -> None:
        anyio.run(story, backend="asyncio")

    def planned(self) -> PlanPoint:
        return planned(self.conduits)

    def point(self, run: str | None = RUN) -> IsolationPoint:
        made = make_point(self._node, run=run, nft=ODD)
        self._made.append(made)
        return made.point

    def owner_told(self, run: str) -> str:
        return run

    def hang(self, point: IsolationPoint) -> None:
        self._relay(point).freeze()

    def go_on(self, point: IsolationPoint) -> None:
        self._relay(point).thaw()

    def _relay(self, point: IsolationPoint) -> Relay:
        return next(made.relay for made in self._made if made.point is point)

    def lose_reply(self, call: str) -> None:
        assert call == "isolate"
        self._node.run("echo lost-reply > /etc/nft-fault")

    def break_off(self, call: str) -> None:
        assert call == "isolate"
        self._node.run("echo half-line > /etc/nft-fault")

    def behave(self) -> None:
        self._node.run("echo obedient > /etc/nft-fault")

    def look_takes(self, seconds: float) -> None:
        self._node.run(f"echo late-by {seconds:g} > /etc/nft-fault")

    def hold_up(self, call: str) -> None:
        # The line that arms, or what a ticket was taken for: it is the next one that leaves.
        self._ready.act = self._sshd.stop

    async def let_go(self) -> None:
        self._sshd.go_on()
        for made in self._made:
            await made.point.close()
        await self._sshd.has_read_everything()


class HardWhenReady(HardSession):
    """The product's session, with something that happens when the line that isolates is about to leave."""

    act: Callable[[], None] | None = None

    def take_ticket(self, conduits: tuple[str, ...], run: str, life_s: int) -> str:
        ticket = super().take_ticket(conduits, run, life_s)
        act, type(self).act = type(self).act, None
        if act is not None:
            act()
        return ticket


class HardBench(NftablesBench):
    """The same node, whose outer interface goes down: the platform at level hard."""

    platform = NFTABLES_HARD
    dead_man_s = 12.0

    @property
    def site_point(self) -> SitePoint:
        return super().site_point.model_copy(update={"level": "hard"})

    def planned(self) -> PlanPoint:
        return planned_hard(self.conduits)

    def point(self, run: str | None = RUN) -> IsolationPoint:
        made = make_point(self._node, run=run, nft=ODD, plan=self.planned())
        self._made.append(made)
        return made.point

    def hold_up(self, call: str) -> None:
        # A look goes the way of the line that arms.
        if call == "arm":
            super().hold_up(call)
        else:
            HardWhenReady.act = self._sshd.stop


@pytest.mark.more
class TestContractAtLevelHard(Contract):
    @pytest.fixture
    def bench(
        self, node: FirewallNode, sshd: Sshd, ready: type[WhenReady], monkeypatch: pytest.MonkeyPatch
    ) -> HardBench:
        monkeypatch.setattr(hard_point, "HardSession", HardWhenReady)
        return HardBench(node, sshd, ready)


class TestContract(Contract):
    @pytest.fixture
    def bench(self, node: FirewallNode, sshd: Sshd, ready: type[WhenReady]) -> NftablesBench:
        return NftablesBench(node, sshd, ready)
