"""Lines that come late: the device's sshd is stopped while a line is on its way, and goes on when nobody waits any more.

Each line is tried twice. With a latest moment that is far away it lands, which shows that it was really held up in the
device's queue and that resetting our connection did not take it out of there; with its own it changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import paramiko
import pytest

from islandmode.core.entry import Entry
from islandmode.core.outcome import Outcome
from islandmode.isolation.nftables import point as nftables_point
from islandmode.isolation.nftables import recipe
from islandmode.isolation.nftables.point import NftSession
from islandmode.run.restore import restore_until_seen
from islandmode.system.clock import MachineClock
from napalm_nftables.channel import NftAnswer
from napalm_nftables.link import DeviceLink
from tests.isolation.nftables.plant import (
    ACROSS,
    BETWEEN,
    DEADLINE_S,
    INTERFACES,
    INWARD,
    OFFICE,
    RUN,
    make_point,
    passing,
)
from tests.isolation.nftables.test_hanging_devices import ODD, odd_nft
from tests.napalm_nftables.firewall_node import FirewallNode
from tests.patience import PATIENCE_S

pytestmark = [pytest.mark.lab, pytest.mark.anyio]
TABLE = "inet islandmode_corporate_line3"
LONG_S = 600
"""A latest moment so far away that no test waits for it."""
SHORT_S = 2.0
"""How long a caller here waits for a device whose sshd stands still."""
OVER_S = recipe.TICKET_LEAST_S + recipe.LATEST_MARGIN_S


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Sshd:
    """The sshd of the firewall node, every process of it, inside that node's own namespace of processes."""

    def __init__(self, node: FirewallNode) -> None:
        self._node = node
        self._stopped = ""

    def stop(self) -> None:
        self._stopped = " ".join(self._node.run("pgrep -x sshd").split())
        self._node.run(f"kill -STOP {self._stopped}")

    def go_on(self) -> None:
        if self._stopped:
            self._node.run(f"kill -CONT {self._stopped}")
            self._stopped = ""

    async def has_read_everything(self) -> None:
        """Wait until every session that was given up has ended on the device: nothing of it can act any more."""
        with anyio.fail_after(PATIENCE_S):
            while "sshd: drill" in (told := self._node.run("ps axo args")) or "nft -j -i" in told:
                await anyio.sleep(0.05)


@pytest.fixture
def sshd(node: FirewallNode) -> Iterator[Sshd]:
    found = Sshd(node)
    yield found
    found.go_on()


class WhenReady(NftSession):
    """The product's session, with something that happens when a line is about to leave."""

    act: Callable[[], None] | None = None

    def take_ticket(self, conduits: tuple[str, ...], run: str, life_s: int) -> str:
        ticket = super().take_ticket(conduits, run, life_s)
        self._happen()
        return ticket

    @classmethod
    def _happen(cls) -> None:
        act, cls.act = cls.act, None
        if act is not None:
            act()


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[WhenReady]]:
    feed = DeviceLink._feed

    def feed_when_ready(link: DeviceLink, channel: paramiko.Channel, stdin: str) -> None:
        # The line that arms has no ticket; the shell that reads it has to be past what it says first, or it dies of a
        # broken pipe when sshd goes on and finds the connection gone, and nothing would show that the line lands.
        until_s = time.monotonic() + PATIENCE_S
        while not (channel.recv_ready() and channel.recv_stderr_ready()) and time.monotonic() < until_s:
            time.sleep(0.01)
        WhenReady._happen()
        feed(link, channel, stdin)

    monkeypatch.setattr(DeviceLink, "_feed", feed_when_ready)
    monkeypatch.setattr(nftables_point, "NftSession", WhenReady)
    yield WhenReady
    WhenReady.act = None


def live_long(monkeypatch: pytest.MonkeyPatch, life_s: int = LONG_S) -> None:
    """Take the latest moment away from every line, or put it off."""
    monkeypatch.setattr(recipe, "ticket_life_s", lambda _trip_s: life_s)


def forget_tickets(node: FirewallNode) -> None:
    """Let every ticket end now."""
    node.run(f"nft flush set {TABLE} ticket")


