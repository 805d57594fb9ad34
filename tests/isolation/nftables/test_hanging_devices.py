"""Devices that hang, lie or come late: none may isolate what was restored, and none may delay another's restore."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from islandmode.core.device_records import RestoreSeen
from islandmode.core.entry import Entry
from islandmode.core.outcome import Outcome
from islandmode.isolation.nftables import recipe
from islandmode.isolation.nftables.point import NftablesPoint, NftAccess
from islandmode.run.restore import restore_until_seen
from islandmode.system.clock import MachineClock
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
    planned,
)
from tests.napalm_nftables.firewall_node import FirewallNode
from tests.patience import PATIENCE_S

ABLE = recipe.CAPABILITIES

pytestmark = [pytest.mark.lab, pytest.mark.anyio]
ODD = "/usr/local/sbin/nft-odd"
WRAPPER = Path(__file__).parents[2] / "lab" / "rogue" / "nft_wrapper.py"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def odd_nft(node: FirewallNode, fault: str) -> None:
    """Put an nft on the device that lies or lags in one way, and does the rest through the real one."""
    environment = f"NFT_REAL=/usr/sbin/nft NFT_FAULT_FILE=/etc/nft-fault {sys.executable}"
    # On a busy machine a program that was just written may be in use for a moment: code 126.
    ready = f"until {ODD} --version >/dev/null 2>&1; [ $? != 126 ]; do sleep 0.05; done"
    node.run(f"cat > {ODD}; chmod 755 {ODD}; {ready}", f'#!/bin/sh\nexec env {environment} {WRAPPER} "$@"\n')
    node.run(f"echo {fault} > /etc/nft-fault")


async def test_an_isolate_that_hung_through_the_restore_changes_nothing(node: FirewallNode) -> None:
    """The work session's link freezes, the isolate waits in it, the restore goes its own way, the link thaws."""
    made = make_point(node)
    point = made.point
    armed = await point.arm(OFFICE, 60, DEADLINE_S)
    assert armed.done, armed.why
    # What logs in from here on takes a way of its own.
    point._access = make_point(node).point._access
    point._sessions._known_hosts = point._access.known_hosts
    made.relay.freeze()
    stuck = await point.isolate(OFFICE, 0.5)
    assert stuck.outcome is Outcome.UNKNOWN
    assert stuck.value is None
    restored = await point.restore(OFFICE, DEADLINE_S)
    assert restored.value is not None, restored.why
    assert restored.value.clear
    made.relay.thaw()
    await anyio.sleep(0.5)
    assert passing(node, ACROSS) == set(ACROSS)
    assert recipe.PREFIX not in node.run("nft list tables")
    await point.close()


async def test_the_very_line_sent_after_restore_fails_on_the_device(node: FirewallNode) -> None:
    late = recipe.isolate_line(OFFICE, BETWEEN, INTERFACES, RUN, "a-ticket")
    point = make_point(node).point
    await point.arm(OFFICE, 60, DEADLINE_S)
    await point.restore(OFFICE, DEADLINE_S)
    assert "No such file" in node.run(f"nft '{late}' 2>&1; true")
    given = recipe.ticket_line(OFFICE, RUN, "a-ticket")
    assert "No such file" in node.run(f"nft '{given}' 2>&1; true")
    seen = await point.isolate(OFFICE, DEADLINE_S)
    assert seen.outcome is Outcome.NOT_DONE
    assert "No such file" in seen.why
    assert passing(node, ACROSS) == set(ACROSS)
    await point.close()


async def test_restore_works_although_both_sessions_hang(node: FirewallNode) -> None:
    made = make_point(node)
    point = made.point
    await point.arm(OFFICE, 60, DEADLINE_S)
    await point.isolate(OFFICE, DEADLINE_S)
    port = made.relay.port
    made.relay.freeze()
    assert (await point.state(OFFICE, 0.3)).outcome is Outcome.UNKNOWN
    assert (await point.restore(OFFICE, 0.9)).outcome is not Outcome.DONE
    assert passing(node, INWARD) == set()
    made.relay.thaw()
    restored = await point.restore(OFFICE, DEADLINE_S)
    assert restored.value is not None, restored.why
    assert restored.value.clear
    assert made.relay.port == port
    await point.close()


