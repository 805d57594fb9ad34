"""Says what of Millbrook's lab is not ready yet, seen from the operations host; says nothing when all is."""

import sys

sys.path.append("/run/programs")

from ready import main

PORTS = {
    "enterprise-fw": ("192.168.99.1", 22),
    "plant-fw": ("192.168.99.2", 22),
    "plc-pasteuriser": ("192.168.40.11", 502),
    "plc-filler": ("192.168.40.12", 502),
    "historian": ("192.168.20.10", 8080),
    "directory": ("192.168.20.5", 389),
    "directory, RPC": ("192.168.20.5", 49200),
}
PAGES = {"hmi": "http://192.168.30.20:8080/api/tags"}

sys.exit(main(PORTS, PAGES))
