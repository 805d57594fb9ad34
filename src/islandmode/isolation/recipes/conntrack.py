"""conntrack: drop the tracked sessions that cross a conduit, and no other. Pure.

An isolation stops their packets whether or not they are dropped here; this only ends what would otherwise go on after
the restore. It is never unfiltered: that would end every session of the firewall. conntrack knows no interfaces, so each
session is placed by the narrowest route to either end: behind a default route lies only what no other route leads to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from islandmode.core.firewall import Route

_PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH; LC_ALL=C; export LC_ALL"
_INSTALLED = "command -v conntrack >/dev/null || { echo conntrack is not installed >&2; exit 3; }"
_ENDS = re.compile(r"\bsrc=(\S+) dst=(\S+)")
AT_ONCE = 200
"""Sessions named in one command line."""

Address = IPv4Address | IPv6Address
Sides = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
"""Outer and inner interfaces of each conduit."""


@dataclass(frozen=True)
class Session:
    """One tracked session as it was begun, and the end that really answers, where addresses are translated."""

    source: Address
    destination: Address
    answers: Address

    @property
    def filter(self) -> str:
        """Write what conntrack finds this session by."""
        return f"-f ipv{self.source.version} -s {self.source} -d {self.destination}"


def list_command(conntrack: str) -> str:
    """Ask for every session; a conntrack that may not be run, or fails, fails the line."""
    return f"{_PATH}; {_INSTALLED}; {conntrack} -L -f ipv4 && {conntrack} -L -f ipv6"


def drop_commands(conntrack: str, sessions: Iterable[Session]) -> Iterator[str]:
    """Write the lines that drop sessions; one that ended by itself meanwhile is no failure, everything else is."""
    wanted = tuple(dict.fromkeys(session.filter for session in sessions))
    gone = '*"flow entries have been deleted"*'
    drop = f'drop() {{ said=$({conntrack} -D "$@" 2>&1 >/dev/null) || case "$said" in {gone}) ;; *) echo "$said" >&2; exit 4;; esac; }}'
    for start in range(0, len(wanted), AT_ONCE):
        each = "; ".join(f"drop {one}" for one in wanted[start : start + AT_ONCE])
        yield f"{_PATH}; {_INSTALLED}; {drop}; {each}"


def sessions(listing: str) -> tuple[Session, ...]:
    """Read a listing: each line has the addresses of both directions."""
    found = []
    for line in listing.splitlines():
        ends = _ENDS.findall(line)
        if len(ends) >= 2:
            (source, destination), (answers, _) = ends[:2]
            found.append(Session(ip_address(source), ip_address(destination), ip_address(answers)))
        elif line.strip():
            raise ValueError(f"no session: {line[:80]}")
    return tuple(found)


def crossing(found: Iterable[Session], routes: tuple[Route, ...], sides: Sides) -> tuple[Session, ...]:
    """Pick the sessions that have one end behind a conduit's outer interfaces and the other behind its inner ones."""
    known: dict[Address, frozenset[str]] = {}

    def behind(address: Address) -> frozenset[str]:
        if address not in known:
            known[address] = _behind(address, routes)
        return known[address]

    def crosses(session: Session) -> bool:
        one, other = behind(session.source), behind(session.answers)
        return any(
            (one & set(outer) and other & set(inner)) or (one & set(inner) and other & set(outer))
            for outer, inner in sides
        )

    return tuple(session for session in found if crosses(session))


def _behind(address: Address, routes: tuple[Route, ...]) -> frozenset[str]:
    ways = [route for route in routes if route.network.version == address.version and address in route.network]
    narrowest = max((route.network.prefixlen for route in ways), default=0)
    return frozenset(route.link for route in ways if route.network.prefixlen == narrowest)