async def test_a_cancelled_isolate_is_reset(node: FirewallNode) -> None:
    made = make_point(node)
    point = made.point
    await point.arm(OFFICE, 60, DEADLINE_S)
    made.relay.freeze()
    with anyio.move_on_after(0.2) as scope:
        await point.isolate(OFFICE, 30)
    assert scope.cancelled_caught
    assert point._sessions.work.dead
    made.relay.thaw()
    restored = await point.restore(OFFICE, DEADLINE_S)
    assert restored.done, restored.why
    await point.close()


async def test_an_nft_that_drops_timeouts_is_refused_and_nothing_is_left(node: FirewallNode) -> None:
    odd_nft(node, "drop-timeout")
    point = make_point(node, nft=ODD).point
    armed = await point.arm(OFFICE, 60, DEADLINE_S)
    assert armed.outcome is Outcome.NOT_DONE
    assert "drops `timeout`" in armed.why
    assert "removed again" in armed.why
    assert recipe.PREFIX not in node.run("nft list tables")
    assert passing(node, ACROSS) == set(ACROSS)
    await point.close()


async def test_a_device_that_answers_done_and_does_nothing_is_seen(node: FirewallNode) -> None:
    odd_nft(node, "swallow-hold")
    point = make_point(node, nft=ODD).point
    armed = await point.arm(OFFICE, 60, DEADLINE_S)
    assert armed.done, armed.why
    seen = await point.isolate(OFFICE, DEADLINE_S)
    assert seen.outcome is Outcome.NOT_DONE
    assert "was not isolated" in seen.why
    state = await point.state(OFFICE, DEADLINE_S)
    assert state.value is not None
    assert not state.value.conduits[OFFICE[0]].isolating
    assert passing(node, ACROSS) == set(ACROSS)
    restored = await point.restore(OFFICE, DEADLINE_S)
    assert restored.done, restored.why
    await point.close()


async def test_a_late_reply_is_waited_for_and_the_rule_is_in_force_meanwhile(node: FirewallNode) -> None:
    odd_nft(node, "obedient")
    point = make_point(node, nft=ODD).point
    armed = await point.arm(OFFICE, 60, DEADLINE_S)
    assert armed.done, armed.why
    node.run("echo late-reply > /etc/nft-fault")
    async with anyio.create_task_group() as group:
        answered = anyio.Event()

        async def isolate() -> None:
            seen = await point.isolate(OFFICE, DEADLINE_S)
            assert seen.done, seen.why
            answered.set()

        group.start_soon(isolate)
        while passing(node, INWARD):
            await anyio.sleep(0.01)
        assert not answered.is_set()
        await answered.wait()
    node.run("echo obedient > /etc/nft-fault")
    restored = await point.restore(OFFICE, DEADLINE_S)
    assert restored.done, restored.why
    await point.close()


