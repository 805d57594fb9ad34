"""The router, driven by netmiko and by every line of the recipes for IOS, from rest to rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from islandmode.core.recipe.preflight import VersionShown, read_version
from islandmode.core.recipe.steps import RunValues, step_lines
from islandmode.isolation.by_recipe.console import Console
from tests.core.recipe_plant import OFFICE, RUN, recipe, sent
from tests.emulators.driving import (
    RefusedError,
    Typist,
    carry_out,
    count_of,
    opened,
    shown_of,
    unmet,
)
from tests.emulators.ios import IosDevice
from tests.emulators.network import Address, Packet, packets
from tests.emulators.plant import BOTH, ZONES, router
from tests.emulators.rest_to_rest import clock_run, isolated, passing, restored
from tests.emulators.server import SshServer

RANGE, REVERT = recipe("ios-time-range"), recipe("ios-revert")


@pytest.fixture
def device(request: pytest.FixtureRequest) -> IosDevice:
    return router(getattr(request, "param", "ios-time-range"))


@pytest.fixture
def console(device: IosDevice, tmp_path: Path) -> Iterator[Console]:
    with SshServer(device) as server:
        found = opened(server, RANGE, tmp_path)
        yield found
        found.close()


def test_a_login_writes_nothing_and_finds_the_router_ready(device: IosDevice, console: Console) -> None:
    assert unmet(console, RANGE, BOTH) == []
    assert read_version(RANGE, console.say(RANGE.versions.ask)) == VersionShown("17.15.1")
    assert not device.was_touched


def test_a_time_range_from_rest_to_rest(device: IosDevice, console: Console) -> None:
    before = device.configuration()
    run = isolated(device, console, RANGE)
    restored(device, console, RANGE, run, before)


def test_the_end_comes_by_the_clock_and_a_renewal_moves_it(device: IosDevice, console: Console) -> None:
    run = clock_run(console, RANGE)
    assert run.ends is not None
    later = RunValues(RUN, 600.0, run.ends + timedelta(minutes=4))
    for step, values in (("arm", run), ("isolate", run), ("renew", later)):
        carry_out(console, RANGE, step, BOTH, values)
    assert shown_of(console, RANGE, BOTH, "vendor-line").window == shown_of(console, RANGE, BOTH, "office-line").window

    device.clock.move_to(run.ends)
    assert passing(device) == [False] * 4
    assert later.ends is not None
    device.clock.move_to(later.ends - timedelta(seconds=1))
    assert passing(device) == [False] * 4
    device.clock.move(1)
    assert passing(device) == [True] * 4
    assert shown_of(console, RANGE, BOTH, "office-line").at_rest


def test_a_late_end_is_shown_for_as_long_as_it_is_late(device: IosDevice, console: Console) -> None:
    run = clock_run(console, RANGE)
    device.faults.end_lag_s = 40.0
    carry_out(console, RANGE, "arm", BOTH, run)
    carry_out(console, RANGE, "isolate", BOTH, run)
    assert run.ends is not None
    device.clock.move_to(run.ends + timedelta(seconds=39))
    assert passing(device) == [False] * 4
    assert shown_of(console, RANGE, BOTH, "office-line").isolating
    device.clock.move(1)
    assert passing(device) == [True] * 4
    assert shown_of(console, RANGE, BOTH, "office-line").at_rest


def test_what_is_dropped_is_counted(device: IosDevice, console: Console) -> None:
    run = clock_run(console, RANGE)
    ways = [packets(ZONES, "office", "line", 4)[0], packets(ZONES, "line", "office", 6)[0]]
    assert [device.carry(packet, 5) for packet in ways] == [True, True]
    assert count_of(console, RANGE, BOTH, "office-line") == 0
    carry_out(console, RANGE, "arm", BOTH, run)
    carry_out(console, RANGE, "isolate", BOTH, run)
    assert [device.carry(packet, number) for packet, number in zip(ways, (1, 3), strict=True)] == [False, False]
    assert count_of(console, RANGE, BOTH, "office-line") == 4
    assert count_of(console, RANGE, BOTH, "vendor-line") == 0


def test_a_restart_brings_back_what_was_saved(device: IosDevice, console: Console) -> None:
    run = clock_run(console, RANGE)
    carry_out(console, RANGE, "arm", BOTH, run)
    carry_out(console, RANGE, "isolate", BOTH, run)
    device.restart()
    console.abort()
    assert passing(device) == [True] * 4
    assert shown_of(Typist(device.log_in("drill")), RANGE, BOTH, "office-line").at_rest


@pytest.mark.parametrize("device", ["ios-revert"], indirect=True)
class TestRevert:
    run = RunValues(RUN, 300.0)

    def test_from_rest_to_rest(self, device: IosDevice, console: Console) -> None:
        before = device.configuration()
        assert unmet(console, REVERT, BOTH) == []
        device.expect_arm(sent(step_lines(REVERT, "arm", BOTH, self.run)))
        carry_out(console, REVERT, "arm", BOTH, self.run)
        armed = shown_of(console, REVERT, BOTH, "office-line")
        assert (armed.pending, armed.left_s, armed.owner, armed.isolating) == (True, 300.0, "drill", False)

        carry_out(console, REVERT, "isolate", BOTH, self.run, ["office-line"])
        assert shown_of(console, REVERT, BOTH, "office-line").isolating
        assert (passing(device), device.passes("vendor", "line")) == ([False] * 4, True)

        device.clock.move(200)
        carry_out(console, REVERT, "renew", BOTH, self.run)
        assert shown_of(console, REVERT, BOTH, "office-line").left_s == 300.0

        carry_out(console, REVERT, "restore", BOTH, self.run, ["office-line"])
        assert shown_of(console, REVERT, BOTH, "office-line").at_rest
        assert passing(device) == [True] * 4
        assert device.configuration() == before
        assert device.too_early == []

    def test_the_timer_takes_back_everything_also_what_a_colleague_entered(
        self, device: IosDevice, console: Console
    ) -> None:
        carry_out(console, REVERT, "arm", BOTH, self.run)
        carry_out(console, REVERT, "isolate", BOTH, self.run)
        device.enter(["logging host 10.20.0.5"])
        device.clock.move(299)
        assert passing(device) == [False] * 4
        device.clock.move(1)
        assert passing(device) == [True] * 4
        assert "10.20.0.5" not in device.configuration()
        assert shown_of(console, REVERT, BOTH, "office-line").at_rest

    def test_a_restore_after_the_timer_finds_nothing_to_do(self, device: IosDevice, console: Console) -> None:
        carry_out(console, REVERT, "arm", BOTH, self.run)
        carry_out(console, REVERT, "isolate", BOTH, self.run)
        device.clock.move(301)
        before = device.configuration()
        carry_out(console, REVERT, "restore", BOTH, self.run)
        assert device.configuration() == before

    def test_another_s_change_is_in_the_way(self, device: IosDevice, console: Console) -> None:
        other = Typist(device.log_in("drill"))
        other.say("configure terminal revert timer 10")
        assert [found.code for found in unmet(console, REVERT, BOTH)] == ["change-pending"]
        with pytest.raises(RefusedError, match="already pending"):
            carry_out(console, REVERT, "arm", BOTH, self.run)


def test_without_an_archive_there_is_no_timer(tmp_path: Path) -> None:
    device = router("ios-revert", archive=False)
    with SshServer(device) as server:
        console = opened(server, REVERT, tmp_path)
        assert [found.code for found in unmet(console, REVERT, BOTH)] == ["archive-missing"]
        with pytest.raises(RefusedError, match="archive"):
            carry_out(console, REVERT, "arm", BOTH, RunValues(RUN, 300.0))
        console.close()


def test_a_clock_that_somebody_set_moves_the_end(device: IosDevice, console: Console) -> None:
    run = clock_run(console, RANGE)
    carry_out(console, RANGE, "arm", BOTH, run)
    carry_out(console, RANGE, "isolate", BOTH, run)
    device.clock.set(datetime.fromisoformat("2026-11-26T09:15:20"))
    device.clock.move(360)
    assert passing(device) == [False] * 4
    device.clock.is_kept = False
    assert {found.code for found in unmet(console, RANGE, BOTH)} == {"clock-not-kept", "clock-not-by-ntp"}


OPERATOR, REFUSED_HOST = ip_address("10.20.0.9"), ip_address("10.20.0.66")
SSH, TELNET = 22, 23


def to_device(source: Address, port: int = SSH) -> Packet:
    """A packet from line to the router itself."""
    return Packet("port5", None, source, BOTH.management, port=port)


def from_device(target: Address) -> Packet:
    """What the router answers, where its outward list is asked about that too."""
    return Packet("port1", "port5", BOTH.management, target, port=50000, source_port=SSH)


@pytest.mark.parametrize("outer", ["10.10.0.0/16", "0.0.0.0/0"])
def test_the_management_passes_while_it_isolates_and_nothing_more_passes_at_rest(outer: str) -> None:
    at = replace(BOTH, conduits=(replace(OFFICE, outer_networks=(ip_network(outer),)),))
    device = router("ios-time-range", at=at)
    device.enter(["ip access-list extended OT-IN", "999 deny ip host 10.20.0.66 host 10.20.0.1"])
    # At rest the provisioned permits say nothing: whom the site's own lists refuse is refused still.
    assert [device.lets_through(to_device(host)) for host in (OPERATOR, REFUSED_HOST)] == [True, False]
    session = device.new_session(0, "console")
    ends = (device.clock.local + timedelta(hours=1)).replace(second=0, microsecond=0)
    for line in step_lines(RANGE, "isolate", at, RunValues(RUN, 600.0, ends)):
        session.answer(line.send)
    inner, outside = Packet("port5", "port1", OPERATOR, ip_address("10.10.0.9")), ip_address("10.10.0.9")
    assert not device.lets_through(inner)
    assert not device.lets_through(Packet("port1", "port5", outside, OPERATOR))
    assert device.lets_through(to_device(OPERATOR))
    assert device.lets_through(from_device(OPERATOR))
    # A network as wide as all addresses meets everything else that line says to the router.
    assert device.lets_through(to_device(OPERATOR, TELNET)) is (outer != "0.0.0.0/0")


def test_a_permit_of_the_management_that_is_gone_is_told_as_not_in_place() -> None:
    at = replace(BOTH, conduits=(replace(OFFICE, outer_networks=(ip_network("0.0.0.0/0"),)),))
    device = router("ios-time-range", at=at)
    typist = Typist(device.log_in("drill"))
    assert shown_of(typist, RANGE, at, "office-line").in_place
    device.enter(["ip access-list extended OT-OUT", "no 3"])
    assert shown_of(typist, RANGE, at, "office-line").in_place is False
