"""The firewall's command line: how lines are read, refused and kept, as the documents say that fortios.py names."""

from __future__ import annotations

import pytest

from islandmode.core.recipe.reading import refused_by
from tests.core.recipe_plant import recipe
from tests.emulators.driving import Typist
from tests.emulators.fortios import FortiDevice
from tests.emulators.plant import firewall

FORTI = recipe("fortios-schedule")
OBJECT = "islandmode_office-line"
SCHEDULES = "config firewall schedule onetime"


@pytest.fixture
def device() -> FortiDevice:
    return firewall()


@pytest.fixture
def typist(device: FortiDevice) -> Typist:
    return Typist(device.log_in("drill"))


def test_prompts_follow_the_table_and_the_entry(typist: Typist) -> None:
    found = []
    for line in (
        SCHEDULES,
        f'edit "{OBJECT}"',
        "next",
        "end",
        "config system console",
        "end",
        "config firewall policy",
        "edit 2",
    ):
        typist.say(line)
        found.append(typist.session.prompt)
    parts = ["(onetime) ", f"({OBJECT}) ", "(onetime) ", "", "(console) ", "", "(policy) ", "(2) "]
    assert found == [f"edge {part}# " for part in parts]


@pytest.mark.parametrize(
    "lines",
    [
        ("konfig",),
        ("config firewall schdule",),
        ("get nothing",),
        ("show firewall nothing",),
        ('show firewall schedule onetime "nothing"',),
        (SCHEDULES, f"edit {'x' * 32}"),
        (SCHEDULES, "set start 10:00 2026/11/26"),
        (SCHEDULES, "delete nothing"),
        (SCHEDULES, f"delete {OBJECT}"),
        (SCHEDULES, f"edit {OBJECT}", "set start 25:00 2026/11/26"),
        (SCHEDULES, f"edit {OBJECT}", "set begin 10:00 2026/11/26"),
        (SCHEDULES, f"edit {OBJECT}", "set end 23:59 2000/12/31", "end"),
        ("config firewall policy", "edit new"),
        ("config firewall policy", "edit 0", "set name nothing", "end"),
        ("config firewall policy", "edit 2", "set schedule nothing"),
        ("config firewall policy", "edit 2", "set srcintf port9"),
        ("config firewall policy", "edit 2", "set action drop"),
        ("config firewall policy", "edit 2", f"set name {'x' * 36}"),
        ("config firewall policy", "move 9 before 1"),
        ("config system console", "edit 1"),
    ],
)
def test_lines_that_are_refused_change_nothing_and_the_recipe_knows_their_answers(
    device: FortiDevice, typist: Typist, lines: tuple[str, ...]
) -> None:
    before = device.configuration()
    for line in lines[:-1]:
        assert refused_by(FORTI, typist.say(line)) is None, line
    answer = typist.say(lines[-1])
    assert refused_by(FORTI, answer) is not None, answer
    assert device.configuration() == before


@pytest.mark.parametrize("leaves", ["next", "end"])
def test_an_entry_counts_once_it_is_left(device: FortiDevice, typist: Typist, leaves: str) -> None:
    before = device.configuration()
    for line in (SCHEDULES, f"edit {OBJECT}", "set start 10:00 2026/11/26", "set end 11:00 2026/11/26"):
        typist.say(line)
        assert (device.configuration(), device.passes("office", "line")) == (before, True)
    typist.say(leaves)
    assert not device.passes("office", "line")


@pytest.mark.parametrize("leaves", ["abort", "Ctrl-C", "lost"])
def test_what_is_given_up_never_counted(device: FortiDevice, typist: Typist, leaves: str) -> None:
    before = device.configuration()
    for line in (SCHEDULES, f"edit {OBJECT}", "set start 10:00 2026/11/26", "set end 11:00 2026/11/26"):
        typist.say(line)
    if leaves == "abort":
        typist.say("abort")
    elif leaves == "Ctrl-C":
        typist.session.interrupted()
    else:
        device.faults.crash_after(1, executes=False)
        with pytest.raises(ConnectionError):
            typist.say("end")
    assert device.configuration() == before
    assert device.passes("office", "line")


def test_policies_are_asked_in_their_order(device: FortiDevice, typist: Typist) -> None:
    for line in (SCHEDULES, f"edit {OBJECT}", "set start 10:00 2026/11/26", "set end 11:00 2026/11/26", "end"):
        typist.say(line)
    assert not device.passes("office", "line")
    for line in ("config firewall policy", "move 1 before 2", "end"):
        typist.say(line)
    assert device.passes("office", "line")


def test_addresses_and_families_are_told_apart(device: FortiDevice, typist: Typist) -> None:
    for line in (
        *("config firewall address", "edit cell", "set subnet 10.20.0.0 255.255.255.0", "end"),
        *("config firewall policy", "edit 1", "unset srcaddr6", "set dstaddr cell", "end"),
    ):
        assert refused_by(FORTI, typist.say(line)) is None
    ways = [
        (source, target, family) for source, target in (("office", "line"), ("line", "office")) for family in (4, 6)
    ]
    assert [device.passes(source, target, 6 if family == 6 else 4) for source, target, family in ways] == [
        True,
        False,
        False,
        False,
    ]


def test_whole_entries_are_shown_where_a_word_stands_in_them(typist: Typist) -> None:
    shown = typist.say(f'show firewall policy | grep -f "{OBJECT}_in"').splitlines()
    assert (shown[0], shown[-1]) == ("config firewall policy", "end")
    assert [line for line in shown if line.endswith("<---")] == [f'        set name "{OBJECT}_in" <---']
    assert sum(line.strip().startswith("edit") for line in shown) == 1
    assert typist.say('show firewall policy | grep -f "nothing"') == ""


def test_a_filter_belongs_to_a_session_and_an_empty_one_clears_everything(device: FortiDevice, typist: Typist) -> None:
    opened = [device.connect("office", "line"), device.connect("vendor", "line"), device.connect("line", "office", 6)]
    other = Typist(device.log_in("drill"))
    other.say("diagnose sys session filter sintf port3")
    assert "sintf: any" in typist.say("diagnose sys session filter")
    other.say("diagnose sys session clear")
    assert [device.goes_on(connection) for connection in opened] == [True, False, True]
    typist.say("diagnose sys session clear")
    assert [device.goes_on(connection) for connection in opened] == [False, False, True]


def test_the_configuration_reads_as_it_is_entered(device: FortiDevice) -> None:
    """Everything that a configuration shows can be entered into an empty firewall, and shows the same again."""
    empty = FortiDevice("edge", device.clock, device.zones)
    empty.enter(line.strip() for line in device.configuration().splitlines())
    assert empty.configuration() == device.configuration()
