"""What NAPALM's getters return, read with iproute2 in JSON. Each function takes the function that runs a command."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Run = Callable[[str], str]


def facts(run: Run, nft: str) -> dict[str, Any]:
    """Return NAPALM's facts; a Linux firewall has no serial number that a login may read, so that is empty."""
    hostname = run("uname -n").strip()
    return {
        "uptime": float(run("cat /proc/uptime").split()[0]),
        "vendor": "Linux",
        "model": run("uname -m").strip(),
        "serial_number": "",
        "os_version": f"{run('uname -r').strip()}, {run(f'{nft} --version').strip()}",
        "hostname": hostname,
        "fqdn": hostname,
        "interface_list": sorted(row["ifname"] for row in _rows(run, "ip -j link show")),
    }


def interfaces(run: Run) -> dict[str, dict[str, Any]]:
    """Return NAPALM's interfaces; speed is unknown on virtual links (-1.0), and so is the last flap."""
    found = {}
    for row in _rows(run, "ip -j link show"):
        found[row["ifname"]] = {
            "is_up": row.get("operstate") == "UP" or "LOWER_UP" in row["flags"],
            "is_enabled": "UP" in row["flags"],
            "description": row.get("ifalias", ""),
            "last_flapped": -1.0,
            "speed": -1.0,
            "mtu": int(row["mtu"]),
            "mac_address": str(row.get("address", "")).upper(),
        }
    return found


def interfaces_ip(run: Run) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """Return NAPALM's addresses by interface and family."""
    families = {"inet": "ipv4", "inet6": "ipv6"}
    found: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    for row in _rows(run, "ip -j addr show"):
        for address in row.get("addr_info", ()):
            family = families.get(address["family"])
            if family is not None:
                by_family = found.setdefault(row["ifname"], {}).setdefault(family, {})
                by_family[address["local"]] = {"prefix_length": int(address["prefixlen"])}
    return found


def _rows(run: Run, command: str) -> list[dict[str, Any]]:
    return [row for row in json.loads(run(command) or "[]") if row]
