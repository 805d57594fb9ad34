"""How long a test waits for something to appear: so long that a busy machine is never why it does not come.

A wait that proves that nothing comes is short, stands where it is used, and says so. So do the drills' own limits, which
are the product's and are read from its records.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 90.0
"""At least a minute. Shorter than the two minutes of a long hold: what is waited for in it has come before its own end."""
LONG_PATIENCE_S = 3 * PATIENCE_S
"""For commands that do much: bring a lab up, run a drill with its set-up, build a package."""


def wait_until(is_so: Callable[[], bool], what: str, *, every_s: float = 0.05) -> None:
    """Wait until something is so; raises when it does not come."""
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > until_s:
            raise AssertionError(f"not within {PATIENCE_S:g} s: {what}")
        time.sleep(every_s)
