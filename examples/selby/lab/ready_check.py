"""Says what of Selby's lab is not ready yet, seen from the operations host; says nothing when all is."""

import sys

sys.path.append("/run/programs")

from ready import main

PORTS = {
    **{f"device {last}": (f"192.168.97.{last}", 22) for last in range(1, 7)},
    "plc-rollers": ("10.81.0.11", 502),
    **{
        f"host 10.{net}.0.{last}": (f"10.{net}.0.{last}", 8443)
        for net, last in ((80, 20), *((net, 10) for net in range(82, 87)))
    },
}

sys.exit(main(PORTS, {}))
