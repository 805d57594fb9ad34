"""Says what of Ashby's lab is not ready yet, seen from the operations host; says nothing when all is."""

import sys

sys.path.append("/run/programs")

from ready import main

PORTS = {
    "fw-a": ("192.168.98.1", 22),
    "fw-b": ("192.168.98.2", 22),
    "plc-pump": ("10.71.0.11", 502),
    "historian": ("10.71.0.20", 8080),
    "office, through the pair": ("10.70.0.20", 8080),
}

sys.exit(main(PORTS, {}))
