"""What an account on a Linux firewall may do, as sudo there says it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from islandmode.isolation.nftables.account import ACCOUNTS, LIST_RIGHTS, broader, rights
from islandmode.isolation.session import DeviceTrouble

NFT = "/usr/sbin/nft"
HEAD = """Matching Defaults entries for islandmode on fw:
    env_reset, mail_badpass,
    secure_path=/usr/local/sbin\\:/usr/sbin

User islandmode may run the following commands on fw:
"""
RULES = {
    "nft alone": ("    (root) NOPASSWD: /usr/sbin/nft", []),
    "everything": ("    (ALL : ALL) ALL", ["(ALL : ALL) ALL"]),
    "everything, and nft": ("    (root) NOPASSWD: /usr/sbin/nft\n    (ALL) NOPASSWD: ALL", ["(ALL) ALL"]),
    "two in a rule": ("    (root) NOPASSWD: /usr/sbin/nft, /usr/sbin/ip", ["(root) /usr/sbin/ip"]),
    "as somebody else": ("    (frr) NOPASSWD: /usr/sbin/nft", ["(frr) /usr/sbin/nft"]),
    "a rule of two lines": (
        "    (root) NOPASSWD: /usr/sbin/nft, /usr/bin/one,\n        SETENV: NOEXEC: /usr/bin/two",
        ["(root) /usr/bin/one", "(root) /usr/bin/two"],
    ),
    "another nft": ("    (root) NOPASSWD: /home/islandmode/nft", ["(root) /home/islandmode/nft"]),
    "nothing": ("", []),
}


@pytest.mark.parametrize(("listed", "told"), RULES.values(), ids=RULES)
def test_what_goes_beyond_nft_is_named(listed: str, told: list[str]) -> None:
    assert list(broader(f"{HEAD}{listed}\n", NFT)) == told


def answering(**answers: str) -> Callable[[str], str]:
    def run(line: str) -> str:
        known = {ACCOUNTS: answers.get("accounts", "root\nislandmode\n"), LIST_RIGHTS: answers.get("listed", "")}
        if known[line] == "fails":
            raise DeviceTrouble("sudo: a password is required")
        return known[line]

    return run


def test_the_least_that_is_needed_is_nft_as_root() -> None:
    found = rights(answering(listed=f"{HEAD}    (root) NOPASSWD: {NFT}\n"), "islandmode", "sudo", NFT)
    assert (found.broader, found.unread, found.from_elsewhere) == ((), "", "")
    assert "islandmode ALL=(root) NOPASSWD: /usr/sbin/nft" in found.least


def test_root_may_do_everything_and_is_told_of_an_account_that_may_not() -> None:
    found = rights(answering(), "root", "root", NFT)
    assert found.broader == ("root's own account, which may do everything",)
    assert "islandmode ALL=(root) NOPASSWD: /usr/sbin/nft" in found.least


@pytest.mark.parametrize(("listed", "why"), [("fails", "a password is required"), ("sorry", "did not list")])
def test_what_could_not_be_asked_is_said_and_never_called_narrow(listed: str, why: str) -> None:
    assert why in rights(answering(listed=listed), "islandmode", "sudo", NFT).unread


def test_an_account_that_the_device_does_not_have_itself_is_named() -> None:
    found = rights(answering(accounts="root\nislandmode2\n", listed=HEAD), "islandmode", "sudo", NFT)
    assert "does not stand in its own /etc/passwd" in found.from_elsewhere
