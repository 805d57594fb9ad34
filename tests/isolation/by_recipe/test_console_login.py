"""The login of a console: one strict attempt, rights, the prompt; nothing that configures, on the way in and on the way out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest

from islandmode.core.errors import InputError
from islandmode.isolation.by_recipe import console as console_file
from islandmode.isolation.by_recipe.console import Console
from islandmode.isolation.by_recipe.trouble import LoginFailed, NothingSent
from islandmode.isolation.platform import Access
from islandmode.isolation.session import DeviceTrouble
from tests.core.recipe_plant import recipe
from tests.emulators.device import HIDDEN, Device
from tests.emulators.plant import PASSWORD, firewall, router
from tests.emulators.server import BOTH as BOTH_LOGINS
from tests.emulators.server import Login, SshServer
from tests.isolation.by_recipe.consoles import (
    CLOCK,
    FORTI,
    IOS,
    access_to,
    both_families,
    chained,
    console_on,
    console_to,
)
from tests.patience import PATIENCE_S, wait_until


@both_families
@pytest.mark.parametrize("logins", [("password",), ("keyboard-interactive",)], ids=["password", "asked"])
def test_a_login_by_password_or_by_being_asked_changes_nothing(
    name: str, make: Callable[[], Device], ask: str, logins: tuple[Login, ...], tmp_path: Path
) -> None:
    device = make()
    before = device.configuration()
    with SshServer(device, logins=logins) as server:
        console = console_to(server, name, tmp_path)
        assert device.logins == []
        console.open()
        assert "10:15:20" in console.say(ask)
        console.close()
        wait_until(lambda: server.connections == 0, "the connection ends with the logout")
    assert device.received()[-1] == "exit"
    assert device.logins == ["drill"]
    assert not device.was_touched
    assert device.configuration() == before
    assert (console.let_in, console.greeting) == ("", "")
    assert not any(PASSWORD in line.text for line in device.log)


@both_families
@pytest.mark.parametrize("before", ["edge ssh-ed25519 A", "|1|x|y ssh-ed25519 AAAA", "@cert-authority * x", "edge"])
def test_a_line_of_known_hosts_that_holds_no_key_costs_no_login(
    name: str, make: Callable[[], Device], ask: str, before: str, tmp_path: Path
) -> None:
    with SshServer(make()) as server:
        access = access_to(server, tmp_path)
        access.known_hosts.write_text(f"{before}\n{server.known_host}", encoding="ascii")
        console = Console(access, recipe(name), CLOCK)
        console.open()
        assert "10:15:20" in console.say(ask)
        console.close()


@pytest.mark.parametrize("as_text", [False, True], ids=["path", "text"])
def test_a_login_by_a_key(as_text: bool, tmp_path: Path) -> None:  # noqa: FBT001 - parametrized
    key, other = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    text = key.export_private_key("openssh").decode()
    path = tmp_path / "key"
    path.write_text(text, encoding="ascii")
    device = router()
    with SshServer(device, logins=(), keys=[key]) as server:
        console = console_to(server, IOS, tmp_path, password=None, key=text if as_text else str(path))
        console.open()
        assert "10:15:20" in console.say("show clock")
        console.close()
        wrong = console_to(server, IOS, tmp_path, password=None, key=other.export_private_key("openssh").decode())
        with pytest.raises(LoginFailed, match="refused user drill with this key"):
            wrong.open()
    assert device.logins == ["drill"]


@pytest.mark.parametrize("logins", [("password",), ("keyboard-interactive",), BOTH_LOGINS])
def test_a_wrong_password_opens_nothing_and_is_tried_once(logins: tuple[Login, ...], tmp_path: Path) -> None:
    device = router()
    tried: list[str] = []
    let = device.may_log_in

    def counted(user: str, password: str) -> bool:
        tried.append(user)
        return let(user, password)

    device.may_log_in = counted  # type: ignore[method-assign]
    with SshServer(device, logins=logins) as server:
        console = console_to(server, IOS, tmp_path, password="guessed")
        with pytest.raises(
            LoginFailed, match=r"(refused user drill with|did not take) this .*one attempt was made"
        ) as caught:
            console.open()
        wait_until(lambda: server.connections == 0, "the connection is given up")
    assert isinstance(caught.value, DeviceTrouble)
    assert "guessed" not in " ".join(chained(caught.value))
    assert console.let_in == ""
    assert (tried, device.logins, device.log) == (["drill"], [], [])


def test_an_unknown_host_key_and_another_s_end_before_a_login(tmp_path: Path) -> None:
    with SshServer(router()) as server, SshServer(router()) as other:
        kind, key = other.known_host.split()[1:]
        wrong, empty = tmp_path / "wrong", tmp_path / "empty"
        wrong.write_text(f"[{server.host}]:{server.port} {kind} {key}\n", encoding="ascii")
        empty.write_text("", encoding="ascii")
        for known_hosts, why in (
            (wrong, "another host key"),
            (empty, "not in the known-hosts file"),
            (tmp_path / "none", "not in the known-hosts file"),
        ):
            with pytest.raises(LoginFailed, match=why):
                console_to(server, IOS, tmp_path, known_hosts=known_hosts).open()
        wait_until(lambda: server.connections == 0, "the connections are given up")
        assert server.device.logins == []


def test_no_key_exchange_in_common_is_said(tmp_path: Path) -> None:
    with SshServer(firewall(), kex=("curve448-sha512",)) as server:
        with pytest.raises(LoginFailed, match="offers no key exchange that is still accepted here"):
            console_to(server, FORTI, tmp_path).open()
        assert server.device.logins == []


def test_old_key_exchanges_of_plant_gear_are_accepted(tmp_path: Path) -> None:
    with SshServer(router(), kex=("diffie-hellman-group14-sha1",)) as server:
        console = console_to(server, IOS, tmp_path)
        console.open()
        assert "10:15:20" in console.say("show clock")
        console.close()


def test_enable_gives_the_rights_and_its_password_is_typed_once(tmp_path: Path) -> None:
    device = router(enable_secret="between-rights")
    with console_on(device, IOS, tmp_path, become="enable", enable="between-rights") as console:
        assert "hostname edge" in console.say("show running-config")
    assert device.received().count(HIDDEN) == 1


def test_enable_is_not_said_where_the_site_does_not_or_the_rights_are_there(tmp_path: Path) -> None:
    low = router(enable_secret="between-rights")
    with console_on(low, IOS, tmp_path) as console:
        assert "Invalid input" in console.say("show running-config")
    high = router()
    with console_on(high, IOS, tmp_path, become="enable", enable="between-rights") as console:
        assert "hostname edge" in console.say("show running-config")
    assert "enable" not in low.received() + high.received()


@pytest.mark.parametrize(
    ("secret", "why"),
    [("guessed-wrong", "refused the password for enable; one attempt"), (None, "asks for a password for enable")],
)
def test_enable_that_fails_is_told_apart_from_a_login_that_fails(secret: str | None, why: str, tmp_path: Path) -> None:
    device = router(enable_secret="between-rights")
    with SshServer(device) as server:
        console = console_to(server, IOS, tmp_path, become="enable", enable=secret)
        with pytest.raises(LoginFailed, match=why) as caught:
            console.open()
        wait_until(lambda: server.connections == 0, "the connection is given up")
    assert why in console.let_in
    assert device.received().count(HIDDEN) == (0 if secret is None else 1)
    assert "guessed-wrong" not in str(caught.value) + console.let_in


def test_texts_before_and_at_a_login_are_no_prompts(tmp_path: Path) -> None:
    device = firewall()
    device.faults.text_before_login = "Only for who may.\n"
    device.faults.text_at_login = "Plant firewall #\nedge # \nChanges need a number.\n(Press 'a' to accept):"
    with console_on(device, FORTI, tmp_path) as console:
        assert device.received()[0] == "a"
        assert "current time" in console.say("execute time")
        assert console.greeting.startswith("Plant firewall #")
    other = router()
    other.faults.text_at_login = "\nPlant router. Root password canary-in-a-motd\n\nother#"
    with console_on(other, IOS, tmp_path) as console:
        assert "10:15:20" in console.say("show clock")
        assert "Plant router" in console.greeting
        assert "canary" not in console.greeting


def test_a_message_that_covers_the_first_prompt(tmp_path: Path) -> None:
    device = router()
    device.faults.text_behind = "\n*Nov 26 10:15:20.123: %SYS-5-CONFIG_I: Configured from console by vty0\n"
    with console_on(device, IOS, tmp_path) as console:
        assert console.say("show clock") == "10:15:20.123 CET Thu Nov 26 2026"


def test_a_question_at_login_is_answered_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_file, "QUESTION_S", 0.1)
    device = firewall()
    device.faults.text_at_login = "You must change your password.\nNew Password:"
    device.faults.prompts_held = True
    with SshServer(device) as server:
        console = console_to(server, FORTI, tmp_path)
        with pytest.raises(LoginFailed, match=r"showed no prompt, but .*New Password:.* by hand"):
            console.open()
        assert "showed no prompt" in console.let_in
        assert device.received() == []


def test_a_device_without_a_place_left_is_not_let_in(tmp_path: Path) -> None:
    device = router()
    device.faults.sessions_most = 1
    with SshServer(device) as server:
        first, second = console_to(server, IOS, tmp_path), console_to(server, IOS, tmp_path)
        first.open()
        with pytest.raises(LoginFailed):
            second.open()
        assert second.let_in == ""
        assert "10:15:20" in first.say("show clock")
        first.close()


def test_a_login_that_hangs_ends_with_abort(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        access = Access("127.0.0.1", port, "drill", "sudo", tmp_path / "none", "between-drills")
        console = Console(access, recipe(IOS), CLOCK)
        raised: list[BaseException] = []

        def open_it() -> None:
            try:
                console.open()
            except LoginFailed as error:
                raised.append(error)

        thread = threading.Thread(target=open_it)
        thread.start()
        taken, _ = silent.accept()
        console.abort()
        thread.join(PATIENCE_S)
        taken.close()
        assert not thread.is_alive()
        assert len(raised) == 1
        with pytest.raises(NothingSent):
            console.say("show clock")


def test_an_abort_before_the_login_says_nothing_to_the_device(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        access = Access("127.0.0.1", listening.getsockname()[1], "drill", "sudo", tmp_path / "none", "between-drills")
        console = Console(access, recipe(IOS), CLOCK)
        console.abort()
        with pytest.raises(LoginFailed):
            console.open()
        console.close()
        taken, _ = listening.accept()
        with taken, pytest.raises(ConnectionResetError):
            taken.recv(1)


@pytest.mark.parametrize("driver", ["netmiko:no_such_kind", "netmiko:cisco_ios_telnet", "napalm:junos"])
def test_a_driver_that_is_no_console_is_refused(driver: str, tmp_path: Path) -> None:
    access = Access("127.0.0.1", 22, "drill", "sudo", tmp_path / "none", "between-drills")
    with pytest.raises(InputError):
        Console(access, recipe(IOS).model_copy(update={"driver": driver}), CLOCK)
