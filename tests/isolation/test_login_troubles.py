"""A device that can be reached and not used: the step that failed and its remedy are said, and nothing is misread."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from islandmode.core.outcome import Outcome, Reading
from islandmode.core.preflight import judge_point
from islandmode.isolation.login_trouble import with_remedy
from islandmode.isolation.point import Facts
from napalm_nftables import facts
from tests.isolation.plant import DEADLINE_S, make_point, planned
from tests.napalm_nftables.firewall_node import FirewallNode

ODD_PORT = 24
SUDOERS = "/etc/sudoers.d/drill"
ODD = "/etc/nft-odd"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def odd(node: FirewallNode) -> Iterator[FirewallNode]:
    """The node, put back after a test has changed its accounts, shells and files."""
    node.run(
        "mkdir -p /run/kept; cp -a /etc/passwd /etc/shadow /etc/sudoers.d/drill /run/kept; cp -P /etc/os-release /run/kept/"
    )
    node.run(f"echo 'drill ALL=(root) NOPASSWD: {ODD}' >> {SUDOERS}")
    yield node
    node.run(
        "cp -a /run/kept/passwd /run/kept/shadow /etc/; cp -a /run/kept/drill /etc/sudoers.d/; "
        f"cp -P /run/kept/os-release /etc/; rm -f /home/drill/.bashrc {ODD}; "
        "[ ! -e /run/odd.pid ] || { kill $(cat /run/odd.pid); rm -f /run/odd.pid; }"
    )


async def facts_of(node: FirewallNode, options: str = "", **access: str) -> Reading[Facts]:
    """Ask a point for its facts; with options, on an sshd of its own that has them."""
    relay = None
    if options:
        node.run(
            f"/usr/sbin/sshd -f /etc/ssh/sshd_test -o Port={ODD_PORT} -o HostKey=/etc/ssh/known -o PidFile=/run/odd.pid {options}"
        )
        relay = node.relay(ODD_PORT)
    point = make_point(node, relay, **access).point
    try:
        return await point.facts(DEADLINE_S)
    finally:
        await point.close()


def said(reading: Reading[Facts]) -> str:
    """Give the sentence that preflight makes of it."""
    trouble = reading.value.trouble if reading.value is not None else ""
    found = judge_point("fw", planned(), outcome=reading.outcome, why=reading.why, trouble=trouble, present={})
    return f"{found[0].code}: {found[0].sentence}"


@pytest.mark.lab
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ("-o MaxSessions=0", "point-unusable", "set MaxSessions 2 or more in its sshd_config"),
        ("-o MaxSessions=1", "point-unusable", "set MaxSessions 2 or more in its sshd_config"),
        ("-o PasswordAuthentication=no", "point-login", "publickey, keyboard-interactive; no attempt was made. Give the login what it takes"),
        ("-o ForceCommand='echo choose:'", "point-unusable", "let user drill in, and cannot be used"),
    ],
    ids=["max-sessions-0", "max-sessions-1", "keys-only", "forced-command"],
)  # fmt: skip
async def test_a_server_that_is_set_otherwise_says_how(odd: FirewallNode, options: str, code: str, words: str) -> None:
    sentence = said(await facts_of(odd, options))
    assert sentence.startswith(f"{code}: "), sentence
    assert words in sentence


@pytest.mark.lab
@pytest.mark.anyio
async def test_two_sessions_on_one_connection_are_enough(odd: FirewallNode) -> None:
    """The held-open nft and one command: the session of the command before may still be closing there."""
    for _ in range(3):
        reading = await facts_of(odd, "-o MaxSessions=2")
        assert reading.value is not None, reading.why
        assert reading.value.trouble == ""
        odd.run("kill $(cat /run/odd.pid); rm -f /run/odd.pid")


@pytest.mark.lab
@pytest.mark.anyio
async def test_a_server_on_which_too_many_logins_wait_says_so(odd: FirewallNode) -> None:
    odd.run(
        f"/usr/sbin/sshd -f /etc/ssh/sshd_test -o Port={ODD_PORT} -o HostKey=/etc/ssh/known -o PidFile=/run/odd.pid "
        "-o MaxStartups=1:100:1"
    )
    with socket.create_connection(("127.0.0.1", odd.relay(ODD_PORT).port)) as waiting:
        assert waiting.recv(4) == b"SSH-"
        point = make_point(odd, odd.relay(ODD_PORT)).point
        sentence = said(await point.facts(DEADLINE_S))
        await point.close()
    assert "(MaxStartups)" in sentence


@pytest.mark.lab
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (f"echo 'drill ALL=(root) /usr/sbin/nft' > {SUDOERS}", "point-unusable", "a password is required; let the login user run it through sudo without a password"),
        (f"echo 'drill ALL=(root) NOPASSWD: /usr/bin/id' > {SUDOERS}", "point-unusable", "NOPASSWD: /usr/sbin/nft"),
        (f"cp /usr/bin/false {ODD}", "point-unusable", "nft cannot be used there"),
        (f"printf '#!/bin/sh\\necho JSON support not compiled-in >&2; exit 1\\n' > {ODD}; chmod 755 {ODD}", "point-unusable", "JSON support not compiled-in; install an nft that is built with JSON"),
        ("chage -d 0 drill", "point-unusable", "Password change required"),
        ("usermod -s /usr/sbin/nologin drill", "point-unusable", "Give that user a plain shell"),
        ("usermod -s /bin/rbash drill", "point-unusable", "give the login user a plain shell such as /bin/sh"),
    ],
    ids=["sudo-password", "sudo-other", "nft-false", "no-json", "expired-password", "nologin", "rbash"],
)  # fmt: skip
async def test_a_device_that_lets_us_in_and_cannot_be_used_says_the_step(
    odd: FirewallNode, change: str, code: str, words: str
) -> None:
    odd.run(change)
    sentence = said(await facts_of(odd, **({"nft": ODD} if ODD in change else {})))
    assert sentence.startswith(f"{code}: "), sentence
    assert words in sentence, sentence
    assert "could not be logged in to" not in sentence


@pytest.mark.lab
@pytest.mark.anyio
async def test_a_login_file_that_prints_and_a_missing_os_release_move_no_fact(odd: FirewallNode) -> None:
    odd.run(
        "rm /etc/os-release; usermod -s /bin/bash drill; echo 'echo Welcome; echo fact host lie; echo 0' > /home/drill/.bashrc"
    )
    reading = await facts_of(odd)
    assert reading.value is not None, reading.why
    assert reading.value.trouble == ""
    assert reading.value.hostname == "fw"
    assert reading.value.interfaces == ("eth1", "eth3", "eth4", "lo")
    assert reading.value.os_version.startswith("Linux ")
    assert reading.value.firewall is not None
    assert reading.value.firewall.unread == ()
    point = make_point(odd).point
    configuration = await point.configuration(DEADLINE_S)
    await point.close()
    assert configuration.value is not None, configuration.why
    assert not any("Welcome" in text for text in configuration.value.parts.values())


def test_facts_go_by_name_and_not_by_place() -> None:
    told = facts.facts("Welcome\nfact kernel 6.1\nfact host fw.plant\nfact interface eth1\nfact uptime\n0.3\n")
    assert (told["hostname"], told["fqdn"], told["os_version"]) == ("fw", "fw.plant", "Linux 6.1")
    assert (told["uptime"], told["interface_list"], told["model"]) == (-1.0, ["eth1"], "nftables")
    with pytest.raises(ValueError, match="told no fact"):
        facts.facts("Welcome\n")


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        ("sudo: a password is required.", "NOPASSWD"),
        ("sh: 1: sudo: not found", "install sudo there"),
        ("sh: 1: /usr/sbin/nft: not found", "install nftables there"),
        ("cache initialization failed: Operation not permitted", "root's rights"),
        ("it is raining", ""),
    ],
)
def test_each_trouble_has_its_remedy(why: str, remedy: str) -> None:
    clause = with_remedy("nft cannot be used there", why)
    assert clause.startswith(f"nft cannot be used there: {why.rpartition('failed: ')[2].rstrip('.')}")
    assert remedy in clause
    assert (";" in clause) == bool(remedy)


def test_a_login_that_was_refused_is_still_no_login() -> None:
    reading: Reading[Facts] = Reading(Outcome.NOT_DONE, None, "refused", 0, 0)
    assert said(reading).startswith("point-login: fw at 127.0.0.1 could not be logged in to: refused.")