@pytest.mark.parametrize(("bounded", "beforehand"), [(True, False), (True, True), (False, True)])
async def test_an_isolate_that_waited_in_the_devices_queue_fails_as_a_whole(
    node: FirewallNode,
    sshd: Sshd,
    ready: type[WhenReady],
    monkeypatch: pytest.MonkeyPatch,
    *,
    bounded: bool,
    beforehand: bool,
) -> None:
    point = make_point(node).point
    if not bounded:
        live_long(monkeypatch)
    assert (await point.arm(OFFICE, 60, DEADLINE_S)).done
    ready.act = sshd.stop
    if beforehand:
        # In a stage of several devices the ticket is taken before the first of them is ordered.
        assert (await point.prepare(OFFICE, DEADLINE_S)).done
    given_up = await point.isolate(OFFICE, SHORT_S)
    assert given_up.outcome is Outcome.UNKNOWN
    assert point.late_until_us > given_up.answered_us
    await point.close()
    await anyio.sleep(OVER_S)
    sshd.go_on()
    await sshd.has_read_everything()
    after = make_point(node).point
    state = await after.state(OFFICE, DEADLINE_S)
    assert state.value is not None, state.why
    assert state.value.conduits[OFFICE[0]].isolating is not bounded
    assert passing(node, INWARD) == (set(INWARD) if bounded else set())
    assert (await after.restore(OFFICE, DEADLINE_S)).done
    await after.close()


@pytest.mark.parametrize("bounded", [True, False])
async def test_a_renewal_that_waited_in_the_devices_queue_extends_nothing(
    node: FirewallNode, sshd: Sshd, ready: type[WhenReady], monkeypatch: pytest.MonkeyPatch, *, bounded: bool
) -> None:
    point = make_point(node).point
    if not bounded:
        live_long(monkeypatch)
    assert (await point.arm(OFFICE, 60, DEADLINE_S)).done
    assert (await point.isolate(OFFICE, DEADLINE_S)).done
    ready.act = sshd.stop
    assert (await point.renew(OFFICE, 3600, SHORT_S)).outcome is Outcome.UNKNOWN
    await point.close()
    await anyio.sleep(OVER_S)
    sshd.go_on()
    await sshd.has_read_everything()
    after = make_point(node).point
    state = await after.state(OFFICE, DEADLINE_S)
    assert state.value is not None, state.why
    left_s = state.value.conduits[OFFICE[0]].armed_s
    assert left_s is not None
    assert (left_s <= 60) is bounded
    assert (await after.restore(OFFICE, DEADLINE_S)).done
    await after.close()


@pytest.mark.parametrize("bounded", [True, False])
async def test_an_arm_that_waited_in_the_devices_queue_makes_nothing(
    node: FirewallNode, sshd: Sshd, ready: type[WhenReady], monkeypatch: pytest.MonkeyPatch, *, bounded: bool
) -> None:
    point = make_point(node).point
    if not bounded:
        live_long(monkeypatch)
    # Both sessions are logged in, so that the time is spent on the line.
    assert (await point.ready(DEADLINE_S)).done
    assert (await point.state(OFFICE, DEADLINE_S)).done
    ready.act = sshd.stop
    given_up = await point.arm(OFFICE, 60, SHORT_S)
    assert given_up.outcome is Outcome.UNKNOWN
    assert point.late_until_us > given_up.answered_us
    await point.close()
    await anyio.sleep(OVER_S)
    sshd.go_on()
    await sshd.has_read_everything()
    assert (recipe.PREFIX in node.run("nft list tables")) is not bounded
    after = make_point(node).point
    assert (await after.restore(OFFICE, DEADLINE_S)).done
    await after.close()


