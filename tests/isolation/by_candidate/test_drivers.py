"""Which NAPALM drivers may carry an isolation: one whose device takes a commit back by itself, and whose host key is checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from napalm.base import get_network_driver

from islandmode.core.errors import InputError
from islandmode.core.recipe.drivers import NAPALM_DRIVEN, NAPALM_REFUSED, driver_trouble
from islandmode.isolation.by_recipe.napalm_session import OPENED_BY, NapalmSession, lacks_timer, make_driver
from islandmode.isolation.platform import Access
from islandmode.system.clock import MachineClock
from tests.isolation.by_candidate.fake_junos import (
    FakeJunos,
    FakeJunosDriver,
    FakeWithoutCommitDriver,
    FakeWithoutTimerDriver,
    Way,
    Wire,
)
from tests.isolation.by_candidate.world import recipe_of
from tests.isolation.by_recipe.world import JumpingClock

REFUSING_REVERT = ("iosxr", "iosxr_netconf", "nxos", "nxos_ssh")


def access(become: str = "sudo") -> Access:
    return Access(
        host="192.0.2.1", port=2222, user="drill", become=become, known_hosts=Path("/known"), password="canary"
    )


def test_every_driver_that_a_recipe_may_name_can_be_opened_and_no_other() -> None:
    assert set(OPENED_BY) == set(NAPALM_DRIVEN)
    assert not set(NAPALM_DRIVEN) & set(NAPALM_REFUSED)


@pytest.mark.parametrize("kind", NAPALM_DRIVEN)
def test_a_driver_that_may_be_named_has_a_commit_with_a_timer(kind: str) -> None:
    assert driver_trouble(f"napalm:{kind}") == ""
    made = make_driver(access(), recipe_of("nftables-confirm"))
    assert isinstance(made, get_network_driver(kind))
    assert lacks_timer(made) == ""


def test_the_driver_keeps_a_waiting_commit_where_the_site_says_and_the_reads_look() -> None:
    made = make_driver(replace(access(), options={"state": "/run/waiting commits"}), recipe_of("nftables-confirm"))
    assert made._place.state_dir == "'/run/waiting commits'"


@pytest.mark.parametrize("kind", REFUSING_REVERT)
def test_of_a_driver_that_is_refused_for_it_the_commit_refuses_revert_in(kind: str) -> None:
    driver = object.__new__(get_network_driver(kind))
    with pytest.raises(NotImplementedError):
        driver.commit_config(revert_in=60)
    assert "refuses revert_in" in driver_trouble(f"napalm:{kind}")


class FakeEapi:
    """Takes down what NAPALM's eos driver sends."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.connection = None

    def run_commands(self, commands: list[str], **_: object) -> list[dict[str, str]]:
        self.sent += commands
        return [{"output": ""} for _ in commands]


def eos() -> tuple[Any, FakeEapi]:
    driver = get_network_driver("eos")("192.0.2.1", "drill", "canary")
    driver.device, driver.config_session = FakeEapi(), "napalm_1"
    driver._run_commands = driver.device.run_commands
    return driver, driver.device


def test_what_eos_is_refused_for_is_what_the_installed_driver_sends() -> None:
    driver, eapi = eos()
    driver.commit_config()
    assert eapi.sent[-1] == "write memory"
    driver, eapi = eos()
    driver.close()
    assert eapi.sent == ["configure session napalm_1 abort"]
    assert "writes the startup configuration" in driver_trouble("napalm:eos")
    assert "takes a waiting commit back" in driver_trouble("napalm:eos")


@pytest.mark.parametrize(
    ("driver", "why"),
    [
        (
            "https:panos",
            "Nothing here speaks https to a device yet; write netmiko:KIND, ssh:shell, or napalm:nftables.",
        ),
        (
            "napalm:cumulus",
            (
                "NAPALM's driver cumulus cannot be used: whether its device takes a commit back by revert_in is not known here. "
                "Driven through NAPALM: napalm:nftables."
            ),
        ),
    ],
)
def test_what_nothing_here_can_speak_through_is_refused_in_words(driver: str, why: str) -> None:
    assert driver_trouble(driver) == why


def test_a_driver_that_takes_no_revert_in_is_refused_before_anything_is_contacted() -> None:
    wire = Wire(FakeJunos(JumpingClock()))
    made = {
        FakeWithoutTimerDriver(
            wire, Way()
        ): "the commit of FakeWithoutTimerDriver takes no revert_in, so that no timer would take the isolation back",
        FakeWithoutCommitDriver(): "FakeWithoutCommitDriver has no commit of its own",
    }
    recipe, clock = recipe_of("nftables-confirm"), MachineClock.of_this_boot()
    for driver, why in made.items():
        assert lacks_timer(driver) == why
        with pytest.raises(InputError) as refused:
            NapalmSession(access(), recipe, clock, make=lambda *_, driver=driver: driver)
        assert str(refused.value) == f"nftables-confirm: napalm:nftables cannot be used: {why}."
    assert lacks_timer(FakeJunosDriver(wire, Way())) == ""


def test_a_driver_that_validate_refuses_is_not_opened_by_an_old_plan_either() -> None:
    with pytest.raises(
        InputError, match="fake-junos-confirm: NAPALM's driver junos cannot be used: nothing here checks"
    ):
        make_driver(access(), recipe_of("fake-junos-confirm"))


def test_a_linux_firewall_where_the_site_says_enable_is_refused_in_words() -> None:
    with pytest.raises(InputError, match="nobody says enable"):
        make_driver(access(become="enable"), recipe_of("nftables-confirm"))


def test_the_driver_checks_the_host_key_that_the_site_has() -> None:
    login = make_driver(access(), recipe_of("nftables-confirm")).link.login
    assert (login.known_hosts, login.port, login.user) == (Path("/known"), 2222, "drill")
