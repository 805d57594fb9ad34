"""A device that can be reached and not used: the step that failed and its remedy are said, and nothing is misread."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from islandmode.core.outcome import Outcome, Reading
from islandmode.core.preflight import judge_point
from islandmode.isolation.nftables.login_trouble import with_remedy
from islandmode.isolation.point import Facts
from napalm_nftables import facts
from tests.isolation.nftables.plant import DEADLINE_S, OFFICE, make_point, planned
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


async def facts_of(node: FirewallNode, options: str = "", **access: str | None) -> Reading[Facts]:
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
    told = reading.value or Facts()
    found = judge_point(
        "fw",
        planned(),
        outcome=reading.outcome,
        why=reading.why,
        trouble=trouble,
        interfaces=told.interfaces,
        saved_unread=tuple((one.what, one.why) for one in told.saved_unread),
        printed=told.printed,
        present={},
    )
    return "; ".join(f"{one.code}: {one.sentence}" for one in found)


@pytest.mark.lab
@pytest.mark.anyio
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ("-o MaxSessions=0", "point-unusable", "set MaxSessions 2 or more in its sshd_config"),
        ("-o MaxSessions=1", "point-unusable", "set MaxSessions 2 or more in its sshd_config"),
        ("-o PasswordAuthentication=no -o KbdInteractiveAuthentication=no", "point-login", "takes no password from user drill, but publickey; no attempt was made. Give the login a private key."),
        ("-o PasswordAuthentication=no -o DenyUsers=drill", "point-login", "asks user drill for the password by keyboard-interactive, and did not take this one, or asked for more; one attempt was made."),
        ("-o DenyUsers=drill", "point-login", "one attempt was made. Only its own log tells a wrong password from an account that is locked, expired or not let in."),
        ("-o AuthenticationMethods=password,publickey", "point-login", "took the password of user drill and wants more (publickey)"),
        ("-o ChrootDirectory=/run", "point-unusable", "nft could not be started there: The connection to"),
        ("-o ForceCommand='echo choose:; echo 1 isolate'", "point-unusable", 'let user drill in, and cannot be used: it ran no command and said "choose:"; give that user a plain shell'),
        ("-o ForceCommand=/bin/cat", "point-unusable", "it ran no command and ended with exit code 0, without a word"),
    ],
    ids=["max-sessions-0", "max-sessions-1", "keys-only", "by-interaction", "not-let-in", "second-factor", "chroot", "forced-command", "forced-and-silent"],
)  # fmt: skip
async def test_a_server_that_is_set_otherwise_says_how(odd: FirewallNode, options: str, code: str, words: str) -> None:
    sentence = said(await facts_of(odd, options))
    assert sentence.startswith(f"{code}: "), sentence
    assert words in sentence
    assert "[secret]" not in sentence


@pytest.mark.lab
@pytest.mark.anyio
@pytest.mark.parametrize("second", ["password", "keyboard-interactive"])
async def test_a_second_factor_is_asked_of_nobody(odd: FirewallNode, second: str) -> None:
    """The library's own way asks for it at our terminal, and waits there for ever."""
    key = {"password": None, "key": str(odd.folder / "key")}
    sentence = said(await facts_of(odd, f"-o AuthenticationMethods=publickey,{second}", **key))
    assert sentence.startswith("point-login: ")
    assert f"took the key of user drill and wants more ({second})" in sentence