class Notes:
    """Keeps what restore noted."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, dict[str, Any]]] = []

    def note(self, make: Callable[..., Entry], *_: Any, **data: Any) -> object:
        self.rows.append((str(getattr(make, "record_kind", "")), data))
        return None


async def test_a_restore_after_an_unknown_arm_counts_only_a_look_after_its_latest_moment(
    node: FirewallNode, sshd: Sshd, ready: type[WhenReady], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, notes = MachineClock.of_this_boot(), Notes()
    live_long(monkeypatch, recipe.TICKET_MOST_S)
    point = make_point(node).point
    assert (await point.ready(DEADLINE_S)).done
    assert (await point.state(OFFICE, DEADLINE_S)).done
    ready.act = sshd.stop
    assert (await point.arm(OFFICE, 60, SHORT_S)).outcome is Outcome.UNKNOWN
    sshd.go_on()
    seen = await restore_until_seen({"fw": point}, {"fw": OFFICE}, notes=notes, clock=clock, give_up_after_s=60.0)
    assert seen == {"fw"}
    first, *_, (last_kind, last) = notes.rows
    assert (first[0], last_kind) == ("restore.attempt", "restore.seen")
    assert first[1]["asked_us"] < point.late_until_us <= last["asked_us"]
    assert recipe.PREFIX not in node.run("nft list tables")
    await point.close()


async def test_a_line_acts_once_and_no_other_can_use_its_ticket(node: FirewallNode) -> None:
    point = make_point(node).point
    assert (await point.arm(OFFICE, 60, DEADLINE_S)).done
    node.run(f"nft '{recipe.ticket_line(OFFICE, RUN, 't-1', 60)}'")
    line = recipe.isolate_line(OFFICE, BETWEEN, INTERFACES, RUN, "t-1")
    node.run(f"nft '{line}'")
    assert passing(node, INWARD) == set()
    node.run(f"nft flush set {TABLE} hold")
    assert "No such file" in node.run(f"nft '{line}' 2>&1; true")
    assert passing(node, ACROSS) == set(ACROSS)
    # And one that has run out is as good as none.
    node.run(f"nft '{recipe.ticket_line(OFFICE, RUN, 't-2', 1)}'")
    await anyio.sleep(1.2)
    line = recipe.isolate_line(OFFICE, BETWEEN, INTERFACES, RUN, "t-2")
    assert "No such file" in node.run(f"nft '{line}' 2>&1; true")
    assert passing(node, ACROSS) == set(ACROSS)
    assert (await point.restore(OFFICE, DEADLINE_S)).done
    await point.close()


async def test_a_line_whose_ticket_is_gone_says_so_and_is_known_to_have_changed_nothing(
    node: FirewallNode, ready: type[WhenReady]
) -> None:
    point = make_point(node).point
    assert (await point.arm(OFFICE, 60, DEADLINE_S)).done
    ready.act = lambda: forget_tickets(node)
    isolated = await point.isolate(OFFICE, DEADLINE_S)
    assert (isolated.outcome, point.late_until_us) == (Outcome.NOT_DONE, 0)
    assert isolated.why == "the command reached the device when its ticket was gone, so nothing was changed"
    assert passing(node, ACROSS) == set(ACROSS)
    assert (await point.restore(OFFICE, DEADLINE_S)).done
    await point.close()


async def test_a_way_on_which_an_answer_takes_too_long_is_refused_before_anything_is_written(
    node: FirewallNode,
) -> None:
    odd_nft(node, "obedient")
    point = make_point(node, nft=ODD).point
    assert (await point.ready(DEADLINE_S)).done
    node.run("echo late-answers > /etc/nft-fault")
    armed = await point.arm(OFFICE, 60, 3 * DEADLINE_S)
    assert armed.outcome is Outcome.NOT_DONE
    assert "may take 1 s" in armed.why
    assert recipe.PREFIX not in node.run("nft list tables")
    await point.close()


async def test_a_ticket_that_would_live_for_ever_is_used_for_no_line(node: FirewallNode) -> None:
    odd_nft(node, "obedient")
    point = make_point(node, nft=ODD).point
    assert (await point.arm(OFFICE, 60, DEADLINE_S)).done
    node.run("echo drop-timeout > /etc/nft-fault")
    isolated = await point.isolate(OFFICE, DEADLINE_S)
    assert isolated.outcome is Outcome.NOT_DONE
    assert "has no timer there" in isolated.why
    assert passing(node, ACROSS) == set(ACROSS)
    assert (await point.restore(OFFICE, DEADLINE_S)).done
    await point.close()


class Counting(NftSession):
    """The product's session, and how often it asked the device."""

    asked = 0

    def ask(self, lines: tuple[str, ...], *changes: str) -> NftAnswer:
        type(self).asked += bool(changes)
        return super().ask(lines, *changes)


@pytest.mark.parametrize(("gone", "looks"), [(0, 1), (1, 2), (3, 1)])
async def test_a_restore_is_proven_in_one_look_unless_something_is_left(
    node: FirewallNode, monkeypatch: pytest.MonkeyPatch, gone: int, looks: int
) -> None:
    conduits = tuple(BETWEEN)
    point = make_point(node).point
    assert (await point.arm(conduits, 60, DEADLINE_S)).done
    for conduit in conduits[:gone]:
        node.run(f"nft delete table inet {recipe.table_of(conduit)}")
    point._sessions.rescue.close()
    monkeypatch.setattr(nftables_point, "NftSession", Counting)
    Counting.asked = 0
    restored = await point.restore(conduits, DEADLINE_S)
    assert restored.value is not None, restored.why
    assert restored.value.clear
    assert Counting.asked == looks
    assert recipe.PREFIX not in node.run("nft list tables")
    await point.close()
