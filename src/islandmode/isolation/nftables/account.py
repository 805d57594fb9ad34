"""What the account on a Linux firewall may do, as `sudo` there says, and the least that isolation needs: nft as root.

Seen: the rules of sudo, and whether the account stands in the device's own list. Not seen: what its groups, files and capabilities
let it do without sudo, and whether a server checks its password although the account is local.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from islandmode.isolation import incoming
from islandmode.isolation.point import Rights
from islandmode.isolation.session import DeviceTrouble

SUDOERS = "/etc/sudoers.d/islandmode"
ACCOUNTS = "cut -d: -f1 /etc/passwd"
LIST_RIGHTS = "sudo -n -l"
USUAL_USER = "islandmode"
_BEGINS = "may run the following commands"
_RULE = re.compile(r"^\s+\((?P<as_whom>[^)]*)\)\s*(?P<what>.*)$")
_TAG = re.compile(r"^(?:[A-Z_]+:\s*)+")


def rights(run: Callable[[str], str], user: str, become: str, nft: str, more: tuple[str, ...] = ()) -> Rights:
    """Ask what an account may do; `run` raises `DeviceTrouble` for a command that fails there. `more` is what else it must run as root."""
    if become == "root":
        told = "root's own account, which may do everything"
        return Rights(least_lines(USUAL_USER, nft, more), (told,), _from_elsewhere(run, user))
    least, elsewhere = least_lines(user, nft, more), _from_elsewhere(run, user)
    try:
        answer = run(LIST_RIGHTS)
    except DeviceTrouble as error:
        return Rights(least, from_elsewhere=elsewhere, unread=incoming.quoted(error))
    if _BEGINS not in answer:
        return Rights(least, from_elsewhere=elsewhere, unread="sudo did not list any rule")
    return Rights(least, tuple(incoming.quoted(rule) for rule in broader(answer, nft, more)), elsewhere)


def least_lines(user: str, nft: str, more: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Write the file by which an account may run nft as root, what else it must, and nothing beyond."""
    return (
        f"# {SUDOERS}, written with: visudo -f {SUDOERS}",
        f"{user} ALL=(root) NOPASSWD: {', '.join((nft, *more))}",
        f"Defaults:{user} !requiretty",
    )


def broader(answer: str, nft: str, more: tuple[str, ...] = ()) -> Iterator[str]:
    """Give what sudo's list of rules lets an account do beside running nft, and what else it must, as root."""
    listed = answer.partition(_BEGINS)[2].partition("\n")[2]
    rules: list[str] = []
    for line in listed.splitlines():
        if _RULE.match(line):
            rules.append(line)
        elif rules and line.strip():
            # A long rule goes on in the next line.
            rules[-1] += f" {line.strip()}"
    for rule in rules:
        found = _RULE.match(rule)
        if found is None:
            continue
        # Without its tags: NOPASSWD before a word would be taken for a password.
        for command in (_TAG.sub("", each.strip()) for each in found["what"].split(", ")):
            if found["as_whom"].strip() != "root" or command not in {nft, *more}:
                yield f"({found['as_whom'].strip()}) {command}"


def _from_elsewhere(run: Callable[[str], str], user: str) -> str:
    try:
        known = run(ACCOUNTS).split()
    except DeviceTrouble:
        return ""
    if user in known:
        return ""
    return f"user {user} does not stand in its own /etc/passwd, so that another machine lets it in"
