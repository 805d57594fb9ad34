"""Which sessions a Linux firewall tracks, as `conntrack -L` says. Reading them changes nothing, and needs a right of its own."""

from __future__ import annotations

from collections.abc import Callable

from islandmode.core.open_sessions import Tracked, read_tracked
from islandmode.isolation.session import DeviceTrouble

PROGRAMS = ("/usr/sbin/conntrack -L -f ipv4", "/usr/sbin/conntrack -L -f ipv6")


def read(run: Callable[[str], str], become: str) -> tuple[Tracked, ...]:
    """List the sessions; DeviceTrouble where it does not list them."""
    sudo = "" if become == "root" else "sudo -n "
    try:
        return tuple(session for program in PROGRAMS for session in read_tracked(run(f"{sudo}{program}")))
    except DeviceTrouble as error:
        why = str(error).rpartition(" failed: ")[2]
        raise DeviceTrouble(
            f"it does not list them: {why}; install conntrack there, and let the login user run {' and '.join(PROGRAMS)} as root"
        ) from None
