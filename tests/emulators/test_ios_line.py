"""The router's command line: how lines are read, refused and kept, as the documents say that ios.py names."""

from __future__ import annotations

import pytest

from islandmode.core.recipe.reading import refused_by, was_already_so
from tests.core.recipe_plant import recipe
from tests.emulators.driving import Typist
from tests.emulators.ios import IosDevice
from tests.emulators.plant import router

LIST = "ip access-list extended OT-IN"


@pytest.fixture
def device() -> IosDevice:
    return router()


@pytest.fixture
def typist(device: IosDevice) -> Typist:
    return Typist(device.log_in("drill"))


def entered(typist: Typist, *lines: str) -> list[str]:
    answers = [typist.say(line) for line in ("configure terminal", *lines, "end")]
    return answers[1:-1]


def test_prompts_follow_the_mode(typist: Typist) -> None:
    found = []
    for line in (
        "configure terminal",
        "time-range T",
        LIST,
        "ipv6 access-list OT6-IN",
        "interface port5",
        "exit",
        "end",
    ):
        typist.say(line)
        found.append(typist.session.prompt)
    parts = ["(config)", "(config-time-range)", "(config-ext-nacl)", "(config-ipv6-acl)", "(config-if)", "(config)", ""]
    assert found == [f"edge{part}#" for part in parts]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sh clo", "10:15:20.123 CET Thu Nov 26 2026\n"),
        ("show nothing", "          ^\n% Invalid input detected at '^' marker.\n\n"),
        ("show ip interface", "% Incomplete command.\n"),
        ("show ip interface port9", f"{' ' * 23}^\n% Invalid input detected at '^' marker.\n\n"),
    ],
)
def test_lines_at_the_top(typist: Typist, line: str, said: str) -> None:
    assert typist.say(line) == said


@pytest.mark.parametrize(
    "lines",
    [
        (LIST, "7 deny ip 10.20.0.0 0.0.0.255"),
        (LIST, "7 deny ip 10.20.0.0 255.255.255.0 any"),
        (LIST, "2 permit ip any any log"),
        ("ipv6 access-list OT6-IN", "sequence 7 deny ip any any"),
        ("time-range T", "absolute start 10:00 40 November 2026"),
        ("time-range T", "absolute start 10:00 26 November 2026 end 09:59 26 November 2026"),
        ("time-range T", "absolute end 10:00 26 November 2040"),
        ("interface port9",),
        ("no time",),
    ],
)
def test_lines_that_are_refused_change_nothing_and_the_recipe_knows_their_answers(
    device: IosDevice, typist: Typist, lines: tuple[str, ...]
) -> None:
    typist.say("configure terminal")
    for line in lines[:-1]:
        assert typist.say(line) == ""
    before = device.configuration()
    answer = typist.say(lines[-1])
    assert refused_by(recipe("ios-time-range"), answer) is not None, answer
    assert device.configuration() == before


def test_a_line_that_is_there_already_changes_nothing_whatever_its_number(device: IosDevice, typist: Typist) -> None:
    before = device.configuration()
    assert entered(typist, LIST, "500 permit ip any any") == ["", ""]
    assert device.configuration() == before


def test_lines_without_a_number_come_last_and_lists_can_be_numbered_anew(device: IosDevice, typist: Typist) -> None:
    entered(
        typist,
        "ip access-list extended NEW",
        "permit tcp any any eq 443",
        "deny udp any any",
        "5 deny ip host 10.0.0.1 any",
    )
    shown = typist.say("show ip access-lists NEW").splitlines()[1:]
    assert [line.split()[0] for line in shown] == ["5", "10", "20"]
    entered(typist, "ip access-list resequence NEW 1000 10", "ip access-list extended NEW", "no 1010")
    assert "tcp" not in typist.say("show ip access-lists NEW")
    assert "    1020 deny udp any any\n" in typist.say("show ip access-lists NEW")


def test_removing_what_is_gone_is_what_restore_wants(typist: Typist) -> None:
    answers = entered(typist, LIST, "no deny ip 10.99.0.0 0.0.255.255 any log", "no 77")
    assert answers[0] == ""
    assert all(was_already_so(recipe("ios-revert"), answer) for answer in answers[1:])


def test_a_deny_whose_time_range_is_gone_isolates(device: IosDevice, typist: Typist) -> None:
    assert device.passes("office", "line")
    entered(typist, "no time-range islandmode_office-line")
    assert not device.passes("office", "line")
    device.restart()
    assert device.passes("office", "line")


def test_a_list_that_ends_denies_the_rest_and_an_empty_one_nothing(device: IosDevice, typist: Typist) -> None:
    entered(typist, LIST, "no 1000")
    assert not device.passes("line", "vendor")
    entered(typist, "no ip access-list extended OT-IN")
    assert device.passes("line", "office")


def test_a_list_that_is_not_bound_isolates_nothing(device: IosDevice, typist: Typist) -> None:
    entered(typist, "time-range islandmode_office-line", "absolute start 00:00 1 January 2026 end 00:00 1 January 2027")
    assert not device.passes("office", "line")
    entered(typist, "interface port5", "no ip access-group OT-OUT out")
    assert device.passes("office", "line")
    assert not device.passes("office", "line", 6)
    assert "Outgoing access list is not set" in typist.say("show ip interface port5 | include access list")


def test_what_runs_is_saved_when_somebody_saves_it(device: IosDevice, typist: Typist) -> None:
    entered(typist, "logging host 10.20.0.5")
    assert "10.20.0.5" not in typist.say("show startup-config")
    typist.say("copy running-config startup-config")
    assert typist.session.prompt == "Destination filename [startup-config]? "
    assert "[OK]" in typist.say("")
    assert "10.20.0.5" in typist.say("show startup-config")
    entered(typist, "no logging host 10.20.0.5")
    assert typist.say("reload") == ""
    typist.say("")
    assert typist.session.is_over
    assert "10.20.0.5" in device.configuration()


def test_older_builds_number_anew_after_a_restart(device: IosDevice) -> None:
    device.keeps_numbers = False
    device.restart()
    assert [entry.number for entry in device.running.lists[4, "OT-IN"].entries] == [10, 20, 30]


def test_going_back_at_once(device: IosDevice) -> None:
    device = router("ios-revert")
    typist = Typist(device.log_in("drill"))
    assert "No Rollback" in typist.say("configure revert now")
    assert "Invalid input" in typist.say("configure terminal revert timer 121")
    assert "Backing up" in typist.say("configure terminal revert timer 5")
    for line in ("hostname other", "end", "configure revert now"):
        typist.say(line)
    assert typist.session.prompt == "edge#"
    assert device.timer is None


def test_the_configuration_reads_as_it_is_entered(device: IosDevice) -> None:
    """Everything that a configuration shows can be entered into an empty router, and shows the same again."""
    empty = IosDevice("edge", device.clock, device.zones)
    empty.enter(
        line for line in device.configuration().splitlines() if line not in {"!", "end"} and "version" not in line
    )
    assert empty.configuration() == device.configuration()
