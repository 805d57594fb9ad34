from __future__ import annotations

import pytest

from islandmode.core.recipe.model import Version
from islandmode.core.recipe.preflight import VersionShown, asks_of_needs, read_version, unmet_needs
from islandmode.core.recipe.reading import Unread
from tests.core.recipe_plant import ACLS, point, recipe

FORTI_STATUS = "Version: FortiGate-60F v{},build2573,240201 (GA.F)\nVirtual domain configuration: disable\n"
READY = {
    "get system console": "mode                : line\nbaudrate            : 9600\noutput              : standard\n",
    "get system status": FORTI_STATUS.format("7.6.1"),
    "get system settings | grep ses-denied-traffic": "ses-denied-traffic  : disable\n",
    "get system global | grep cfg-save": "cfg-save            : automatic\n",
    "get system ha status": "HA Health Status: OK\nConfiguration Status:\n    FGVM01(updated 3 seconds ago): in-sync\n",
    "diagnose sys ntp status": "synchronized: yes, ntpsync: enabled, server-mode: disabled\n",
}
CLOCK = "10:15:20.123 CET Thu Nov 26 2026\nTime source is NTP\n"


def unmet(name: str, answers: dict[str, str]) -> list[tuple[str, str]]:
    return [(need.code, need.sentence) for need in unmet_needs(recipe(name), point(options=ACLS), answers)]


def test_a_device_that_is_ready() -> None:
    assert set(asks_of_needs(recipe("fortios-schedule"), point())) == READY.keys()
    assert unmet("fortios-schedule", READY) == []
    assert unmet("ios-time-range", {"show clock detail": CLOCK}) == []


@pytest.mark.parametrize(
    ("ask", "answer", "code"),
    [
        ("get system console", "output              : more\n", "paging"),
        ("get system status", FORTI_STATUS.format("7.6.1").replace("disable", "enable"), "virtual-domains"),
        ("get system settings | grep ses-denied-traffic", "ses-denied-traffic  : enable\n", "denied-sessions"),
        ("get system global | grep cfg-save", "cfg-save            : revert\n", "cfg-save"),
        (
            "get system ha status",
            "Configuration Status:\n    FGVM02(updated 3 seconds ago): out-of-sync\n",
            "pair-out-of-sync",
        ),
        ("diagnose sys ntp status", "synchronized: no, ntpsync: enabled, server-mode: disabled\n", "clock-not-kept"),
    ],
)
def test_each_need_of_fortios(ask: str, answer: str, code: str) -> None:
    ((found, said),) = unmet("fortios-schedule", READY | {ask: answer})
    assert found == code
    assert said.startswith("edge ")


@pytest.mark.parametrize("answer", ["", "  \n", "Unknown action 0\n"])
def test_what_is_not_answered_is_not_met(answer: str) -> None:
    ((code, said),) = unmet("fortios-schedule", READY | {"get system ha status": answer})
    assert (code, "was not answered" in said) == ("pair-out-of-sync", True)


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        (f"*{CLOCK}", ["clock-not-kept"]),
        (f".{CLOCK}", ["clock-not-kept"]),
        (CLOCK.replace("NTP", "user configuration"), ["clock-not-by-ntp"]),
        ("*00:01:12.004 UTC Mon Mar 1 1993\nNo time source\n", ["clock-not-kept", "clock-not-by-ntp"]),
    ],
)
def test_a_clock_of_ios_that_is_not_kept(answer: str, codes: list[str]) -> None:
    assert [code for code, _ in unmet("ios-time-range", {"show clock detail": answer})] == codes


def test_needs_of_a_revert() -> None:
    none = "%No Rollback Confirmed Change pending\n"
    ready = {
        "show archive": "The maximum archive configurations allowed is 10.\n",
        "show archive config rollback timer": none,
    }
    assert unmet("ios-revert", ready) == []
    found = unmet("ios-revert", ready | {"show archive": " Archive feature not enabled\n"})
    assert [code for code, _ in found] == ["archive-missing"]
    pending = {"show archive config rollback timer": "Timer type: absolute timer\nTimer value: 2 min\nUser: console\n"}
    assert [code for code, _ in unmet("ios-revert", ready | pending)] == ["change-pending"]


def test_a_version() -> None:
    assert read_version(recipe("fortios-schedule"), FORTI_STATUS.format("7.6.1")) == VersionShown("7.6.1")
    assert read_version(recipe("ios-revert"), "Cisco IOS XE Software, Version 17.09.04a\n") == VersionShown("17.09.04a")


@pytest.mark.parametrize("version", ["7.2.0", "7.4.11"])
def test_a_version_with_a_known_fault_is_refused(version: str) -> None:
    found = read_version(recipe("fortios-schedule"), FORTI_STATUS.format(version))
    assert isinstance(found, VersionShown)
    assert found.refused.startswith("may keep a policy active after its schedule has ended")


def test_an_answer_without_a_version_is_unknown() -> None:
    assert isinstance(read_version(recipe("fortios-schedule"), "Unknown action 0\n"), Unread)


@pytest.mark.parametrize(
    ("version", "is_proved"), [("7.6.1", True), ("7.6", True), ("7.60.1", False), ("8.0.0", False)]
)
def test_a_version_is_proved_by_whole_parts(version: str, *, is_proved: bool) -> None:
    proved = Version(ask="get system status", pattern=r"v(\d+(?:\.\d+)+)", proved=("7.6",), confidence="unchecked")
    shipped = recipe("fortios-schedule").model_copy(update={"versions": proved})
    assert read_version(shipped, FORTI_STATUS.format(version)) == VersionShown(version, "", is_proved)
