"""The worker itself, as a far vantage starts it, with a count of what goes into its spool: worker_reader.py WARM_S SECONDS FILE SPOOL LOOP.

With "unspooled" behind it, nothing is written: what sampling alone costs. The schedule comes on standard input, as it does to a worker; each
probe's name ends in the number of its target. LOOP is "uvloop", or "asyncio" for a host on which uvloop is not installed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from islandmode.observe import worker
from measured import Measured


def main(warm_s: str, seconds: str, path: str, spool: str, loop: str, spooled: str = "spooled") -> None:
    """Sample until the schedule ends."""
    measured = Measured(float(warm_s), float(seconds))
    # By its name: a worker of an earlier checkout may be measured too.
    spools: Any = vars(worker)["Spool"]
    add = spools.add

    def counted(self: Any, row: dict[str, Any]) -> None:
        if spooled == "spooled":
            add(self, row)
        number = int(row["probe"].rpartition("-")[2])
        measured.add(number, row["asked_us"], row["answered_us"], int(row["seen"] == "good"))

    # It stays the process that is measured, and a count stands behind its spool.
    worker.detach = lambda: None
    spools.add = counted
    if loop == "asyncio":
        sys.modules["uvloop"] = None  # type: ignore[assignment] # as Python itself says that there is no such module
    said = os.dup(1)
    sys.argv[1:] = ["run", spool]
    worker.main()
    os.dup2(said, 1)
    measured.end(Path(path))


if __name__ == "__main__":
    main(*sys.argv[1:])
