"""What is asked of a worker's host from outside: its clocks, and its worker's spool. Standard library only, and little of it.

    python -m islandmode.observe.worker_host clock          answers each line with: monotonic_us utc_us boot_id
    python -m islandmode.observe.worker_host collect SPOOL  ends the worker and prints its spool as JSON

It is apart from the worker because it is started twice and more in every run, on every host, and needs none of what a probe needs.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import sys
import time

COLLECT_STEPS, COLLECT_STEP_S = 300, 0.01


def boot_id() -> str:
    """Name this boot."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def clock() -> None:
    """Answer each line with this host's clocks, so that the conductor can measure the offset."""
    boot = boot_id()
    for _ in sys.stdin:
        # A single write, regardless of the environment's buffering: the other side times this line.
        os.write(1, b"%d %d %s\n" % (time.monotonic_ns() // 1000, time.time_ns() // 1000, boot.encode("ascii")))


def collect(folder: str) -> None:
    """End the worker, wait for its last segment, and print the spool."""
    how = end_worker(folder)
    segments = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if name.endswith((".jsonl", ".part")):
            # Latin-1 gives every byte back unchanged, also in an altered segment.
            with open(os.path.join(folder, name), encoding="latin-1", newline="") as file:
                segments.append([name, file.read()])
    json.dump({"segments": segments, "ended": how}, sys.stdout)


def end_worker(folder: str) -> str:
    """End the worker of a spool and say how it ended; "lost" where it said nothing any more."""
    pid = living(folder)
    with contextlib.suppress(ProcessLookupError):
        if pid:
            os.kill(pid, signal.SIGTERM)
        for _ in range(COLLECT_STEPS):
            if not living(folder):
                break
            time.sleep(COLLECT_STEP_S)
        else:
            os.kill(pid, signal.SIGKILL)
    return ending(folder)


def ending(folder: str) -> str:
    """Say how the worker of a spool ended; "lost" where it did not say."""
    try:
        with open(os.path.join(folder, "ended"), encoding="ascii") as file:
            return file.read() or "lost"
    except OSError:
        return "lost"


def living(folder: str) -> int:
    """Give the process number of a spool's worker while it lives, else 0."""
    try:
        with open(os.path.join(folder, "pid"), encoding="ascii") as mark:
            try:
                fcntl.flock(mark, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(mark.read())
    except (OSError, ValueError):
        pass
    return 0


def main() -> None:
    """Do what the command line says."""
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    if what == "clock":
        clock()
    elif what == "collect":
        collect(sys.argv[2])
    else:
        sys.exit("usage: worker_host.py clock, or worker_host.py collect SPOOL")


if __name__ == "__main__":
    main()
