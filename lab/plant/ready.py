"""Says what of the plant is not ready yet, seen from the operations host; says nothing when all is."""

from __future__ import annotations

import json
import socket
import sys
import time
from urllib.request import urlopen

PATIENCE_S = 12.0
STEP_S = 0.05
PORTS = {
    "fw": ("172.31.255.1", 22),
    "plc-mixer": ("10.40.0.10", 502),
    "plc-filler": ("10.40.0.11", 502),
    "erp": ("10.10.0.10", 8080),
    "vendor": ("10.15.0.10", 8443),
    "erp over IPv6": ("fd10:10::10", 8080),
}


PAGES = {"hmi": "http://10.40.0.20:8080/api/tags", "historian": "http://10.20.0.10:8080/api/buffer"}
Ports = dict[str, tuple[str, int]]


def not_ready(ports: Ports, pages: dict[str, str]) -> list[str]:
    """Name what does not answer as it should: TCP ports, and pages whose values must be good."""
    missing = []
    for name, address in ports.items():
        try:
            socket.create_connection(address, 0.5).close()
        except OSError:
            missing.append(name)
    for name, url in pages.items():
        try:
            with urlopen(url, timeout=0.5) as answer:
                good = is_good(json.load(answer))
        except (OSError, ValueError):
            good = False
        missing += [] if good else [name]
    return missing


def is_good(document: dict[str, object]) -> bool:
    """Tell whether an answer's values are all good."""
    tags = document.get("tags")
    if isinstance(tags, dict):
        return bool(tags) and all(tag["quality"] == "good" for tag in tags.values())
    return document.get("quality") == "good" and document.get("rows") != 0


def main(ports: Ports, pages: dict[str, str]) -> int:
    """Wait for a while, then say what is missing."""
    until = time.monotonic() + PATIENCE_S
    while missing := not_ready(ports, pages):
        if time.monotonic() > until:
            print(", ".join(missing))
            return 1
        time.sleep(STEP_S)
    return 0


if __name__ == "__main__":
    sys.exit(main(PORTS, PAGES))