@pytest.mark.lab
@pytest.mark.anyio
async def test_a_command_that_waits_for_ever_is_told_from_a_silent_device(odd: FirewallNode) -> None:
    sentence = said(await facts_of(odd, "-o ForceCommand='sleep 60'"))
    assert sentence.startswith("point-silent: ")
    assert "it let the user in, and a first command did not end there" in sentence


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
        (f"echo 'Defaults requiretty' >> {SUDOERS}", "point-unusable", "nft cannot be used there: sudo: sorry, you must have a tty to run sudo; let sudo run without a terminal"),
        (f"cp /usr/bin/false {ODD}", "point-unusable", "nft cannot be used there: it ended with exit code 1, without a word."),
        (f"printf '#!/bin/sh\\necho JSON support not compiled-in >&2; exit 1\\n' > {ODD}; chmod 755 {ODD}", "point-unusable", "JSON support not compiled-in; install an nft that is built with JSON"),
        ("chage -d 0 drill", "point-unusable", "Password change required"),
        ("usermod -s /usr/sbin/nologin drill", "point-unusable", 'said "This account is currently not available"; give that user a plain shell'),
        ("usermod -s /bin/bash drill; printf 'echo Go away.\\necho Bye.\\nexit 3\\n' > /home/drill/.bashrc", "point-unusable", 'it ran no command and said "Go away"; give'),
        (f"usermod -s /bin/bash drill; echo 'echo Quota! >&2' > /home/drill/.bashrc; echo 'drill ALL=(root) /usr/sbin/nft' > {SUDOERS}", "point-unusable", "nft cannot be used there: sudo: a password is required"),
        ("usermod -s /bin/rbash drill", "point-unusable", "give the login user a plain shell such as /bin/sh"),
    ],
    ids=["sudo-password", "sudo-other", "sudo-terminal", "nft-false", "no-json", "expired-password", "nologin", "login-file-ends", "login-file-complains", "rbash"],
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
    assert said(reading) == (
        'point-login-prints: fw at 127.0.0.1 prints "Welcome" before every command of user drill, as a login file does that is '
        "not for terminals only. It is left out of every answer."
    )
    assert reading.value.interfaces == ("eth1", "eth3", "eth4", "lo")
    assert reading.value.firewall is not None
    assert reading.value.firewall.unread == ()
    point = make_point(odd).point
    configuration = await point.configuration(DEADLINE_S)
    await point.close()
    assert configuration.value is not None, configuration.why
    assert not any("Welcome" in text for text in configuration.value.parts.values())


@pytest.mark.lab
@pytest.mark.anyio
async def test_what_a_login_file_prints_is_no_answer_of_nft(odd: FirewallNode) -> None:
    """A restore's own session asks at once: a line that looks like nft's JSON was taken for its first answer."""
    odd.run("""usermod -s /bin/bash drill; echo "echo '{\\"nftables\\": []}'" > /home/drill/.bashrc""")
    made, later = make_point(odd).point, make_point(odd).point
    try:
        assert (await made.arm(OFFICE, 20.0, DEADLINE_S)).done
        seen = await later.state(OFFICE, DEADLINE_S)
        assert seen.value is not None, seen.why
        assert seen.value.conduits[OFFICE[0]].armed_s is not None
        gone = await later.restore(OFFICE, DEADLINE_S)
        assert gone.value is not None, gone.why
        assert gone.value.clear
        assert "islandmode" not in odd.run("nft list tables")
    finally:
        await made.close()
        await later.close()


@pytest.mark.lab
@pytest.mark.anyio
async def test_a_saved_file_that_may_not_be_read_is_named(odd: FirewallNode) -> None:
    odd.run("chmod 600 /etc/nftables.conf")
    try:
        sentence = said(await facts_of(odd))
    finally:
        odd.run("chmod 644 /etc/nftables.conf")
    assert sentence == (
        "point-saved-unread: fw at 127.0.0.1: its saved configuration /etc/nftables.conf could not be read: cat: "
        "/etc/nftables.conf: Permission denied, so whether a restart would isolate is not known; let user drill read it. "
        "Nothing was touched."
    )


def test_facts_go_by_name_and_not_by_place() -> None:
    told = facts.facts("Welcome\nfact kernel 6.1\nfact host fw.plant\nfact interface eth1\nfact uptime\n0.3\n")
    assert (told["hostname"], told["fqdn"], told["os_version"]) == ("fw", "fw.plant", "Linux 6.1")
    assert (told["uptime"], told["interface_list"], told["model"]) == (-1.0, ["eth1"], "nftables")
    with pytest.raises(ValueError, match="told no fact"):
        facts.facts("Welcome\n")


@pytest.mark.parametrize(
    ("why", "remedy"),
    [
        ("sudo: sorry, you must have a tty to run sudo", "!requiretty"),
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


def test_a_shell_that_runs_no_script_is_not_taken_for_a_missing_nft() -> None:
    clause = with_remedy("it tells nothing of itself", "fw: export failed: export: Command not found.")
    assert (
        clause
        == "it tells nothing of itself: export: Command not found; give the login user a plain shell such as /bin/sh"
    )


def test_a_login_that_was_refused_is_still_no_login() -> None:
    reading: Reading[Facts] = Reading(Outcome.NOT_DONE, None, "refused", 0, 0)
    assert said(reading).startswith("point-login: fw at 127.0.0.1 could not be logged in to: refused.")
