"""What a Linux host says of itself, as NAPALM's own dictionaries. Pure."""

from __future__ import annotations

import json
from typing import Any

FACTS_COMMAND = (
    "export PATH=/usr/sbin:/usr/bin:/sbin:/bin; "
    "uname -n; uname -r; cut -d' ' -f1 /proc/uptime; "
    '(. /etc/os-release; echo "$PRETTY_NAME"); '
    "cat /sys/class/dmi/id/product_name 2>/dev/null || echo; "
    "cat /sys/class/dmi/id/product_serial 2>/dev/null || echo; "
    "{nft} --version; ls -1 /sys/class/net"
)
INTERFACES_COMMAND = "PATH=/usr/sbin:/usr/bin:/sbin:/bin ip -j link show"
ADDRESSES_COMMAND = "PATH=/usr/sbin:/usr/bin:/sbin:/bin ip -j address show"


def facts(answer: str) -> dict[str, Any]:
    """Read the answer to FACTS_COMMAND."""
    host, kernel, uptime, system, model, serial, version, *interfaces = [line.strip() for line in answer.splitlines()]
    return {
        "vendor": "Linux",
        "model": model or "nftables",
        "hostname": host.split(".", maxsplit=1)[0],
        "fqdn": host,
        "os_version": f"{system}, Linux {kernel}, {version}",
        "serial_number": serial,
        "uptime": float(uptime),
        "interface_list": sorted(interfaces),
    }


def interfaces(answer: str) -> dict[str, dict[str, Any]]:
    """Read the answer to INTERFACES_COMMAND; Linux tells neither speed nor last change here, which NAPALM writes -1."""
    return {
        link["ifname"]: {
            "is_up": "LOWER_UP" in link["flags"],
            "is_enabled": "UP" in link["flags"],
            "description": link.get("ifalias", ""),
            "last_flapped": -1.0,
            "mtu": link["mtu"],
            "speed": -1.0,
            "mac_address": link.get("address", "").upper() if link.get("link_type") == "ether" else "",
        }
        for link in json.loads(answer)
    }


def addresses(answer: str) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """Read the answer to ADDRESSES_COMMAND."""
    found: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    for link in json.loads(answer):
        for address in link.get("addr_info", ()):
            family = "ipv4" if address["family"] == "inet" else "ipv6"
            place = found.setdefault(link["ifname"], {}).setdefault(family, {})
            place[address["local"]] = {"prefix_length": address["prefixlen"]}
    return found
