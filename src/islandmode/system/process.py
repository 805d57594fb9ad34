"""The process edge: children in sessions of their own, that end when told, and with us where that is asked for.

A terminal's Ctrl-C goes to its whole foreground group; a child in a session of its own does not get it, and goes on
until we decide. A child that must not outlive us is told so by the kernel, not by us: kill -9 leaves us no time.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from islandmode.system.clock import Clock

TERM_S = 3.0
STEP_S = 0.01


def dying_with_us(argv: Sequence[str]) -> tuple[str, ...]:
    """Wrap a command so that the kernel kills it when we die; start it from the main thread.

    The kernel watches the thread that starts the child, not the process: from another thread, the child would end with
    that thread. A wrapper that becomes the command is used because code between fork and exec is unsafe beside threads. It looks
    once for its parent afterwards: had we died before the kernel was told, nothing would have been sent.
    """
    ours = f'[ "$PPID" = {os.getpid()} ] && exec "$@"'
    return ("setpriv", "--pdeathsig", "KILL", "--", "sh", "-c", ours, "sh", *argv)


def start(
    argv: Sequence[str], *, environment: Mapping[str, str] | None = None, with_us: bool
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, with pipes to its standard input and output; no shell is used."""
    return subprocess.Popen(
        dying_with_us(argv) if with_us else list(argv),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )


async def stop(child: subprocess.Popen[bytes], *, clock: Clock, term_s: float = TERM_S) -> int:
    """End a child that we started: ask, wait, kill; returns its return code, and closes its pipes. Twice is nothing."""
    if child.poll() is None:
        child.terminate()
        left_s = term_s
        while child.poll() is None and left_s > 0:
            await clock.sleep(STEP_S)
            left_s -= STEP_S
        if child.poll() is None:
            child.kill()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            _close(pipe)
    return child.wait()


def _close(pipe: object) -> None:
    """Close a pipe; what was still buffered for a child that has gone is lost, and that is right."""
    try:
        pipe.close()  # type: ignore[attr-defined] # Popen's pipes have no common type
    except BrokenPipeError:
        return
