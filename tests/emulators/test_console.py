"""What a program meets that logs in to an emulated device through the real netmiko."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from netmiko.exceptions import NetmikoAuthenticationException, NetmikoBaseException, NetmikoTimeoutException
from paramiko import SSHException

from islandmode.core.recipe.steps import RunValues, step_lines
from tests.core.recipe_plant import ENDS, RUN, recipe, sent
from tests.emulators.device import Device
from tests.emulators.driving import PROMPT, StockConsole, carry_out, send, shown_of
from tests.emulators.plant import BOTH, PASSWORD, firewall, router
from tests.emulators.server import BOTH as BOTH_LOGINS
from tests.emulators.server import Login, SshServer
from tests.patience import wait_until

KINDS: list[tuple[str, Callable[[], Device], str]] = [
    ("cisco_ios", router, "show clock"),
    ("fortinet", firewall, "execute time"),
]
RUNNING = RunValues(RUN, 300.0, ENDS)
both_families = pytest.mark.parametrize(("kind", "make", "ask"), KINDS, ids=[kind for kind, _, _ in KINDS])


@contextmanager
def logged_in(device: Device, kind: str, folder: Path) -> Iterator[StockConsole]:
    with SshServer(device) as server:
        console = StockConsole(server, kind, folder)
        yield console
        console.close()


@both_families
@pytest.mark.parametrize("logins", [("password",), ("keyboard-interactive",)], ids=["password", "asked"])
def test_a_login_by_password_or_by_being_asked(
    kind: str, make: Callable[[], Device], ask: str, logins: tuple[Login, ...], tmp_path: Path
) -> None:
    device = make()
    with SshServer(device, logins=logins) as server:
        console = StockConsole(server, kind, tmp_path)
        assert "10:15:20" in console.say(ask)
        console.close()
        wait_until(lambda: server.connections == 0, "the connection ends with the logout")
    assert device.logins == ["drill"]
    assert not device.was_touched
    assert not any(PASSWORD in line.text for line in device.log)


@pytest.mark.parametrize("logins", [("password",), ("keyboard-interactive",), BOTH_LOGINS])
def test_a_wrong_password_opens_nothing(logins: tuple[Login, ...], tmp_path: Path) -> None:
    device = router()
    with SshServer(device, logins=logins) as server, pytest.raises(NetmikoAuthenticationException):
        StockConsole(server, "cisco_ios", tmp_path, password="guessed")
    assert (device.logins, device.log) == ([], [])


def test_a_device_has_a_key_of_its_own_and_another_s_is_refused(tmp_path: Path) -> None:
    with SshServer(router()) as server, SshServer(router()) as other:
        kind, key = other.known_host.split()[1:]
        theirs = tmp_path / "theirs"
        theirs.write_text(f"[{server.host}]:{server.port} {kind} {key}\n", encoding="ascii")
        with pytest.raises(NetmikoTimeoutException):
            StockConsole(server, "cisco_ios", tmp_path, alt_key_file=str(theirs))
        assert server.device.logins == []


@both_families
def test_many_log_in_at_once_and_see_one_state(kind: str, make: Callable[[], Device], ask: str, tmp_path: Path) -> None:
    device = make()
    with SshServer(device) as server, ThreadPoolExecutor(6) as pool:
        folders = [tmp_path / str(number) for number in range(6)]
        for folder in folders:
            folder.mkdir()
        consoles = list(pool.map(lambda folder: StockConsole(server, kind, folder), folders))
        assert (server.connections, len(device.sessions)) == (6, 6)
        answers = set(pool.map(lambda console: console.say(ask).strip().splitlines()[-1], consoles))
        assert len(answers) == 1
        list(pool.map(StockConsole.close, consoles))


def test_there_may_be_no_place_left(tmp_path: Path) -> None:
    device = router()
    device.faults.sessions_most = 1
    with SshServer(device) as server:
        console = StockConsole(server, "cisco_ios", tmp_path)
        with pytest.raises((NetmikoBaseException, SSHException, OSError, EOFError)):
            StockConsole(server, "cisco_ios", tmp_path)
        assert device.logins == ["drill"]
        assert "10:15:20" in console.say("show clock")
        console.close()


def test_rights_are_given_for_a_secret_that_is_never_kept(tmp_path: Path) -> None:
    device = router(enable_secret="between-rights")
    with SshServer(device) as server:
        console = StockConsole(server, "cisco_ios", tmp_path, secret="between-rights")
        assert "Invalid input" in console.say("show running-config")
        console.connection.enable()
        assert "hostname edge" in console.say("show running-config")
        console.close()
    assert not any("between-rights" in line.text for line in device.log)


def test_who_may_only_look_may_not_write(tmp_path: Path) -> None:
    for kind, device in (("cisco_ios", router()), ("fortinet", firewall())):
        with SshServer(device) as server:
            console = StockConsole(server, kind, tmp_path, username="reader", password="only-looks")
            before = device.configuration()
            for line in ("configure terminal", "config firewall policy"):
                assert "%" in (said := console.say(line)) or "fail" in said
            assert device.configuration() == before
            console.close()


def paged(console: StockConsole, ask: str) -> tuple[str, int]:
    """Ask, and turn the pages until the prompt; give all that was shown, and how many pages were turned."""
    console.connection.write_channel(ask + "\n")
    shown, turned = "", 0
    while True:
        shown += console.read_until(rf"--More-- |{PROMPT}")
        if not shown.endswith("--More-- "):
            return shown, turned
        console.connection.write_channel(" ")
        turned += 1


def test_a_router_shows_pages_until_it_is_told_not_to(tmp_path: Path) -> None:
    with logged_in(router(), "cisco_ios", tmp_path) as console:
        whole = console.say("show running-config")
        console.say("terminal length 12")
        shown, turned = paged(console, "show running-config")
        # An empty line stands behind the last: a page ends only where more comes.
        assert turned == len(whole.strip().splitlines()) // 11
        assert "time-range islandmode_vendor-line" in shown
        assert shown.count("\b" * 10) == 2 * turned


def test_a_firewall_shows_pages_if_it_is_set_so(tmp_path: Path) -> None:
    device = firewall()
    with logged_in(device, "fortinet", tmp_path) as console:
        device.enter(["config system console", "set output more", "end"])
        shown, turned = paged(console, "show firewall policy")
        assert turned > 1
        assert shown.count("set schedule") == 5


def test_netmiko_itself_writes_where_a_firewall_shows_pages_and_the_log_tells(tmp_path: Path) -> None:
    """So the recipe wants a console without pages."""
    device = firewall(pages=True)
    device.expect_arm(sent(step_lines(recipe("fortios-schedule"), "arm", BOTH, RUNNING)))
    with pytest.raises(AssertionError, match="before arm"), logged_in(device, "fortinet", tmp_path):
        assert [line.text for line in device.too_early] == ["config system console", "set output standard", "end"]
    assert device.received(configuring=True)[-2:] == ["set output more", "end"]


def test_a_text_that_must_be_accepted_and_texts_before_and_after_a_login(tmp_path: Path) -> None:
    device = firewall()
    device.faults.text_before_login = "Only for who may.\n"
    device.faults.text_at_login = "Plant firewall. Changes need a number.\n(Press 'a' to accept):"
    with logged_in(device, "fortinet", tmp_path) as console:
        assert "current time" in console.say("execute time")
        assert device.received()[0] == "a"
    other = router()
    other.faults.text_at_login = "\nPlant router. Changes need a number.\n\n"
    with logged_in(other, "cisco_ios", tmp_path) as console:
        assert "10:15:20" in console.say("show clock")


@both_families
def test_messages_among_the_answers_are_no_answers(
    kind: str, make: Callable[[], Device], ask: str, tmp_path: Path
) -> None:
    device = make()
    found = recipe("ios-time-range" if kind == "cisco_ios" else "fortios-schedule")
    with logged_in(device, kind, tmp_path) as console:
        device.faults.text_among = "\n*Nov 26 10:15:20.123: %SYS-5-CONFIG_I: Configured from console by vty0\n"
        carry_out(console, found, "arm", BOTH, RUNNING)
        state = shown_of(console, found, BOTH, "office-line")
        assert state.window is not None
        assert state.window.says == "armed"


@both_families
@pytest.mark.parametrize("held", ["prompts_held", "answers_held"])
def test_a_prompt_that_does_not_come_while_the_line_is_carried_out(
    kind: str, make: Callable[[], Device], ask: str, held: str, tmp_path: Path
) -> None:
    device = make()
    found = recipe("ios-time-range" if kind == "cisco_ios" else "fortios-schedule")
    lines = step_lines(found, "arm", BOTH, RUNNING, ["office-line"])
    with logged_in(device, kind, tmp_path) as console:
        send(console, found, lines[:-1])
        setattr(device.faults, held, True)
        console.connection.write_channel("end\n")
        wait_until(lambda: device.received()[-1] == "end", "the device has the line")
        assert "edge" not in console.connection.read_channel().split("end", 1)[-1]
        setattr(device.faults, held, False)
        device.faults.prompt_delay_s = 0.02
        console.read_until(PROMPT)
        state = shown_of(console, found, BOTH, "office-line")
        assert state.window is not None
        assert state.window.says == "armed"


def test_a_prompt_that_changes_within_a_session(tmp_path: Path) -> None:
    device = router()
    with logged_in(device, "cisco_ios", tmp_path) as console:
        device.enter(["hostname other-name-than-before"])
        assert "10:15:20" in console.say("show clock", r"\nother-name-than-before#$")
        # In configuration it is shortened.
        console.say("configure terminal", r"\nother-name-than-befo\(config\)#$")
        console.say("hostname edge", r"\nedge\(config\)#$")


@both_families
def test_a_connection_that_is_lost_with_a_line_that_counts(
    kind: str, make: Callable[[], Device], ask: str, tmp_path: Path
) -> None:
    device = make()
    found = recipe("ios-time-range" if kind == "cisco_ios" else "fortios-schedule")
    with SshServer(device) as server:
        console = StockConsole(server, kind, tmp_path)
        device.faults.crash_after(2, matching="absolute|set|end")
        with pytest.raises((NetmikoBaseException, OSError, EOFError)):
            carry_out(console, found, "arm", BOTH, RUNNING, ["office-line"])
        console.abort()
        wait_until(lambda: server.connections == 0, "the connection is lost")
        again = StockConsole(server, kind, tmp_path)
        # The router acts by each line, the firewall by `end`: there the second such line was not the last.
        state = shown_of(again, found, BOTH, "office-line")
        assert state.window is not None
        assert state.window.says == ("armed" if kind == "cisco_ios" else "rest")
        again.close()
