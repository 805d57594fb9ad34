"""Whether conntrackd keeps a firewall's sessions in sync with the other members of its pair, as it says itself.

It is the usual way on Linux, and there is no other that is looked for. Where it does not run, nothing keeps sessions in sync. It answers root
alone, so that its account needs a right of its own for that one question.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from islandmode.core.pair import Sync
from islandmode.isolation.session import DeviceTrouble

PROGRAM = "/usr/sbin/conntrackd -s link"
NONE = "no conntrackd"
ASK = f"if grep -q conntrackd /proc/net/unix; then {{become}}{PROGRAM}; else echo {NONE}; fi"
"""A process of the same network that listens where conntrackd is asked; that list is there for everybody."""
_LINK = re.compile(
    r"^(?P<how>\S+) traffic device=(?P<device>\S+) status=(?P<status>\S+) role=(?P<role>\S+?):?\s*$", re.MULTILINE
)
_HEARD = re.compile(r"(\d+) Pckts recv")


def read(run: Callable[[str], str], become: str) -> Sync:
    """Ask whether sessions are kept in sync; DeviceTrouble where what it says does not tell."""
    try:
        answer = run(ASK.format(become="" if become == "root" else "sudo -n "))
    except DeviceTrouble as error:
        why = str(error).rpartition(" failed: ")[2]
        raise DeviceTrouble(
            f"conntrackd runs there, and does not say how it is: {why}; let the login user run {PROGRAM} as root, as devices check prints it"
        ) from None
    return read_links(answer)


def read_links(answer: str) -> Sync:
    """Read what `conntrackd -s link` says, or what stands for there being none; DeviceTrouble where it tells nothing."""
    if answer.strip() == NONE:
        return "not-kept"
    used = [found for found in _LINK.finditer(answer) if found["role"] == "ACTIVE"]
    if not used:
        raise DeviceTrouble("conntrackd runs there, and names no link by which it hears the other member")
    if any(found["status"] != "RUNNING" for found in used):
        return "out-of-sync"
    heard = [int(number) for number in _HEARD.findall(answer)]
    if not any(heard):
        raise DeviceTrouble("conntrackd runs there, and has heard nothing from the other member yet")
    return "in-sync"
