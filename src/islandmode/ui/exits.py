"""Which verdict ends the program with which code; restoration unproven outranks all."""

from __future__ import annotations

from islandmode.core.verdict import Restoration, Result
from islandmode.run.outermost import STRANDED

NOTHING_TO_JUDGE = 6
BY_RESULT = {Result.HELD: 0, Result.BREACHED: 1, Result.INCONCLUSIVE: 3, Result.NOT_TESTED: 3}


def exit_code(result: Result, restoration: Restoration) -> int:
    """Map a verdict to the exit code that scripts and schedulers read."""
    return BY_RESULT[result] if restoration is Restoration.PROVEN else STRANDED
