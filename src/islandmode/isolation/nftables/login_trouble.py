"""What a device says when a login works and nft does not, and what to do about it. Pure."""

from __future__ import annotations

TELLS_NOTHING, NO_NFT = "it tells nothing of itself", "nft cannot be used there"
FIRST_COMMAND = (
    "it let the user in, and a first command did not end there (a login file or a forced command may wait for input)"
)
NFT_SILENT = "nft did not answer there (a login file may take what is meant for it)"
_PLAIN_SHELL = "give the login user a plain shell such as /bin/sh"

_REMEDIES = (
    (
        ("must have a tty",),
        "let sudo run without a terminal for the login user (Defaults:USER !requiretty, in /etc/sudoers.d)",
    ),
    (
        ("a password is required", "a terminal is required", "is not allowed", "may not run", "not in the sudoers"),
        "let the login user run it through sudo without a password (NOPASSWD: /usr/sbin/nft, in /etc/sudoers.d)",
    ),
    (("sudo: not found", "sudo: command not found"), "install sudo there, or log in as root with become: root"),
    (("json support not compiled", "invalid option -- 'j'"), "install an nft that is built with JSON (libjansson)"),
    (("cache initialization failed", "operation not permitted"), "log in with root's rights (become: sudo)"),
    (("command not found", ": not found", "no such file"), "install nftables there, or say where nft is"),
)
_BEFORE = ("failed: ", "to the device: ", "the connection to it did: ")
"""What stands before a device's own words, by whichever way they came."""


def device_words(why: str) -> str:
    """Give the device's own words, without the long command that they answer."""
    for before in _BEFORE:
        why = why.rpartition(before)[2]
    words = why.strip().splitlines()
    return words[0].rstrip(".") if words else "no reason was given"


def with_remedy(step: str, why: str) -> str:
    """Put a step that failed, the device's own words and what to do into one clause."""
    said = device_words(why)
    remedy = next((what for words, what in _REMEDIES if any(word in said.lower() for word in words)), "")
    if step == TELLS_NOTHING:
        # These commands are there on every Linux: what cannot run them is the shell.
        remedy = _PLAIN_SHELL
    return f"{step}: {said}{f'; {remedy}' if remedy else ''}"
