"""Says what of these labs is not ready yet, seen from the operations host; says nothing when all is."""

import sys

sys.path.append("/run/programs")

from ready import main

PORTS = {"fw": ("172.31.98.1", 22), "plc": ("10.20.0.50", 502), "office": ("10.10.0.10", 8080)}
PAGES = {"hmi": "http://10.20.0.20:8080/api/tags"}

sys.exit(main(PORTS, PAGES))
