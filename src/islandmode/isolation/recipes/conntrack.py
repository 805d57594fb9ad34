"""conntrack: drop the tracked sessions that cross a conduit, and no other. Pure.

An isolation stops their packets whether or not they are dropped here; this only ends what would otherwise go on after
the restore. It is never unfiltered: that would end every session of the firewall.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

Networks = Mapping[str, tuple[str, ...]]
"""Networks by family, "ipv4" and "ipv6"."""

_PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"


def routes_command(interfaces: tuple[str, ...]) -> str:
    """Ask which networks the device routes to some interfaces, IPv4 first."""
    families = (f"ip {flag} route show dev {shlex.quote(one)}" for one in interfaces for flag in ("-4", "-6"))
    return f"{_PATH}; {'; '.join(families)}"


def networks(routes: str) -> Networks:
    """Read the networks; a default route means any address, and link-local ones cross nothing."""
    found: dict[str, list[str]] = {"ipv4": [], "ipv6": []}
    for line in routes.splitlines():
        net = (line.split() or [""])[0]
        if net == "default":
            found["ipv4"].append("0.0.0.0/0")
            found["ipv6"].append("::/0")
        elif net and not net.startswith(("fe80", "ff00", "multicast", "unreachable", "blackhole")):
            found["ipv6" if ":" in net else "ipv4"].append(net)
    return {family: tuple(dict.fromkeys(nets)) for family, nets in found.items()}


def filters(sides: Mapping[str, Networks], ways: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Write one filter per pair of networks and direction of each conduit."""
    return tuple(
        f"-f {family} -s {source} -d {destination}"
        for outer, inner in ways
        for family in ("ipv4", "ipv6")
        for one in sides[outer][family]
        for other in sides[inner][family]
        for source, destination in ((one, other), (other, one))
    )


def command(conntrack: str, action: str, wanted: tuple[str, ...]) -> str:
    """Write the shell line for `-L` or `-D`; conntrack fails where nothing matches, which is no failure here."""
    each = "; ".join(f"{conntrack} {action} {one} 2>/dev/null" for one in wanted)
    return (
        f"{_PATH}; command -v conntrack >/dev/null || {{ echo conntrack is not installed >&2; exit 3; }}; {each}; true"
    )


def count(listing: str) -> int:
    """Count listed sessions."""
    return sum(bool(line.strip()) for line in listing.splitlines())
