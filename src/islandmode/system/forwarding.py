"""Whether this machine itself forwards packets, as the kernel says."""

from __future__ import annotations

from pathlib import Path

_SWITCHES = {"IPv4": Path("/proc/sys/net/ipv4/ip_forward"), "IPv6": Path("/proc/sys/net/ipv6/conf/all/forwarding")}


def forwards(switches: dict[str, Path] | None = None) -> tuple[str, ...]:
    """Name the address families that this machine forwards; a switch that is not there forwards nothing."""
    found = []
    for family, path in (_SWITCHES if switches is None else switches).items():
        try:
            if path.read_text(encoding="ascii").strip() not in {"", "0"}:
                found.append(family)
        except OSError:
            continue
    return tuple(found)
