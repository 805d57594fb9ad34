"""What is asked of a worker's host from outside: its clocks, and its worker's spool. Standard library only, and little of it.

    python -m islandmode.observe.worker_host collect SPOOL  ends the worker and prints its spool, segment by segment
    python -m islandmode.observe.worker_host end SPOOL      ends the worker and says how it ended

Both wait for the line "go" on their standard input, and a worker for its schedule. Until then they answer each line "?" with
monotonic_us utc_us boot_id, and "kept" with: kept yes|no|unknown error_us rate_ppb. So no program is started to measure a clock alone.

It is apart from the worker because it is started in every run, on every host, and needs none of what a probe needs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import struct
import sys
import time

PIECE_BYTES = 1 << 18
TIME_ERROR, STA_UNSYNC = 5, 0x40
COLLECT_STEPS, COLLECT_STEP_S = 300, 0.01
READINGS = 5


def boot_id() -> str:
    """Name this boot."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def awaited() -> str:
    """Answer each line that asks for this host's clocks, and give the first that does not: so the other side measures the offset."""
    boot = boot_id()
    while True:
        line = sys.stdin.readline()
        # A single write, regardless of the environment's buffering: the other side times this line.
        if line == "?\n":
            os.write(1, b"%d %d %s\n" % (time.monotonic_ns() // 1000, time.time_ns() // 1000, boot.encode("ascii")))
        elif line == "kept\n":
            os.write(1, b"kept %s %d %d\n" % how_kept())
        else:
            return line


def told_to_go() -> bool:
    """Wait for the word to go on; false where the other side left without it."""
    return awaited() == "go\n"


def read_clocks() -> tuple[int, int, int]:
    """Read the monotonic clock and UTC at one moment, in us; the third is how far apart they may have been read."""
    found = []
    for _ in range(READINGS):
        before_us, utc_us = time.monotonic_ns() // 1000, time.time_ns() // 1000
        apart_us = time.monotonic_ns() // 1000 - before_us + 1
        found.append((apart_us, before_us, utc_us))
    apart_us, at_us, utc_us = min(found)
    return at_us, utc_us, apart_us


def how_kept() -> tuple[bytes, int, int]:
    """Say whether NTP keeps this host's clock, how far off it may be in us, and by how much its rate is corrected, in parts per 10^9.

    As the kernel tells every account (adjtimex(2)): the maximum error, and the frequency in units of 2^-16 ppm.
    """
    try:
        import ctypes  # noqa: PLC0415 - asked once in a measurement

        timex = ctypes.create_string_buffer(512)
        state = ctypes.CDLL(None).adjtimex(timex)
    except (ImportError, OSError, AttributeError):
        return b"unknown", 0, 0
    if state < 0:
        return b"unknown", 0, 0
    # struct timex: unsigned modes; long offset, freq, maxerror, esterror; int status
    _, _, rate, error_us, _, status = struct.unpack_from("@Illlli", timex.raw)
    kept = state != TIME_ERROR and not status & STA_UNSYNC
    return b"yes" if kept else b"no", error_us, rate * 1000 >> 16


def collect(folder: str) -> None:
    """End the worker, wait for its last segment, and print the spool: each segment with its name and length before it, then the end."""
    if not told_to_go():
        return
    how = end_worker(folder)
    out = sys.stdout.buffer
    for name in segments_of(folder):
        with open(os.path.join(folder, name), "rb") as file:
            length = os.fstat(file.fileno()).st_size
            out.write(b"segment %s %d\n" % (name.encode("ascii"), length))
            shutil.copyfileobj(file, out, PIECE_BYTES)
    out.write(b"ended %s\n" % how.encode("ascii", "replace"))
    out.flush()


def segments_of(folder: str) -> list[str]:
    """Name a spool's segments in their order; of one that is there twice, closed and open, the closed one."""
    from islandmode.core.spool_rows import CLOSED, OPEN  # noqa: PLC0415 - a clock, which is asked more often, needs no spool

    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    closed = {name[: -len(CLOSED)] for name in names if name.endswith(CLOSED)}
    return [
        name for name in names if name.endswith(CLOSED) or (name.endswith(OPEN) and name[: -len(OPEN)] not in closed)
    ]


def end(folder: str) -> None:
    """End the worker, and print how it ended; its spool stays where it is."""
    if told_to_go():
        sys.stdout.write("ended %s\n" % end_worker(folder))


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
    if what == "collect":
        collect(sys.argv[2])
    elif what == "end":
        end(sys.argv[2])
    else:
        sys.exit("usage: worker_host.py collect|end SPOOL")


if __name__ == "__main__":
    main()
