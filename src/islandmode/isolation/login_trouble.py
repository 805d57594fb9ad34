"""What a device says when a login works and nft does not, and what to do about it. Pure."""

from __future__ import annotations

_REMEDIES = (
    (
        ("a password is required", "a terminal is required", "is not allowed", "may not run", "not in the sudoers"),
        "let the login user run it through sudo without a password (NOPASSWD: /usr/sbin/nft, in /etc/sudoers.d)",
    ),
    (("sudo: not found", "sudo: command not found"), "install sudo there, or log in as root with become: root"),
    (("json support not compiled", "invalid option -- 'j'"), "install an nft that is built with JSON (libjansson)"),
    (("restricted", "readonly variable"), "give the login user a plain shell such as /bin/sh"),
    (("cache initialization failed", "operation not permitted"), "log in with root's rights (become: sudo)"),
    (("command not found", ": not found", "no such file"), "install nftables there, or say where nft is"),
)


def device_words(why: str) -> str:
    """Give the device's own words, without the long command that they answer."""
    words = why.rpartition("failed: ")[2].strip().splitlines()
    return words[0].rstrip(".") if words else "no reason was given"


def with_remedy(step: str, why: str) -> str:
    """Put a step that failed, the device's own words and what to do into one clause."""
    said = device_words(why)
    remedy = next((what for words, what in _REMEDIES if any(word in said.lower() for word in words)), "")
    return f"{step}: {said}{f'; {remedy}' if remedy else ''}"
