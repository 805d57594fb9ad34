"""The driver against a real firewall: every change can be taken back, by us or by the device alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from napalm import get_network_driver
from napalm.base.exceptions import CommitError, ConnectAuthError, ConnectionException, MergeConfigException

from napalm_nftables import NftablesDriver
from napalm_nftables.transport import HostKeyError
from tests.napalm_nftables.firewall import Firewall

pytestmark = pytest.mark.lab

T = TypeVar("T")
OURS = 'table inet drill {\n\tchain c {\n\t\ttype filter hook forward priority -10; policy accept;\n\t\tiifname "eth1" drop\n\t}\n}\n'


def make(firewall: Firewall, **changed: object) -> NftablesDriver:
    """Make a driver for the firewall."""
    options = {"alt_key_file": str(firewall.known_hosts), "become": "sudo"}
    options |= {key: value for key, value in changed.items() if key not in {"password"}}  # type: ignore[dict-item]
    password = changed.get("password", firewall.password)
    return get_network_driver("nftables")(firewall.host, firewall.user, password, 10, options)


def with_driver(firewall: Firewall, work: Callable[[NftablesDriver], T]) -> T:
    """Run work with an open driver, from the management network."""

    def inside() -> T:
        with make(firewall) as driver:
            return work(driver)

    return firewall.inside_network("manage", inside)


@contextmanager
def unchanged(firewall: Firewall) -> Iterator[None]:
    """The ruleset after must be the ruleset before, to the byte."""
    before = firewall.run("fw", "nft", "-s", "list", "ruleset")
    yield
    assert firewall.run("fw", "nft", "-s", "list", "ruleset") == before


def test_napalm_finds_the_driver_by_name() -> None:
    assert get_network_driver("nftables") is NftablesDriver


def test_getters_return_what_the_device_has(firewall: Firewall) -> None:
    def work(driver: NftablesDriver) -> tuple[object, ...]:
        return driver.get_facts(), driver.get_interfaces(), driver.get_interfaces_ip(), driver.get_config(), driver.is_alive()

    facts, interfaces, addresses, config, alive = with_driver(firewall, work)
    assert facts["hostname"] == "fw"
    assert {"eth0", "eth1", "eth2"} <= set(facts["interface_list"])
    assert "nftables" in facts["os_version"]
    assert interfaces["eth1"]["is_up"]
    assert addresses["eth1"]["ipv4"]["10.1.0.1"] == {"prefix_length": 24}
    assert addresses["eth1"]["ipv6"]["fd01::1"] == {"prefix_length": 64}
    assert "table inet site" in config["running"]
    assert "flush ruleset" in config["startup"]
    assert alive == {"is_alive": True}


def test_compare_is_true_and_touches_nothing(firewall: Firewall) -> None:
    def work(driver: NftablesDriver) -> str:
        driver.load_merge_candidate(config=OURS)
        return driver.compare_config()

    with unchanged(firewall):
        diff = with_driver(firewall, work)
    assert '+\t\tiifname "eth1" drop' in diff
    assert not [line for line in diff.splitlines() if line.startswith("-") and not line.startswith("---")]


def test_a_bad_candidate_is_refused_with_the_words_of_nft(firewall: Firewall) -> None:
    with unchanged(firewall), pytest.raises(MergeConfigException, match="syntax error"):
        with_driver(firewall, lambda driver: driver.load_merge_candidate(config="table inet drill { nonsense }"))


def test_rollback_takes_back_our_table_and_keeps_a_colleagues_edit(firewall: Firewall) -> None:
    def work(driver: NftablesDriver) -> None:
        driver.load_merge_candidate(config=OURS)
        driver.commit_config(message="a drill")
        firewall.run("fw", "nft", "add", "rule", "inet", "site", "forward", "tcp", "dport", "9", "accept", "comment", "theirs")
        firewall.run("fw", "nft", "add", "element", "inet", "site", "guests", "{ 10.9.9.9 timeout 1h }")
        driver.rollback()

    before = firewall.run("fw", "nft", "list", "counter", "inet", "site", "seen")
    with_driver(firewall, work)
    after = firewall.run("fw", "nft", "list", "ruleset")
    assert "table inet drill" not in after
    assert 'comment "theirs"' in after
    assert "10.9.9.9" in after
    assert firewall.run("fw", "nft", "list", "counter", "inet", "site", "seen") == before
    firewall.run("fw", "nft", "-f", "/etc/nftables.conf")


def test_confirm_ends_the_timer_and_a_second_commit_waits_for_it(firewall: Firewall) -> None:
    def work(driver: NftablesDriver) -> None:
        driver.load_merge_candidate(config=OURS)
        driver.commit_config(revert_in=2)
        assert driver.has_pending_commit()
        driver.load_merge_candidate(config="table inet second { }")
        with pytest.raises(CommitError, match="pending"):
            driver.commit_config()
        driver.confirm_commit()
        assert not driver.has_pending_commit()

    with unchanged(firewall):
        with_driver(firewall, work)
        time.sleep(3)
        assert "table inet drill" in firewall.run("fw", "nft", "list", "tables")
        with_driver(firewall, lambda driver: driver.rollback())


def test_replace_and_rollback(firewall: Firewall) -> None:
    def work(driver: NftablesDriver) -> str:
        driver.load_replace_candidate(config=OURS)
        driver.commit_config()
        replaced = driver.get_config(retrieve="running")["running"]
        driver.rollback()
        return replaced

    with unchanged(firewall):
        assert "table inet site" not in with_driver(firewall, work)


CLIENT = """
import sys, time
from pathlib import Path
from napalm import get_network_driver
host, user, known, password = sys.argv[1:5]
driver = get_network_driver("nftables")(host, user, password, 10, {"alt_key_file": known})
driver.open()
driver.load_merge_candidate(config=sys.argv[5])
driver.commit_config(revert_in=2)
print("committed", flush=True)
time.sleep(60)
"""


def test_the_device_takes_it_back_when_client_and_management_link_are_gone(firewall: Firewall, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", CLIENT, firewall.host, firewall.user, str(firewall.known_hosts), firewall.password, OURS]
    enter = ["nsenter", "-t", str(firewall.pids["manage"]), "-n", "--"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    client = subprocess.Popen([*enter, *argv], stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path)
    try:
        assert client.stdout is not None
        assert client.stdout.readline() == "committed\n"
        assert "table inet drill" in firewall.run("fw", "nft", "list", "tables")
    finally:
        client.send_signal(signal.SIGKILL)
        client.wait()
    firewall.run("fw", "ip", "link", "set", "eth0", "down")
    try:
        until = time.monotonic() + 15
        while "table inet drill" in firewall.run("fw", "nft", "list", "tables"):
            assert time.monotonic() < until, "the device never took the change back"
            time.sleep(0.1)
    finally:
        firewall.run("fw", "ip", "link", "set", "eth0", "up")


def attempt(firewall: Firewall, **changed: object) -> None:
    """Open a driver and close it again."""

    def inside() -> None:
        driver = make(firewall, **changed)
        driver.open()
        driver.close()

    firewall.inside_network("manage", inside)


def test_an_unknown_host_key_gets_no_login(firewall: Firewall, tmp_path: Path) -> None:
    with pytest.raises(HostKeyError, match="never learned"):
        attempt(firewall, alt_key_file=str(tmp_path / "none"))


def test_a_changed_host_key_gets_no_login(firewall: Firewall, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    key = (tmp_path / "other.pub").read_text(encoding="ascii").split()[:2]
    (tmp_path / "known").write_text(f"{firewall.host} {' '.join(key)}\n", encoding="ascii")
    with pytest.raises(HostKeyError, match="not the one that was learned"):
        attempt(firewall, alt_key_file=str(tmp_path / "known"))


def test_a_wrong_password_is_tried_once_and_never_shown(firewall: Firewall) -> None:
    with pytest.raises(ConnectAuthError) as refused:
        attempt(firewall, password="wrong-canary-77")
    assert "wrong-canary-77" not in str(refused.value)
    assert isinstance(refused.value, ConnectionException) or "refused the login" in str(refused.value)


def test_host_keys_cannot_be_switched_off(firewall: Firewall) -> None:
    with pytest.raises(ValueError, match="always checked"):
        make(firewall, alt_key_file="")