async def test_wrong_password_unknown_key_and_no_rights_are_not_done(node: FirewallNode, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for change, words in (
        ({"password": "canary-wrong-17"}, "one attempt"),
        ({"known_hosts": tmp_path / "empty"}, "no login was attempted"),
        ({"nft": "/usr/sbin/nft-absent"}, "nft cannot be used there"),
    ):
        arguments: dict[str, Any] = dict(change)
        point = make_point(node, **arguments).point
        reading = await point.facts(DEADLINE_S)
        # A device that lets us in and cannot be used has told that much of itself.
        trouble = reading.value.trouble if reading.value is not None else ""
        assert reading.outcome is (Outcome.DONE if trouble else Outcome.NOT_DONE)
        assert words in (trouble or reading.why)
        assert "canary" not in reading.why + trouble
        assert (await point.arm(OFFICE, 60, DEADLINE_S)).outcome is Outcome.NOT_DONE
        await point.close()


class Notes:
    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def note(self, make: Callable[..., Entry], *_: Any, **data: Any) -> object:
        if make is RestoreSeen:
            self.seen[str(data["point"])] = int(data["answered_us"])
        return None


async def test_forty_five_silent_devices_do_not_delay_the_restore_of_a_forty_sixth(node: FirewallNode) -> None:
    clock = MachineClock.of_this_boot()
    good = make_point(node)
    await good.point.arm(OFFICE, 60, DEADLINE_S)
    await good.point.isolate(OFFICE, DEADLINE_S)
    with socket.create_server(("127.0.0.1", 0), backlog=256) as silent:
        access = NftAccess("127.0.0.1", silent.getsockname()[1], "drill", "sudo", node.known_hosts(good.relay), "x")
        points = {
            f"silent-{number}": NftablesPoint(f"silent-{number}", planned(), access, clock, RUN) for number in range(45)
        }
        notes = Notes()
        asked_us = clock.monotonic_us()
        everything = {**points, "good": good.point}
        seen = await restore_until_seen(
            everything, dict.fromkeys(everything, OFFICE), notes=notes, clock=clock, give_up_after_s=2.0
        )
        assert seen == {"good"}
        # The product's own promise, not a speed test: behind a shared pool this takes as long as the others hang.
        assert notes.seen["fw"] - asked_us < 1_000_000
        for point in everything.values():
            await point.close()
    assert passing(node, ACROSS) == set(ACROSS)


async def test_nothing_of_ours_runs_on_the_device_after_close(node: FirewallNode) -> None:
    made = make_point(node)
    await made.point.arm(OFFICE, 60, DEADLINE_S)
    await made.point.restore(OFFICE, DEADLINE_S)
    await made.point.close()
    with anyio.fail_after(PATIENCE_S):
        while "nft -j -i" in node.run("ps axo args | grep -v grep"):
            await anyio.sleep(0.02)
    assert node.run("ls -a /home/drill | grep -e nft -e napalm; true") == ""


async def test_a_restore_that_logs_in_anew_reads_no_file(node: FirewallNode) -> None:
    """The kept session is lost, and with its disk the file of host keys that every earlier login read."""
    relay = node.relay()
    known_hosts = node.known_hosts(relay)
    point = make_point(node, relay, known_hosts=known_hosts).point
    armed = await point.arm(OFFICE, 60, DEADLINE_S)
    assert armed.done, armed.why
    known_hosts.unlink()
    point._sessions.rescue.abort()
    restored = await point.restore(OFFICE, DEADLINE_S)
    assert restored.done, restored.why
    assert restored.value is not None
    assert restored.value.clear
    await point.close()


@pytest.mark.more
async def test_a_slow_way_is_slow_in_every_step_and_none_fails(node: FirewallNode) -> None:
    """Six tenths of a second a round trip, below the limit of one: deadlines must not refuse what the rule allows."""
    relay = node.relay(lag_s=0.3)
    point, rescue = make_point(node, relay).point, make_point(node, relay).point
    assert (await point.facts(ABLE.facts_s)).value is not None
    assert (await point.configuration(ABLE.configuration_s)).value is not None
    assert (await point.ready(ABLE.calls_s.login)).done
    armed = await point.arm(OFFICE, 60, ABLE.calls_s.arm)
    assert armed.done, armed.why
    isolated = await point.isolate(OFFICE, ABLE.calls_s.isolate)
    assert isolated.done, isolated.why
    assert (await point.state(OFFICE, ABLE.calls_s.read)).done
    assert (await point.try_login(ABLE.calls_s.login)).done
    assert (await point.renew(OFFICE, 60, ABLE.calls_s.renew)).done
    # As a guardian or a command that logs in anew: by the attempt that waits.
    restored = await rescue.restore(OFFICE, ABLE.calls_s.restore_anew)
    assert restored.value is not None, restored.why
    assert restored.value.clear
    await rescue.close()
    await point.close()
