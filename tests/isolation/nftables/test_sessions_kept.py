"""Whether conntrackd keeps sessions in sync: what 1.4.7 says of its links, and what is not taken for an answer."""

from __future__ import annotations

import pytest

from islandmode.isolation.nftables import account, sessions_kept
from islandmode.isolation.session import DeviceTrouble

LINK = """UDP traffic device=eth3 status={status} role={role}:
                  24 Bytes sent                  24 Bytes recv
                   3 Pckts sent                    {heard} Pckts recv
                   0 Error send                    0 Error recv
"""


def link(status: str = "RUNNING", role: str = "ACTIVE", heard: int = 3) -> str:
    return LINK.format(status=status, role=role, heard=heard)


@pytest.mark.parametrize(
    ("answer", "sync"),
    [
        ("no conntrackd\n", "not-kept"),
        (link(), "in-sync"),
        (link() + link("DOWN", "BACKUP", 0), "in-sync"),
        (link("DOWN"), "out-of-sync"),
        (link("DOWN") + link("RUNNING", "BACKUP"), "out-of-sync"),
    ],
)
def test_what_its_links_say(answer: str, sync: str) -> None:
    assert sessions_kept.read_links(answer) == sync


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("", "names no link by which it hears the other member"),
        (link(role="BACKUP"), "names no link"),
        (link(heard=0), "has heard nothing from the other member yet"),
    ],
)
def test_what_tells_nothing_is_not_known(answer: str, words: str) -> None:
    with pytest.raises(DeviceTrouble, match=words):
        sessions_kept.read_links(answer)


@pytest.mark.parametrize(
    ("become", "said"), [("sudo", "sudo -n /usr/sbin/conntrackd"), ("root", "then /usr/sbin/conntrackd")]
)
def test_it_is_asked_as_root_and_a_right_that_lacks_is_named(become: str, said: str) -> None:
    asked: list[str] = []

    def run(command: str) -> str:
        asked.append(command)
        raise DeviceTrouble(f"192.0.2.1: {command} failed: sudo: a password is required")

    with pytest.raises(
        DeviceTrouble,
        match=r"it is: sudo: a password is required; let the login user run /usr/sbin/conntrackd -s link as root",
    ):
        sessions_kept.read(run, become)
    assert said in asked[0]


def test_the_right_to_ask_it_is_printed_for_a_member_and_is_no_broader_one() -> None:
    nft, more = "/usr/sbin/nft", (sessions_kept.PROGRAM,)
    assert "islandmode ALL=(root) NOPASSWD: /usr/sbin/nft, /usr/sbin/conntrackd -s link" in account.least_lines(
        "islandmode", nft, more
    )
    listed = "User islandmode may run the following commands on fw:\n    (root) NOPASSWD: /usr/sbin/nft, /usr/sbin/conntrackd -s link\n"
    assert list(account.broader(listed, nft, more)) == []
    assert list(account.broader(listed, nft)) == ["(root) /usr/sbin/conntrackd -s link"]
