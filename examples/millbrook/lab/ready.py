"""Says what of Millbrook's lab is not ready yet, seen from the operations host; says nothing when all is."""

import json
import socket
import sys
import time
from urllib.request import urlopen

PATIENCE_S = 12.0
PORTS = {
    "enterprise-fw": ("192.168.99.1", 22),
    "plant-fw": ("192.168.99.2", 22),
    "plc-pasteuriser": ("192.168.40.11", 502),
    "plc-filler": ("192.168.40.12", 502),
    "historian": ("192.168.20.10", 8080),
    "directory": ("192.168.20.5", 389),
    "directory, RPC": ("192.168.20.5", 49200),
}


def not_ready() -> list[str]:
    """Name what does not answer as it should."""
    missing = []
    for name, address in PORTS.items():
        try:
            socket.create_connection(address, 0.5).close()
        except OSError:
            missing.append(name)
    try:
        with urlopen("http://192.168.30.20:8080/api/tags", timeout=0.5) as answer:
            tags = json.load(answer)["tags"]
        good = bool(tags) and all(tag["quality"] == "good" for tag in tags.values())
    except (OSError, ValueError, KeyError):
        good = False
    return missing if good else [*missing, "hmi"]


def main() -> int:
    """Wait for a while, then say what is missing."""
    until = time.monotonic() + PATIENCE_S
    while missing := not_ready():
        if time.monotonic() > until:
            print(", ".join(missing))
            return 1
        time.sleep(0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main())
