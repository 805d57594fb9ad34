"""Children of the tests: none may outlive a test process that is killed."""

from __future__ import annotations

import os
from collections.abc import Sequence


def dying_with_us(argv: Sequence[str]) -> tuple[str, ...]:
    """Wrap a command so that the kernel kills it when we die; start it from the main thread.

    The kernel watches the thread that starts the child, not the process. A wrapper that becomes the command is used because
    code between fork and exec is unsafe beside threads; it looks once for its parent afterwards, which may have died before
    the kernel was told.
    """
    ours = f'[ "$PPID" = {os.getpid()} ] && exec "$@"'
    return ("setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", ours, "sh", *argv)
