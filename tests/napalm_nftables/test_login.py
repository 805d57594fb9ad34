"""Host keys and logins: what is wrong is said apart, once, and without a secret."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from napalm.base.exceptions import ConnectionException

from napalm_nftables.errors import DeviceSilent, HostKeyChanged, HostKeyUnknown, LinkLost, LoginRefused
from napalm_nftables.host_keys import load, shown_key
from tests.napalm_nftables.drivers import ROOT, SUDO, logged_in, logged_in_by, make_driver
from tests.napalm_nftables.firewall_node import PASSWORD, FirewallNode
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.lab


def attempts(node: FirewallNode, log: str = "/run/sshd.log") -> int:
    said = node.run(f"cat {log}")
    return sum("Failed password" in line or "Failed publickey" in line for line in said.splitlines())


def logins(node: FirewallNode, log: str) -> int:
    return sum(word in line for line in node.run(f"cat {log}").splitlines() for word in ("Failed", "Accepted"))


@pytest.mark.parametrize("become", [SUDO, ROOT])
def test_password_with_sudo_and_key_as_root(node: FirewallNode, become: str) -> None:
    with logged_in(node, become) as driver:
        assert driver.is_alive() == {"is_alive": True}
        assert "table inet site" in driver.get_config()["running"]
    assert driver.is_alive() == {"is_alive": False}


def test_a_key_may_be_given_as_text(node: FirewallNode) -> None:
    key = (node.folder / "key").read_text(encoding="ascii")
    with logged_in(node, ROOT, key_file=None, key=key) as driver:
        assert driver.get_facts()["hostname"] == "fw"


def test_a_login_opens_no_shell(node: FirewallNode) -> None:
    with logged_in(node) as driver:
        driver.get_facts()
    said = node.run("cat /run/sshd.log")
    assert "Starting session: command for drill" in said
    assert "Starting session: shell" not in said


def test_an_unknown_host_key_is_refused_before_any_login(node: FirewallNode, tmp_path: Path) -> None:
    relay = node.relay()
    (tmp_path / "empty").touch()
    before = logins(node, "/run/sshd.log")
    fingerprint = node.run("ssh-keygen -lf /etc/ssh/known.pub").split()[1]
    with pytest.raises(HostKeyUnknown, match="no login was attempted") as refused:
        make_driver(node, relay, alt_key_file=str(tmp_path / "empty")).open()
    assert fingerprint in str(refused.value)
    assert isinstance(refused.value, ConnectionException)
    assert logins(node, "/run/sshd.log") == before


def test_a_missing_known_hosts_file_means_unknown(node: FirewallNode, tmp_path: Path) -> None:
    with pytest.raises(HostKeyUnknown):
        make_driver(node, node.relay(), alt_key_file=str(tmp_path / "absent")).open()


def test_a_changed_host_key_is_refused_before_any_login(node: FirewallNode) -> None:
    other = node.relay(port=23)
    with pytest.raises(HostKeyChanged, match="no login was attempted"):
        make_driver(node, other).open()
    assert logins(node, "/run/sshd-other.log") == 0


@pytest.mark.parametrize("kind", ["known", "rsa"])
def test_a_device_with_several_keys_is_asked_for_the_known_key(node: FirewallNode, kind: str) -> None:
    relay = node.relay(port=26)
    known_hosts = node.known_hosts(relay, name=kind)
    with logged_in_by(node, relay, alt_key_file=str(known_hosts)) as driver:
        assert driver.get_facts()["hostname"] == "fw"
    shown = shown_key("127.0.0.1", relay.port, PATIENCE_S, load(known_hosts).of("127.0.0.1", relay.port))
    assert shown in load(known_hosts).of("127.0.0.1", relay.port)


def test_a_device_that_no_longer_has_the_known_rsa_key_is_refused(node: FirewallNode) -> None:
    relay = node.relay()
    with pytest.raises(HostKeyChanged, match="no login was attempted"):
        make_driver(node, relay, alt_key_file=str(node.known_hosts(relay, name="rsa"))).open()


@pytest.mark.parametrize("option", ["ssh_strict", "system_host_keys", "alt_host_keys"])
def test_no_option_turns_host_keys_off(node: FirewallNode, tmp_path: Path, option: str) -> None:
    options: dict[str, Any] = {option: False, "alt_key_file": str(tmp_path / "absent")}
    with pytest.raises(HostKeyUnknown):
        make_driver(node, node.relay(), **options).open()


def test_a_wrong_password_is_one_attempt_and_never_shown(
    node: FirewallNode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Keys of the user who runs this must not be offered either: each would count as an attempt.
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519").write_bytes((node.folder / "key").read_bytes())
    driver = make_driver(node, node.relay())
    driver = type(driver)("127.0.0.1", "drill", "canary-wrong-91", 15, {
        "port": driver.link.login.port, "alt_key_file": str(driver.link.login.known_hosts)
    })  # fmt: skip
    before = attempts(node)
    with pytest.raises(LoginRefused, match="one attempt") as refused:
        driver.open()
    assert attempts(node) == before + 1
    assert "canary-wrong-91" not in str(refused.value) + repr(refused.value) + repr(driver.link.login)
    assert PASSWORD not in str(refused.value)


def test_a_useless_key_file_is_no_attempt_at_all(node: FirewallNode, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("-----BEGIN canary-7f31c0\n", encoding="ascii")
    before = logins(node, "/run/sshd.log")
    with pytest.raises(LoginRefused) as refused:
        make_driver(node, node.relay(), ROOT, key_file=str(tmp_path / "key")).open()
    assert "canary" not in str(refused.value)
    assert logins(node, "/run/sshd.log") == before


def test_a_port_that_nobody_serves_is_silent(node: FirewallNode) -> None:
    relay = node.relay()
    driver = make_driver(node, relay)
    relay.end()
    with pytest.raises(DeviceSilent, match="cannot be reached"):
        driver.open()


def test_abort_frees_a_login_that_hangs(node: FirewallNode) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        driver = make_driver(node, node.relay(), port=silent.getsockname()[1])
        raised: list[BaseException] = []

        def open_it() -> None:
            try:
                driver.open()
            except ConnectionException as error:
                raised.append(error)

        thread = threading.Thread(target=open_it, daemon=True)
        thread.start()
        with silent.accept()[0]:
            driver.link.abort()
            thread.join(PATIENCE_S)
        assert not thread.is_alive()
        assert isinstance(raised[0], (DeviceSilent, LinkLost))


def test_a_frozen_link_ends_a_call_at_its_deadline(node: FirewallNode) -> None:
    relay = node.relay()
    driver = make_driver(node, relay)
    driver.open()
    relay.freeze()
    with pytest.raises(LinkLost):
        driver.link.run("true", deadline_s=0.5)
    assert driver.is_alive() == {"is_alive": False}
