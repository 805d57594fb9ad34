"""What a Linux host says of itself, as NAPALM's own dictionaries. Pure.

Facts are told by name and not by place in the answer: a file that is missing leaves its fact empty and moves no other.
"""

from __future__ import annotations

import json
from typing import Any

FACTS_COMMAND = (
    'export PATH=/usr/sbin:/usr/bin:/sbin:/bin || exit 1; tell() {{ n=$1; shift; echo "fact $n $("$@" 2>/dev/null | head -n 1)"; }}; '
    "tell host uname -n; tell kernel uname -r; tell uptime cut -d' ' -f1 /proc/uptime; "
    "tell system sh -c '. /etc/os-release; echo \"$PRETTY_NAME\"'; "
    "tell model cat /sys/class/dmi/id/product_name; tell serial cat /sys/class/dmi/id/product_serial; "
    'tell version {nft} --version; for f in /sys/class/net/*; do [ -d "$f" ] && echo "fact interface ${{f##*/}}"; done; true'
)
INTERFACES_COMMAND = "PATH=/usr/sbin:/usr/bin:/sbin:/bin ip -j link show"
ADDRESSES_COMMAND = "PATH=/usr/sbin:/usr/bin:/sbin:/bin ip -j address show"


def facts(answer: str) -> dict[str, Any]:
    """Read the answer to FACTS_COMMAND; ValueError when nothing in it is a fact."""
    told = [line.split(" ", 2)[1:] for line in answer.splitlines() if line.startswith("fact ")]
    if not told:
        raise ValueError("the device told no fact")
    found = {words[0]: words[1].strip() if len(words) > 1 else "" for words in told}
    host, system = found.get("host", ""), found.get("system", "")
    uptime = found.get("uptime", "")
    parts = (system, f"Linux {found.get('kernel', '')}".strip(), found.get("version", ""))
    return {
        "vendor": "Linux",
        "model": found.get("model") or "nftables",
        "hostname": host.split(".", maxsplit=1)[0],
        "fqdn": host,
        "os_version": ", ".join(part for part in parts if part),
        "serial_number": found.get("serial", ""),
        "uptime": float(uptime) if uptime.replace(".", "", 1).isdigit() else -1.0,
        "interface_list": sorted(words[1] for words in told if words[0] == "interface" and len(words) > 1),
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
